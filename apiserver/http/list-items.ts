// The items of a list as they go out: of built-in kinds without `kind` and `apiVersion`, which the list says for all of them (Go's
// typed lists have no place for them; a list of custom objects has). Mostly a matter of where an item's bytes begin. Called by reply.ts.

import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { Reading } from '../registry/registry.ts'

export interface ListItem {
  readonly bytes: Buffer
  /** Where to go on after the brace that opens it; 0: the bytes are whole. */
  readonly from: number
}

export function listItems(kind: Kind<any>, readings: readonly Reading[]): readonly ListItem[] {
  if (kind.custom !== undefined) return readings.map(({ bytes }) => ({ bytes, from: 0 }))
  const type = [`"kind":${JSON.stringify(kind.kind)},`, `"apiVersion":${JSON.stringify(kind.apiVersion)},`] as const
  const heads = [Buffer.from(`{${type[0]}${type[1]}`), Buffer.from(`{${type[1]}${type[0]}`)]
  const { length } = heads[0]!
  return readings.map(({ bytes }) => {
    for (const head of heads) if (bytes.compare(head, 0, length, 0, length) === 0) return { bytes, from: length }
    // Written with its members in an order of the client's own.
    return { bytes: Buffer.from(JSON.stringify(withoutType(kind, JSON.parse(bytes.toString())))), from: 0 }
  })
}

/** The same of an object. */
export function withoutType(kind: Kind<any>, object: Frozen<KubeObject>): object {
  if (kind.custom !== undefined) return object
  const { kind: _, apiVersion: __, ...rest } = object
  return rest
}

export const sizeOf = ({ bytes, from }: ListItem): number => (from === 0 ? bytes.length : bytes.length - from + 1)

const brace = 0x7b

/** Puts it into the chunk, which has room for it; how many bytes that was. */
export function copyItem({ bytes, from }: ListItem, chunk: Buffer, at: number): number {
  if (from === 0) return bytes.copy(chunk, at)
  chunk[at] = brace
  return 1 + bytes.copy(chunk, at + 1, from)
}
