// What one object changed of another, field by field: added, modified, removed. The ground of all ownership by updates.
// Called by updater.ts. Rules: structured-merge-diff typed/compare.go. Pure.

import { jsonEqual } from '../../src/api/json-equal.ts'
import type { SchemaNode } from '../../src/kinds/schemas.ts'
import { FieldSet } from './field-set.ts'
import { fieldStep, isFault, itemStep } from './steps.ts'
import { formOf, hasNone, isMembers, type Members, memberType, type Type } from './typed.ts'
import { WholeFields } from './whole-fields.ts'

export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

/** `without`: members of the root that are not looked at. `wholes`: what is known of values that come or go as a whole. */
export function compare(
  type: Type,
  old: unknown,
  next: unknown,
  without?: ReadonlySet<string>,
  wholes: Wholes = new WeakMap(),
): Comparison {
  const walk = new Walk(without, wholes)
  walk.members(type, old as Members, next as Members)
  return walk
}

export type Wholes = WeakMap<SchemaNode, WholeFields>

class Walk implements Comparison {
  readonly added = new FieldSet()
  readonly modified = new FieldSet()
  readonly removed = new FieldSet()
  readonly #path: string[] = []
  readonly #without: ReadonlySet<string> | undefined

  readonly #wholes: Wholes

  constructor(without: ReadonlySet<string> | undefined, wholes: Wholes) {
    this.#without = without
    this.#wholes = wholes
  }

  /** `undefined` is nothing at all, null a value that any form takes. */
  #compare(type: Type, old: unknown, next: unknown): void {
    if (old === next) return
    if (old === undefined) {
      if (this.#whole(type, next, this.added)) return
    } else if (next === undefined && this.#whole(type, old, this.removed)) {
      return
    }
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

  /** What comes or goes as a whole does so with all that is in it. */
  #whole(type: Type, value: unknown, into: FieldSet): boolean {
    if (type === undefined || this.#path.length === 0) return false
    let whole = this.#wholes.get(type)
    if (whole === undefined) {
      whole = new WholeFields(type)
      this.#wholes.set(type, whole)
    }
    const content = whole.contentOf(value)
    if (content === undefined) return false
    if (content === '') into.insert(this.#path)
    else into.graft(this.#path, FieldSet.resting(true, content))
    return true
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
    const without = this.#path.length === 0 ? this.#without : undefined
    const always = type?.alwaysWritten ?? none
    if (next !== undefined) {
      for (const name of Object.keys(next)) {
        const after = next[name]
        if (after === undefined || without?.has(name)) continue
        let before = old === undefined || !Object.hasOwn(old, name) ? undefined : old[name]
        if (before === undefined && old !== undefined && always.length > 0) before = emptyOf(always, name)
        if (!jsonEqual(before, after)) this.#member(type, name, before, after)
      }
    }
    if (old !== undefined) {
      for (const name of Object.keys(old)) {
        const before = old[name]
        if (before === undefined || without?.has(name)) continue
        if (next !== undefined && Object.hasOwn(next, name) && next[name] !== undefined) continue
        this.#member(type, name, before, next === undefined ? undefined : emptyOf(always, name))
      }
    }
    if ((old === undefined) === (next === undefined)) return
    for (const [name, empty] of always) {
      if (old?.[name] === undefined && next?.[name] === undefined) this.#member(type, name, old && empty, next && empty)
    }
  }

  #member(type: Type, name: string, old: unknown, next: unknown): void {
    this.#path.push(fieldStep(name))
    this.#compare(memberType(type, name), old, next)
    this.#path.pop()
  }

  #items(list: SchemaNode, old: readonly unknown[], next: readonly unknown[]): void {
    if (this.#pairs(list, old, next)) return
    const before = byStep(list, old)
    const after = byStep(list, next)
    for (const step of new Set([...before.keys(), ...after.keys()])) {
      this.#path.push(step)
      this.#item(list.items(), before.get(step) ?? [], after.get(step) ?? [])
      this.#path.pop()
    }
  }

  /** The usual change: the same items in the same order. False when it is another. */
  #pairs(list: SchemaNode, old: readonly unknown[], next: readonly unknown[]): boolean {
    const { listMapKeys: keys } = list
    if (keys === undefined || old.length !== next.length || old.length > mostPairs) return false
    for (let index = 0; index < old.length; index++) {
      if (!isSameItem(keys, old[index], next[index])) return false
      for (let other = 0; other < index; other++) if (isSameItem(keys, old[index], old[other])) return false
    }
    const type = list.items()
    for (let index = 0; index < old.length; index++) {
      if (jsonEqual(old[index], next[index])) continue
      this.#path.push(itemStep(list, next[index]))
      this.#compare(type, old[index], next[index])
      this.#path.pop()
    }
    return true
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

/** Beyond that, items are found by a map. */
const mostPairs = 16

/** By keys that are there and are plain texts or numbers. */
function isSameItem(keys: readonly string[], one: unknown, other: unknown): boolean {
  if (!isMembers(one) || !isMembers(other)) return false
  for (const key of keys) {
    const value = one[key]
    if (value !== other[key] || (typeof value !== 'string' && typeof value !== 'number')) return false
  }
  return true
}

type Always = NonNullable<SchemaNode['alwaysWritten']>
const none: Always = []

function emptyOf(always: Always, name: string): unknown {
  for (const each of always) if (each[0] === name) return each[1]
  return undefined
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
