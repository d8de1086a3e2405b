// Whether a kubelet takes a pod at all: pressure on its node, a shutdown, sysctls that are not safe, and, of pods that no
// scheduler has placed, whether they fit and belong there. Asked once, when the pod is first seen. Wording:
// pkg/kubelet/lifecycle/predicate.go, pkg/kubelet/eviction/eviction_manager.go Admit, pkg/kubelet/sysctl/allowlist.go,
// nodeshutdown_manager_linux.go; of all of them pkg/kubelet/kubelet.go rejectPod.

import type { Node, Pod } from '../generated/types.ts'
import { findCondition } from '../src/api/conditions.ts'
import type { Frozen } from '../src/api/meta.ts'
import { requiredNodes } from '../src/api/node-selection.ts'
import { parseQuantity, type Quantity, wholeValue } from '../src/api/quantity.ts'
import { aggregate } from '../src/kinds/pod-resources.ts'
import { isCritical } from './eviction/signals.ts'
import type { Failure } from './life.ts'
import type { NodeState } from './node-states.ts'

export interface Admitting {
  readonly node: Frozen<Node>
  readonly state: NodeState
  /** All pods of the node, this one among them. */
  others(): readonly Frozen<Pod>[]
}

export function rejectionOf(pod: Frozen<Pod>, { node, state, others }: Admitting): Failure | undefined {
  const why = ofNode(pod, state) ?? ofSysctls(pod) ?? (isScheduled(pod) ? undefined : ofPlace(pod, node, others()))
  return why && { reason: why.reason, message: `Pod was rejected: ${why.message}` }
}

/** Why a running pod cannot have the resources that it is to have now (pkg/kubelet/allocation/allocation_manager.go). */
export function resizeFaultOf(pod: Frozen<Pod>, { node, others }: Admitting): Failure | undefined {
  const all = activeBeside(pod, others())
  for (const [name, wanted] of requestsOf(pod)) {
    if (name !== 'cpu' && name !== 'memory') continue
    const requested = numberOf(name, wanted)
    const capacity = numberOf(name, parseQuantity(node.status.allocatable?.[name] ?? '0'))
    if (requested > capacity) {
      const message = `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}`
      return { reason: 'Infeasible', message }
    }
    const used = all.reduce((sum, each) => sum + numberOf(name, requestsOf(each).get(name)), 0)
    if (used + requested > capacity) {
      return { reason: 'Deferred', message: lacking(name, requested, used, capacity).message }
    }
  }
  return undefined
}

/** A scheduler has looked at all of this already. */
const isScheduled = ({ status }: Frozen<Pod>): boolean =>
  findCondition(status.conditions, 'PodScheduled')?.status === 'True'

function ofNode(pod: Frozen<Pod>, { pressures, isShuttingDown }: NodeState): Failure | undefined {
  if (isShuttingDown) return { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' }
  if (pressures.size === 0 || isCritical(pod)) return undefined
  if (pressures.size === 1 && pressures.has('MemoryPressure')) {
    if (pod.status.qosClass !== 'BestEffort' || tolerates(pod, 'node.kubernetes.io/memory-pressure', 'NoSchedule')) {
      return undefined
    }
  }
  return { reason: 'Evicted', message: `The node had condition: [${[...pressures].join(' ')}]. ` }
}

const safeSysctls: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
])

function ofSysctls({ spec }: Frozen<Pod>): Failure | undefined {
  const sysctls = spec.securityContext?.sysctls
  if (sysctls === undefined) return undefined
  for (const { name } of sysctls) {
    // Slashes are another way to write them.
    const plain = name.includes('/') ? name.replaceAll('/', '.') : name
    const fault =
      spec.hostNetwork && plain.startsWith('net.')
        ? `sysctl "${plain}" not allowed with host net enabled`
        : spec.hostIPC && plain.startsWith('kernel.shm')
          ? `sysctl "${plain}" not allowed with host ipc enabled`
          : safeSysctls.has(plain)
            ? undefined
            : `"${plain}" not allowlisted`
    if (fault !== undefined) return { reason: 'SysctlForbidden', message: `forbidden sysctl: ${fault}` }
  }
  return undefined
}

function ofPlace(pod: Frozen<Pod>, node: Frozen<Node>, all: readonly Frozen<Pod>[]): Failure | undefined {
  const others = activeBeside(pod, all)
  return ofResources(pod, node, others) ?? ofSelector(pod, node) ?? ofPorts(pod, others) ?? ofTaints(pod, node)
}

/** Those that it has taken and that have not ended. */
function activeBeside(pod: Frozen<Pod>, all: readonly Frozen<Pod>[]): readonly Frozen<Pod>[] {
  return all.filter(
    ({ metadata, status }) =>
      metadata.uid !== pod.metadata.uid &&
      status.startTime !== undefined &&
      status.phase !== 'Succeeded' &&
      status.phase !== 'Failed',
  )
}

/** As upstream counts it: CPU in thousandths. */
function numberOf(name: string, quantity: Quantity | undefined): number {
  if (quantity === undefined) return 0
  return name === 'cpu' ? quantity.milliValue() : quantity.value()
}

function ofResources(pod: Frozen<Pod>, { status }: Frozen<Node>, others: readonly Frozen<Pod>[]): Failure | undefined {
  const allocatable = status.allocatable ?? {}
  const pods = wholeValue(allocatable.pods ?? '110')
  if (others.length + 1 > pods) return lacking('pods', 1, others.length, pods)
  const taken = others.map(requestsOf)
  for (const [name, wanted] of requestsOf(pod)) {
    const requested = numberOf(name, wanted)
    if (requested === 0) continue
    const capacity = numberOf(name, parseQuantity(allocatable[name] ?? '0'))
    const used = taken.reduce((sum, each) => sum + numberOf(name, each.get(name)), 0)
    if (used + requested > capacity) return lacking(name, requested, used, capacity)
  }
  return undefined
}

/** With what is requested for the pod as a whole, and its overhead. */
function requestsOf({ spec }: Frozen<Pod>): Map<string, Quantity> {
  const sums = aggregate(spec, 'requests')
  for (const [name, quantity] of Object.entries(spec.resources?.requests ?? {})) sums.set(name, parseQuantity(quantity))
  for (const [name, quantity] of Object.entries(spec.overhead ?? {})) {
    const more = parseQuantity(quantity)
    sums.set(name, sums.get(name)?.add(more) ?? more)
  }
  return sums
}

function ofSelector(pod: Frozen<Pod>, { metadata }: Frozen<Node>): Failure | undefined {
  const isWanted = requiredNodes(pod)
  if (isWanted === undefined || isWanted({ name: metadata.name, labels: metadata.labels ?? {} })) return undefined
  return failed('NodeAffinity', "node(s) didn't match Pod's node affinity/selector")
}

function lacking(name: string, requested: number, used: number, capacity: number): Failure {
  const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`
  return { reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, ${amounts}` }
}

function ofPorts(pod: Frozen<Pod>, others: readonly Frozen<Pod>[]): Failure | undefined {
  const wanted = hostPorts(pod)
  if (wanted.length === 0) return undefined
  const taken = others.flatMap(hostPorts)
  const isFree = wanted.every(
    one =>
      !taken.some(
        other =>
          other.port === one.port &&
          other.protocol === one.protocol &&
          (other.ip === '0.0.0.0' || one.ip === '0.0.0.0' || other.ip === one.ip),
      ),
  )
  return isFree ? undefined : failed('NodePorts', "node(s) didn't have free ports for the requested pod ports")
}

function hostPorts({ spec }: Frozen<Pod>) {
  return spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, protocol = 'TCP', hostIP }) =>
      hostPort ? [{ port: hostPort, protocol, ip: hostIP || '0.0.0.0' }] : [],
    ),
  )
}

function ofTaints(pod: Frozen<Pod>, { spec }: Frozen<Node>): Failure | undefined {
  const source = pod.metadata.annotations?.['kubernetes.io/config.source']
  if (source !== undefined && source !== 'api') return undefined
  const isTaken = spec.taints?.some(
    ({ key, effect, value }) => effect === 'NoExecute' && !tolerates(pod, key, effect, value),
  )
  return isTaken ? failed('TaintToleration', "node(s) had taints that the pod didn't tolerate") : undefined
}

function tolerates({ spec }: Frozen<Pod>, key: string, effect: string, value = ''): boolean {
  return (spec.tolerations ?? []).some(
    each =>
      (!each.effect || each.effect === effect) &&
      (!each.key || each.key === key) &&
      (each.operator === 'Exists' || (each.value ?? '') === value),
  )
}

const failed = (name: string, why: string): Failure => ({ reason: name, message: `Predicate ${name} failed: ${why}` })
