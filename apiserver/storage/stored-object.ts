// StoredObject: one object at one revision, as bytes and as what they say. Made by revision-store.ts only. Whoever has the
// parsed object of the present shares it; of what is superseded only the bytes are kept, and read again when asked for.

import { freeze } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Revision, Stored } from './storage.ts'

export class StoredObject implements Stored {
  readonly key: string
  readonly revision: Revision
  readonly createRevision: Revision
  readonly bytes: Buffer
  #isKept: boolean
  #parsed: Frozen<KubeObject> | undefined
  #lately: WeakRef<Frozen<KubeObject>> | undefined

  /** `isKept`: what has been parsed stays, until `release`. */
  constructor(
    key: string,
    revision: Revision,
    createRevision: Revision,
    bytes: Buffer,
    isKept: boolean,
    parsed?: Frozen<KubeObject>,
  ) {
    this.key = key
    this.revision = revision
    this.createRevision = createRevision
    this.bytes = bytes
    this.#isKept = isKept
    this.#parsed = parsed
  }

  get object(): Frozen<KubeObject> {
    if (this.#parsed !== undefined) return this.#parsed
    const lately = this.#lately?.deref()
    if (lately !== undefined) return lately
    const parsed = freeze(JSON.parse(this.bytes.toString()) as KubeObject)
    if (this.#isKept) this.#parsed = parsed
    else this.#lately = new WeakRef(parsed)
    return parsed
  }

  /** From now on only the bytes are kept. */
  release(): void {
    this.#isKept = false
    this.#parsed = undefined
  }

  /** Takes an object over, to be stored at a revision. Only its first two levels are copied, and those only if frozen. */
  static from(
    key: string,
    revision: Revision,
    createRevision: Revision,
    object: KubeObject | Frozen<KubeObject>,
    isKept: boolean,
  ): StoredObject {
    const resourceVersion = String(revision)
    let own = object as KubeObject
    if (Object.isFrozen(own.metadata)) {
      const metadata = { ...own.metadata, resourceVersion }
      if (Object.isFrozen(own)) own = { ...own, metadata }
      else own.metadata = metadata
    } else {
      own.metadata.resourceVersion = resourceVersion
    }
    return new StoredObject(key, revision, createRevision, bytesOf(JSON.stringify(own)), isKept, freeze(own))
  }
}

/** A buffer of its own: a slice of Node's pool would keep the whole slab alive for as long as any neighbour lives. */
function bytesOf(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafeSlow(length)
  bytes.write(text, 0, length, 'utf8')
  return bytes
}
