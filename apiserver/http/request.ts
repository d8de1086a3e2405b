// What comes in: path, query and body, made plain options that the registry takes. Values that cannot be used are refused
// in the real server's words. Called by verbs.ts; knows nothing of Express but that a request is a stream.

import type { IncomingMessage } from 'node:http'
import {
  ApiError,
  badRequest,
  type FieldError,
  forbiddenField,
  invalid,
  invalidValue,
  notSupported,
  required,
  tooLong,
} from '../../src/api/errors.ts'
import { parseFieldSelector } from '../../src/api/fields.ts'
import type { DeleteOptions, ListOptions, Patch, PatchType, WriteOptions } from '../../src/client/client.ts'
import type { LogOptions } from '../../src/client/node-client.ts'
import type { Trail } from '../audit/trail.ts'
import type { ListRequest, WatchRequest } from '../registry/registry.ts'
import { noSuchPath } from '../registry/subresources.ts'
import { decodeBody } from '../registry/validate.ts'
import { type ParsedBody, parseJson } from './json-bodies.ts'
import { YamlReader } from './yaml-bodies.ts'

/** Upstream's: pkg/endpoints/handlers, MaxRequestBodyBytes. */
const longestBody = 3 * 1024 * 1024

/** Where a path leads: a collection, an object or a part of one. */
export interface Target {
  readonly group: string
  readonly version: string
  readonly namespace: string | undefined
  readonly plural: string
  readonly name: string | undefined
  readonly subresource: string | undefined
  /** What follows a proxy subresource, beginning with a slash; '' when nothing does. */
  readonly rest: string
  /** The old form of a watch: /api/v1/watch/… */
  readonly isWatch?: true
}

/** `/api/v1/namespaces/default/pods/web/log` and its like. Undefined: not a path of the API. */
export function parseTarget(path: string): Target | undefined {
  const words = path.split('/')
  if (words.length < 4) return undefined
  const isCore = words[1] === 'api'
  const group = isCore ? '' : words[2]!
  const version = isCore ? words[2]! : words[3]!
  let at = isCore ? 3 : 4
  const isWatch = words[at] === 'watch' && words.length > at + 1
  if (isWatch) at++
  let namespace: string | undefined
  // /namespaces/x, and its own parts, are the Namespace; /namespaces/x/anything-else is what is in it.
  if (words[at] === 'namespaces' && words.length > at + 2 && !isNamespacePart(words, at, isCore)) {
    namespace = decode(words[at + 1]!)
    at += 2
  }
  const plural = words[at]
  if (!plural) return undefined
  const name = words[at + 1]
  const subresource = words[at + 2]
  const tail = words.slice(at + 3)
  return {
    group,
    version,
    namespace,
    plural,
    name: name ? decode(name) : undefined,
    subresource: subresource || undefined,
    rest: tail.length > 0 ? `/${tail.join('/')}` : '',
    ...(isWatch ? { isWatch } : {}),
  }
}

function isNamespacePart(words: readonly string[], at: number, isCore: boolean): boolean {
  const part = words[at + 2]
  return isCore && words.length === at + 3 && (part === '' || part === 'status' || part === 'finalize')
}

function decode(word: string): string {
  if (!word.includes('%')) return word
  let decoded: string
  try {
    decoded = decodeURIComponent(word)
  } catch {
    throw badRequest(`the path holds an escape that cannot be decoded: ${word}`)
  }
  // Go's server decodes first and divides then: an escaped slash leads to another path, which none of ours is.
  if (decoded.includes('/')) throw noSuchPath()
  return decoded
}

/** What may not be one segment of a path (apimachinery/pkg/api/validation/path/name.go, registry/generic/registry/store.go). */
export function requireSegment(name: string): void {
  const why = name === '.' || name === '..' ? `may not be '${name}'` : name.includes('%') ? "may not contain '%'" : ''
  if (why !== '') throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${why}`)
}

export type Query = Pick<URLSearchParams, 'get' | 'getAll' | 'has'>

const noQuery: Query = { get: () => null, getAll: () => [], has: () => false }

export function queryOf(url: string): Query {
  const mark = url.indexOf('?')
  return mark < 0 ? noQuery : new URLSearchParams(url.slice(mark + 1))
}

/** The bytes of a body. Rejects with RequestEntityTooLarge; with BadRequest when it breaks off, though nobody may hear it. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    if (Number(request.headers['content-length'] ?? 0) > longestBody) {
      request.resume()
      return reject(tooLarge())
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > longestBody) {
        chunks.length = 0
        reject(tooLarge())
      } else {
        chunks.push(chunk)
      }
    })
    let isWhole = false
    request.on('end', () => {
      isWhole = true
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
    })
    request.on('error', error => reject(badRequest(`the body could not be read: ${error.message}`)))
    request.on('close', () => {
      if (!isWhole) reject(badRequest('the request ended before its body did'))
    })
  })
}

function tooLarge(): ApiError {
  return new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${longestBody}`)
}

const accepted = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

/** A body as it was written: what it says, and what is wrong with how it says it. */
export interface WrittenBody {
  readonly value: unknown
  /** Keys that come twice: JSON's, by their paths. */
  readonly keys: ParsedBody | undefined
  /** Of YAML, as a sentence. */
  readonly twice: string | undefined
}

export class BodyReader {
  readonly #yaml = new YamlReader()

  /** Of JSON, YAML or protobuf. `kind` is what it should be. Throws BadRequest and UnsupportedMediaType. */
  async read(bytes: Buffer, contentType: string | undefined, kind: string): Promise<WrittenBody> {
    const type = mediaType(contentType)
    if (type === 'application/vnd.kubernetes.protobuf') {
      const { readProtobuf } = await import('./protobuf-reading.ts')
      return { value: readProtobuf(bytes, kind), keys: undefined, twice: undefined }
    }
    const isYaml = type === 'application/yaml' || type === 'application/x-yaml' || type === 'text/yaml'
    if (!isYaml && type !== 'application/json' && type !== '') throw unsupported(accepted)
    try {
      if (isYaml) return { ...(await this.#yaml.read(bytes.toString())), keys: undefined }
      const keys = parseJson(bytes)
      return { value: keys.value, keys: keys.duplicates.length > 0 ? keys : undefined, twice: undefined }
    } catch (error) {
      // transformDecodeError in apiserver/pkg/endpoints/handlers/rest.go; what is wrong is said by our parser, not Go's.
      const why = `couldn't get version/kind; ${isYaml ? 'yaml' : 'json'} parse error: ${firstLine(error)}`
      throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(bytes)})`)
    }
  }

  async patch(bytes: Buffer, contentType: string | undefined): Promise<{ patch: Patch; written: WrittenBody }> {
    const type = patchTypes[mediaType(contentType)]
    if (type === undefined) throw unsupported(Object.keys(patchTypes))
    try {
      if (type === 'apply') {
        const yaml = await this.#yaml.read(bytes.toString())
        return { patch: { type, body: yaml.value }, written: { ...yaml, keys: undefined } }
      }
      const keys = parseJson(bytes)
      const written = { value: keys.value, keys: keys.duplicates.length > 0 ? keys : undefined, twice: undefined }
      return { patch: { type, body: keys.value }, written }
    } catch (error) {
      throw badRequest(`error decoding ${type === 'apply' ? 'YAML' : 'patch'}: ${firstLine(error)}`)
    }
  }
}

const firstLine = (error: unknown): string => (error as Error).message.split('\n', 1)[0]!

/** A body's first thirty bytes: as text when it is an object, else in hexadecimal. */
export function summary(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>'
  const shown = bytes.subarray(0, 30).toString(bytes[0] === 0x7b ? 'utf8' : 'hex')
  return bytes.length > 30 ? `${shown} ...` : shown
}

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
}

/** k8s.io/apiserver/pkg/endpoints/handlers/negotiation/errors.go. */
function unsupported(accepted: readonly string[]): ApiError {
  return new ApiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  )
}

function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

// ---- options

const validations = ['', 'Ignore', 'Strict', 'Warn']
const longestManager = 128
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u

/**
 * `kind`: CreateOptions, UpdateOptions or PatchOptions, as errors name it. Rules:
 * k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go.
 */
export function writeOptions(query: Query, kind: string, patchType?: PatchType): WriteOptions {
  if (query === noQuery && patchType !== 'apply') return {}
  const faults: FieldError[] = []
  const fieldManager = query.get('fieldManager') || undefined
  if (patchType === 'apply') {
    if (fieldManager === undefined) faults.push(required('fieldManager', 'is required for apply patch'))
  } else if (patchType !== undefined && query.has('force')) {
    faults.push(forbiddenField('force', 'may not be specified for non-apply patch'))
  }
  if (fieldManager !== undefined) checkManager(fieldManager, faults)
  const dryRun = dryRunOf(query.getAll('dryRun'), faults)
  const fieldValidation = query.get('fieldValidation') || undefined
  if (fieldValidation !== undefined && !validations.includes(fieldValidation)) {
    faults.push(notSupported('fieldValidation', fieldValidation, validations))
  }
  if (faults.length > 0) throw invalid({ group: 'meta.k8s.io', plural: kind, kind }, '', faults)
  return {
    dryRun,
    fieldManager,
    fieldValidation: fieldValidation as WriteOptions['fieldValidation'],
    force: query.has('force') ? flag(query, 'force') : undefined,
  }
}

function checkManager(manager: string, faults: FieldError[]): void {
  if (Buffer.byteLength(manager) > longestManager) faults.push(tooLong('fieldManager', longestManager))
  const at = manager.search(unprintable)
  if (at < 0) return
  const point = manager.codePointAt(at)!.toString(16).toUpperCase().padStart(4, '0')
  faults.push(invalidValue('fieldManager', manager, `invalid character U+${point} (at position ${at})`))
}

function dryRunOf(values: readonly string[], faults: FieldError[]): boolean {
  if (values.some(value => value !== 'All')) faults.push(notSupported('dryRun', values, ['All']))
  return values.length > 0
}

/** From the body when there is one, else from the query, as upstream reads them. */
export async function deleteOptions(
  bodies: BodyReader,
  bytes: Buffer,
  contentType: string | undefined,
  query: Query,
  trail?: Trail | undefined,
): Promise<DeleteOptions> {
  const faults: FieldError[] = []
  let wanted: DeleteOptions & { orphanDependents?: boolean | undefined }
  if (bytes.length > 0) {
    const body = (await bodies.read(bytes, contentType, 'DeleteOptions')).value
    trail?.requested({ kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...(body as object) })
    const decoded = decodeBody(deleteOptionsKind, inAnyGroup(body), 'Ignore', () => {})
    const { dryRun, ...rest } = decoded as Omit<DeleteOptions, 'dryRun'> & { dryRun?: readonly string[] }
    wanted = { ...rest, dryRun: dryRunOf(dryRun ?? [], faults) }
  } else {
    wanted = {
      gracePeriodSeconds: integer(query, 'gracePeriodSeconds'),
      propagationPolicy: (query.get('propagationPolicy') ?? undefined) as DeleteOptions['propagationPolicy'],
      orphanDependents: query.has('orphanDependents') ? flag(query, 'orphanDependents') : undefined,
      dryRun: dryRunOf(query.getAll('dryRun'), faults),
    }
  }
  const { orphanDependents, ...options } = wanted
  const policy = options.propagationPolicy || undefined
  if (orphanDependents !== undefined && policy !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set'
    faults.unshift(invalidValue('propagationPolicy', policy, why))
  }
  if (faults.length > 0) {
    throw invalid({ group: 'meta.k8s.io', plural: 'deleteoptions', kind: 'DeleteOptions' }, '', faults)
  }
  if (orphanDependents === undefined) return { ...options, propagationPolicy: policy }
  return { ...options, propagationPolicy: orphanDependents ? 'Orphan' : 'Background' }
}

const deleteOptionsKind = { group: '', version: 'v1', kind: 'DeleteOptions' }

/** Every group has DeleteOptions in each of its versions, and they are all the same. */
function inAnyGroup(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const { kind = 'DeleteOptions' } = body as { kind?: unknown }
  if (kind !== 'DeleteOptions') throw badRequest('decoded object cannot be converted to DeleteOptions')
  return { ...body, apiVersion: 'v1', kind }
}

export function listOptions(query: Query, namespace: string | undefined): ListRequest {
  if (query === noQuery) return { namespace }
  return {
    namespace,
    labelSelector: query.get('labelSelector') || undefined,
    fieldSelector: query.get('fieldSelector') || undefined,
    limit: integer(query, 'limit') || undefined,
    continue: query.get('continue') || undefined,
    resourceVersion: query.get('resourceVersion') ?? undefined,
    resourceVersionMatch: (query.get('resourceVersionMatch') || undefined) as ListOptions['resourceVersionMatch'],
    sendInitialEvents: optionalFlag(query, 'sendInitialEvents'),
  }
}

export interface WatchOptions extends WatchRequest {
  readonly timeoutSeconds: number | undefined
}

export function watchOptions(query: Query, namespace: string | undefined, name: string | undefined): WatchOptions {
  return {
    namespace,
    labelSelector: query.get('labelSelector') || undefined,
    fieldSelector: fieldsOf(query, name),
    continue: query.get('continue') || undefined,
    resourceVersion: query.get('resourceVersion') ?? undefined,
    resourceVersionMatch: query.get('resourceVersionMatch') || undefined,
    allowWatchBookmarks: flag(query, 'allowWatchBookmarks'),
    timeoutSeconds: integer(query, 'timeoutSeconds') || undefined,
    sendInitialEvents: optionalFlag(query, 'sendInitialEvents'),
  }
}

/** A watch at an object's own path (pkg/endpoints/handlers/get.go, listOpts). */
function fieldsOf(query: Query, name: string | undefined): string | undefined {
  const asked = query.get('fieldSelector') || undefined
  if (name === undefined) return asked
  if (asked === undefined) return `metadata.name=${name.replace(/[\\,=]/g, '\\$&')}`
  if (parseFieldSelector(asked).exactly('metadata.name') === name) return asked
  throw badRequest("fieldSelector metadata.name doesn't match requested name")
}

function optionalFlag(query: Query, name: string): boolean | undefined {
  return query.has(name) ? flag(query, name) : undefined
}

export function logOptions(query: Query, signal: AbortSignal): LogOptions {
  const tailLines = integer(query, 'tailLines')
  const sinceSeconds = integer(query, 'sinceSeconds')
  const limitBytes = integer(query, 'limitBytes')
  const sinceTime = query.get('sinceTime') || undefined
  const faults: FieldError[] = []
  const fault = (field: string, value: unknown, detail: string) =>
    faults.push({ type: 'FieldValueInvalid', field, message: `Invalid value: ${value}: ${detail}` })
  // pkg/apis/core/validation/validation.go, ValidatePodLogOptions.
  if (tailLines !== undefined && tailLines < 0) fault('tailLines', tailLines, 'must be greater than or equal to 0')
  if (limitBytes !== undefined && limitBytes < 1) fault('limitBytes', limitBytes, 'must be greater than 0')
  if (sinceSeconds !== undefined && sinceSeconds < 1) fault('sinceSeconds', sinceSeconds, 'must be greater than 0')
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    faults.push({
      type: 'FieldValueForbidden',
      field: '',
      message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    })
  }
  if (sinceTime !== undefined && Number.isNaN(Date.parse(sinceTime)))
    throw badRequest(`parsing time "${sinceTime}": not RFC 3339`)
  if (faults.length > 0) throw invalid({ group: '', plural: 'podlogoptions', kind: 'PodLogOptions' }, '', faults)
  return {
    container: query.get('container') || undefined,
    follow: flag(query, 'follow'),
    previous: flag(query, 'previous'),
    timestamps: flag(query, 'timestamps'),
    tailLines,
    sinceSeconds,
    sinceTime,
    limitBytes,
    signal,
  }
}

/** As upstream's conversion reads a bool: there, and neither `false` nor `0`. */
export function flag(query: Query, name: string): boolean {
  const value = query.get(name)
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}

function integer(query: Query, name: string): number | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (!/^[+-]?\d+$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`)
  return Number(value)
}
