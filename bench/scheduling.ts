// Rows about the scheduler: so many pods onto so many nodes, from the first create to the last binding seen by a watch,
// with every plugin on and every binding committed. Its yardstick is the same server's creates, in the same run, of pods that
// no scheduler takes. Called by main.ts; the shapes are those of upstream's scheduler_perf.

import { agentFor, load, openStreams, type Request, send, type Target } from './load.ts'
import { cpuSeconds, type ServerProcess, startKubesim } from './server-process.ts'

export interface SchedulingRow {
  readonly what: string
  readonly connections: number
  readonly perSecond: number
  readonly cpu: number
  readonly note: string
}

interface Shape {
  readonly name: string
  /** What the pods ask for besides resources. */
  readonly spec: object
  readonly labels?: Readonly<Record<string, string>>
  readonly cpu?: string
  /** One pod of low priority fills each node before. */
  readonly isCrowded?: boolean
  /** At most one pod a node. */
  readonly isSparse?: boolean
  /** All pods are there before the scheduler is: the bindings alone are timed. */
  readonly isWaiting?: boolean
}

const connections = 16
const namespace = '/api/v1/namespaces/default'
const faults = '/apis/kubesim.dev/v1alpha1/faults'
const stopped = {
  apiVersion: 'kubesim.dev/v1alpha1',
  kind: 'Fault',
  metadata: { name: 'stopped' },
  spec: { component: { name: 'scheduler', effect: 'Stopped' } },
}
const labels = { app: 'spread' }
const selector = { matchLabels: labels }
const onHost = { topologyKey: 'kubernetes.io/hostname', labelSelector: selector }
const byZone = {
  maxSkew: 5,
  topologyKey: 'topology.kubernetes.io/zone',
  whenUnsatisfiable: 'DoNotSchedule',
  labelSelector: selector,
}

const shapes: readonly Shape[] = [
  { name: 'plain', spec: {} },
  { name: 'plain, all waiting', spec: {}, isWaiting: true },
  { name: 'spread over zones', labels, spec: { topologySpreadConstraints: [byZone] } },
  {
    name: 'preferred anti-affinity',
    labels,
    spec: {
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: onHost }],
        },
      },
    },
  },
  {
    name: 'required anti-affinity',
    labels,
    isSparse: true,
    spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [onHost] } } },
  },
  {
    name: 'required affinity',
    labels,
    spec: {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [{ ...onHost, topologyKey: 'topology.kubernetes.io/zone' }],
        },
      },
    },
  },
  { name: 'preemption', cpu: '3', isCrowded: true, isSparse: true, spec: { priorityClassName: 'bench-high' } },
]

/** One server for each row, so that none finds what another left. */
export async function* schedulingRows(
  nodeCounts: readonly number[],
  pods: number,
  wants: (what: string) => boolean,
): AsyncGenerator<SchedulingRow> {
  for (const nodes of nodeCounts) {
    for (const shape of shapes) {
      const what = `schedule: ${shape.name}, ${nodes} nodes`
      if (!wants(what)) continue
      const server = await startKubesim(['--without', 'controllers,kubelet,proxy', '--nodes', '0'])
      try {
        yield await scheduled(server, what, shape, nodes, shape.isSparse ? Math.min(pods, nodes) : pods)
      } finally {
        await server.stop()
      }
    }
  }
}

async function scheduled(
  { target, pid }: ServerProcess,
  what: string,
  shape: Shape,
  nodes: number,
  pods: number,
): Promise<SchedulingRow> {
  await prepare(target)
  await made(target, nodes, index => ({ method: 'POST', path: '/api/v1/nodes', body: node(index) }))
  if (shape.isCrowded) {
    const filler = (index: number) =>
      pod(`filler-${index}`, { name: '', spec: { nodeName: nodeName(index) }, cpu: '3' })
    await made(target, nodes, index => ({ method: 'POST', path: `${namespace}/pods`, body: filler(index) }))
  }
  const nobodys = { ...shape, spec: { ...shape.spec, schedulerName: 'nobody' } }
  const idle = await made(target, pods, index => ({
    method: 'POST',
    path: `${namespace}/pods`,
    body: pod(`idle-${index}`, nobodys),
  }))
  const ours = { ...shape, labels: { ...shape.labels, bench: 'ours' } }
  let seen = 0
  const path = `${namespace}/pods?watch=true&labelSelector=bench%3Dours&fieldSelector=spec.nodeName!%3D`
  const close = await openStreams(target, path, 1, bytes => {
    for (let at = bytes.indexOf('"ADDED"'); at >= 0; at = bytes.indexOf('"ADDED"', at + 1)) seen++
  })
  const create = (index: number): Request => ({
    method: 'POST',
    path: `${namespace}/pods`,
    body: pod(`p-${index}`, ours),
  })
  if (shape.isWaiting) {
    await made(target, 1, () => ({ method: 'POST', path: faults, body: JSON.stringify(stopped) }))
    await made(target, pods, create)
  }
  const began = performance.now()
  const cpu = cpuSeconds(pid)
  if (shape.isWaiting) await made(target, 1, () => ({ method: 'DELETE', path: `${faults}/stopped` }))
  else await made(target, pods, create)
  for (let last = began, had = 0; seen < pods; ) {
    await new Promise(resolve => setTimeout(resolve, 5))
    if (seen > had) [last, had] = [performance.now(), seen]
    if (performance.now() - last > 60_000) throw new Error(`${what}: only ${seen} of ${pods} pods were bound`)
  }
  const seconds = (performance.now() - began) / 1000
  const used = cpuSeconds(pid) - cpu
  close()
  const rate = pods / seconds
  return {
    what,
    connections,
    perSecond: rate,
    cpu: (used / pods) * 1e6,
    note: `${pods} pods; ${(rate / idle).toFixed(2)} of its creates (${idle.toFixed(0)}/s)`,
  }
}

/** What there must be before a pod is; and the code is compiled before anything is measured. */
async function prepare(target: Target): Promise<void> {
  const agent = agentFor(1, target)
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } }
  await send(target, agent, { method: 'POST', path: `${namespace}/serviceaccounts`, body: JSON.stringify(account) })
  const urgent = {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'bench-high' },
    value: 1000,
  }
  const path = '/apis/scheduling.k8s.io/v1/priorityclasses'
  await send(target, agent, { method: 'POST', path, body: JSON.stringify(urgent) })
  agent.destroy()
  const warm = { name: '', spec: { schedulerName: 'nobody' } }
  const count = 1000
  await made(target, count, index => ({ method: 'POST', path: `${namespace}/pods`, body: pod(`warm-${index}`, warm) }))
  await made(target, count, index => ({ method: 'DELETE', path: `${namespace}/pods/warm-${index}` }))
}

async function made(target: Target, count: number, request: (index: number) => Request): Promise<number> {
  const result = await load(target, connections, count, request)
  if (result.failures > 0) throw new Error(`${result.failures} of ${count} requests failed: ${result.sample}`)
  return count / result.seconds
}

const nodeName = (index: number): string => `n-${index}`

function node(index: number): string {
  const size = { cpu: '4', memory: '32Gi', pods: '110' }
  const zone = `zone-${index % 3}`
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: nodeName(index),
      labels: { 'kubernetes.io/hostname': nodeName(index), 'topology.kubernetes.io/zone': zone },
    },
    status: { capacity: size, allocatable: size, conditions: [{ type: 'Ready', status: 'True' }] },
  })
}

function pod(name: string, { spec, labels, cpu = '10m' }: Shape): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(labels && { labels }) },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'pause', image: 'pause', resources: { requests: { cpu, memory: '50Mi' } } }],
      ...spec,
    },
  })
}
