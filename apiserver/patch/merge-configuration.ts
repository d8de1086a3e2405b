// Merging an apply configuration into an object, as far as a mutating policy does: what it names is set or added, by the
// schema's list types and map keys; nothing is taken away and nobody's ownership is kept. Pure.
// Upstream: sigs.k8s.io/structured-merge-diff typed.Merge; k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go.

import { draft } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { SchemaNode } from '../../src/kinds/schemas.ts'
import { isMembers } from './merge-patch.ts'

/** The configuration would replace more than it names; the message is upstream's. */
export class AtomicFault extends Error {}

export function mergeConfiguration<T extends object>(
  object: T,
  configuration: unknown,
  node: SchemaNode | undefined,
): T {
  const atomics = atomicsIn(configuration, node, '')
  if (atomics.length > 0) throw new AtomicFault(`may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`)
  return merge(object, configuration, node) as T
}

function merge(present: unknown, wanted: unknown, node: SchemaNode | undefined): unknown {
  if (isMembers(wanted) && isMembers(present)) {
    const merged: Record<string, unknown> = { ...present }
    for (const [name, each] of Object.entries(wanted)) {
      const value = merge(merged[name], each, node?.field(name) ?? node?.values())
      Object.defineProperty(merged, name, { value, enumerable: true, configurable: true, writable: true })
    }
    return merged
  }
  if (Array.isArray(wanted) && Array.isArray(present)) {
    if (node?.listType === 'map') return mergeByKeys(present, wanted, node)
    if (node?.listType === 'set')
      return [...present, ...wanted.filter(each => !present.some(one => jsonEqual(one, each)))]
  }
  return draft(wanted)
}

function mergeByKeys(present: readonly unknown[], wanted: readonly unknown[], node: SchemaNode): unknown[] {
  const keys = node.listMapKeys ?? []
  const isSame = (one: unknown, other: unknown): boolean =>
    isMembers(one) && isMembers(other) && keys.every(key => jsonEqual(one[key], other[key]))
  const merged = [...present]
  for (const each of wanted) {
    const at = merged.findIndex(one => isSame(one, each))
    if (at < 0) merged.push(draft(each))
    else merged[at] = merge(merged[at], each, node.items())
  }
  return merged
}

function atomicsIn(wanted: unknown, node: SchemaNode | undefined, path: string): string[] {
  if (node === undefined || (!isMembers(wanted) && !Array.isArray(wanted))) return []
  if (Array.isArray(wanted)) {
    const isAtomic = node.kind === 'list' && node.listType !== 'map' && node.listType !== 'set'
    const inside = wanted.flatMap((each, index) => atomicsIn(each, node.items(), `${path}[${index}]`))
    return isAtomic ? [path, ...inside] : inside
  }
  const isAtomic = node.mapType === 'atomic' && path !== ''
  const inside = Object.entries(wanted).flatMap(([name, each]) =>
    atomicsIn(each, node.field(name) ?? node.values(), `${path}.${name}`),
  )
  return isAtomic ? [path, ...inside] : inside
}
