// What an update may change of a pod: images, a shorter deadline, more tolerations, fewer gates and, while gated, a
// narrower choice of nodes (ValidatePodUpdate in pkg/apis/core/validation/validation.go).

import type {
  Affinity,
  Container,
  NodeAffinity,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  Toleration,
} from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { between } from '../api/names.ts'
import { type Faults, FieldPath } from './field-path.ts'
import { unifiedDiff } from './unified-diff.ts'

const path = new FieldPath('spec')

const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

export function podUpdateRules(next: Frozen<Pod>, old: Frozen<Pod>, faults: Faults): void {
  if (jsonEqual(next.spec, old.spec)) return
  for (const list of ['containers', 'initContainers'] as const) {
    if ((next.spec[list]?.length ?? 0) !== (old.spec[list]?.length ?? 0)) {
      faults.forbidden(path.child(list), 'pod updates may not add or remove containers')
      return
    }
  }
  if (!deadlineRules(next.spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds, faults)) return
  if (!hasAll(next.spec.tolerations ?? [], old.spec.tolerations ?? [])) {
    const detail = 'existing toleration can not be modified except its tolerationSeconds'
    faults.forbidden(path.child('tolerations'), detail)
  }
  for (const [index, { name }] of (next.spec.schedulingGates ?? []).entries()) {
    if (!old.spec.schedulingGates?.some(gate => gate.name === name)) {
      const detail = `only deletion is allowed, but found new scheduling gate '${name}'`
      faults.forbidden(path.child('schedulingGates').index(index).child('name'), detail)
    }
  }

  const allowed = withoutUpdatable(next.spec, old.spec)
  if (old.spec.schedulingGates?.length) gatedRules(allowed, old.spec, faults)
  if (jsonEqual(allowed, old.spec)) return
  const diff = unifiedDiff(pretty(old.spec), pretty(allowed))
  faults.forbidden(path, `pod updates may not change fields other than ${updatable}\n${diff}`)
}

/** False when upstream looks no further. */
function deadlineRules(next: number | undefined, old: number | undefined, faults: Faults): boolean {
  const at = path.child('activeDeadlineSeconds')
  if (next === undefined) {
    if (old !== undefined) faults.invalid(at, null, 'must not update from a positive integer to nil value')
    return true
  }
  if (next < 0 || next > 2147483647) {
    faults.invalid(at, next, between(0, 2147483647))
    return false
  }
  if (old !== undefined && old < next) {
    faults.invalid(at, next, 'must be less than or equal to previous value')
    return false
  }
  return true
}

function hasAll(next: readonly Frozen<Toleration>[], old: readonly Frozen<Toleration>[]): boolean {
  return old.every(kept =>
    next.some(each => jsonEqual({ ...kept, tolerationSeconds: undefined }, { ...each, tolerationSeconds: undefined })),
  )
}

type MutableSpec = { -readonly [Key in keyof Frozen<PodSpec>]: Frozen<PodSpec>[Key] }

/** The new spec with everything that may change put back: what is left differs from the old one only by what may not. */
function withoutUpdatable(next: Frozen<PodSpec>, old: Frozen<PodSpec>): MutableSpec {
  const spec: MutableSpec = { ...next, containers: withImages(next.containers, old.containers) }
  if (next.initContainers) spec.initContainers = withImages(next.initContainers, old.initContainers ?? [])
  keep(spec, old, 'activeDeadlineSeconds')
  keep(spec, old, 'schedulingGates')
  keep(spec, old, 'tolerations')
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    keep(spec, old, 'terminationGracePeriodSeconds')
  }
  return spec
}

function withImages(next: readonly Frozen<Container>[], old: readonly Frozen<Container>[]): Frozen<Container>[] {
  return next.map((container, index) => {
    const image = old[index]?.image
    return image === undefined ? container : { ...container, image }
  })
}

function keep<Key extends keyof PodSpec>(spec: MutableSpec, old: Frozen<PodSpec>, key: Key): void {
  const value = (old as MutableSpec)[key]
  if (value === undefined) delete spec[key]
  else spec[key] = value
}

/** A gated pod may still be narrowed to fewer nodes. */
function gatedRules(spec: MutableSpec, old: Frozen<PodSpec>, faults: Faults): void {
  if (!jsonEqual(spec.nodeSelector, old.nodeSelector)) {
    const isKept = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => spec.nodeSelector?.[key] === value)
    if (!isKept) {
      const detail = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'
      faults.invalid(path.child('nodeSelector'), spec.nodeSelector ?? null, detail)
    }
    keep(spec, old, 'nodeSelector')
  }
  const before = old.affinity?.nodeAffinity
  const after = spec.affinity?.nodeAffinity
  if (jsonEqual(before, after)) return
  nodeAffinityRules(after, before, faults)
  const { nodeAffinity: _, ...others } = (spec.affinity ?? {}) as Frozen<Affinity>
  if (before) spec.affinity = { ...others, nodeAffinity: before }
  else if (!old.affinity && Object.keys(others).length === 0) delete spec.affinity
  else spec.affinity = others
}

function nodeAffinityRules(
  next: Frozen<NodeAffinity> | undefined,
  old: Frozen<NodeAffinity> | undefined,
  faults: Faults,
): void {
  const terms = old?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const nextTerms = next?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  if (terms.length === 0) return
  const at = path.child(
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  )
  if (terms.length !== nextTerms.length) {
    faults.invalid(at, nextTerms, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')
    return
  }
  for (const [index, term] of terms.entries()) {
    if (!hasOnlyAdditions(nextTerms[index]!, term)) {
      faults.invalid(at.index(index), nextTerms[index], 'only additions are allowed (no mutations or deletions)')
    }
  }
}

function hasOnlyAdditions(next: Frozen<NodeSelectorTerm>, old: Frozen<NodeSelectorTerm>): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const
  // An empty term selects nothing: whatever is added to it would select more.
  if (lists.every(list => !old[list]?.length)) return lists.every(list => !next[list]?.length)
  return lists.every(list => {
    const kept = old[list] ?? []
    return jsonEqual((next[list] ?? []).slice(0, kept.length), kept)
  })
}

/** One space a level and keys in order, so that only what differs shows. */
function pretty(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, inner: unknown) =>
      inner !== null && typeof inner === 'object' && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
        : inner,
    1,
  )
}
