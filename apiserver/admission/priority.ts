// Priority: a pod gets the number and the preemption policy of its class, or of the default class; and there is one default
// (plugin/pkg/admission/priority/admission.go).

import type { Pod, PriorityClass } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { PriorityClasses, systemPriorityClasses } from '../../src/kinds/priorityclass.ts'
import { keyOf, prefixOf } from '../storage/keys.ts'
import type { Present } from '../storage/storage.ts'
import type { Admission, AdmissionRequest } from './admission.ts'

const classes = prefixOf(PriorityClasses)

export const priority: Admission = {
  name: 'Priority',
  concerns: kind => kind === Pods || kind === PriorityClasses,
  admit(draft, request) {
    if (request.kind !== Pods || request.subresource !== undefined) return
    if (request.operation === 'CREATE') givePriority(draft as Pod, request)
    else if (request.operation === 'UPDATE') keepPriority(draft as Pod, request.old as Frozen<Pod>)
  },
  check(next, request) {
    if (request.kind !== PriorityClasses || request.subresource !== undefined) return
    if (request.operation === 'DELETE') refuseSystemClass(request)
    else refuseSecondDefault(next as Frozen<PriorityClass>, request)
  },
}

/** Who sends the manifest again need not repeat what was given. */
function keepPriority({ spec }: Pod, { spec: old }: Frozen<Pod>): void {
  if (old.priority !== undefined) spec.priority ??= old.priority
  if (old.preemptionPolicy !== undefined) spec.preemptionPolicy ??= old.preemptionPolicy
}

function givePriority({ spec }: Pod, request: AdmissionRequest): void {
  const { kind, name } = request
  const found = spec.priorityClassName ? namedClass(spec.priorityClassName, request) : defaultClass(request.present)
  if (!spec.priorityClassName && found) spec.priorityClassName = found.metadata.name
  const value = found?.value ?? 0
  const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority'
  const computed = (what: unknown): string =>
    `must not be provided in pod spec; priority admission controller computed ${what} from the given PriorityClass name`
  if (spec.priority !== undefined && spec.priority !== value) {
    throw forbidden(kind, name, `the integer value of priority (${spec.priority}) ${computed(value)}`)
  }
  spec.priority = value
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw forbidden(kind, name, `the string value of PreemptionPolicy (${spec.preemptionPolicy}) ${computed(policy)}`)
  }
  spec.preemptionPolicy = policy
}

function namedClass(name: string, { kind, name: pod, present }: AdmissionRequest): Frozen<PriorityClass> {
  const found = present.get(keyOf(PriorityClasses, { name }))
  if (found === undefined) throw forbidden(kind, pod, `no PriorityClass with name ${name} was found`)
  return found.object as Frozen<KubeObject> as Frozen<PriorityClass>
}

/** Should there be several all the same, the lowest. */
function defaultClass(present: Present): Frozen<PriorityClass> | undefined {
  let lowest: Frozen<PriorityClass> | undefined
  for (const { object } of present.list(classes)) {
    const each = object as Frozen<KubeObject> as Frozen<PriorityClass>
    if (each.globalDefault && (lowest === undefined || (lowest.value ?? 0) > (each.value ?? 0))) lowest = each
  }
  return lowest
}

function refuseSecondDefault(next: Frozen<PriorityClass>, { kind, name, operation, present }: AdmissionRequest): void {
  if (!next.globalDefault) return
  const there = defaultClass(present)
  if (there === undefined || (operation === 'UPDATE' && there.metadata.name === next.metadata.name)) return
  const why = `PriorityClass ${there.metadata.name} is already marked as default. Only one default can exist`
  throw forbidden(kind, name, why)
}

/** pkg/registry/scheduling/priorityclass/storage/storage.go. */
function refuseSystemClass({ kind, name }: AdmissionRequest): void {
  if (!systemPriorityClasses.some(each => each.name === name)) return
  throw forbidden(kind, name, 'this is a system priority class and cannot be deleted')
}
