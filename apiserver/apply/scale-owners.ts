// Who owns the replicas of an object, told as owners of its Scale, and back again after an apply to /scale. Called by
// registry/apply.ts. Rules: apimachinery/pkg/util/managedfields/scalehandler.go. Pure.

import { FieldSet } from './field-set.ts'
import { Fields, isSameManager, type ManagedEntries, type ManagedEntry, sorted } from './managed-fields.ts'

/** Of the object and of its Scale alike. */
const replicas = ['f:spec', 'f:replicas']
const scaleVersion = 'autoscaling/v1'

export function ownersOfScale(entries: ManagedEntries): ManagedEntries {
  return entries
    .filter(({ fields }) => fields.set.has(replicas))
    .map(entry => ({ ...entry, apiVersion: scaleVersion, fields: Fields.of(FieldSet.of(replicas)) }))
}

/** `before`: of the object; `after`: of its Scale. Who lost the replicas there loses them here. */
export function ownersOfReplicas(before: ManagedEntries, after: ManagedEntries, apiVersion: string): ManagedEntries {
  const fromScale = [...after]
  const kept: ManagedEntry[] = []
  for (const entry of before) {
    if (!entry.fields.set.has(replicas)) {
      kept.push(entry)
      continue
    }
    const at = fromScale.findIndex(each => isSameManager(each, { ...entry, apiVersion: scaleVersion }))
    if (at >= 0) {
      fromScale.splice(at, 1)
      kept.push(entry)
      continue
    }
    const rest = entry.fields.set.difference(FieldSet.of(replicas))
    if (!rest.isEmpty) kept.push({ ...entry, fields: Fields.of(rest) })
  }
  for (const entry of fromScale) {
    if (entry.fields.set.has(replicas)) kept.push({ ...entry, apiVersion, fields: Fields.of(FieldSet.of(replicas)) })
  }
  return sorted(kept)
}
