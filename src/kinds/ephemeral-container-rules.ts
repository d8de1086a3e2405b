// The rules of ephemeral containers: those of any container, fewer fields, and names that nobody else has
// (validateEphemeralContainers in pkg/apis/core/validation/validation.go).

import type { EphemeralContainer, PodSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { containerRules, imageIsTrimmed, type PodOfContainer } from './container-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'

const refused = [
  'ports',
  'resources',
  'restartPolicy',
  'restartPolicyRules',
  'resizePolicy',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const
const detail = 'cannot be set for an Ephemeral Container'

export function ephemeralRules(spec: Frozen<PodSpec>, pod: PodOfContainer, path: FieldPath, faults: Faults): void {
  const others = new Set<string>()
  for (const { name } of spec.containers ?? []) others.add(name)
  for (const { name } of spec.initContainers ?? []) others.add(name)
  const names = new Set(others)
  for (const [index, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = path.index(index)
    containerRules(container, pod, at, faults)
    imageIsTrimmed(container, at, faults)
    if (names.has(container.name)) faults.duplicate(at.child('name'), container.name)
    names.add(container.name)
    const target = container.targetContainerName
    if (target && !others.has(target)) faults.notFound(at.child('targetContainerName'), target)
    fieldRules(container, at, faults)
  }
}

function fieldRules(container: Frozen<EphemeralContainer>, path: FieldPath, faults: Faults): void {
  for (const field of refused) {
    const value: unknown = container[field]
    if (value && !(typeof value === 'object' && Object.keys(value).length === 0)) {
      faults.forbidden(path.child(field), detail)
    }
  }
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    for (const field of ['subPath', 'subPathExpr'] as const) {
      if (mount[field]) faults.forbidden(path.child('volumeMounts').index(index).child(field), detail)
    }
  }
}
