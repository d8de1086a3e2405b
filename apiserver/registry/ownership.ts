// Who owns which field of a kind's objects: the link between the verbs and apiserver/apply/. One for each served version of a
// kind, made with its collection. What is tracked is what the request says, before the server completes it
// (endpoints/handlers/{create,update,patch}.go: the FieldManager comes before admission).

import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { WriteOptions } from '../../src/client/client.ts'
import type { Env } from '../../src/env/env.ts'
import type { Kind, Subresource } from '../../src/kinds/kind.ts'
import { schemaNodeOf } from '../../src/kinds/schemas.ts'
import { emptyObject } from '../apply/applying.ts'
import { FieldSet } from '../apply/field-set.ts'
import {
  entriesText,
  Fields,
  isSameOwnership,
  type ManagedEntries,
  noEntries,
  readEntries,
  readOwnEntries,
} from '../apply/managed-fields.ts'
import { trackUpdate, type Versioned, type Versions, type Writer } from '../apply/tracking.ts'
import type { Members, Type } from '../apply/typed.ts'
import { everything, WholeFields, type Without } from '../apply/whole-fields.ts'
import type { Stored } from '../storage/storage.ts'
import type { RequestInfo } from './registry.ts'

export class Ownership {
  readonly #env: Env
  readonly #kind: Kind<any>
  /** Every kind that is served now: other versions of this one may come and go. */
  readonly #served: () => readonly Kind<any>[]
  #versions: Versions | undefined
  #empty: Members | undefined
  #whole: WholeFields | undefined
  #lastSecond = -1
  #lastTime = ''

  constructor(env: Env, kind: Kind<any>, served: () => readonly Kind<any>[]) {
    this.#env = env
    this.#kind = kind
    this.#served = served
  }

  get versions(): Versions {
    const { apiVersion } = this.#kind
    this.#versions ??= {
      apiVersion,
      type: this.#typeOf(this.#kind),
      wholes: new WeakMap(),
      convert: (object, version) => this.#convert(object, version),
    }
    return this.#versions
  }

  /** What there is before anything is: the schema's empty object. */
  get empty(): Members {
    const { apiVersion, kind } = this.#kind
    this.#empty ??= { apiVersion, kind, ...emptyObject(this.versions.type) }
    return this.#empty
  }

  #typeOf(kind: Kind<any>): Type {
    return kind.custom?.node() ?? schemaNodeOf(kind)
  }

  #convert(object: Members, apiVersion: string): Versioned | undefined {
    if (apiVersion === this.#kind.apiVersion && object.apiVersion === apiVersion) {
      return { type: this.versions.type, object }
    }
    const target = this.#versionOf(apiVersion)
    if (target === undefined) return undefined
    const type = this.#typeOf(target)
    if (object.apiVersion === apiVersion) return { type, object }
    const source = this.#versionOf(object.apiVersion as string)
    if (source === undefined) return undefined
    if (target.custom !== undefined) return { type, object: convertedCustom(source, target, object) }
    const stored = source.storedAs?.toStored(object as never, undefined) ?? object
    const shown = target.storedAs?.fromStored(stored as never) ?? stored
    return { type, object: shown as unknown as Members }
  }

  #versionOf(apiVersion: string): Kind<any> | undefined {
    const { group, plural, storedAs } = this.#kind
    if (this.#kind.custom !== undefined) {
      return this.#served().find(
        each => each.apiVersion === apiVersion && each.group === group && each.plural === plural,
      )
    }
    const kept = storedAs?.kind ?? this.#kind
    return this.#served().find(each => each.apiVersion === apiVersion && (each.storedAs?.kind ?? each) === kept)
  }

  entriesOf({ managedFields }: Pick<Stored, 'managedFields'>): ManagedEntries {
    return managedFields === undefined ? noEntries : readOwnEntries(managedFields)
  }

  /** What to store. */
  textOf(entries: ManagedEntries): string | null {
    return entries.length === 0 ? null : entriesText(entries)
  }

  /** `given`: what the client says of managed fields itself, which counts when it can be read. */
  created(draft: KubeObject, given: unknown, options: WriteOptions, info: RequestInfo): ManagedEntries {
    const writer = this.writer(undefined, options, info)
    const entries = givenEntries(given) ?? noEntries
    const content = entries.length === 0 ? this.#creation().contentOf(draft) : undefined
    if (content === undefined) return trackUpdate(this.versions, this.empty, draft, entries, writer, true)
    if (content === '') return noEntries
    const { manager, time } = writer
    const fields = new Fields(`{${content}}`)
    return [{ manager, operation: 'Update', apiVersion: this.#kind.apiVersion, time, subresource: '', fields }]
  }

  #creation(): WholeFields {
    const parts = this.#kind.subresources?.includes('status') ? [...unowned, ['status', everything] as const] : unowned
    this.#whole ??= new WholeFields(this.versions.type, true, new Map(parts))
    return this.#whole
  }

  changed(
    live: Frozen<KubeObject>,
    draft: KubeObject,
    before: ManagedEntries,
    given: unknown,
    subresource: Subresource | undefined,
    options: WriteOptions,
    info: RequestInfo,
  ): ManagedEntries {
    const isHeard = given !== undefined && subresource === undefined && !isAsBefore(given, before)
    const entries = (isHeard ? givenEntries(given) : undefined) ?? before
    return trackUpdate(this.versions, live, draft, entries, this.writer(subresource, options, info), false)
  }

  writer(subresource: Subresource | undefined, options: WriteOptions, info: RequestInfo): Writer {
    const isStatus = subresource === 'status'
    return {
      manager: options.fieldManager || fromUserAgent(info.userAgent ?? '') || 'unknown',
      subresource: subresource ?? '',
      time: this.#time(),
      without: isStatus ? outsideStatus : this.#kind.subresources?.includes('status') ? onlyStatus : nothing,
      ...(isStatus ? { below: keptByStatus } : {}),
    }
  }

  #time(): string {
    const second = Math.floor(this.#env.clock.now() / 1000)
    if (second !== this.#lastSecond) {
      this.#lastSecond = second
      this.#lastTime = rfc3339(second * 1000)
    }
    return this.#lastTime
  }

  isSame(one: ManagedEntries, other: ManagedEntries): boolean {
    return isSameOwnership(one, other)
  }
}

/** Who converts custom objects may be outside, and is not asked within a turn: fields are then taken for what their names say. */
function convertedCustom(source: Kind<any>, { custom, apiVersion }: Kind<any>, object: Members): Members {
  if (custom!.isConvertedOutside) return { ...object, apiVersion }
  const stored = source.custom!.toStored({ ...object } as unknown as KubeObject)
  return custom!.fromStored(stored as Frozen<KubeObject>) as unknown as Members
}

/** Never part of anybody's fields, of a new object (apply/tracking.ts has them as a set). */
const unowned: readonly (readonly [string, Without])[] = [
  ['apiVersion', everything],
  ['kind', everything],
  [
    'metadata',
    new Map(
      [
        'name',
        'namespace',
        'creationTimestamp',
        'selfLink',
        'uid',
        'generation',
        'managedFields',
        'resourceVersion',
      ].map(name => [name, everything] as const),
    ),
  ],
]

/** Clients who read, change and write send back what they were given. */
function isAsBefore(given: unknown, before: ManagedEntries): boolean {
  return Array.isArray(given) && given.length === before.length && JSON.stringify(given) === entriesText(before)
}

const nothing: ReadonlySet<string> = new Set()
const onlyStatus: ReadonlySet<string> = new Set(['status'])
const outsideStatus: ReadonlySet<string> = new Set(['spec'])
/** What status strategies leave as it was (GetResetFields in pkg/registry/*\/strategy.go; those of Pods name the most). */
const keptByStatus = FieldSet.of(
  ['f:metadata', 'f:deletionTimestamp'],
  ['f:metadata', 'f:ownerReferences'],
  ['f:metadata', 'f:finalizers'],
)

/**
 * Of a body: undefined when it says nothing that could be read, so that clients who know nothing of managed fields do not
 * lose them; none when it says `[]` or `[{}]` (apimachinery/pkg/util/managedfields/internal/fieldmanager.go).
 */
function givenEntries(given: unknown): ManagedEntries | undefined {
  if (!Array.isArray(given)) return undefined
  if (given.length === 0 || (given.length === 1 && isEmptyEntry(given[0]))) return noEntries
  const entries = readEntries(given)
  return entries?.length ? entries : undefined
}

function isEmptyEntry(entry: unknown): boolean {
  return (
    typeof entry === 'object' && entry !== null && Object.values(entry).every(value => value === null || value === '')
  )
}

const longest = 128
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu

/** What stands before the first slash, without what cannot be printed (endpoints/handlers/create.go). */
export function fromUserAgent(userAgent: string): string {
  const slash = userAgent.indexOf('/')
  const name = (slash < 0 ? userAgent : userAgent.slice(0, slash)).replace(unprintable, '')
  if (Buffer.byteLength(name) <= longest) return name
  let kept = ''
  let length = 0
  for (const char of name) {
    length += Buffer.byteLength(char)
    if (length > longest) break
    kept += char
  }
  return kept
}
