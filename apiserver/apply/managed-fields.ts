// metadata.managedFields: one entry a manager, operation, version and subresource, with the fields it owns. Made and changed by
// tracking.ts, kept by registry/. Entries are never changed; sets are parsed when somebody asks what is in them, and their text
// is made once. Rules: apimachinery/pkg/util/managedfields/internal/managedfields.go.

import type { ManagedFieldsEntry } from '../../src/api/meta.ts'
import { FieldSet, stringEnd } from './field-set.ts'

/** A set of fields as text, as a set, or both. */
export class Fields {
  #text: string | undefined
  #set: FieldSet | undefined

  constructor(text: string | undefined, set?: FieldSet) {
    this.#text = text
    this.#set = set
  }

  static of(set: FieldSet): Fields {
    return new Fields(undefined, set)
  }

  /** FieldsV1, canonical. */
  get text(): string {
    this.#text ??= this.#set!.text
    return this.#text
  }

  get set(): FieldSet {
    this.#set ??= FieldSet.resting(false, this.#text!.slice(1, -1))
    return this.#set
  }
}

export interface ManagedEntry {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  /** RFC 3339, to the second; an entry may have none. */
  readonly time: string | undefined
  /** '' for the object itself. */
  readonly subresource: string
  readonly fields: Fields
}

/** In the order in which they are written. */
export type ManagedEntries = readonly ManagedEntry[]

export const noEntries: ManagedEntries = []

/** Who an entry is of: an applier has one entry for all versions. */
export function isSameManager(one: Omit<ManagedEntry, 'fields' | 'time'>, other: typeof one): boolean {
  return (
    one.manager === other.manager &&
    one.operation === other.operation &&
    one.subresource === other.subresource &&
    (one.operation === 'Apply' || one.apiVersion === other.apiVersion)
  )
}

/** Go's identifier of a manager; conflicts are put in its order. */
export function identifierOf({ manager, operation, apiVersion, subresource }: ManagedEntry): string {
  return JSON.stringify({
    manager: manager || undefined,
    operation,
    apiVersion: operation === 'Apply' ? undefined : apiVersion,
    subresource: subresource || undefined,
  })
}

/** As the list stands in an object's JSON. */
export function entriesText(entries: ManagedEntries): string {
  let text = ''
  for (const { manager, operation, apiVersion, time, subresource, fields } of entries) {
    text += text === '' ? '[{' : ',{'
    if (manager !== '') text += `"manager":${JSON.stringify(manager)},`
    text += `"operation":"${operation}","apiVersion":${JSON.stringify(apiVersion)}`
    if (time !== undefined) text += `,"time":${JSON.stringify(time)}`
    text += fieldsMark + fields.text
    text += subresource === '' ? '}' : `,"subresource":${JSON.stringify(subresource)}}`
  }
  return `${text}]`
}

/**
 * A list that `entriesText` wrote. It is taken apart as text, and the sets are not looked into: a quote in a string has a
 * backslash before it, so what is looked for here stands nowhere else.
 */
export function readOwnEntries(list: string): ManagedEntries {
  return list
    .slice(2, -2)
    .split('},{"')
    .map((text, index) => readOwnEntry(index === 0 ? text : `"${text}`))
}

function readOwnEntry(text: string): ManagedEntry {
  const from = text.indexOf(fieldsMark)
  const to = text.endsWith('"') ? text.lastIndexOf(subresourceMark) : text.length
  const head = new Head(text)
  return {
    manager: head.take('"manager":') ?? '',
    operation: head.take('"operation":') as ManagedEntry['operation'],
    apiVersion: head.take('"apiVersion":')!,
    time: head.take('"time":'),
    subresource: to === text.length ? '' : (JSON.parse(text.slice(to + subresourceMark.length)) as string),
    fields: new Fields(text.slice(from + fieldsMark.length, to)),
  }
}

/** The members of an entry, one after the other in the order in which they are written. */
class Head {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The text of the next member, if it is the one. */
  take(name: string): string | undefined {
    if (!this.#text.startsWith(name, this.#at)) return undefined
    const from = this.#at + name.length
    const end = stringEnd(this.#text, from)
    this.#at = end + 2
    const value = this.#text.slice(from + 1, end)
    return value.includes('\\') ? (JSON.parse(this.#text.slice(from, end + 1)) as string) : value
  }
}

const fieldsMark = ',"fieldsType":"FieldsV1","fieldsV1":'
const subresourceMark = ',"subresource":'

/** Of a client: undefined when anything in it cannot be (DecodeManagedFields). Entries of one manager count as the last of them. */
export function readEntries(list: readonly unknown[]): ManagedEntries | undefined {
  const found = new Map<string, ManagedEntry>()
  for (const each of list) {
    const entry = readEntry(each)
    if (entry === undefined) return undefined
    found.set(identifierOf(entry), entry)
  }
  return sorted([...found.values()])
}

function readEntry(value: unknown): ManagedEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const {
    manager = '',
    operation,
    apiVersion,
    time,
    fieldsType,
    fieldsV1,
    subresource = '',
  } = value as ManagedFieldsEntry
  if (operation !== 'Apply' && operation !== 'Update') return undefined
  if (!apiVersion || fieldsType !== 'FieldsV1') return undefined
  const set = FieldSet.read(fieldsV1 ?? {})
  if (set === undefined) return undefined
  return { manager, operation, apiVersion, time, subresource, fields: Fields.of(set) }
}

/** Appliers first, then by time, manager, version and subresource. */
export function sorted(entries: ManagedEntry[]): ManagedEntries {
  return entries.length < 2 ? entries : entries.sort(inOrder)
}

function inOrder(one: ManagedEntry, other: ManagedEntry): number {
  return (
    compare(one.operation, other.operation) ||
    compare(one.time ?? '', other.time ?? '') ||
    compare(one.manager, other.manager) ||
    compare(one.apiVersion, other.apiVersion) ||
    compare(one.subresource, other.subresource)
  )
}

function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1
}

/** The same owners of the same fields, whenever they came by them. */
export function isSameOwnership(one: ManagedEntries, other: ManagedEntries): boolean {
  if (one === other) return true
  if (one.length !== other.length) return false
  const rest = [...other]
  return one.every(entry => {
    const at = rest.findIndex(each => isSameManager(each, entry) && each.apiVersion === entry.apiVersion)
    const [same] = at < 0 ? [] : rest.splice(at, 1)
    return same !== undefined && (same.fields === entry.fields || same.fields.text === entry.fields.text)
  })
}
