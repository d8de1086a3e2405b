// An object without the fields of a set: what a manager no longer applies. Called by updater.ts. Rules: structured-merge-diff
// typed/remove.go. Pure: what stays is shared with the original.

import type { FieldSet } from './field-set.ts'
import { fieldStep, itemStep } from './steps.ts'
import { formOf, isMembers, memberType, type Type } from './typed.ts'

/** Undefined when nothing is left of it. */
export function removeFields(type: Type, value: unknown, set: FieldSet): unknown {
  const form = formOf(type, value)
  if (form === 'map') {
    if (!isMembers(value)) return undefined
    const next: Record<string, unknown> = {}
    let count = 0
    for (const name of Object.keys(value)) {
      const child = set.at(fieldStep(name))
      if (child?.isMember) continue
      const rest = child?.isEmpty === false ? removeFields(memberType(type, name), value[name], child) : value[name]
      // Where something was taken out to the last, Go's map keeps the name with nothing.
      define(next, name, rest === undefined ? null : rest)
      count++
    }
    return count === 0 ? undefined : next
  }
  if (form === 'list') {
    if (!Array.isArray(value) || value.length === 0) return undefined
    const next: unknown[] = []
    for (const item of value) {
      const child = set.at(itemStep(type!, item))
      if (child?.isMember) continue
      next.push(child?.isEmpty === false ? removeFields(type!.items(), item, child) : item)
    }
    return next.length === 0 ? undefined : next
  }
  // One value goes as a whole or not at all.
  return isWhole(type, value) ? undefined : value
}

/** A list or map that is one value, when something below it was to go. */
function isWhole(type: Type, value: unknown): boolean {
  if (type !== undefined && type.kind !== 'any') return type.kind !== 'scalar'
  return typeof value === 'object' && value !== null
}

function define(members: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(members, name, { value, writable: true, enumerable: true, configurable: true })
  } else {
    members[name] = value
  }
}
