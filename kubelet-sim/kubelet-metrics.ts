// What a kubelet gives to Prometheus: /metrics of itself, /metrics/resource (what metrics-server reads), /metrics/cadvisor of
// containers and /metrics/probes. Names and helps are upstream's (pkg/kubelet/metrics, google/cadvisor).

import type { Frozen } from '../src/api/meta.ts'
import { wholeValue } from '../src/api/quantity.ts'
import { systemUsage } from './measuring.ts'
import { containerStats, type NodeStats, nodeStart, systemCoreSeconds } from './stats-summary.ts'

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number]

export function resourceMetrics(stats: NodeStats): string {
  const containers = containerStats(stats)
  const of = (each: (typeof containers)[number]): Labels => ({
    container: each.spec.name,
    namespace: each.pod.metadata.namespace ?? '',
    pod: each.pod.metadata.name,
  })
  const pods = [...new Set(containers.map(({ pod }) => pod))]
  const ofPod = (value: (each: (typeof containers)[number]) => number): Sample[] =>
    pods.map(pod => [
      { namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name },
      containers.filter(each => each.pod === pod).reduce((sum, each) => sum + value(each), 0),
    ])
  const cpu = containers.reduce((sum, { coreSeconds }) => sum + coreSeconds, systemCoreSeconds(stats))
  const memory = containers.reduce((sum, each) => sum + each.memory, systemUsage.memory)
  const at = stats.now
  return [
    family(
      'container_cpu_usage_seconds_total',
      'Cumulative cpu time consumed by the container in core-seconds',
      'counter',
      containers.map(each => [of(each), each.coreSeconds]),
      at,
    ),
    family(
      'container_memory_working_set_bytes',
      'Current working set of the container in bytes',
      'gauge',
      containers.map(each => [of(each), each.memory]),
      at,
    ),
    family(
      'container_start_time_seconds',
      'Start time of the container since unix epoch in seconds',
      'gauge',
      containers.map(each => [of(each), each.since / 1000]),
    ),
    family(
      'node_cpu_usage_seconds_total',
      'Cumulative cpu time consumed by the node in core-seconds',
      'counter',
      [[{}, cpu]],
      at,
    ),
    family('node_memory_working_set_bytes', 'Current working set of the node in bytes', 'gauge', [[{}, memory]], at),
    family(
      'pod_cpu_usage_seconds_total',
      'Cumulative cpu time consumed by the pod in core-seconds',
      'counter',
      ofPod(({ coreSeconds }) => coreSeconds),
      at,
    ),
    family(
      'pod_memory_working_set_bytes',
      'Current working set of the pod in bytes',
      'gauge',
      ofPod(({ memory: bytes }) => bytes),
      at,
    ),
    family('resource_scrape_error', '1 if there was an error while getting container metrics, 0 otherwise', 'gauge', [
      [{}, 0],
    ]),
  ]
    .join('')
    .replaceAll(/^# HELP \S+/gm, '$& [STABLE]')
}

export function cadvisorMetrics(stats: NodeStats): string {
  const containers = containerStats(stats)
  const labelsOf = ({ spec, pod }: (typeof containers)[number]): Labels => ({
    container: spec.name,
    id: `/kubepods/${(pod.status.qosClass ?? 'BestEffort').toLowerCase()}/pod${pod.metadata.uid}/${idOf(pod, spec.name)}`,
    image: spec.image ?? '',
    name: idOf(pod, spec.name),
    namespace: pod.metadata.namespace ?? '',
    pod: pod.metadata.name,
  })
  const limited = containers.filter(({ spec }) => spec.resources?.limits?.memory !== undefined)
  return [
    family(
      'container_cpu_usage_seconds_total',
      'Cumulative cpu time consumed in seconds.',
      'counter',
      containers.map(each => [{ ...labelsOf(each), cpu: 'total' }, each.coreSeconds]),
      stats.now,
    ),
    family(
      'container_memory_working_set_bytes',
      'Current working set in bytes.',
      'gauge',
      containers.map(each => [labelsOf(each), each.memory]),
      stats.now,
    ),
    family(
      'container_spec_memory_limit_bytes',
      'Memory limit for the container.',
      'gauge',
      limited.map(each => [labelsOf(each), wholeValue(each.spec.resources!.limits!.memory!)]),
    ),
    family(
      'container_start_time_seconds',
      'Start time of the container since unix epoch in seconds.',
      'gauge',
      containers.map(each => [labelsOf(each), each.since / 1000]),
    ),
    family('machine_cpu_cores', 'Number of logical CPU cores.', 'gauge', [
      [{}, wholeValue(stats.node.status.capacity?.cpu ?? '0')],
    ]),
    family('machine_memory_bytes', 'Amount of memory installed on the machine.', 'gauge', [
      [{}, wholeValue(stats.node.status.capacity?.memory ?? '0')],
    ]),
  ].join('')
}

export function kubeletMetrics(stats: NodeStats): string {
  const { node, pods } = stats
  const states = new Map<string, number>()
  for (const { status } of pods) {
    for (const { state } of status.containerStatuses ?? []) {
      const word = state?.running ? 'running' : state?.terminated ? 'exited' : 'created'
      states.set(word, (states.get(word) ?? 0) + 1)
    }
  }
  const active = pods.filter(({ status }) => status.phase === 'Running').length
  return [
    family(
      'kubelet_active_pods',
      'The number of pods the kubelet considers active and which are being considered when admitting new pods. static is true if the pod is not from the apiserver.',
      'gauge',
      [[{ static: 'false' }, active]],
    ),
    family('kubelet_node_name', "The node's name. The count is always 1.", 'gauge', [
      [{ node: node.metadata.name }, 1],
    ]),
    family(
      'kubelet_running_containers',
      'Number of containers currently running',
      'gauge',
      [...states].map(([container_state, count]) => [{ container_state }, count]),
    ),
    family('kubelet_running_pods', 'Number of pods that have a running pod sandbox', 'gauge', [[{}, active]]),
    family(
      'kubernetes_build_info',
      "A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
      'gauge',
      [[{ git_version: node.status.nodeInfo?.kubeletVersion ?? '' }, 1]],
    ),
    family('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', 'gauge', [
      [{}, nodeStart(stats) / 1000],
    ]),
  ].join('')
}

const kinds = [
  ['startupProbe', 'Startup'],
  ['readinessProbe', 'Readiness'],
  ['livenessProbe', 'Liveness'],
] as const

/** By what the statuses say: whoever is ready or started has answered well. */
export function probeMetrics({ pods }: NodeStats): string {
  const samples: Sample[] = []
  for (const { metadata, spec, status } of pods) {
    for (const container of spec.containers) {
      const own = status.containerStatuses?.find(({ name }) => name === container.name)
      if (!own?.state?.running) continue
      for (const [field, type] of kinds) {
        if (container[field] === undefined) continue
        const isWell = type === 'Readiness' ? own.ready : own.started === true
        const labels = {
          container: container.name,
          namespace: metadata.namespace ?? '',
          pod: metadata.name,
          pod_uid: metadata.uid ?? '',
          probe_type: type,
        }
        samples.push([{ ...labels, result: isWell ? 'successful' : 'failed' }, 1])
      }
    }
  }
  return family(
    'prober_probe_total',
    'Cumulative number of a liveness, readiness or startup probe for a container by result.',
    'counter',
    samples,
  )
}

function family(name: string, help: string, type: string, samples: readonly Sample[], at?: number): string {
  if (samples.length === 0) return ''
  const lines = samples.map(([labels, value]) => {
    const text = Object.entries(labels)
      .map(([key, label]) => `${key}=${JSON.stringify(label)}`)
      .join(',')
    return `${name}${text === '' ? '' : `{${text}}`} ${value}${at === undefined ? '' : ` ${at}`}\n`
  })
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function idOf({ status }: Frozen<NodeStats['pods'][number]>, container: string): string {
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]
  return (all.find(({ name }) => name === container)?.containerID ?? '').replace('containerd://', '')
}
