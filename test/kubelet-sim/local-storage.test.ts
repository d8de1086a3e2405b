// Pods that write more than they may (pkg/kubelet/eviction/eviction_manager.go localStorageEviction).

import { describe, expect, test } from 'vitest'
import type { Container, PodSpec } from '../../generated/types.ts'
import { Nodes } from '../../src/kinds/index.ts'
import { busybox, podOf, runs, saidIn } from '../conformance/in-pods.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const sleeps = (more: Partial<Container> = {}): Container =>
  ({ name: 'main', image: busybox, command: ['sleep', '1d'], ...more }) as Container
const mounts = [{ name: 'cache', mountPath: '/cache' }]
const cache = (emptyDir: object) => [{ name: 'cache', emptyDir }]

async function running(spec: Partial<PodSpec>, annotations: Record<string, string> = {}): Promise<TestCluster> {
  const cluster = await testCluster({ nodes: 1, delays: 0 })
  const made = pod('pod-under-test', spec)
  await cluster.apply({ ...made, metadata: { ...made.metadata, annotations } })
  await runs(cluster)
  return cluster
}

const writes = (cluster: TestCluster, path: string, mebibytes: number) =>
  saidIn(cluster, ['dd', 'if=/dev/zero', `of=${path}`, 'bs=1M', `count=${mebibytes}`])

async function fateOf(cluster: TestCluster) {
  await cluster.advance('30s')
  const { phase, reason, message } = podOf(cluster).status
  const told = cluster.events('pod-under-test').find(text => text.startsWith('Evicted'))
  return { phase, reason, message, told }
}

function evicted(message: string) {
  return { phase: 'Failed', reason: 'Evicted', message, told: `Evicted: ${message}` }
}
const well = { phase: 'Running', reason: undefined, message: undefined, told: undefined }

describe('what is written', () => {
  test('an emptyDir beyond its sizeLimit', async () => {
    await using cluster = await running({
      containers: [sleeps({ volumeMounts: mounts })],
      volumes: cache({ sizeLimit: '10Mi' }),
    })
    await writes(cluster, '/cache/a', 10)
    expect(await fateOf(cluster)).toEqual(well)
    await writes(cluster, '/cache/b', 1)
    expect(await fateOf(cluster)).toEqual(evicted('Usage of EmptyDir volume "cache" exceeds the limit "10Mi". '))
    expect(podOf(cluster).status.conditions?.map(({ type }) => type)).not.toContain('DisruptionTarget')
  })

  test('one in memory is full instead', async () => {
    await using cluster = await running({
      containers: [sleeps({ volumeMounts: mounts })],
      volumes: cache({ sizeLimit: '10Mi', medium: 'Memory' }),
    })
    expect((await writes(cluster, '/cache/a', 11)).said).toContain('No space left on device')
    expect(await fateOf(cluster)).toEqual(well)
  })

  test('who has taken it away again before the kubelet looks stays', async () => {
    await using cluster = await running({
      containers: [sleeps({ volumeMounts: mounts })],
      volumes: cache({ sizeLimit: '10Mi' }),
    })
    await writes(cluster, '/cache/a', 20)
    await saidIn(cluster, ['rm', '/cache/a'])
    expect(await fateOf(cluster)).toEqual(well)
  })

  const limited = (limit: string) => ({ resources: { limits: { 'ephemeral-storage': limit } } })

  test('a container beyond its limit, while the pod as a whole is not', async () => {
    await using cluster = await running({
      containers: [sleeps(limited('5Mi')), sleeps({ name: 'other', ...limited('50Mi') })],
    })
    await writes(cluster, '/big', 6)
    expect(await fateOf(cluster)).toEqual(evicted('Container main exceeded its local ephemeral storage limit "5Mi". '))
  })

  test('a pod beyond what its containers may take together: emptyDirs count', async () => {
    await using cluster = await running({
      containers: [sleeps({ ...limited('5Mi'), volumeMounts: mounts })],
      volumes: cache({}),
    })
    await writes(cluster, '/cache/a', 6)
    const message = 'Pod ephemeral local storage usage exceeds the total limit of containers 5Mi. '
    expect(await fateOf(cluster)).toEqual(evicted(message))
  })

  test('what it prints counts', async () => {
    const script =
      'i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done; sleep 1d'
    await using cluster = await running({
      containers: [
        sleeps({ command: ['sh', '-c', script], ...limited('200Ki') }),
        sleeps({ name: 'b', ...limited('1Gi') }),
      ],
    })
    const message = 'Container main exceeded its local ephemeral storage limit "200Ki". '
    expect(await fateOf(cluster)).toEqual(evicted(message))
  })

  test('what is declared to grow goes when it has', async () => {
    await using cluster = await running(
      { containers: [{ name: 'main', image: 'nginx', ...limited('100Mi') }] },
      { 'kubesim.dev/disk': '0..200Mi over 10m' },
    )
    await cluster.advance('4m50s')
    expect(podOf(cluster).status.phase).toBe('Running')
    const message = 'Pod ephemeral local storage usage exceeds the total limit of containers 100Mi. '
    expect(await fateOf(cluster)).toEqual(evicted(message))
  })
})

test('a kubelet tells what pods have written', async () => {
  await using cluster = await running({
    containers: [sleeps({ volumeMounts: mounts })],
    volumes: cache({}),
  })
  await writes(cluster, '/cache/a', 3)
  await writes(cluster, '/own', 2)
  const { nodeClient } = cluster.cluster.nodes
  const request = { method: 'GET', path: '/stats/summary', headers: {}, body: new Uint8Array() }
  const node = cluster.get(Nodes, 'node-1')
  const { body } = await nodeClient.proxyNode(node, request)
  const [own] = JSON.parse(Buffer.from(body).toString()).pods
  expect(own.volume).toMatchObject([{ name: 'cache', usedBytes: 3 * 2 ** 20 }])
  expect(own.containers[0].rootfs.usedBytes).toBe(2 * 2 ** 20)
  expect(own['ephemeral-storage'].usedBytes).toBe(5 * 2 ** 20)
})

test('nothing waits to look while nothing is written', async () => {
  await using cluster = await running({
    containers: [sleeps({ volumeMounts: mounts })],
    volumes: cache({ sizeLimit: '10Mi' }),
  })
  await writes(cluster, '/cache/a', 1)
  const waiting = () => cluster.env.clock.waiting
  const before = waiting()
  await writes(cluster, '/cache/b', 1)
  expect(waiting()).toBe(before)
  await writes(cluster, '/cache/c', 20)
  expect(waiting()).toBe(before + 1)
})
