// What becomes of an object that is written to a kind: defaulted, prepared and judged, as the registry does it.

import { verifySignature } from '../../apiserver/registry/signatures.ts'
import { draft, freeze } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Kind, Subresource } from '../../src/kinds/kind.ts'
import { validateObjectMeta } from '../../src/kinds/object-meta.ts'

const now = Date.parse('2024-05-01T12:00:00Z')

export interface Written<T> {
  readonly object: Frozen<T>
  /** `spec.ports: Required value`, in the order found. */
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
}

/** `object` in any shape that a user might send. */
export function create<T extends KubeObject>(kind: Kind<T>, object: object): Written<T> {
  return write(kind, object, undefined, undefined)
}

/** `edit` changes a draft of what is stored. */
export function update<T extends KubeObject>(
  kind: Kind<T>,
  old: Frozen<T>,
  edit: (draft: T) => void,
  subresource?: Subresource,
): Written<T> {
  const next = draft(old) as T
  edit(next)
  return write(kind, next, old, subresource)
}

function write<T extends KubeObject>(
  kind: Kind<T>,
  object: object,
  old: Frozen<T> | undefined,
  subresource: Subresource | undefined,
): Written<T> {
  const next = structuredClone(object) as T
  next.apiVersion ??= kind.apiVersion
  next.kind ??= kind.kind
  next.metadata ??= { name: '' }
  if (kind.namespaced) next.metadata.namespace ??= 'default'
  const user = { name: 'jane', uid: 'u1', groups: ['dev', 'system:authenticated'], extra: { 'example.com/a': ['b'] } }
  const operation = old ? 'update' : 'create'
  const context = { now, operation, subresource, user, verify: verifySignature } as const
  kind.defaults?.(next)
  kind.prepare?.(next, old, context)
  const frozen = freeze(next) as Frozen<T>
  const found = [...validateObjectMeta(frozen, old, kind), ...(kind.validate?.(frozen, old, context) ?? [])]
  return {
    object: frozen,
    faults: found.map(fault => `${fault.field}: ${fault.message}`),
    warnings: found.length > 0 ? [] : (kind.warnings?.(frozen, old) ?? []),
  }
}

/** One cell of a kind's table; the cluster's time is 12:00 on 1 May 2024. */
export function cell<T extends KubeObject>(kind: Kind<T>, object: Frozen<T>, column: string): unknown {
  return kind.columns.find(each => each.name === column)?.value(object, now)
}
