// RuntimeClass: what a pod's runtime costs and where it runs comes from its class, and from nowhere else
// (plugin/pkg/admission/runtimeclass/admission.go, pkg/util/tolerations/tolerations.go).

import type { Pod, RuntimeClass, Toleration } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { amountsOf, sameAmounts } from '../../src/kinds/quota-amounts.ts'
import { RuntimeClasses } from '../../src/kinds/runtimeclass.ts'
import { keyOf } from '../storage/keys.ts'
import type { Admission, AdmissionRequest } from './admission.ts'

const differs = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

export const runtimeClass: Admission = {
  name: 'RuntimeClass',
  concerns: kind => kind === Pods,
  admit(draft, request) {
    if (request.operation !== 'CREATE' || request.subresource !== undefined) return
    const { spec } = draft as Pod
    const found = classOf(spec, request)
    if (found?.overhead) giveOverhead(spec, found.overhead.podFixed ?? {}, request)
    if (found?.scheduling) giveScheduling(spec, found.scheduling, request)
  },
  check(next, request) {
    if (request.operation !== 'CREATE' || request.subresource !== undefined) return
    const { spec } = next as Frozen<Pod>
    if (spec.overhead === undefined && spec.runtimeClassName === undefined) return
    const found = classOf(spec, request)
    const { kind, name } = request
    if (found?.overhead) {
      if (!sameAmounts(amountsOf(found.overhead.podFixed), amountsOf(spec.overhead)))
        throw forbidden(kind, name, differs)
    } else if (spec.overhead !== undefined) {
      throw forbidden(kind, name, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
    }
  },
}

function classOf(
  { runtimeClassName: wanted }: Frozen<Pod['spec']>,
  { kind, name, present }: AdmissionRequest,
): Frozen<RuntimeClass> | undefined {
  if (wanted === undefined) return undefined
  const found = present.get(keyOf(RuntimeClasses, { name: wanted }))
  if (found !== undefined) return found.object as Frozen<KubeObject> as Frozen<RuntimeClass>
  throw forbidden(kind, name, `pod rejected: RuntimeClass "${wanted}" not found`)
}

function giveOverhead(
  spec: Pod['spec'],
  fixed: Frozen<Record<string, string>>,
  { kind, name }: AdmissionRequest,
): void {
  if (spec.overhead !== undefined && !sameAmounts(amountsOf(fixed), amountsOf(spec.overhead))) {
    throw forbidden(kind, name, differs)
  }
  spec.overhead = { ...fixed }
}

function giveScheduling(
  spec: Pod['spec'],
  { nodeSelector = {}, tolerations = [] }: Frozen<NonNullable<RuntimeClass['scheduling']>>,
  { kind, name }: AdmissionRequest,
): void {
  const wanted = { ...spec.nodeSelector }
  for (const [key, value] of Object.entries(nodeSelector)) {
    const own = spec.nodeSelector?.[key]
    if (own !== undefined && own !== value) {
      const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`
      throw forbidden(kind, name, why)
    }
    wanted[key] = value
  }
  if (Object.keys(wanted).length > 0) spec.nodeSelector = wanted
  const merged = mergeTolerations([...(spec.tolerations ?? []), ...tolerations.map(each => ({ ...each }))])
  if (merged.length > 0) spec.tolerations = merged
}

/** Of two of which one tolerates all that the other does, that one; of two that are equal, the first. */
function mergeTolerations(all: readonly Toleration[]): Toleration[] {
  const merged: Toleration[] = []
  for (const [index, each] of all.entries()) {
    if (merged.some(other => covers(other, each))) continue
    if (all.slice(index + 1).some(other => !jsonEqual(each, other) && covers(other, each))) continue
    merged.push(each)
  }
  return merged
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (jsonEqual(wide, narrow)) return true
  if ((wide.key ?? '') !== (narrow.key ?? '') && (wide.key || wide.operator !== 'Exists')) return false
  if (wide.effect && wide.effect !== narrow.effect) return false
  if (wide.effect === 'NoExecute' && wide.tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > wide.tolerationSeconds) return false
  }
  if (wide.operator === 'Exists') return true
  return narrow.operator === 'Equal' && (wide.value ?? '') === (narrow.value ?? '')
}
