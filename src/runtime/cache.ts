// Cache: the objects of one kind, by key, with named indexes and change handlers. Written by the reflector, read by
// everyone through a Lister. Reads are in order of key; a change costs the same whatever the number of objects, and an
// array handed out never changes under its reader.

import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import { controllerOf } from '../api/owners.ts'
import type { Cancel } from '../env/clock.ts'
import type { Lister } from './informer.ts'

export type Change<T extends KubeObject> = (now: Frozen<T> | undefined, before: Frozen<T> | undefined) => void

type Keys<T> = (object: Frozen<T>) => readonly string[]

/** `default/web-1`, or `node-1` without a namespace. */
export function keyOf({ name, namespace }: Ref): string {
  return namespace ? `${namespace}/${name}` : name
}

export function refFromKey(key: string): Ref {
  const at = key.indexOf('/')
  return at < 0 ? { name: key } : { namespace: key.slice(0, at), name: key.slice(at + 1) }
}

const none: readonly never[] = Object.freeze([])
const nowhere: readonly string[] = Object.freeze([])

export class Cache<T extends KubeObject> implements Lister<T> {
  readonly #objects = new OrderedTable<Frozen<T>>()
  readonly #indexes = new Map<string, Index<T>>()
  #handlers: readonly Change<T>[] = []

  constructor() {
    this.index('namespace', ({ metadata: { namespace } }) => (namespace ? [namespace] : nowhere))
    this.index('controller', object => {
      const owner = controllerOf(object)
      return owner === undefined ? nowhere : [owner.uid]
    })
    this.index('node', object => {
      const node = (object as { spec?: { nodeName?: string } }).spec?.nodeName
      return node ? [node] : nowhere
    })
  }

  get size(): number {
    return this.#objects.size
  }

  get(ref: Ref): Frozen<T> | undefined {
    return this.#objects.get(keyOf(ref))
  }

  list(where: Parameters<Lister<T>['list']>[0] = {}): readonly Frozen<T>[] {
    const { namespace, matches } = where
    const all = namespace ? this.by('namespace', namespace) : this.#objects.values()
    return matches ? all.filter(({ metadata }) => matches(metadata.labels ?? {})) : all
  }

  by(index: string, value: string): readonly Frozen<T>[] {
    const found = this.#indexes.get(index)
    if (found === undefined) throw new Error(`there is no index ${index}`)
    return found.tables.get(value)?.values() ?? none
  }

  /** How many `by` would give, without making the list. */
  count(index: string, value: string): number {
    return this.#indexes.get(index)?.tables.get(value)?.size ?? 0
  }

  index(name: string, keys: Keys<T>): void {
    if (this.#indexes.has(name)) return
    const index: Index<T> = { keys, tables: new Map() }
    this.#indexes.set(name, index)
    for (const object of this.#objects.values()) reindex(index, keyOf(object.metadata), object, undefined)
  }

  on(change: Change<T>): Cancel {
    this.#handlers = [...this.#handlers, change]
    return () => {
      this.#handlers = this.#handlers.filter(handler => handler !== change)
    }
  }

  set(object: Frozen<T>): void {
    const key = keyOf(object.metadata)
    const before = this.#objects.get(key)
    this.#objects.set(key, object)
    for (const index of this.#indexes.values()) reindex(index, key, object, before)
    for (const handler of this.#handlers) handler(object, before)
  }

  remove(ref: Ref): void {
    const key = keyOf(ref)
    const before = this.#objects.get(key)
    if (before === undefined) return
    this.#objects.delete(key)
    for (const index of this.#indexes.values()) reindex(index, key, undefined, before)
    for (const handler of this.#handlers) handler(undefined, before)
  }

  /** Takes over a whole list: what is missing from it is gone; what it has at another version has changed. */
  replace(objects: readonly Frozen<T>[]): void {
    const present = new Set<string>()
    for (const { metadata } of objects) present.add(keyOf(metadata))
    for (const { metadata } of this.#objects.values()) if (!present.has(keyOf(metadata))) this.remove(metadata)
    for (const object of objects) {
      const old = this.get(object.metadata)
      if (old !== undefined && old.metadata.uid !== object.metadata.uid) this.remove(old.metadata)
      else if (old?.metadata.resourceVersion === object.metadata.resourceVersion && old !== undefined) continue
      this.set(object)
    }
  }
}

interface Index<T> {
  readonly keys: Keys<T>
  readonly tables: Map<string, OrderedTable<Frozen<T>>>
}

function reindex<T>(index: Index<T>, key: string, now: Frozen<T> | undefined, before: Frozen<T> | undefined): void {
  const old = before === undefined ? nowhere : index.keys(before)
  const next = now === undefined ? nowhere : index.keys(now)
  for (const value of old) {
    if (next.includes(value)) continue
    const table = index.tables.get(value)
    table?.delete(key)
    if (table?.size === 0) index.tables.delete(value)
  }
  for (const value of next) {
    let table = index.tables.get(value)
    if (table === undefined) {
      table = new OrderedTable()
      index.tables.set(value, table)
    }
    table.set(key, now!)
  }
}

/** A map read in order of key. The order is made when it is read, from what was in order before: nearly for nothing. */
class OrderedTable<V> {
  readonly #entries = new Map<string, V>()
  // Holds every present key; between reads also keys that are gone, keys twice, and new ones at the end.
  #keys: string[] = []
  #isTidy = true
  #values: readonly V[] | undefined

  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: V): void {
    this.#values = undefined
    const size = this.#entries.size
    this.#entries.set(key, value)
    if (this.#entries.size === size) return
    const last = this.#keys.at(-1)
    if (last !== undefined && last >= key) this.#isTidy = false
    this.#keys.push(key)
    if (this.#keys.length > 2 * this.#entries.size + 64) this.#tidy()
  }

  delete(key: string): void {
    if (!this.#entries.delete(key)) return
    this.#values = undefined
    this.#isTidy = false
  }

  values(): readonly V[] {
    if (this.#values !== undefined) return this.#values
    if (!this.#isTidy) this.#tidy()
    const values = this.#keys.map(key => this.#entries.get(key)!)
    this.#values = values
    return values
  }

  #tidy(): void {
    const present = this.#keys.filter(key => this.#entries.has(key)).sort()
    this.#keys = present.filter((key, at) => at === 0 || present[at - 1] !== key)
    this.#isTidy = true
  }
}
