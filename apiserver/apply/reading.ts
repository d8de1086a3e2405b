// FieldsV1 into a set of fields: of our own writing, or of a client's, which may be anything. Called by managed-fields.ts.

import { FieldSet } from './field-set.ts'
import { readStep } from './steps.ts'

/** Undefined when it is not a set of fields. Steps of a kind that is not known are dropped, as upstream drops them. */
export function readFields(value: unknown): FieldSet | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const root = new FieldSet()
  return readChildren(value as Members, root) ? root : undefined
}

type Members = Readonly<Record<string, unknown>>

/** False when a step or what stands under it cannot be read. */
function readChildren(value: Members, into: FieldSet): boolean {
  for (const key of Object.keys(value)) {
    const inner = value[key]
    if (key === '.') {
      into.isMember = true
      continue
    }
    const step = readStep(key)
    if (step === undefined) return false
    if (step === 'unknown') continue
    if (inner !== null && (typeof inner !== 'object' || Array.isArray(inner))) return false
    into.children ??= new Map()
    const child = into.children.get(step) ?? new FieldSet()
    into.children.set(step, child)
    if (!readChildren((inner ?? {}) as Members, child)) return false
    if (child.children === undefined || child.children.size === 0) child.isMember = true
  }
  return true
}
