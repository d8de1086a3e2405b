// The two parts of a pod that change by subresources of their own: `ephemeralcontainers` adds containers to look into it,
// `resize` changes what its containers may use. All else stays. Rules: pkg/registry/core/pod/strategy.go and
// ValidatePodEphemeralContainersUpdate, ValidatePodResize in pkg/apis/core/validation/validation.go.

import type { Container, Pod, PodSpec, ResourceRequirements } from '../../generated/types.ts'
import { draft as thaw } from '../api/freeze.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { type Faults, FieldPath, root } from './field-path.ts'
import { keepMetadata } from './object-meta.ts'
import { qosClassOf } from './qos-class.ts'
import { unifiedDiff } from './unified-diff.ts'

const path = new FieldPath('spec')
const mirror = 'kubernetes.io/config.mirror'
const lists = ['containers', 'initContainers'] as const

export function keepAllButEphemeral(draft: Pod, old: Frozen<Pod>): void {
  const { ephemeralContainers } = draft.spec
  draft.spec = thaw(old.spec) as PodSpec
  if (ephemeralContainers) draft.spec.ephemeralContainers = ephemeralContainers
  else delete draft.spec.ephemeralContainers
  keepMetadata(draft, old)
}

/** Containers that come, go or change places are left for the rules to find. */
export function keepAllButResources(draft: Pod, old: Frozen<Pod>): void {
  keepMetadata(draft, old)
  if (lists.some(list => (draft.spec[list]?.length ?? 0) !== (old.spec[list]?.length ?? 0))) return
  const spec = thaw(old.spec) as PodSpec
  for (const list of lists) {
    const next = draft.spec[list] ?? []
    const isSameOrder = next.every(({ name }, index) => name === old.spec[list]?.[index]?.name)
    if (!isSameOrder) spec[list] = next
    else for (const [index, container] of next.entries()) resize(spec[list]![index]!, container)
  }
  draft.spec = spec
}

function resize(container: Container, { resources, resizePolicy }: Container): void {
  if (resources) container.resources = resources
  else delete container.resources
  if (resizePolicy) container.resizePolicy = resizePolicy
  else delete container.resizePolicy
}

/** Replaces what was found before when the pod is one that nobody but its node can change. */
export function ephemeralUpdateRules(next: Frozen<Pod>, old: Frozen<Pod>, faults: Faults): void {
  if (isMirror(old)) {
    faults.only().forbidden(root, 'static pods do not support ephemeral containers')
    return
  }
  const at = path.child('ephemeralContainers')
  for (const before of old.spec.ephemeralContainers ?? []) {
    const after = next.spec.ephemeralContainers?.find(({ name }) => name === before.name)
    const name = JSON.stringify(before.name)
    if (!after) faults.forbidden(at, `existing ephemeral containers ${name} may not be removed\n`)
    else if (!jsonEqual(after, before)) {
      const diff = unifiedDiff(pretty(before), pretty(after))
      faults.forbidden(at, `existing ephemeral containers ${name} may not be changed\n${diff}`)
    }
  }
}

export function resizeRules(next: Frozen<Pod>, old: Frozen<Pod>, faults: Faults): void {
  if (isMirror(old)) {
    faults.only().forbidden(root, 'static pods cannot be resized')
    return
  }
  if (old.spec.os?.name === 'windows') {
    faults.only().forbidden(root, 'windows pods cannot be resized')
    return
  }
  if ((old.status.qosClass ?? qosClassOf(old.spec)) !== qosClassOf(next.spec)) {
    const detail = 'Pod QOS Class may not change as a result of resizing'
    faults.invalid(path, next.status.qosClass ?? '', detail)
  }
  if (!canResize(old)) faults.forbidden(path, 'Pod running on node without support for resize')
  const before = faults.count
  for (const list of lists) orderRules(next, old, list, faults)
  if (faults.count > before) return
  for (const [index, container] of (old.spec.initContainers ?? []).entries()) {
    if (container.restartPolicy !== 'Always') continue
    const at = path.child('initContainers').index(index).child('resources')
    removalRules(next.spec.initContainers?.[index]?.resources, container.resources, at, faults)
  }
  for (const [index, container] of old.spec.containers.entries()) {
    const at = path.child('containers').index(index).child('resources')
    removalRules(next.spec.containers[index]?.resources, container.resources, at, faults)
  }
  const allowed = withoutResizable(next.spec, old.spec)
  if (jsonEqual(allowed, old.spec)) return
  const diff = unifiedDiff(pretty(old.spec), pretty(allowed))
  faults.forbidden(path, `only cpu and memory resources are mutable\n${diff}`)
}

const isMirror = ({ metadata }: Frozen<Pod>): boolean => metadata.annotations?.[mirror] !== undefined

/** A node that can resize tells what each container has; of one that runs nothing yet, nobody knows better. */
function canResize({ status }: Frozen<Pod>): boolean {
  const running = status.containerStatuses?.find(({ state }) => state?.running !== undefined)
  return running === undefined || running.resources !== undefined
}

function orderRules(next: Frozen<Pod>, old: Frozen<Pod>, list: (typeof lists)[number], faults: Faults): void {
  const [containers, before] = [next.spec[list] ?? [], old.spec[list] ?? []]
  const at = path.child(list)
  if (containers.length !== before.length) {
    faults.forbidden(at, `${list} may not be added or removed on resize`)
    return
  }
  for (const [index, { name }] of before.entries()) {
    if (containers[index]?.name === name) continue
    faults.forbidden(at.index(index).child('name'), `${list} may not be renamed or reordered on resize`)
  }
}

function removalRules(
  next: Frozen<ResourceRequirements> | undefined,
  old: Frozen<ResourceRequirements> | undefined,
  at: FieldPath,
  faults: Faults,
): void {
  for (const part of ['requests', 'limits'] as const) {
    if (Object.keys(old?.[part] ?? {}).some(name => next?.[part]?.[name] === undefined)) {
      faults.forbidden(at.child(part), `resource ${part} cannot be removed`)
    }
  }
}

const resizable = ['cpu', 'memory']

/** The new spec with the resizable put back: what is left differs from the old one only by what may not. */
function withoutResizable(next: Frozen<PodSpec>, old: Frozen<PodSpec>): Frozen<PodSpec> {
  const spec: Record<string, unknown> = { ...next }
  for (const list of lists) {
    const before = old[list]
    if (!next[list] || !before) continue
    spec[list] = next[list].map((container, index) => {
      // Of init containers only those that go on running may be resized.
      const isFixed = list === 'initContainers' && before[index]?.restartPolicy !== 'Always'
      return isFixed ? container : withResources(container, before[index])
    })
  }
  return spec as unknown as Frozen<PodSpec>
}

function withResources(container: Frozen<Container>, before: Frozen<Container> | undefined): Frozen<Container> {
  const { resources, resizePolicy: _policy, ...kept } = container
  const mended: Record<string, unknown> = { ...resources }
  for (const part of ['requests', 'limits'] as const) {
    const amounts: Record<string, string> = { ...resources?.[part] }
    for (const name of resizable) {
      const amount = before?.resources?.[part]?.[name]
      if (amount === undefined) delete amounts[name]
      else amounts[name] = amount
    }
    if (Object.keys(amounts).length > 0 || before?.resources?.[part]) mended[part] = amounts
    else delete mended[part]
  }
  const isBare = Object.keys(mended).length === 0 && before?.resources === undefined
  return {
    ...kept,
    ...(isBare ? {} : { resources: mended }),
    ...(before?.resizePolicy ? { resizePolicy: before.resizePolicy } : {}),
  }
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 1)
