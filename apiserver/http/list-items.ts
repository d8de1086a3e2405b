// The items of a list as they go out: of built-in kinds without `kind` and `apiVersion`, which the list says for all of them (Go's
// typed lists have no place for them; a list of custom objects has). Mostly a matter of where an item's bytes begin. Called by reply.ts.

import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { Reading } from '../registry/registry.ts'

const brace = 0x7b
const opening = Buffer.from('{')

/** There are many in a list, and it is asked for often: nothing is made for each. */
export class ListItems {
  readonly #readings: readonly Reading[]
  /** Where to go on after the brace that opens an item; 0: its bytes are whole. */
  readonly #from: Uint16Array
  /** Of what was written with its members in an order of the client's own. */
  readonly #rewritten = new Map<number, Buffer>()

  constructor(kind: Kind<any>, readings: readonly Reading[]) {
    this.#readings = readings
    this.#from = new Uint16Array(readings.length)
    if (kind.custom === undefined) this.#leaveOutTypes(kind)
  }

  #leaveOutTypes(kind: Kind<any>): void {
    const [name, version] = [`"kind":${JSON.stringify(kind.kind)},`, `"apiVersion":${JSON.stringify(kind.apiVersion)},`]
    const heads = [Buffer.from(`{${name}${version}`), Buffer.from(`{${version}${name}`)] as const
    const { length } = heads[0]
    for (let index = 0; index < this.#readings.length; index++) {
      const { bytes } = this.#readings[index]!
      if (beginsWith(bytes, heads[0]) || beginsWith(bytes, heads[1])) this.#from[index] = length
      else this.#rewritten.set(index, Buffer.from(JSON.stringify(withoutType(kind, JSON.parse(bytes.toString())))))
    }
  }

  get count(): number {
    return this.#readings.length
  }

  #bytes(index: number): Buffer {
    const rewritten = this.#rewritten.size === 0 ? undefined : this.#rewritten.get(index)
    return rewritten ?? this.#readings[index]!.bytes
  }

  sizeOf(index: number): number {
    const from = this.#from[index]!
    const { length } = this.#bytes(index)
    return from === 0 ? length : length - from + 1
  }

  /** What `copy` needs of a chunk. */
  roomFor(index: number): number {
    return this.#bytes(index).length
  }

  /** Puts an item into the chunk, which has room for it; how many bytes of it are the item's. */
  copy(index: number, chunk: Buffer, at: number): number {
    const from = this.#from[index]!
    const bytes = this.#bytes(index)
    // Whole, and then moved: to copy from the midst of a buffer, Node makes another for it.
    bytes.copy(chunk, at)
    if (from === 0) return bytes.length
    chunk.copyWithin(at + 1, at + from, at + bytes.length)
    chunk[at] = brace
    return bytes.length - from + 1
  }

  /** The same without copying. */
  pieces(index: number): readonly Buffer[] {
    const from = this.#from[index]!
    return from === 0 ? [this.#bytes(index)] : [opening, this.#bytes(index).subarray(from)]
  }
}

function beginsWith(bytes: Buffer, head: Buffer): boolean {
  for (let at = 0; at < head.length; at++) if (bytes[at] !== head[at]) return false
  return true
}

/** The same of an object. */
export function withoutType(kind: Kind<any>, object: Frozen<KubeObject>): object {
  if (kind.custom !== undefined) return object
  const { kind: _, apiVersion: __, ...rest } = object
  return rest
}
