// JSON merge patch (RFC 7396), as the API server applies it (gopkg.in/evanphx/json-patch.v4 merge.go). Called by
// registry/write.ts. Pure: neither argument is changed; the result shares with both whatever it takes over unchanged, so
// it must be drafted before anything writes into it.

import { badRequest } from '../../src/api/errors.ts'
import { setMember } from '../../src/api/freeze.ts'
import type { Frozen } from '../../src/api/meta.ts'

type Members = Readonly<Record<string, unknown>>

export function applyMergePatch<T extends object>(current: Frozen<T>, patch: unknown): T {
  if (!isMembers(patch)) {
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${jsonType(patch)} into Go value of type map[string]interface {}`,
    )
  }
  return merged(current as Members, patch) as T
}

function merged(current: Members, patch: Members): Members {
  const next: Record<string, unknown> = { ...current }
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === null || value === undefined) {
      delete next[key]
    } else if (isMembers(value)) {
      const old = Object.hasOwn(next, key) ? next[key] : undefined
      setMember(next, key, isMembers(old) ? merged(old, value) : withoutNulls(value))
    } else {
      setMember(next, key, withoutNulls(value))
    }
  }
  return next
}

/** Null means absence, also inside what is new; only as an item of a list it is a value. Shares what holds no null. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    let copy: unknown[] | undefined
    for (let index = 0; index < value.length; index++) {
      const item = withoutNulls(value[index])
      if (item !== value[index]) {
        copy ??= value.slice()
        copy[index] = item
      }
    }
    return copy ?? value
  }
  if (!isMembers(value)) return value
  let isSame = true
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member === null || member === undefined) {
      isSame = false
      continue
    }
    const next = withoutNulls(member)
    if (next !== member) isSame = false
    setMember(copy, key, next)
  }
  return isSame ? value : copy
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What Go's decoder calls a value that it cannot take. */
export function jsonType(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}
