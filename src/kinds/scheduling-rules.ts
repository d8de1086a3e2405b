// The rules of what steers a pod to its node: affinity, tolerations, spread, gates (validateAffinity, ValidateTolerations,
// validateTopologySpreadConstraints in pkg/apis/core/validation/validation.go).

import type {
  Affinity,
  LabelSelector,
  NodeAffinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  PodSchedulingGate,
  Toleration,
  TopologySpreadConstraint,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults, dns1123SubdomainFaults, labelValueFaults, qualifiedNameFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { labelSelectorRules } from './label-selector-rules.ts'

const required = 'requiredDuringSchedulingIgnoredDuringExecution'
const preferred = 'preferredDuringSchedulingIgnoredDuringExecution'

export function affinityRules(affinity: Frozen<Affinity>, path: FieldPath, faults: Faults): void {
  if (affinity.nodeAffinity) nodeAffinityRules(affinity.nodeAffinity, path.child('nodeAffinity'), faults)
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    if (affinity[name]) podAffinityRules(affinity[name], path.child(name), faults)
  }
}

function nodeAffinityRules(affinity: Frozen<NodeAffinity>, path: FieldPath, faults: Faults): void {
  const must = affinity[required]
  if (must) nodeSelectorRules(must, path.child(required), faults)
  for (const [index, { weight, preference }] of (affinity[preferred] ?? []).entries()) {
    const at = path.child(preferred).index(index)
    weightRule(weight, at, faults)
    nodeTermRules(preference, false, at.child('preference'), faults)
  }
}

/** Also of a PersistentVolume, which says so which nodes can reach it. */
export function nodeSelectorRules({ nodeSelectorTerms }: Frozen<NodeSelector>, path: FieldPath, faults: Faults): void {
  const at = path.child('nodeSelectorTerms')
  if (!nodeSelectorTerms?.length) faults.required(at, 'must have at least one node selector term')
  for (const [index, term] of (nodeSelectorTerms ?? []).entries()) nodeTermRules(term, true, at.index(index), faults)
}

function weightRule(weight: number, path: FieldPath, faults: Faults): void {
  if (!(weight > 0 && weight <= 100)) faults.invalid(path.child('weight'), weight ?? 0, 'must be in the range 1-100')
}

/** Values are checked where the term is required: a preference for what cannot be is upstream's to overlook. */
function nodeTermRules(term: Frozen<NodeSelectorTerm>, checksValues: boolean, path: FieldPath, faults: Faults): void {
  for (const [index, requirement] of (term.matchExpressions ?? []).entries()) {
    nodeRequirementRules(requirement, checksValues, path.child('matchExpressions').index(index), faults)
  }
  for (const [index, requirement] of (term.matchFields ?? []).entries()) {
    nodeFieldRules(requirement, path.child('matchFields').index(index), faults)
  }
}

function nodeRequirementRules(
  { key, operator, values }: Frozen<NodeSelectorRequirement>,
  checksValues: boolean,
  path: FieldPath,
  faults: Faults,
): void {
  const count = values?.length ?? 0
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (count === 0) faults.required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'")
      break
    case 'Exists':
    case 'DoesNotExist':
      if (count > 0) {
        faults.forbidden(path.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
      }
      break
    case 'Gt':
    case 'Lt':
      if (count !== 1) {
        faults.required(path.child('values'), "must be specified single value when `operator` is 'Lt' or 'Gt'")
      }
      break
    default:
      faults.invalid(path.child('operator'), operator, 'not a valid selector operator')
  }
  faults.invalids(qualifiedNameFaults(key ?? ''), key, path, 'key')
  if (!checksValues) return
  for (const [index, value] of (values ?? []).entries()) {
    const sentences = labelValueFaults(value)
    if (sentences.length > 0) faults.invalids(sentences, value, path.child('values').index(index))
  }
}

function nodeFieldRules(
  { key, operator, values }: Frozen<NodeSelectorRequirement>,
  path: FieldPath,
  faults: Faults,
): void {
  if (operator !== 'In' && operator !== 'NotIn') {
    faults.invalid(path.child('operator'), operator, 'not a valid selector operator')
  } else if (values?.length !== 1) {
    const detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
    faults.required(path.child('values'), detail)
  }
  if (key !== 'metadata.name') {
    faults.invalid(path.child('key'), key, 'not a valid field selector key')
    return
  }
  for (const [index, value] of (values ?? []).entries()) {
    const sentences = dns1123SubdomainFaults(value)
    if (sentences.length > 0) faults.invalids(sentences, value, path.child('values').index(index))
  }
}

function podAffinityRules(affinity: Frozen<PodAffinity>, path: FieldPath, faults: Faults): void {
  for (const [index, term] of (affinity[required] ?? []).entries()) {
    podTermRules(term, path.child(required).index(index), faults)
  }
  for (const [index, { weight, podAffinityTerm }] of (affinity[preferred] ?? []).entries()) {
    const at = path.child(preferred).index(index)
    weightRule(weight, at, faults)
    podTermRules(podAffinityTerm ?? {}, at.child('podAffinityTerm'), faults)
  }
}

function podTermRules(term: Partial<Frozen<PodAffinityTerm>>, path: FieldPath, faults: Faults): void {
  labelSelectorRules(term.labelSelector, path.child('labelSelector'), faults)
  labelSelectorRules(term.namespaceSelector, path.child('namespaceSelector'), faults)
  for (const name of term.namespaces ?? []) faults.invalids(dns1123LabelFaults(name), name, path, 'namespace')
  labelKeyRules(term.matchLabelKeys, term.mismatchLabelKeys, term.labelSelector, path, faults)
  if (!term.topologyKey) faults.required(path.child('topologyKey'), 'can not be empty')
  faults.invalids(qualifiedNameFaults(term.topologyKey ?? ''), term.topologyKey ?? '', path, 'topologyKey')
}

/** The keys are merged into the selector when the pod is made, so a key that stands in it already came from elsewhere. */
function labelKeyRules(
  match: readonly string[] | undefined,
  mismatch: readonly string[] | undefined,
  selector: Frozen<LabelSelector> | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  for (const [name, keys] of [['matchLabelKeys', match] as const, ['mismatchLabelKeys', mismatch] as const]) {
    if (!keys?.length) continue
    if (!selector) faults.forbidden(path.child(name), 'must not be specified when labelSelector is not set')
    else {
      for (const [index, key] of keys.entries()) {
        const sentences = qualifiedNameFaults(key)
        if (sentences.length > 0) faults.invalids(sentences, key, path.child(name).index(index))
      }
    }
  }
  if (selector && match?.length) {
    const keys = new Set(Object.keys(selector.matchLabels ?? {}))
    for (const { key } of selector.matchExpressions ?? []) {
      const index = match.lastIndexOf(key)
      if (index >= 0 && keys.has(key)) {
        faults.invalid(path.index(index), key, 'exists in both matchLabelKeys and labelSelector')
      }
      keys.add(key)
    }
  }
  for (const [index, key] of (match ?? []).entries()) {
    if (mismatch?.includes(key)) {
      const at = path.child('matchLabelKeys').index(index)
      faults.invalid(at, key, 'exists in both matchLabelKeys and mismatchLabelKeys')
    }
  }
}

export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export function tolerationRules(tolerations: readonly Frozen<Toleration>[], path: FieldPath, faults: Faults): void {
  for (const [index, toleration] of tolerations.entries()) {
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration
    const at = path.index(index)
    if (key) faults.invalids(qualifiedNameFaults(key), key, at, 'key')
    else if (operator !== 'Exists') {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
      faults.invalid(at.child('operator'), operator, detail)
    }
    if (typeof tolerationSeconds === 'number' && effect !== 'NoExecute') {
      faults.invalid(at.child('effect'), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    }
    switch (operator) {
      case 'Equal':
      case '': {
        const sentences = labelValueFaults(value)
        if (sentences.length > 0) faults.invalid(at.child('operator'), value, sentences.join(';'))
        break
      }
      case 'Exists':
        if (value) faults.invalid(at.child('operator'), value, "value must be empty when `operator` is 'Exists'")
        break
      case 'Lt':
      case 'Gt':
        // Behind a gate that is off by default (TaintTolerationComparisonOperators); named among the supported all the same.
        faults.notSupported(at.child('operator'), operator, ['Equal', 'Exists', 'Lt', 'Gt'])
        break
      default:
        faults.notSupported(at.child('operator'), operator, ['Equal', 'Exists'])
    }
    if (effect && !taintEffects.includes(effect)) faults.notSupported(at.child('effect'), effect, taintEffects)
  }
}

export function spreadRules(
  constraints: readonly Frozen<TopologySpreadConstraint>[],
  path: FieldPath,
  faults: Faults,
): void {
  for (const [index, constraint] of constraints.entries()) {
    const at = path.index(index)
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint
    if (!(maxSkew > 0)) faults.invalid(at.child('maxSkew'), maxSkew ?? 0, 'must be greater than zero')
    if (!topologyKey) faults.required(at.child('topologyKey'), 'can not be empty')
    if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway') {
      const supported = ['DoNotSchedule', 'ScheduleAnyway']
      faults.notSupported(at.child('whenUnsatisfiable'), whenUnsatisfiable ?? '', supported)
    }
    const isRepeated = constraints
      .slice(index + 1)
      .some(other => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable)
    if (isRepeated) {
      faults.duplicate(at.child('{topologyKey, whenUnsatisfiable}'), `{${topologyKey}, ${whenUnsatisfiable}}`)
    }
    if (minDomains !== undefined) {
      if (minDomains <= 0) faults.invalid(at.child('minDomains'), minDomains, 'must be greater than zero')
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`
        faults.invalid(at.child('minDomains'), minDomains, detail)
      }
    }
    for (const name of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      const policy = constraint[name]
      if (policy !== undefined && policy !== 'Honor' && policy !== 'Ignore') {
        faults.notSupported(at.child(name), policy, ['Honor', 'Ignore'])
      }
    }
    labelKeyRules(constraint.matchLabelKeys, undefined, constraint.labelSelector, at, faults)
    labelSelectorRules(constraint.labelSelector, at.child('labelSelector'), faults)
  }
}

export function gateRules(gates: readonly Frozen<PodSchedulingGate>[], path: FieldPath, faults: Faults): void {
  const seen = new Set<string>()
  for (const [index, { name }] of gates.entries()) {
    const sentences = qualifiedNameFaults(name ?? '')
    if (sentences.length > 0) faults.invalids(sentences, name, path.index(index))
    if (seen.has(name)) faults.duplicate(path.index(index), name)
    seen.add(name)
  }
}
