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
  /** Where in the bytes the managed fields stand; -1: not looked for yet, 0: there are none. */
  #managedFrom: number
  #managedTo: number
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
    managed?: readonly [from: number, to: number],
  ) {
    this.key = key
    this.revision = revision
    this.createRevision = createRevision
    this.bytes = bytes
    this.#managedFrom = managed?.[0] ?? -1
    this.#managedTo = managed?.[1] ?? -1
    this.#isKept = isKept
    this.#parsed = parsed
  }

  get object(): Frozen<KubeObject> {
    if (this.#parsed !== undefined) return this.#parsed
    const lately = this.#lately?.deref()
    if (lately !== undefined) return lately
    const parsed = freeze(this.#parse())
    if (this.#isKept) this.#parsed = parsed
    else this.#lately = new WeakRef(parsed)
    return parsed
  }

  get managedFields(): string | undefined {
    if (this.#managedFrom === -1) this.#parse()
    if (this.#managedFrom === 0) return undefined
    return this.bytes.toString('utf8', this.#managedFrom, this.#managedTo)
  }

  /** Without the managed fields, and with their place noted: as `from` has it, they are the last of the metadata. */
  #parse(): KubeObject {
    const object = JSON.parse(this.bytes.toString()) as KubeObject
    const { managedFields } = object.metadata
    if (this.#managedFrom === -1) {
      const text = managedFields === undefined ? '' : JSON.stringify(managedFields)
      this.#managedFrom = text === '' ? 0 : this.bytes.indexOf(`"managedFields":${text}`) + '"managedFields":'.length
      this.#managedTo = this.#managedFrom + Buffer.byteLength(text)
    }
    if (managedFields !== undefined) delete object.metadata.managedFields
    return object
  }

  /** From now on only the bytes are kept. */
  release(): void {
    this.#isKept = false
    this.#parsed = undefined
  }

  /**
   * Takes an object over, to be stored at a revision. Only its first two levels are copied, and those only if frozen.
   * `managedFields`: their JSON, '' for none.
   */
  static from(
    key: string,
    revision: Revision,
    createRevision: Revision,
    object: KubeObject | Frozen<KubeObject>,
    isKept: boolean,
    managedFields: string,
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
    const [bytes, from] = managedFields === '' ? [bytesOf(JSON.stringify(own)), 0] : withManaged(own, managedFields)
    const to = from + Buffer.byteLength(managedFields)
    return new StoredObject(key, revision, createRevision, bytes, isKept, freeze(own), [from, to])
  }
}

/** The object as JSON, with the managed fields as the last of its metadata, and where they stand. */
function withManaged(object: KubeObject, managedFields: string): [bytes: Buffer, from: number] {
  let text = ''
  let from = 0
  for (const name of Object.keys(object)) {
    const json = JSON.stringify(object[name as keyof KubeObject]) as string | undefined
    if (json === undefined) continue
    text += `${text === '' ? '{' : ','}${JSON.stringify(name)}:`
    if (name !== 'metadata') {
      text += json
      continue
    }
    text += `${json.slice(0, -1)},"managedFields":`
    from = text.length
    text += `${managedFields}}`
  }
  text += '}'
  const bytes = bytesOf(text)
  const isAscii = bytes.length === text.length
  return [bytes, isAscii ? from : Buffer.byteLength(text.slice(0, from))]
}

/** A buffer of its own: a slice of Node's pool would keep the whole slab alive for as long as any neighbour lives. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(text.length)
  // Mostly every character is one byte; then it is written in one go.
  if (encoder.encodeInto(text, bytes).read === text.length) return bytes
  const length = Buffer.byteLength(text)
  const longer = Buffer.allocUnsafeSlow(length)
  longer.write(text, 0, length, 'utf8')
  return longer
}

const encoder = new TextEncoder()
