// The rules of StatefulSets (ValidateStatefulSetSpec, ValidateStatefulSetUpdate, ValidateStatefulSetStatus in
// pkg/apis/apps/validation/validation.go): its pods are judged with the volumes that its claims will give them.

import type {
  PodTemplateSpec,
  StatefulSet,
  StatefulSetSpec,
  StatefulSetStatus,
  StatefulSetUpdateStrategy,
} from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import { claimSpecRules } from './claim-spec.ts'
import type { Faults } from './field-path.ts'
import { nonNegative } from './field-rules.ts'
import { atMostAllRule, intOrPercentRules, intOrPercentValue } from './int-or-percent.ts'
import { labelSelectorRules } from './label-selector-rules.ts'
import { runningTemplateRules } from './pod-template.ts'
import { isEmptySelector, isParsedSelector, specPath, statusPath } from './workload-rules.ts'

export function statefulSetRules(
  { spec }: Frozen<StatefulSet>,
  old: Frozen<StatefulSet> | undefined,
  faults: Faults,
): void {
  const { podManagementPolicy: policy } = spec
  if (!policy) faults.required(specPath.child('podManagementPolicy'))
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    faults.invalid(specPath.child('podManagementPolicy'), policy, "must be 'OrderedReady' or 'Parallel'")
  }
  strategyRules(spec.updateStrategy ?? {}, faults)
  retentionRules(spec, faults)
  // What was stored before there was a rule may stay: only what is new is judged.
  if (!old) claimTemplateRules(spec, faults)
  nonNegative(spec.replicas, specPath, 'replicas', faults)
  nonNegative(spec.minReadySeconds, specPath, 'minReadySeconds', faults)
  nonNegative(spec.ordinals?.start, specPath, 'ordinals.start', faults)
  if (!old && spec.serviceName) {
    faults.invalids(dns1123LabelFaults(spec.serviceName), spec.serviceName, specPath, 'serviceName')
  }
  selectedTemplateRules(spec, faults)
  if (old) unchangeableRules(spec, old.spec, faults)
}

function strategyRules(strategy: Frozen<StatefulSetUpdateStrategy>, faults: Faults): void {
  const path = specPath.child('updateStrategy')
  const { type, rollingUpdate } = strategy
  if (!type) faults.required(path)
  else if (type === 'OnDelete') {
    if (!rollingUpdate) return
    faults.invalid(path.child('rollingUpdate'), rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")
  } else if (type !== 'RollingUpdate') {
    const value = { Type: type, RollingUpdate: rollingUpdate ?? null }
    faults.invalid(path, value, "must be 'RollingUpdate' or 'OnDelete'")
  } else if (rollingUpdate) {
    const at = path.child('rollingUpdate')
    nonNegative(rollingUpdate.partition, at, 'partition', faults)
    const { maxUnavailable } = rollingUpdate
    if (maxUnavailable === undefined) return
    const most = at.child('maxUnavailable')
    intOrPercentRules(maxUnavailable, most, faults)
    if (intOrPercentValue(maxUnavailable) === 0) faults.invalid(most, maxUnavailable, 'cannot be 0')
    atMostAllRule(maxUnavailable, most, faults)
  }
}

function retentionRules({ persistentVolumeClaimRetentionPolicy: policy }: Frozen<StatefulSetSpec>, faults: Faults) {
  if (!policy) return
  for (const name of ['whenDeleted', 'whenScaled'] as const) {
    const value = policy[name] ?? ''
    if (value === 'Retain' || value === 'Delete') continue
    const at = specPath.child('persistentVolumeClaimRetentionPolicy', name)
    faults.notSupported(at, value, ['Retain', 'Delete'])
  }
}

function claimTemplateRules({ volumeClaimTemplates }: Frozen<StatefulSetSpec>, faults: Faults): void {
  for (const [index, { spec }] of (volumeClaimTemplates ?? []).entries()) {
    claimSpecRules(spec ?? {}, specPath.child('volumeClaimTemplates').index(index).child('spec'), faults)
  }
}

function selectedTemplateRules(spec: Frozen<StatefulSetSpec>, faults: Faults): void {
  const { selector } = spec
  const at = specPath.child('selector')
  const before = faults.count
  if (!selector) faults.required(at)
  else {
    labelSelectorRules(selector, at, faults)
    if (isEmptySelector(selector)) faults.invalid(at, selector, 'empty selector is invalid for statefulset')
  }
  const template = templateOf(spec)
  let isSelected = true
  if (faults.count > before) {
    if (selector && !isParsedSelector(selector)) {
      faults.invalid(at, selector, '')
      return
    }
    if (!selector) isSelected = false
  } else if (selector) isSelected = selectorFromLabelSelector(selector).matches(template.metadata?.labels)
  runningTemplateRules(template, isSelected, 'StatefulSet', specPath.child('template'), faults)
}

/** As its pods will be made: claims take the place of volumes of their name, and each pod gets a host name of its own. */
function templateOf({ template, volumeClaimTemplates: claims }: Frozen<StatefulSetSpec>): Frozen<PodTemplateSpec> {
  const spec = template?.spec
  if (!spec || (!claims?.length && !spec.hostname && !spec.subdomain)) return template ?? {}
  const claimed = new Set(claims?.map(claim => claim.metadata?.name))
  const volumes = (spec.volumes ?? []).filter(volume => !claimed.has(volume.name))
  for (const { metadata } of claims ?? []) {
    const name = metadata?.name ?? ''
    volumes.push({ name, persistentVolumeClaim: { claimName: name } })
  }
  const { hostname: _hostname, subdomain: _subdomain, ...rest } = spec
  return { ...template, spec: { ...rest, volumes } }
}

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const

function unchangeableRules(next: Frozen<StatefulSetSpec>, old: Frozen<StatefulSetSpec>, faults: Faults): void {
  const kept: Record<string, unknown> = { ...next }
  for (const name of changeable) {
    if (old[name] === undefined) delete kept[name]
    else kept[name] = old[name]
  }
  if (jsonEqual(kept, old)) return
  const names = `${changeable
    .slice(0, -1)
    .map(name => `'${name}'`)
    .join(', ')} and 'minReadySeconds'`
  faults.forbidden(specPath, `updates to statefulset spec for fields other than ${names} are forbidden`)
}

const counts = [
  'replicas',
  'readyReplicas',
  'currentReplicas',
  'updatedReplicas',
  'availableReplicas',
  'observedGeneration',
  'collisionCount',
] as const

export function statefulSetStatusRules(
  status: Frozen<StatefulSetStatus>,
  old: Frozen<StatefulSetStatus>,
  faults: Faults,
): void {
  for (const name of counts) nonNegative(status[name], statusPath, name, faults)
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0, collisionCount = 0 } = status
  for (const name of ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const) {
    const count = status[name] ?? 0
    if (count > replicas) faults.invalid(statusPath.child(name), count, 'cannot be greater than status.replicas')
  }
  if (availableReplicas > readyReplicas) {
    const detail = 'cannot be greater than status.readyReplicas'
    faults.invalid(statusPath.child('availableReplicas'), availableReplicas, detail)
  }
  if (collisionCount < (old.collisionCount ?? 0)) {
    faults.invalid(statusPath.child('collisionCount'), collisionCount, 'cannot be decremented')
  }
}
