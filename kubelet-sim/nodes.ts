// Fake nodes: what makes a Node object one, what it says of itself, and how it is registered. A Node is simulated when it
// carries the annotation; so `kubesim node add`, or kubectl apply of such a Node, is all it takes to have one more.

import type { AttachedVolume, Node, NodeCondition, NodeStatus } from '../generated/types.ts'
import { isAlreadyExists } from '../src/api/errors.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import type { Client } from '../src/client/client.ts'
import type { Millis } from '../src/env/clock.ts'
import { Nodes } from '../src/kinds/index.ts'
import { type AddressPlan, nodeIndexOf, podCIDR, podCIDRs, secondNodeAddress } from './addresses.ts'
import { fingerprint } from './fingerprint.ts'
import type { NodeImages } from './node-images.ts'
import type { NodeState } from './node-states.ts'
import { handlersOf } from './sandbox.ts'

export const simulatedAnnotation = 'kubesim.dev/node'
/** `true`: the node's machine is as if it had died. It neither says anything nor does anything until that is taken away. */
export const silentAnnotation = 'kubesim.dev/silent'
/** `true`: the machine is shut down in good order, and then silent (shutdown.ts). */
export const shutdownAnnotation = 'kubesim.dev/shutdown'

export function isSimulated(node: Frozen<Node>): boolean {
  return node.metadata.annotations?.[simulatedAnnotation] === 'simulated'
}

export function isSilent(node: Frozen<Node>): boolean {
  return node.metadata.annotations?.[silentAnnotation] === 'true'
}

export function addressOf(node: Frozen<Node>): string {
  return node.status.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? ''
}

/** All that its pods can be reached by from their own machine, one of a family. */
export function addressesOf(node: Frozen<Node>): readonly string[] {
  return (node.status.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address)
}

/**
 * What to create for a new fake node; the kubelet fills in the rest. Until that says Ready, the taint keeps pods away, as
 * one does from every new node (plugin/pkg/admission/nodetaint); node-lifecycle takes it off.
 */
export function simulatedNode(name: string, labels: Readonly<Record<string, string>> = {}): NewObject<Node> {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      annotations: {
        [simulatedAnnotation]: 'simulated',
        'node.alpha.kubernetes.io/ttl': '0',
        'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
      },
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        ...labels,
      },
    },
    spec: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] },
  }
}

export interface NodeFacts {
  readonly plan: AddressPlan
  /** `v1.36.0`. */
  readonly version: string
  /** Where the kubelet is asked; 10250, where nobody listens, for one in the API server's own process. */
  readonly kubeletPort?: number | undefined
  readonly capacity: Readonly<Record<string, string>>
  /** IPv6 beside IPv4. */
  readonly isDualStack?: boolean | undefined
}

export const defaultCapacity: Readonly<Record<string, string>> = {
  cpu: '8',
  'ephemeral-storage': '100Gi',
  'hugepages-1Gi': '0',
  'hugepages-2Mi': '0',
  memory: '16Gi',
  pods: '110',
}

/** Creates node-1 … node-`count` where they are not there yet, whole and ready, one write each. */
export async function registerNodes(
  client: Client,
  count: number,
  facts: NodeFacts,
  now: Millis,
  zones: readonly string[] = [],
): Promise<void> {
  for (let index = 1; index <= count; index++) {
    const name = `node-${index}`
    const zone = zones[(index - 1) % Math.max(1, zones.length)]
    const node = simulatedNode(name, zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone })
    // Ready from the first, so without the taint.
    node.spec = { podCIDR: podCIDR(index), podCIDRs: podCIDRs(index, facts.isDualStack ?? false) }
    node.status = statusOf(name, index, facts, undefined, now)
    try {
      await client.of(Nodes).create(node)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
  }
}

/** The number behind a node's addresses: its pod CIDR's, else its name's, else the lowest that no other has. */
export function indexFor(node: Frozen<Node>, all: readonly Frozen<Node>[]): number {
  const own = node.spec.podCIDR && nodeIndexOf(node.spec.podCIDR)
  if (own) return own
  const taken = new Set<number>()
  for (const { metadata, spec } of all) {
    const index = metadata.name === node.metadata.name ? undefined : spec.podCIDR && nodeIndexOf(spec.podCIDR)
    if (index) taken.add(index)
  }
  const named = Number(/^node-([1-9]\d{0,3})$/.exec(node.metadata.name)?.[1])
  if (named > 0 && !taken.has(named)) return named
  let free = 1
  while (taken.has(free)) free++
  return free
}

/** Of a kubelet without a CPU manager (component-helpers/nodedeclaredfeatures/features). */
const declaredFeatures = ['GuaranteedQoSPodCPUResize']
const handlerFeatures = { recursiveReadOnlyMounts: true, userNamespaces: true }

/** The whole status of a node that is well, as its kubelet reports it; transition times of before are kept. */
export function statusOf(
  name: string,
  index: number,
  facts: NodeFacts,
  before: Frozen<NodeStatus> | undefined,
  now: Millis,
  images?: NodeImages,
  state?: NodeState,
  annotations?: Readonly<Record<string, string>>,
): NodeStatus {
  const { address } = facts.plan.node(index)
  const kept = before?.capacity && before.allocatable ? before : undefined
  return {
    addresses: [
      { address, type: 'InternalIP' },
      ...(facts.isDualStack ? [{ address: secondNodeAddress(index), type: 'InternalIP' }] : []),
      { address: name, type: 'Hostname' },
    ],
    allocatable: { ...(kept?.allocatable ?? facts.capacity) },
    capacity: { ...(kept?.capacity ?? facts.capacity) },
    conditions: conditionsOf(before, now, state),
    daemonEndpoints: { kubeletEndpoint: { Port: portOf(facts) } },
    declaredFeatures,
    features: { supplementalGroupsPolicy: true },
    runtimeHandlers: handlersOf(annotations).map(name => ({ features: handlerFeatures, name })),
    ...(before?.volumesAttached ? { volumesAttached: before.volumesAttached as AttachedVolume[] } : {}),
    ...(before?.volumesInUse ? { volumesInUse: [...before.volumesInUse] } : {}),
    images: images?.list() ?? (before?.images as NodeStatus['images']) ?? [],
    nodeInfo: {
      architecture: 'amd64',
      bootID: uuidOf(`${name}/boot`),
      containerRuntimeVersion: 'containerd://2.2.1',
      kernelVersion: '6.12.0-kubesim',
      kubeProxyVersion: '',
      kubeletVersion: facts.version,
      machineID: uuidOf(`${name}/machine`).replaceAll('-', ''),
      operatingSystem: 'linux',
      osImage: 'kubesim fake node',
      systemUUID: uuidOf(`${name}/system`),
    },
  }
}

const claims = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const

const troubles: Readonly<
  Record<(typeof claims)[number][0], readonly [status: string, reason: string, message: string]>
> = {
  MemoryPressure: ['True', 'KubeletHasInsufficientMemory', 'kubelet has insufficient memory available'],
  DiskPressure: ['True', 'KubeletHasDiskPressure', 'kubelet has disk pressure'],
  PIDPressure: ['True', 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available'],
  Ready: ['False', 'KubeletNotReady', 'node is shutting down'],
}

/** What it says of itself, as it does now (pkg/kubelet/nodestatus/setters.go). */
function claimsOf(state: NodeState | undefined) {
  if (state === undefined || (state.pressures.size === 0 && !state.isShuttingDown)) return claims
  return claims.map(claim => {
    const [type] = claim
    const isTroubled = type === 'Ready' ? state.isShuttingDown : state.pressures.has(type)
    return isTroubled ? ([type, ...troubles[type]] as const) : claim
  })
}

/** What is told of the node when one of its conditions turns: the event's reason. */
export const turnings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  MemoryPressure: { True: 'NodeHasInsufficientMemory', False: 'NodeHasSufficientMemory' },
  DiskPressure: { True: 'NodeHasDiskPressure', False: 'NodeHasNoDiskPressure' },
  PIDPressure: { True: 'NodeHasInsufficientPID', False: 'NodeHasSufficientPID' },
  Ready: { True: 'NodeReady', False: 'NodeNotReady' },
}

/** Every one is reported anew with each heartbeat; conditions of others stay. */
function conditionsOf(before: Frozen<NodeStatus> | undefined, now: Millis, state?: NodeState): NodeCondition[] {
  const time = rfc3339(now)
  const own = claimsOf(state).map(([type, status, reason, message]) => {
    const was = before?.conditions?.find(condition => condition.type === type)
    const lastTransitionTime = was?.status === status ? (was.lastTransitionTime ?? time) : time
    return { lastHeartbeatTime: time, lastTransitionTime, message, reason, status, type }
  })
  const others = (before?.conditions ?? []).filter(({ type }) => !claims.some(([name]) => name === type))
  return [...(others as NodeCondition[]), ...own]
}

/** Whether a node lacks something its kubelet would long have said, or somebody said otherwise of it. */
export function needsReport(node: Frozen<Node>, index: number, facts: NodeFacts, state?: NodeState): boolean {
  const { conditions, nodeInfo, capacity, runtimeHandlers = [] } = node.status
  const handlers = handlersOf(node.metadata.annotations)
  if (handlers.length !== runtimeHandlers.length || handlers.some((name, at) => runtimeHandlers[at]!.name !== name))
    return true
  if (!capacity || addressOf(node) !== facts.plan.node(index).address || nodeInfo?.kubeletVersion !== facts.version)
    return true
  return claimsOf(state).some(
    ([type, status]) => conditions?.find(condition => condition.type === type)?.status !== status,
  )
}

/** Whether the node says of its kubelet's port what this kubelet would. */
export function isAskedAt({ status }: Frozen<Node>, facts: NodeFacts): boolean {
  return status.daemonEndpoints?.kubeletEndpoint?.Port === portOf(facts)
}

const portOf = ({ kubeletPort = 10250 }: NodeFacts): number => kubeletPort

function uuidOf(text: string): string {
  const digits = fingerprint(text)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20, 32)}`
}
