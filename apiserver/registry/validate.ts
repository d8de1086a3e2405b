// What a client sent becomes an object of a kind: of the right types, with nothing the kind does not have, in the form in
// which it will be written. Called by the verbs before anything looks into an object. What is in order costs one run of the
// compiled validator and nothing else; the draft is then the body itself.

import { type ApiError, badRequest, invalid, invalidValue } from '../../src/api/errors.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import type { CustomShape, Kind } from '../../src/kinds/kind.ts'
import {
  definitionNode,
  definitionOf,
  type KindName,
  type SchemaNode,
  schemaNodeOf,
  validatorOf,
} from '../../src/kinds/schemas.ts'
import { goDecode } from './go-decoder.ts'

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

/** Throws BadRequest in upstream's words; unknown fields are refused, warned of, or only left out. */
export function decode<T extends KubeObject>(
  kind: Kind<T>,
  body: unknown,
  fieldValidation: FieldValidation,
  warn: (text: string) => void,
): T {
  if (kind.custom !== undefined) return decodeCustom(kind, kind.custom, body, fieldValidation, warn) as unknown as T
  return decodeBody(kind, body, fieldValidation, warn) as unknown as T
}

/** The same for what is not a kind of its own but the body of a subresource: Scale, Binding, Eviction, DeleteOptions. */
export function decodeBody(
  kind: KindName,
  body: unknown,
  fieldValidation: FieldValidation,
  warn: (text: string) => void,
): Record<string, unknown> {
  const members = named(kind, body)
  const schema = schemaNodeOf(kind)
  if (schema === undefined) return members
  if (validatorOf(kind)?.(members)) return complete(members, schema)

  const { object, unknown, fault } = goDecode(members, schema)
  if (fault !== undefined) throw unhandled(kind, members, fault)
  tellUnknown(kind, members, unknown, fieldValidation, warn)
  return complete(object, schema)
}

function tellUnknown(
  kind: KindName,
  members: Readonly<Record<string, unknown>>,
  unknown: readonly string[],
  fieldValidation: FieldValidation,
  warn: (text: string) => void,
): void {
  if (unknown.length === 0 || fieldValidation === 'Ignore') return
  const lines = unknown.map(path => `unknown field ${JSON.stringify(path)}`)
  if (fieldValidation === 'Strict') throw unhandled(kind, members, `strict decoding error: ${lines.join(', ')}`)
  for (const line of lines) warn(line)
}

/**
 * A custom object is what its schema says; its type must be told, and its metadata is that of every object
 * (apiextensions-apiserver pkg/apiserver/customresource_handler.go, unstructuredSchemaCoercer).
 */
function decodeCustom(
  kind: Kind<any>,
  custom: CustomShape,
  body: unknown,
  fieldValidation: FieldValidation,
  warn: (text: string) => void,
): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw unrecognized(kind, body)
  const members = body as Record<string, unknown>
  for (const name of ['kind', 'apiVersion'] as const) {
    if (members[name] !== undefined && typeof members[name] !== 'string') throw unrecognized(kind, body)
  }
  if (!members.kind) {
    const why = `Object 'Kind' is missing in '${JSON.stringify(body)}'`
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): ${why} (${summary(body)})`)
  }
  if (members.apiVersion !== kind.apiVersion) throw otherVersion(String(members.apiVersion ?? ''), kind.apiVersion)

  const metadata = decodeMetadata(kind, members)
  tellUnknown(kind, members, [...metadata.unknown, ...custom.prune(members)], fieldValidation, warn)
  members.metadata = metadata.object
  if (members.kind !== kind.kind) {
    const about = { ...kind, kind: String(members.kind) }
    const name = String(metadata.object.name ?? '')
    throw invalid(about, name, [invalidValue('kind', members.kind, `must be ${kind.kind}`)])
  }
  return members
}

const metaDefinition = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

function decodeMetadata(kind: Kind<any>, members: Readonly<Record<string, unknown>>) {
  const sent = members.metadata ?? {}
  if (typeof sent !== 'object' || Array.isArray(sent)) {
    throw unhandled(kind, members, `json: cannot unmarshal ${jsonWord(sent)} into Go value of type v1.ObjectMeta`)
  }
  const { object, unknown, fault } = goDecode(sent as Record<string, unknown>, definitionNode(metaDefinition)!)
  if (fault !== undefined) throw unhandled(kind, members, fault)
  return { object, unknown: unknown.map(path => `metadata.${path}`) }
}

/** A key that stands twice in its object, and where. */
export interface KeyTwice {
  readonly path: string
  readonly at: number
}

/**
 * What a strict decoder says of a body with keys that come twice, together with what it says of unknown fields, in the order
 * of the text. Throws what is worse: a body that cannot be decoded at all. Within what is unknown nobody looks.
 */
export function strictFaults(
  kind: KindName & { readonly custom?: CustomShape },
  body: unknown,
  twice: readonly KeyTwice[],
  positionOf: (path: string) => number,
): string[] {
  if (kind.custom !== undefined) return customFaults(kind.custom, body, twice)
  const unknown: string[] = []
  const schema = schemaNodeOf(kind)
  if (schema !== undefined) {
    const members = named(kind, body)
    const decoded = goDecode(members, schema)
    if (decoded.fault !== undefined) throw unhandled(kind, members, decoded.fault)
    unknown.push(...decoded.unknown)
  }
  const isUnknown = (path: string) =>
    unknown.some(each => path === each || path.startsWith(`${each}.`) || path.startsWith(`${each}[`))
  const faults = [
    ...unknown.map(path => ({ at: positionOf(path), text: `unknown field ${JSON.stringify(path)}` })),
    ...twice
      .filter(({ path }) => !isUnknown(path))
      .map(({ path, at }) => ({ at, text: `duplicate field ${JSON.stringify(path)}` })),
  ]
  faults.sort((one, other) => one.at - other.at)
  return [...new Set(faults.map(({ text }) => text))].slice(0, mostStrictFaults)
}

/** Custom objects are decoded first, which finds what stands twice, and held against their schema then. */
function customFaults(custom: CustomShape, body: unknown, twice: readonly KeyTwice[]): string[] {
  const unknown =
    typeof body === 'object' && body !== null && !Array.isArray(body)
      ? custom.prune(structuredClone(body) as Record<string, unknown>)
      : []
  const told = [
    ...twice.map(({ path }) => `duplicate field ${JSON.stringify(path)}`),
    ...unknown.map(path => `unknown field ${JSON.stringify(path)}`),
  ]
  return [...new Set(told)].slice(0, mostStrictFaults)
}

/** sigs.k8s.io/json/internal/golang/encoding/json/kubernetes_patch.go, saveStrictError. */
const mostStrictFaults = 100

export function strictlyWrong(kind: KindName, body: unknown, faults: readonly string[]): ApiError {
  const members = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  return unhandled(kind, members, `strict decoding error: ${faults.join(', ')}`)
}

/** Go writes these always, so no rule has to ask whether they are there. */
function complete(object: Record<string, unknown>, schema: SchemaNode): Record<string, unknown> {
  for (const name of alwaysThere) {
    if (object[name] === undefined && schema.field(name)?.kind === 'struct') object[name] = {}
  }
  return object
}

const alwaysThere = ['metadata', 'spec', 'status'] as const

/** A body need not say its kind and version; when it does, they must be those of the request. */
function named(kind: KindName, body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || Array.isArray(body)) throw unrecognized(kind, body)
  const members = (body ?? {}) as Record<string, unknown>
  const apiVersion = apiVersionOf(kind)
  members.apiVersion ||= apiVersion
  members.kind ||= kind.kind
  if (members.apiVersion === apiVersion && members.kind === kind.kind) return members
  if (typeof members.apiVersion !== 'string' || typeof members.kind !== 'string') throw unrecognized(kind, body)

  const slash = members.apiVersion.lastIndexOf('/')
  const group = slash < 0 ? '' : members.apiVersion.slice(0, slash)
  const version = members.apiVersion.slice(slash + 1)
  if (definitionOf({ group, version, kind: members.kind }) === undefined) {
    throw unhandled(
      kind,
      members,
      `no kind "${members.kind}" is registered for version "${members.apiVersion}" in scheme "pkg/api/legacyscheme/scheme.go:30"`,
    )
  }
  if (members.kind === kind.kind) {
    throw otherVersion(members.apiVersion, apiVersion)
  }
  throw unhandled(
    kind,
    members,
    `converting (${version}.${members.kind}) to (${internalPackage(kind)}.${kind.kind}): unknown conversion`,
  )
}

function otherVersion(found: string, expected: string) {
  return badRequest(`the API version in the data (${found}) does not match the expected API version (${expected})`)
}

function apiVersionOf({ group, version }: KindName): string {
  return group === '' ? version : `${group}/${version}`
}

/** The Go package of the internal type: that of its group's first word. */
function internalPackage({ group }: KindName): string {
  return group === '' ? 'core' : group.split('.')[0]!
}

/** transformDecodeError in apiserver/pkg/endpoints/handlers/rest.go. */
function unhandled(kind: KindName, members: Readonly<Record<string, unknown>>, why: string) {
  const apiVersion = String(members.apiVersion)
  const version = apiVersion.slice(apiVersion.lastIndexOf('/') + 1)
  return badRequest(`${members.kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind.kind}: ${why}`)
}

/** The body is not even something that has a version and a kind (apimachinery/pkg/runtime/serializer/json/meta.go). */
function unrecognized(kind: KindName, body: unknown) {
  const why = unreadable(body)
  return badRequest(
    `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: ${why} (${summary(body)})`,
  )
}

function unreadable(body: unknown): string {
  const identity =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return `json: cannot unmarshal ${jsonWord(body)} into Go value of type ${identity}`
  }
  const field = typeof (body as { apiVersion?: unknown }).apiVersion === 'string' ? 'kind' : 'apiVersion'
  return `json: cannot unmarshal ${jsonWord((body as Record<string, unknown>)[field])} into Go struct field .${field} of type string`
}

function jsonWord(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** The body's first thirty bytes: as text when it is an object, else in hexadecimal. */
function summary(body: unknown): string {
  const bytes = Buffer.from(JSON.stringify(body) ?? '')
  if (bytes.length === 0) return '<empty>'
  const shown = bytes.subarray(0, 30).toString(bytes[0] === 0x7b ? 'utf8' : 'hex')
  return bytes.length > 30 ? `${shown} ...` : shown
}
