// The arguments of plugins in a scheduler's configuration: their fields, their rules, and the plugins made with them
// (k8s.io/kube-scheduler/config/v1/types_pluginargs.go, pkg/scheduler/apis/config/validation/validation_pluginargs.go).
// Called by configuration.ts and profile.ts.

import { qualifiedNameFaults } from '../src/api/names.ts'
import type { Faults, FieldPath } from '../src/kinds/field-path.ts'
import type { Plugin } from './plugin.ts'
import {
  type NodeResourcesBalancedAllocationArgs,
  nodeResourcesBalancedAllocationWith,
} from './plugins/balanced-allocation.ts'
import { type DefaultPreemptionArgs, defaultPreemptionWith } from './plugins/default-preemption.ts'
import { type InterPodAffinityArgs, interPodAffinityWith } from './plugins/inter-pod-affinity.ts'
import { nodeAffinityWith } from './plugins/node-affinity.ts'
import { type NodeResourcesFitArgs, nodeResourcesFitWith } from './plugins/resources-fit.ts'
import { type PodTopologySpreadArgs, podTopologySpreadWith } from './plugins/topology-spread.ts'
import { type VolumeBindingArgs, volumeBindingWith } from './plugins/volume-binding.ts'
import type { ResourceWeight, ShapePoint } from './scoring-strategy.ts'
import type { Shape } from './strict-shape.ts'

const resources = [{ name: 'string', weight: 'number' }] as const
const points = [{ utilization: 'number', score: 'number' }] as const

/** Of plugins that take any. */
export const argumentShapes: Readonly<Record<string, Readonly<Record<string, Shape>>>> = {
  DefaultPreemption: { minCandidateNodesPercentage: 'number', minCandidateNodesAbsolute: 'number' },
  DynamicResources: { filterTimeout: 'string', bindingTimeout: 'string' },
  InterPodAffinity: { hardPodAffinityWeight: 'number', ignorePreferredTermsOfExistingPods: 'boolean' },
  NodeAffinity: { addedAffinity: 'any' },
  NodeResourcesBalancedAllocation: { resources },
  NodeResourcesFit: {
    ignoredResources: ['string'],
    ignoredResourceGroups: ['string'],
    scoringStrategy: { type: 'string', resources, requestedToCapacityRatio: { shape: points } },
  },
  PodTopologySpread: { defaultConstraints: ['any'], defaultingType: 'string' },
  VolumeBinding: { bindTimeoutSeconds: 'number', shape: points },
}

export function pluginWith(name: string, args: object): Plugin | undefined {
  switch (name) {
    case 'DefaultPreemption':
      return defaultPreemptionWith(args)
    case 'InterPodAffinity':
      return interPodAffinityWith(args)
    case 'NodeAffinity':
      return nodeAffinityWith(args)
    case 'NodeResourcesBalancedAllocation':
      return nodeResourcesBalancedAllocationWith(args)
    case 'NodeResourcesFit':
      return nodeResourcesFitWith(args)
    case 'PodTopologySpread':
      return podTopologySpreadWith(args)
    case 'VolumeBinding':
      return volumeBindingWith(args)
    default:
      return undefined
  }
}

export function argumentRules(name: string, args: object, path: FieldPath, faults: Faults): void {
  switch (name) {
    case 'DefaultPreemption':
      preemptionRules(args, path, faults)
      return
    case 'InterPodAffinity': {
      const { hardPodAffinityWeight: weight = 1 } = args as InterPodAffinityArgs
      if (weight < 0 || weight > 100) {
        faults.invalid(path.child('hardPodAffinityWeight'), weight, 'not in valid range [0, 100]')
      }
      return
    }
    case 'NodeResourcesBalancedAllocation':
      balanceRules(args, path, faults)
      return
    case 'NodeResourcesFit':
      fitRules(args, path, faults)
      return
    case 'PodTopologySpread':
      spreadRules(args, path, faults)
      return
    case 'VolumeBinding': {
      const { bindTimeoutSeconds = 600, shape } = args as VolumeBindingArgs & { readonly shape?: unknown }
      if (bindTimeoutSeconds < 0) {
        const detail = 'invalid BindTimeoutSeconds, should not be a negative value'
        faults.invalid(path.child('bindTimeoutSeconds'), bindTimeoutSeconds, detail)
      }
      if (shape !== undefined) {
        const detail = 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring'
        faults.invalid(path.child('shape'), shape, detail)
      }
    }
  }
}

function preemptionRules(args: DefaultPreemptionArgs, path: FieldPath, faults: Faults): void {
  const { minCandidateNodesPercentage: share = 10, minCandidateNodesAbsolute: absolute = 100 } = args
  const [shareAt, absoluteAt] = [path.child('minCandidateNodesPercentage'), path.child('minCandidateNodesAbsolute')]
  if (share < 0 || share > 100) faults.invalid(shareAt, share, 'not in valid range [0, 100]')
  if (absolute < 0) faults.invalid(absoluteAt, absolute, 'not in valid range [0, inf)')
  if (share === 0 && absolute === 0) {
    faults.invalid(shareAt, share, 'cannot be zero at the same time as minCandidateNodesAbsolute')
    faults.invalid(absoluteAt, absolute, 'cannot be zero at the same time as minCandidateNodesPercentage')
  }
}

function balanceRules({ resources = [] }: NodeResourcesBalancedAllocationArgs, path: FieldPath, faults: Faults): void {
  const seen = new Set<string>()
  for (const [index, { name, weight = 1 }] of resources.entries()) {
    const at = path.child('resources').index(index)
    if (seen.has(name)) faults.duplicate(at.child('name'), name)
    seen.add(name)
    if (weight !== 1) faults.invalid(at.child('weight'), weight, 'must be 1')
  }
}

function fitRules(args: NodeResourcesFitArgs, path: FieldPath, faults: Faults): void {
  const { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy } = args
  for (const [index, name] of ignoredResources.entries()) {
    faults.invalids(qualifiedNameFaults(name), name, path.child('ignoredResources').index(index))
  }
  for (const [index, group] of ignoredResourceGroups.entries()) {
    const at = path.child('ignoredResourceGroups').index(index)
    if (group.includes('/')) faults.invalid(at, group, "resource group name can't contain '/'")
    faults.invalids(qualifiedNameFaults(group), group, at)
  }
  if (scoringStrategy === undefined) return
  const at = path.child('scoringStrategy')
  const { type = 'LeastAllocated', resources = [], requestedToCapacityRatio: ratio } = scoringStrategy
  const types = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio']
  if (!types.includes(type)) faults.notSupported(at.child('type'), type, types)
  weightRules(resources, at.child('resources'), faults)
  const ratioAt = at.child('requestedToCapacityRatio')
  if (type !== 'RequestedToCapacityRatio') {
    if (ratio !== undefined) faults.forbidden(ratioAt, 'must be nil when type is not RequestedToCapacityRatio')
  } else if (ratio === undefined) {
    faults.required(ratioAt, 'must be specified when type is RequestedToCapacityRatio')
  } else {
    shapeRules(ratio.shape ?? [], ratioAt.child('shape'), faults)
  }
}

function weightRules(resources: readonly ResourceWeight[], path: FieldPath, faults: Faults): void {
  for (const [index, { name, weight = 1 }] of resources.entries()) {
    if (weight > 0 && weight <= 100) continue
    const detail = `resource weight of ${name} not in valid range (0, 100]`
    faults.invalid(path.index(index).child('weight'), weight, detail)
  }
}

function shapeRules(shape: readonly ShapePoint[], path: FieldPath, faults: Faults): void {
  if (shape.length === 0) faults.required(path, 'at least one point must be specified')
  const unsorted = shape.findIndex(
    ({ utilization }, index) => index > 0 && shape[index - 1]!.utilization >= utilization,
  )
  if (unsorted > 0) {
    const at = path.index(unsorted).child('utilization')
    faults.invalid(at, shape[unsorted]!.utilization, 'values must be sorted in increasing order')
  }
  for (const [index, { utilization, score }] of shape.entries()) {
    const at = path.index(index)
    const range = (most: number): string => `not in valid range [0, ${most}]`
    if (utilization < 0 || utilization > 100) faults.invalid(at.child('utilization'), utilization, range(100))
    if (score < 0 || score > 10) faults.invalid(at.child('score'), score, range(10))
  }
}

function spreadRules(args: PodTopologySpreadArgs, path: FieldPath, faults: Faults): void {
  const { defaultConstraints = [], defaultingType = 'System' } = args
  const typeAt = path.child('defaultingType')
  if (defaultingType !== 'System' && defaultingType !== 'List') {
    faults.notSupported(typeAt, defaultingType, ['List', 'System'])
  } else if (defaultingType === 'System' && defaultConstraints.length > 0) {
    faults.invalid(typeAt, defaultingType, 'when .defaultConstraints are not empty')
  }
  const seen = new Set<string>()
  for (const [index, constraint] of defaultConstraints.entries()) {
    const at = path.child('defaultConstraints').index(index)
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '' } = constraint
    if (maxSkew <= 0) faults.invalid(at.child('maxSkew'), maxSkew, 'not in valid range (0, inf)')
    if (topologyKey === '') faults.required(at.child('topologyKey'), 'can not be empty')
    else faults.invalids(qualifiedNameFaults(topologyKey), topologyKey, at, 'topologyKey')
    const actions = ['DoNotSchedule', 'ScheduleAnyway']
    if (whenUnsatisfiable === '') faults.required(at.child('whenUnsatisfiable'), 'can not be empty')
    else if (!actions.includes(whenUnsatisfiable)) {
      faults.notSupported(at.child('whenUnsatisfiable'), whenUnsatisfiable, actions)
    }
    if ('labelSelector' in constraint) {
      const detail = 'constraint must not define a selector, as they deduced for each pod'
      faults.forbidden(at.child('labelSelector'), detail)
    }
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`
    if (seen.has(pair)) faults.duplicate(at, pair)
    seen.add(pair)
  }
}
