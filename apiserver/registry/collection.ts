// A collection: one served kind with where its objects are kept and how they are shown. Every verb takes one; made once a
// kind by registry.ts. A second version of a stored kind shares the collection's keys and converts on the way in and out.

import { freeze } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import type { Env } from '../../src/env/env.ts'
import type { CustomShape, Kind } from '../../src/kinds/kind.ts'
import type { Admission, RemoteAdmission } from '../admission/admission.ts'
import { prefixOf } from '../storage/keys.ts'
import type { Storage, Stored } from '../storage/storage.ts'
import { LazyReading } from './converting.ts'
import { Ownership } from './ownership.ts'
import type { Reading } from './registry.ts'

export interface Collection {
  readonly env: Env
  readonly storage: Storage
  /** Those that are concerned with the kind. */
  readonly admission: readonly Admission[]
  /** Who is asked over the network, when there may be such. */
  readonly remote: RemoteAdmission | undefined
  readonly kind: Kind<any>
  /** The kind in which the objects are kept: the kind itself, but for a second version. */
  readonly kept: Kind<any>
  readonly ownership: Ownership
  /** `/registry/apps/deployments/` */
  readonly prefix: string
  prefixOf(namespace: string | undefined): string
  keyOf(ref: Ref): string
  /** What is stored, as this version shows it: made once for each stored object. */
  reading(stored: Stored): Reading
  /** What is stored, as this version shows it, on its own. */
  shown(object: Frozen<KubeObject>): Frozen<KubeObject>
  /** It is stored as it would not be any more, so that even a write without a change is one (storage migration). */
  isStale(stored: Stored): boolean
  /** What to store for an object of this version. */
  toStore(object: KubeObject, old: Frozen<KubeObject> | undefined): KubeObject
}

export function collectionOf(
  env: Env,
  storage: Storage,
  admission: readonly Admission[],
  kind: Kind<any>,
  remote?: RemoteAdmission,
  served: () => readonly Kind<any>[] = () => [kind],
): Collection {
  const { storedAs } = kind
  const kept = storedAs?.kind ?? kind
  const prefix = prefixOf(kept)
  const collection = {
    env,
    storage,
    admission: admission.filter(plugin => plugin.concerns?.(kind) ?? true),
    remote,
    kind,
    kept,
    ownership: new Ownership(env, kind, served),
    prefix,
    isStale: () => false,
    prefixOf: (namespace: string | undefined) => (kind.namespaced && namespace ? `${prefix}${namespace}/` : prefix),
    keyOf: (ref: Ref) => (kind.namespaced ? `${prefix}${ref.namespace ?? ''}/${ref.name}` : `${prefix}${ref.name}`),
  }
  if (kind.custom !== undefined) return { ...collection, ...customForms(kind.custom) }
  if (storedAs === undefined) {
    return {
      ...collection,
      reading: stored => stored,
      shown: object => object,
      toStore: object => object,
    }
  }
  const readings = new WeakMap<Stored, Reading>()
  return {
    ...collection,
    reading(stored) {
      let reading = readings.get(stored)
      if (reading === undefined) {
        reading = readingOf(freeze(storedAs.fromStored(stored.object)) as Frozen<KubeObject>, stored.managedFields)
        readings.set(stored, reading)
      }
      return reading
    },
    shown: object => storedAs.fromStored(object) as Frozen<KubeObject>,
    toStore: (object, old) => storedAs.toStored(object as never, old as never),
  }
}

/** Objects of a kind that came at run time are shown as its schema has them now, whatever it was when they were written. */
function customForms(custom: CustomShape): Pick<Collection, 'reading' | 'shown' | 'toStore' | 'isStale'> {
  const readings = new WeakMap<Stored, Reading>()
  return {
    reading(stored) {
      let reading = readings.get(stored)
      if (reading === undefined) {
        reading = custom.isConvertedOutside ? new LazyReading(custom, stored, wholeObject) : complete(custom, stored)
        readings.set(stored, reading)
      }
      return reading
    },
    shown: object => custom.fromStored(object),
    toStore: object => custom.toStored(object),
    isStale: ({ object }) => object.apiVersion !== custom.storedVersion,
  }
}

function complete(custom: CustomShape, stored: Stored): Reading {
  const object = custom.fromStored(stored.object)
  return object === stored.object ? stored : readingOf(object, stored.managedFields)
}

/** An object that is not stored in this form: its JSON is made when it is first asked for. */
export function readingOf(object: Frozen<KubeObject>, managedFields?: string): Reading {
  return new MadeReading(object, managedFields)
}

class MadeReading implements Reading {
  readonly object: Frozen<KubeObject>
  readonly managedFields: string | undefined
  #bytes: Buffer | undefined

  constructor(object: Frozen<KubeObject>, managedFields: string | undefined) {
    this.object = object
    this.managedFields = managedFields
  }

  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(JSON.stringify(wholeObject(this)))
    return this.#bytes
  }
}

/** The object with its managed fields, for whoever shows it in another form than its bytes. */
export function wholeObject({ object, managedFields }: Pick<Reading, 'object' | 'managedFields'>): Frozen<KubeObject> {
  if (managedFields === undefined) return object
  return { ...object, metadata: { ...object.metadata, managedFields: JSON.parse(managedFields) } }
}
