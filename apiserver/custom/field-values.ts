// Values at simple paths of custom objects: `.spec.replicas`, as scale subresources and conversions name them
// (apimachinery pkg/apis/meta/v1/unstructured/helpers.go, NestedInt64 and its like).

import { setMember } from '../../src/api/freeze.ts'

export type SimplePath = readonly string[]

export function simplePath(text: string): SimplePath {
  return text.replace(/^\./, '').split('.')
}

export function valueAt(object: unknown, path: SimplePath): unknown {
  let value = object
  for (const step of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, step)) {
      return undefined
    }
    value = (value as Record<string, unknown>)[step]
  }
  return value
}

/** Makes the objects on the way. */
export function setAt(object: Record<string, unknown>, path: SimplePath, value: unknown): void {
  let members = object
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(members, step) ? members[step] : undefined
    if (typeof next === 'object' && next !== null && !Array.isArray(next)) members = next as Record<string, unknown>
    else {
      const made = {}
      setMember(members, step, made)
      members = made
    }
  }
  setMember(members, path.at(-1)!, value)
}
