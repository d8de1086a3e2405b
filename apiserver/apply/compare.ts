// What one object changed of another, field by field: added, modified, removed. The ground of all ownership by updates.
// Called by updater.ts. Rules: structured-merge-diff typed/compare.go. Pure.

import { jsonEqual } from '../../src/api/json-equal.ts'
import type { SchemaNode } from '../../src/kinds/schemas.ts'
import { FieldSet } from './field-set.ts'
import { fieldStep, isFault, itemStep } from './steps.ts'
import { formOf, hasNone, isMembers, type Members, memberType, type Type } from './typed.ts'

export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

/** `without`: members of the root that are not looked at. */
export function compare(type: Type, old: unknown, next: unknown, without?: ReadonlySet<string>): Comparison {
  const walk = new Walk(without)
  walk.members(type, old as Members, next as Members)
  return walk
}

class Walk implements Comparison {
  readonly added = new FieldSet()
  readonly modified = new FieldSet()
  readonly removed = new FieldSet()
  readonly #path: string[] = []
  readonly #without: ReadonlySet<string> | undefined

  constructor(without: ReadonlySet<string> | undefined) {
    this.#without = without
  }

  /** `undefined` is nothing at all, null a value that any form takes. */
  #compare(type: Type, old: unknown, next: unknown): void {
    if (old === next) return
    const before = formOf(type, old)
    const after = formOf(type, next)
    let isWhole = false
    if (before !== undefined && next !== undefined && after !== undefined && before !== after) {
      isWhole = this.#inForm(before, type, old, next)
    }
    isWhole = this.#inForm(next === undefined ? before : (after ?? before), type, old, next) || isWhole
    if (isWhole) return
    if (old === undefined) this.added.insert(this.#path)
    else if (next === undefined) this.removed.insert(this.#path)
  }

  /** True when it was compared as one value. */
  #inForm(form: 'map' | 'list' | 'leaf' | undefined, type: Type, old: unknown, next: unknown): boolean {
    if (form === 'map') {
      const [left, right] = [isMembers(old) ? old : undefined, isMembers(next) ? next : undefined]
      if (!(hasNone(left) && hasNone(right))) {
        this.members(type, left, right)
        return false
      }
    } else if (form === 'list') {
      const [left, right] = [Array.isArray(old) ? old : undefined, Array.isArray(next) ? next : undefined]
      if (!(hasNone(left) && hasNone(right))) {
        this.#items(type!, left ?? [], right ?? [])
        return false
      }
    }
    if (old === undefined) this.added.insert(this.#path)
    else if (next === undefined) this.removed.insert(this.#path)
    else if (!jsonEqual(old, next)) this.modified.insert(this.#path)
    return true
  }

  members(type: Type, old: Members | undefined, next: Members | undefined): void {
    const isRoot = this.#path.length === 0
    for (const name of Object.keys(next ?? {})) {
      if (next![name] === undefined || (isRoot && this.#without?.has(name))) continue
      const before = old === undefined || !Object.hasOwn(old, name) ? undefined : old[name]
      this.#member(type, name, old === undefined ? undefined : (before ?? emptyOf(type, name, before)), next![name])
    }
    for (const name of Object.keys(old ?? {})) {
      if (old![name] === undefined || (isRoot && this.#without?.has(name))) continue
      if (next !== undefined && Object.hasOwn(next, name) && next[name] !== undefined) continue
      this.#member(type, name, old![name], next === undefined ? undefined : emptyOf(type, name, undefined))
    }
    for (const [name, empty] of type?.alwaysWritten ?? []) {
      // What Go writes for both or for neither is no change.
      if (old?.[name] !== undefined || next?.[name] !== undefined || (old === undefined) === (next === undefined))
        continue
      this.#member(type, name, old && empty, next && empty)
    }
  }

  #member(type: Type, name: string, old: unknown, next: unknown): void {
    if (old === next) return
    this.#path.push(fieldStep(name))
    this.#compare(memberType(type, name), old, next)
    this.#path.pop()
  }

  #items(list: SchemaNode, old: readonly unknown[], next: readonly unknown[]): void {
    const before = byStep(list, old)
    const after = byStep(list, next)
    for (const step of new Set([...before.keys(), ...after.keys()])) {
      this.#path.push(step)
      this.#item(list.items(), before.get(step) ?? [], after.get(step) ?? [])
      this.#path.pop()
    }
  }

  /** Items that share a step are one value together, and a marker when they come or go. */
  #item(type: Type, old: readonly unknown[], next: readonly unknown[]): void {
    if (old.length < 2 && next.length < 2) {
      this.#compare(type, old[0], next[0])
    } else if (old.length >= 2 && next.length >= 2) {
      if (!jsonEqual(old, next)) this.modified.insert(this.#path)
    } else if (old.length >= 2) {
      if (next.length > 0) this.#compare(type, undefined, next[0])
      this.removed.insert(this.#path)
    } else {
      if (old.length > 0) this.#compare(type, old[0], undefined)
      this.added.insert(this.#path)
    }
  }
}

function emptyOf(type: Type, name: string, found: unknown): unknown {
  return type?.alwaysWritten?.find(each => each[0] === name)?.[1] ?? found
}

function byStep(list: SchemaNode, items: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>()
  for (const item of items) {
    const step = itemStep(list, item)
    if (isFault(step)) continue
    const same = found.get(step)
    if (same === undefined) found.set(step, [item])
    else same.push(item)
  }
  return found
}
