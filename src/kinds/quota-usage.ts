// What an object counts against quota: which resources, how much of each, and whether a scope is about it. Pure; asked by the
// plugin ResourceQuota before an object is written, and by the controller that counts what is there
// (pkg/quota/v1/evaluator/core/{pods,services,persistent_volume_claims}.go, apiserver/pkg/quota/v1/generic/evaluator.go).

import type {
  PersistentVolumeClaim,
  Pod,
  PodAffinityTerm,
  ResourceQuota,
  ScopedResourceSelectorRequirement,
  Service,
} from '../../generated/types.ts'
import type { Frozen, KubeObject } from '../api/meta.ts'
import { parseQuantity, Quantity } from '../api/quantity.ts'
import { parseTime } from '../api/time.ts'
import type { Millis } from '../env/clock.ts'
import type { Kind } from './kind.ts'
import { aggregate } from './pod-resources.ts'
import { qosClassOf } from './qos-class.ts'
import type { Amounts } from './quota-amounts.ts'
import { isExtended, isHugePages, isPodLevelResource, type ResourceList } from './resources.ts'
import { storageClassText } from './storage-text.ts'

type Scope = Frozen<ScopedResourceSelectorRequirement>

/** How the objects of one kind are counted. */
export interface Evaluator {
  /** Whether a resource that a quota names is counted in these objects. */
  counts(name: string): boolean
  usage(object: Frozen<KubeObject>, now: Millis): Amounts
  matchesScope(object: Frozen<KubeObject>, scope: Scope): boolean
  /** What the object must say of itself so that it can be counted; a sentence if it does not. */
  missing?(object: Frozen<KubeObject>, names: readonly string[]): string | undefined
}

const one = new Quantity(1n, 0, 'DecimalSI')
const zero = new Quantity(0n, 0, 'DecimalSI')
const many = (count: number): Quantity => new Quantity(BigInt(count), 0, 'DecimalSI')

/** `count/deployments.apps`. */
const countName = ({ resource }: Kind<any>): string => `count/${resource}`

/** Reviews and events are not counted (pkg/quota/v1/install/registry.go). */
const ignored = new Set(['events', 'events.events.k8s.io', 'bindings'])

/** Made once a kind; undefined for what quota knows nothing of. */
export function evaluatorOf(kind: Kind<any>): Evaluator | undefined {
  if (!kind.namespaced || ignored.has(kind.resource)) return undefined
  switch (kind.resource) {
    case 'pods':
      return podEvaluator
    case 'services':
      return serviceEvaluator
    case 'persistentvolumeclaims':
      return claimEvaluator
    case 'resourceclaims.resource.k8s.io':
      return deviceEvaluator
    default:
      return countEvaluator(kind)
  }
}

/** The scopes of a quota in the form of its selector. */
export function scopesOf({ spec }: Frozen<ResourceQuota>): readonly Scope[] {
  if (spec.scopes === undefined) return spec.scopeSelector?.matchExpressions ?? none
  const plain = spec.scopes.map(scopeName => ({ scopeName, operator: 'Exists' }))
  return [...plain, ...(spec.scopeSelector?.matchExpressions ?? none)]
}

const none: readonly Scope[] = Object.freeze([])

export function matchesScopes(quota: Frozen<ResourceQuota>, object: Frozen<KubeObject>, evaluator: Evaluator): boolean {
  return scopesOf(quota).every(scope => evaluator.matchesScope(object, scope))
}

// ---- objects that are just counted

/** Kinds that had a name of their own in quota before all had one. */
const aliases = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets'])

function countEvaluator(kind: Kind<any>): Evaluator {
  const names = aliases.has(kind.resource) ? [countName(kind), kind.resource] : [countName(kind)]
  const usage: Amounts = new Map(names.map(name => [name, one]))
  return { counts: name => names.includes(name), usage: () => usage, matchesScope: () => false }
}

// ---- services

const serviceNames = ['count/services', 'services', 'services.nodeports', 'services.loadbalancers']

const serviceEvaluator: Evaluator = {
  counts: name => serviceNames.includes(name),
  matchesScope: () => false,
  usage(object) {
    const { type, ports = [], allocateLoadBalancerNodePorts } = (object as Frozen<Service>).spec
    const isBalanced = type === 'LoadBalancer'
    let nodePorts = 0
    // Of a load balancer that wants none, those that are named all the same.
    if (isBalanced && allocateLoadBalancerNodePorts === false) nodePorts = ports.filter(port => port.nodePort).length
    else if (isBalanced || type === 'NodePort') nodePorts = ports.length
    return new Map([
      ['count/services', one],
      ['services', one],
      ['services.nodeports', many(nodePorts)],
      ['services.loadbalancers', isBalanced ? one : zero],
    ])
  },
}

// ---- claims

const claimNames = ['persistentvolumeclaims', 'requests.storage']
const ofClass = '.storageclass.storage.k8s.io/'

const claimEvaluator: Evaluator = {
  counts: name =>
    name === 'count/persistentvolumeclaims' ||
    claimNames.includes(name) ||
    claimNames.some(each => name.endsWith(`${ofClass}${each}`)),
  matchesScope(object, scope) {
    if (scope.scopeName !== 'VolumeAttributesClass') return false
    const names = attributesClasses(object as Frozen<PersistentVolumeClaim>)
    if (scope.operator === 'Exists') return names.length > 0
    return names.length === 0 ? selects(scope, undefined) : names.some(name => selects(scope, name))
  },
  usage(object) {
    const claim = object as Frozen<PersistentVolumeClaim>
    const amounts: Amounts = new Map([
      ['persistentvolumeclaims', one],
      ['count/persistentvolumeclaims', one],
    ])
    const name = storageClassText(claim)
    if (name) amounts.set(`${name}${ofClass}persistentvolumeclaims`, one)
    const storage = storageOf(claim)
    if (storage === undefined) return amounts
    amounts.set('requests.storage', storage)
    if (name) amounts.set(`${name}${ofClass}requests.storage`, storage)
    return amounts
  },
}

/** Whole bytes; of a claim that is growing, what it has been given already when that is more. */
function storageOf({ spec, status }: Frozen<PersistentVolumeClaim>): Quantity | undefined {
  const asked = spec.resources?.requests?.storage
  if (asked === undefined) return undefined
  const given = status?.allocatedResources?.storage
  const requested = parseQuantity(asked)
  const amount = given !== undefined && parseQuantity(given).compare(requested) > 0 ? parseQuantity(given) : requested
  return amount.exponent >= 0 ? amount : new Quantity(amount.scaled(0), 0, amount.format)
}

function attributesClasses({ spec, status }: Frozen<PersistentVolumeClaim>): string[] {
  const names = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ]
  return names.filter((name): name is string => !!name)
}

// ---- claims of devices (pkg/quota/v1/evaluator/core/resource_claims.go)

const ofDeviceClass = '.deviceclass.resource.k8s.io/devices'
/** What a claim for all devices counts as: as many as one can get (AllocationResultsMaxSize). */
const mostDevices = 32

/** In any version of the API: the older one has no `exactly`. */
interface DeviceAsk {
  readonly deviceClassName?: string
  readonly allocationMode?: string
  readonly count?: number
}

interface DeviceRequestLike extends DeviceAsk {
  readonly exactly?: DeviceAsk
  readonly firstAvailable?: readonly DeviceAsk[]
}

const deviceEvaluator: Evaluator = {
  counts: name => name === 'count/resourceclaims.resource.k8s.io' || name.endsWith(ofDeviceClass),
  matchesScope: () => false,
  usage(object) {
    const amounts: Amounts = new Map([['count/resourceclaims.resource.k8s.io', one]])
    const { spec } = object as { spec?: { devices?: { requests?: readonly DeviceRequestLike[] } } }
    for (const request of spec?.devices?.requests ?? []) {
      // Of several ways to be served, of each class the one that takes most of it.
      const most = new Map<string, number>()
      for (const ask of request.firstAvailable ?? [request.exactly ?? request]) {
        if (!ask.deviceClassName) continue
        const name = `${ask.deviceClassName}${ofDeviceClass}`
        most.set(name, Math.max(most.get(name) ?? 0, devicesOf(ask)))
      }
      for (const [name, count] of most) amounts.set(name, (amounts.get(name) ?? zero).add(many(count)))
    }
    return amounts
  },
}

function devicesOf({ allocationMode, count }: DeviceAsk): number {
  if (allocationMode === 'All') return mostDevices
  return allocationMode === 'ExactCount' ? (count ?? 0) : 0
}

// ---- pods

const podNames = new Set([
  'count/pods',
  'pods',
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
])

/** Whoever counts these asks that every container says how much. Upstream calls it a mistake, and keeps it at these. */
const mustBeSaid = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])

const podEvaluator: Evaluator = {
  counts: name =>
    podNames.has(name) ||
    isHugePages(name) ||
    name.startsWith('requests.hugepages-') ||
    (name.startsWith('requests.') && name.includes('/') && !name.includes('kubernetes.io/')),
  matchesScope: (object, scope) => podMatches(object as Frozen<Pod>, scope),
  usage(object, now) {
    const pod = object as Frozen<Pod>
    const amounts: Amounts = new Map([['count/pods', one]])
    if (isOver(pod, now)) return amounts
    amounts.set('pods', one)
    addPodUsage(amounts, podSums(pod, 'requests'), podSums(pod, 'limits'))
    return amounts
  },
  missing(object, names) {
    const { containers, initContainers = [], resources } = (object as Frozen<Pod>).spec
    const required = names.filter(name => mustBeSaid.has(name)).sort()
    if (required.length === 0) return undefined
    const absent = required.flatMap(name => {
      if (says(resources, name)) return []
      const silent = [...containers, ...initContainers].filter(container => !says(container.resources, name))
      if (silent.length === 0) return []
      return [`${name} for: ${[...new Set(silent.map(container => container.name))].sort().join(',')}`]
    })
    return absent.length > 0 ? `must specify ${absent.join('; ')}` : undefined
  },
}

interface Lists {
  readonly requests?: Readonly<ResourceList>
  readonly limits?: Readonly<ResourceList>
}

function says(lists: Lists | undefined, name: string): boolean {
  const isLimit = name.startsWith('limits.')
  const plain = name.slice(name.indexOf('.') + 1)
  return (isLimit ? lists?.limits : lists?.requests)?.[plain] !== undefined
}

/** Requests or limits of a pod as a whole, with its overhead (component-helpers/resource/helpers.go, PodRequests, PodLimits). */
function podSums({ spec }: Frozen<Pod>, which: 'requests' | 'limits'): Amounts {
  const sums = podSpecSums(spec, which)
  for (const name in spec.overhead) {
    const sum = sums.get(name)
    const overhead = parseQuantity(spec.overhead[name]!)
    if (sum) sums.set(name, sum.add(overhead))
    else if (which === 'requests') sums.set(name, overhead)
  }
  return sums
}

/** What a pod's containers ask for together, unless it says so itself. */
export function podSpecSums(spec: Frozen<Pod['spec']>, which: 'requests' | 'limits'): Amounts {
  const sums = aggregate(spec, which)
  const ofPod = spec.resources?.[which]
  for (const name in ofPod) if (isPodLevelResource(name)) sums.set(name, parseQuantity(ofPod[name]!))
  return sums
}

function addPodUsage(amounts: Amounts, requests: Amounts, limits: Amounts): void {
  for (const [name, amount] of requests) {
    if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || isHugePages(name)) {
      amounts.set(name, amount)
      amounts.set(`requests.${name}`, amount)
    } else if (isExtended(name)) amounts.set(`requests.${name}`, amount)
  }
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    const limit = limits.get(name)
    if (limit) amounts.set(`limits.${name}`, limit)
  }
}

/** It has ended, or should have by now: what it asked for is free again, though it is still there (QuotaV1Pod). */
function isOver({ metadata, status }: Frozen<Pod>, now: Millis): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return true
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false
  return now > parseTime(deletionTimestamp) + deletionGracePeriodSeconds * 1000
}

function podMatches(pod: Frozen<Pod>, scope: Scope): boolean {
  const { spec } = pod
  switch (scope.scopeName) {
    case 'Terminating':
      return isTerminating(pod)
    case 'NotTerminating':
      return !isTerminating(pod)
    case 'BestEffort':
      return qosClassOf(spec) === 'BestEffort'
    case 'NotBestEffort':
      return qosClassOf(spec) !== 'BestEffort'
    case 'PriorityClass':
      if (scope.operator === 'Exists') return !!spec.priorityClassName
      return selects(scope, spec.priorityClassName || undefined)
    case 'CrossNamespacePodAffinity':
      return reachesAcross(pod)
    default:
      return false
  }
}

const isTerminating = ({ spec }: Frozen<Pod>): boolean => (spec.activeDeadlineSeconds ?? -1) >= 0

/** As a label selector does: who has no value is in nothing. */
function selects({ operator, values = [] }: Scope, value: string | undefined): boolean {
  if (operator === 'In') return value !== undefined && values.includes(value)
  if (operator === 'NotIn') return value === undefined || !values.includes(value)
  return operator === 'DoesNotExist' ? value === undefined : value !== undefined
}

function reachesAcross({ spec: { affinity } }: Frozen<Pod>): boolean {
  const isAcross = ({ namespaces, namespaceSelector }: Frozen<PodAffinityTerm>): boolean =>
    !!namespaces?.length || namespaceSelector !== undefined
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some(
    each =>
      each?.requiredDuringSchedulingIgnoredDuringExecution?.some(isAcross) ||
      each?.preferredDuringSchedulingIgnoredDuringExecution?.some(term => isAcross(term.podAffinityTerm)),
  )
}
