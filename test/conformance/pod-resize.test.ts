// Upstream's conformance items about pods that are resized while they run, by their names (test/e2e/common/node/pod_resize.go):
// what the pod's status and its containers' control groups say before, after and after going back.

import { expect, test } from 'vitest'
import type { Container, Pod, ResourceRequirements } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { milliValue, wholeValue } from '../../src/api/quantity.ts'
import { Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { busybox, podOf, runs, saidIn } from './in-pods.ts'

const ref = { name: 'pod-under-test', namespace: 'default' }

/** `[cpu request, cpu limit, memory request, memory limit]`; '' is none. */
type Amounts = readonly [string, string, string, string]

function resourcesOf([cpu, cpuLimit, memory, memoryLimit]: Amounts): ResourceRequirements {
  const list = (cpu: string, memory: string) => ({ ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) })
  const [limits, requests] = [list(cpuLimit, memoryLimit), list(cpu, memory)]
  return {
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
    ...(Object.keys(requests).length > 0 ? { requests } : {}),
  }
}

const containers = (amounts: readonly Amounts[]): Container[] =>
  amounts.map((each, index) => ({
    name: `c${index + 1}`,
    image: busybox,
    command: ['/bin/sh'],
    args: ['-c', 'grep Cpus_allowed_list /proc/self/status | cut -f2 && sleep 1d'],
    resources: resourcesOf(each),
  })) as Container[]

/** What the control group of each container has to say of it. */
async function verifyGroups(cluster: TestCluster, amounts: readonly Amounts[]): Promise<void> {
  for (const [index, [cpu, cpuLimit, , memoryLimit]] of amounts.entries()) {
    const container = `c${index + 1}`
    const read = async (file: string) => {
      const { said } = await saidIn(cluster, ['/bin/sh', '-c', `head -n 1 /sys/fs/cgroup/${file}`], { container })
      return said.trim()
    }
    const quota = cpuLimit === '' ? 'max' : Math.max(1000, milliValue(cpuLimit) * 100)
    expect([container, await read('cpu.max')]).toEqual([container, `${quota} 100000`])
    expect(await read('memory.max')).toBe(memoryLimit === '' ? 'max' : String(wholeValue(memoryLimit)))
    expect(Number(await read('cpu.weight'))).toBe(weightOf(cpu || cpuLimit))
  }
}

/** runc's conversion, at the amounts used here. */
function weightOf(cpu: string): number {
  const shares = cpu === '' ? 2 : Math.max(2, Math.floor((milliValue(cpu) * 1024) / 1000))
  const doublings = Math.log2(shares)
  return shares === 2 ? 1 : Math.ceil(10 ** ((doublings * (doublings + 125)) / 612 - 7 / 34))
}

const statusResources = ({ status }: Frozen<Pod>) => status.containerStatuses?.map(({ resources }) => resources ?? {})
const resizing = ({ status }: Frozen<Pod>) => status.conditions?.filter(({ type }) => type.startsWith('PodResize'))

async function verify(cluster: TestCluster, amounts: readonly Amounts[]): Promise<void> {
  await cluster.advance('10s')
  const found = podOf(cluster)
  expect(found.spec.containers.map(({ resources }) => resources)).toEqual(amounts.map(resourcesOf))
  expect(statusResources(found)).toEqual(amounts.map(resourcesOf))
  expect(resizing(found)).toEqual([])
  expect(found.status.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True')
  expect(found.status.containerStatuses?.map(({ restartCount }) => restartCount)).toEqual(amounts.map(() => 0))
  await verifyGroups(cluster, amounts)
}

async function started(amounts: readonly Amounts[]): Promise<TestCluster> {
  const cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('pod-under-test', { restartPolicy: 'OnFailure', containers: containers(amounts) }))
  await runs(cluster)
  await verify(cluster, amounts)
  return cluster
}

async function patchAndRollback(before: readonly Amounts[], after: readonly Amounts[], goesBack = true): Promise<void> {
  await using cluster = await started(before)
  const resize = (amounts: readonly Amounts[]) => {
    const body = { spec: { containers: containers(amounts).map(({ name, resources }) => ({ name, resources })) } }
    return cluster.client.of(Pods).patch(ref, { type: 'strategic', body }, 'resize')
  }
  await resize(after)
  await verify(cluster, after)
  if (!goesBack) return
  await resize(before)
  await verify(cluster, before)
}

/** Guaranteed: a little more for each container than for the one before it. */
const both = (index: number, cpu: number, memory: number): Amounts => {
  const [c, m] = [`${cpu + 2 * index}m`, `${memory + 2 * index}Mi`]
  return [c, c, m, m]
}
const original = [0, 1, 2].map(index => both(index, 20, 35))

test('[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, c2, decrease cpu & mem on c3 - net increase [MinimumKubeletVersion:1.34]', () =>
  patchAndRollback(original, [both(0, 25, 40), both(1, 25, 40), both(2, 15, 30)]))

test('[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & mem on c1, decrease cpu & mem on c2, c3 - net decrease [MinimumKubeletVersion:1.34]', () =>
  patchAndRollback(original, [both(0, 25, 40), both(1, 15, 30), both(2, 15, 30)]))

test('[sig-node] Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase: CPU (c1,c3), memory (c2, c3) ; decrease: CPU (c2) [MinimumKubeletVersion:1.34]', () =>
  patchAndRollback(original, [both(0, 25, 35), both(1, 15, 40), both(2, 25, 40)]))

test('[sig-node] Pod InPlace Resize Container burstable pods - extended 6 containers - various operations performed (including adding limits and requests) [MinimumKubeletVersion:1.34]', () =>
  patchAndRollback(
    [
      ['20m', '', '', ''],
      ['', '', '35Mi', ''],
      ['20m', '', '35Mi', ''],
      ['20m', '', '', ''],
      ['', '', '35Mi', ''],
    ],
    [
      ['25m', '35m', '', ''],
      ['', '', '30Mi', '50Mi'],
      ['20m', '', '30Mi', ''],
      ['15m', '', '35Mi', ''],
      ['20m', '', '40Mi', ''],
    ],
    false,
  ))

test('[sig-node] Pod InPlace Resize Container burstable pods - extended resize with equivalents [MinimumKubeletVersion:1.34]', () =>
  patchAndRollback([['2m', '10m', '', '']], [['1m', '5m', '', '']]))

test('[sig-node] Pod InPlace Resize Container resize pod via the replace endpoint [MinimumKubeletVersion:1.34]', async () => {
  const [before, after] = [[['20m', '20m', '35Mi', '35Mi']], [['25m', '25m', '40Mi', '40Mi']]] as const
  await using cluster = await started(before as never)
  const client = cluster.client.of(Pods)
  const read = await client.get(ref)
  const spec = {
    ...read.spec,
    containers: read.spec.containers.map(each => ({ ...each, resources: resourcesOf(after[0]) })),
  }
  await client.act(ref, 'resize', { ...read, spec }, 'PUT')
  await verify(cluster, after as never)
})
