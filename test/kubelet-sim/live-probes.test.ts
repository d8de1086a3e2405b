// Probes and hooks that are really asked: by the network, and by programs that run in the container.

import { expect, test } from 'vitest'
import type { Container, Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const web = (more: Partial<Container>) => pod('web', { containers: [{ name: 'web', image: 'nginx:1.27', ...more }] })
const now = (cluster: TestCluster): Frozen<Pod> => cluster.pods()[0]!
const isReady = (cluster: TestCluster) => now(cluster).status.containerStatuses?.[0]?.ready
const restarts = (cluster: TestCluster) => now(cluster).status.containerStatuses?.[0]?.restartCount
const unhealthy = (cluster: TestCluster) => cluster.events('web').filter(line => line.startsWith('Unhealthy'))

/** Runs a program in the container, as exec does. */
async function inside(cluster: TestCluster, ...argv: string[]): Promise<{ code: number; output: string }> {
  const machine = await (await cluster.cluster.nodes.runs.machines()).of(now(cluster), 'web')
  let output = ''
  const write = (bytes: Uint8Array) => {
    output += Buffer.from(bytes).toString()
  }
  const running = machine.start({ argv, stdout: { write }, stderr: { write } })
  return { code: await running.exited, output }
}

/** From now on the container's own program answers, as the test says. */
function serve(cluster: TestCluster, port: number, answer: (request: SimulatedRequest) => Partial<SimulatedResponse>) {
  const { network } = cluster.cluster.nodes
  network.runs(now(cluster).metadata.uid!, 'web')
  const sockets = network.socketsFor({ pod: now(cluster) })
  // biome-ignore lint/correctness/useYield: it answers at once
  return sockets.serve(port, function* (request) {
    return { status: 200, headers: {}, body: new Uint8Array(), ...answer(request) }
  })
}

test('exec: the file is really looked for, and whoever makes or takes it inside is noticed', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const exec = { command: ['cat', '/tmp/healthy'] }
  await cluster.apply(
    web({ readinessProbe: { exec, periodSeconds: 5 }, livenessProbe: { exec: { command: ['ls', '/usr'] } } }),
  )
  await cluster.advance('30s')
  expect(isReady(cluster)).toBe(false)
  expect(unhealthy(cluster)[0]).toBe(
    "Unhealthy: Readiness probe failed: cat: can't open '/tmp/healthy': No such file or directory\n",
  )
  expect((await inside(cluster, 'touch', '/tmp/healthy')).code).toBe(0)
  await cluster.advance('5s')
  expect(isReady(cluster)).toBe(true)
  const before = unhealthy(cluster).length
  await cluster.advance('1h')
  expect(unhealthy(cluster)).toHaveLength(before)
  await inside(cluster, 'rm', '/tmp/healthy')
  await cluster.advance('20s')
  expect(isReady(cluster)).toBe(false)
  expect(restarts(cluster)).toBe(0)
})

test('a healthy container whose exec probe stands costs nothing more', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(web({ livenessProbe: { exec: { command: ['cat', '/etc/hostname'] }, periodSeconds: 1 } }))
  await cluster.advance('10s')
  const adds = () =>
    cluster.cluster
      .metrics()
      .find(({ name }) => name === 'workqueue_adds_total')
      ?.values.find(({ labels }) => labels?.name === 'kubelet')?.value
  const before = adds()
  await cluster.advance('5m')
  expect(adds()).toBe(before)
})

test('httpGet of a program that runs: headers, redirects, statuses, and no answer in time', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const httpHeaders = [{ name: 'X-Probe', value: 'yes' }]
  await cluster.apply(
    web({
      readinessProbe: { httpGet: { port: 8080, path: 'ready', httpHeaders }, periodSeconds: 1, failureThreshold: 1 },
    }),
  )
  await cluster.until(() => now(cluster).status.phase === 'Running')
  let state = 200
  const seen: SimulatedRequest[] = []
  const server = serve(cluster, 8080, request => {
    seen.push(request)
    if (state === 302 && request.path === '/ready') return { status: 302, headers: { location: '/elsewhere' } }
    if (state === 303) return { status: 302, headers: { location: 'http://example.com/' }, body: Buffer.from('moved') }
    return { status: state === 302 ? 200 : state }
  })
  await cluster.advance('3s')
  expect(isReady(cluster)).toBe(true)
  expect(seen.at(-1)).toMatchObject({
    method: 'GET',
    path: '/ready',
    headers: { 'user-agent': 'kube-probe/1.36', 'x-probe': 'yes', accept: '*/*' },
  })
  state = 503
  await cluster.advance('2s')
  expect(isReady(cluster)).toBe(false)
  expect(unhealthy(cluster)).toContain('Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503')
  state = 302
  await cluster.advance('2s')
  expect([isReady(cluster), seen.at(-1)?.path]).toEqual([true, '/elsewhere'])
  state = 303
  await cluster.advance('2s')
  expect(isReady(cluster)).toBe(true)
  expect(cluster.events('web')).toContain(
    'ProbeWarning: Readiness probe warning: Probe terminated redirects, Response body: moved',
  )
  server.close()
  await cluster.advance('2s')
  const { podIP } = now(cluster).status
  expect(unhealthy(cluster)).toContain(
    `Unhealthy: Readiness probe failed: Get "http://${podIP}:8080/ready": dial tcp ${podIP}:8080: connect: connection refused`,
  )
})

test('a postStart command really runs: what it writes is there', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(web({ lifecycle: { postStart: { exec: { command: ['touch', '/usr/share/message'] } } } }))
  await cluster.until(() => now(cluster).status.phase === 'Running')
  expect((await inside(cluster, 'ls', '/usr/share/message')).output).toBe('/usr/share/message\n')
})

test('a hook whose program fails says why', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(web({ lifecycle: { postStart: { exec: { command: ['cat', '/no/such'] } } } }))
  await cluster.advance('2s')
  const waiting = now(cluster).status.containerStatuses?.[0]?.state?.waiting
  const { uid } = now(cluster).metadata
  const said = "cat: can't open '/no/such': No such file or directory\\n"
  expect(waiting).toEqual({
    reason: 'PostStartHookError',
    message: `Exec lifecycle hook ([cat /no/such]) for Container "web" in Pod "web_default(${uid})" failed - error: command 'cat /no/such' exited with 1: ${said.replace('\\n', '\n')}, message: "${said}"`,
  })
})

test('exec: a probe that is asked as the container starts does not take the place of its program', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const command = ['sh', '-c', 'echo begun; sleep 60; touch /tmp/up; sleep 1d']
  const probe = { exec: { command: ['cat', '/tmp/up'] }, periodSeconds: 10, failureThreshold: 30 }
  for (const name of ['readinessProbe', 'startupProbe', 'livenessProbe'] as const) {
    await cluster.apply(
      pod(name.toLowerCase(), { containers: [{ name: 'web', image: 'busybox', command, [name]: probe }] }),
    )
  }
  await cluster.advance('90s')
  const states = cluster.pods().map(({ metadata, status }) => [metadata.name, status.containerStatuses?.[0]?.ready])
  expect(states).toEqual([
    ['livenessprobe', true],
    ['readinessprobe', true],
    ['startupprobe', true],
  ])
  for (const each of cluster.pods()) {
    const machine = await (await cluster.cluster.nodes.runs.machines()).of(each, 'web')
    expect(machine.files.as({ uid: 0, gid: 0, groups: [0] }).exists('/tmp/up')).toBe(true)
  }
})
