// What Deployments, ReplicaSets and ReplicationControllers, and in part StatefulSets and DaemonSets, have in common: a count,
// a selector that must find the pods of its own template, a status that adds up (pkg/apis/apps/validation/validation.go).

import type { LabelSelector, PodTemplateSpec } from '../../generated/types.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import type { Frozen } from '../api/meta.ts'
import { type Faults, FieldPath } from './field-path.ts'
import { nonNegative } from './field-rules.ts'
import { labelSelectorRules } from './label-selector-rules.ts'
import { runningTemplateRules } from './pod-template.ts'

export const specPath = new FieldPath('spec')
export const statusPath = new FieldPath('status')

interface SelectingSpec {
  readonly replicas?: number
  readonly minReadySeconds?: number
  readonly selector?: Frozen<LabelSelector>
  readonly template?: Frozen<PodTemplateSpec>
}

export function selectingSpecRules(spec: SelectingSpec, faults: Faults): void {
  nonNegative(spec.replicas, specPath, 'replicas', faults)
  nonNegative(spec.minReadySeconds, specPath, 'minReadySeconds', faults)
  const { selector } = spec
  const at = specPath.child('selector')
  const before = faults.count
  if (!selector) faults.required(at)
  else {
    labelSelectorRules(selector, at, faults)
    if (isEmptySelector(selector)) faults.invalid(at, selector, 'empty selector is invalid for deployment')
  }
  const labels = spec.template?.metadata?.labels
  let isSelected = true
  if (faults.count > before) {
    if (selector && !isParsedSelector(selector)) {
      faults.invalid(at, selector, 'invalid label selector')
      return
    }
    if (!selector) isSelected = false
  } else if (selector) isSelected = selectorFromLabelSelector(selector).matches(labels)
  runningTemplateRules(spec.template ?? {}, isSelected, 'ReplicaSet', specPath.child('template'), faults)
}

export function isEmptySelector({ matchLabels, matchExpressions }: Frozen<LabelSelector>): boolean {
  return Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions?.length ?? 0) === 0
}

export function isParsedSelector(selector: Frozen<LabelSelector>): boolean {
  try {
    selectorFromLabelSelector(selector)
    return true
  } catch {
    // The faults themselves are reported by labelSelectorRules; upstream adds one for the whole.
    return false
  }
}

interface CountedStatus {
  readonly replicas?: number
  readonly fullyLabeledReplicas?: number
  readonly updatedReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly unavailableReplicas?: number
  readonly terminatingReplicas?: number
  readonly collisionCount?: number
  readonly observedGeneration?: number
}

const counts = [
  'observedGeneration',
  'replicas',
  'fullyLabeledReplicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'terminatingReplicas',
  'collisionCount',
] as const

export function countedStatusRules(status: CountedStatus, faults: Faults): void {
  for (const name of counts) nonNegative(status[name], statusPath, name, faults)
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = status
  for (const name of ['fullyLabeledReplicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const count = status[name] ?? 0
    if (count > replicas) faults.invalid(statusPath.child(name), count, 'cannot be greater than status.replicas')
  }
  if (availableReplicas > readyReplicas) {
    const detail = 'cannot be greater than readyReplicas'
    faults.invalid(statusPath.child('availableReplicas'), availableReplicas, detail)
  }
}
