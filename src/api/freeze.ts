// Frozen and draft: what is read is shared and deeply frozen; to change it, make a draft. Called by storage (freeze), by
// the registry and controllers (draft), and where a value comes in through the direct door (jsonClone).
// Hand-written, since structuredClone and a trip through JSON text cost six to eight times as much.

import type { Frozen } from './meta.ts'

/** Freezes a JSON value in depth, in place. What is frozen already is taken to be so in depth, and not walked again. */
export function freeze<T>(value: T): Frozen<T> {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index++) freezeChild(value[index])
    } else {
      for (const key of Object.keys(value)) freezeChild((value as Record<string, unknown>)[key])
    }
    Object.freeze(value)
  }
  return value as Frozen<T>
}

function freezeChild(value: unknown): void {
  if (typeof value === 'object' && value !== null) freeze(value)
}

/** A copy, in depth, that may be changed; nothing in it is shared with the original. */
export function draft<T>(value: T | Frozen<T>): T {
  return copy(value) as T
}

function copy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items = new Array(value.length)
    for (let index = 0; index < value.length; index++) items[index] = copy(value[index])
    return items
  }
  const members: Record<string, unknown> = {}
  for (const key of Object.keys(value)) setMember(members, key, copy((value as Record<string, unknown>)[key]))
  return members
}

/** The value as it would be after JSON text and back: no `undefined`, no dates, no methods, nothing shared. */
export function jsonClone<T>(value: T | Frozen<T>): T {
  return asJson(value, '') as T
}

function asJson(value: unknown, name: string): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? (value === 0 ? 0 : value) : null
    case 'object':
      break
    case 'bigint':
      throw new TypeError('a BigInt cannot be JSON')
    default:
      return undefined
  }
  if (value === null) return null
  if (Array.isArray(value)) {
    const items = new Array(value.length)
    for (let index = 0; index < value.length; index++) {
      const item = asJson(value[index], String(index))
      items[index] = item === undefined ? null : item
    }
    return items
  }
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON === 'function') return asJson(toJSON.call(value, name), name)
  const members: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const member = asJson((value as Record<string, unknown>)[key], key)
    if (member !== undefined) setMember(members, key, member)
  }
  return members
}

/** A member named `__proto__` is data like any other; plain assignment would set the prototype instead. */
export function setMember(members: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(members, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    members[key] = value
  }
}
