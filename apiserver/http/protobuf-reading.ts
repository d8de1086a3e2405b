// Bodies in Kubernetes' protobuf encoding, as Go's typed clients (and `kubectl create`) send them: read into the object that
// the same body in JSON would be. Loaded by request.ts when the first one comes.

import protobuf from 'protobufjs/minimal.js'
import { type ApiError, badRequest } from '../../src/api/errors.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { SchemaNode } from '../../src/kinds/schemas.ts'
import { bytesType, type Field, type Layout, layoutOf, messageOf } from './protobuf-layout.ts'
import { summary } from './request.ts'

type Reader = protobuf.Reader
type Members = Record<string, unknown>

/** k8s.io/apimachinery/pkg/runtime/serializer/protobuf: every message begins so, before a runtime.Unknown. */
const magic = Buffer.from('k8s\0')

/**
 * Throws BadRequest for bytes that are no such message. `kind` is what it should be, for what errors say; whether it is that,
 * the registry asks, as of any body.
 */
export function readProtobuf(bytes: Buffer, kind: string): Members {
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    if (bytes.length === 0) throw unrecognized(bytes, kind, 'empty data')
    throw unrecognized(
      bytes,
      kind,
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    )
  }
  if (bytes.length === magic.length) throw unrecognized(bytes, kind, 'empty body')
  let unknown: Unknown
  try {
    unknown = readUnknown(bytes.subarray(magic.length))
  } catch {
    throw unrecognized(bytes, kind, unexpectedEnd)
  }
  const { apiVersion, kind: sent, raw, contentType } = unknown
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : apiVersion.slice(0, slash)
  const version = apiVersion.slice(slash + 1)
  const handled = (why: string) =>
    badRequest(`${sent} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`)
  if (contentType === 'application/json') return parsed(raw, handled)
  if (sent === '') throw unrecognized(bytes, kind, "Object 'Kind' is missing in protobuf")
  const node = messageOf({ group, version, kind: sent })
  if (node === undefined) {
    const about = `no kind ${JSON.stringify(sent)} is registered for version ${JSON.stringify(apiVersion)}`
    throw handled(`${about} in scheme "pkg/api/legacyscheme/scheme.go:30"`)
  }
  try {
    return { apiVersion, kind: sent, ...readStruct(protobuf.Reader.create(raw), node) }
  } catch (error) {
    throw handled(error instanceof RangeError ? unexpectedEnd : (error as Error).message)
  }
}

/** As Go's generated code says it. */
const unexpectedEnd = 'unexpected EOF'

function parsed(raw: Uint8Array, handled: (why: string) => ApiError): Members {
  try {
    return JSON.parse(Buffer.from(raw).toString()) as Members
  } catch (error) {
    throw handled((error as Error).message)
  }
}

/** transformDecodeError in apiserver/pkg/endpoints/handlers/rest.go, when there is no kind to name. */
function unrecognized(bytes: Buffer, kind: string, why: string): ApiError {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(bytes)})`)
}

interface Unknown {
  readonly apiVersion: string
  readonly kind: string
  readonly raw: Uint8Array
  readonly contentType: string
}

/** runtime.Unknown: typeMeta 1, raw 2, contentEncoding 3, contentType 4. */
function readUnknown(bytes: Buffer): Unknown {
  let apiVersion = ''
  let kind = ''
  let raw: Uint8Array = new Uint8Array()
  let contentType = ''
  eachField(protobuf.Reader.create(bytes), (number, reader) => {
    if (number === 2) raw = reader.bytes()
    else if (number === 4) contentType = reader.string()
    else if (number !== 1) return false
    else {
      eachField(sub(reader), (part, typeMeta) => {
        if (part === 1) apiVersion = typeMeta.string()
        else if (part === 2) kind = typeMeta.string()
        else return false
        return true
      })
    }
    return true
  })
  return { apiVersion, kind, raw, contentType }
}

function readStruct(reader: Reader, node: SchemaNode): Members {
  const members: Members = {}
  const layout = layoutOf(node)
  if (layout !== undefined) readMembers(reader, layout, members)
  return members
}

function readMembers(reader: Reader, { byNumber }: Layout, members: Members): void {
  eachField(reader, (number, at, wireType) => {
    const field = byNumber.get(number)
    if (field === undefined) return false
    if ('fields' in field) readMembers(sub(at), field.fields, members)
    else readMember(at, field, wireType, members)
    return true
  })
}

function readMember(reader: Reader, field: Field, wireType: number, members: Members): void {
  const { name, type, keepsZero } = field
  if (wireType !== field.wireType && !(wireType === bytesType && type.kind === 'list')) {
    throw new Error(`proto: wrong wireType = ${wireType} for field ${name[0]!.toUpperCase()}${name.slice(1)}`)
  }
  if (type.kind === 'list') {
    const list = (members[name] ?? []) as unknown[]
    const items = type.items()!
    if (wireType !== field.wireType) list.push(...readPacked(sub(reader), items))
    else list.push(readValue(reader, items))
    members[name] = list
  } else if (type.kind === 'map') {
    const map = (members[name] ?? {}) as Members
    const { key, value } = readEntry(sub(reader), type.values()!)
    // As JSON.parse does it: a key like any other.
    if (key === '__proto__')
      Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true })
    else map[key] = value
    members[name] = map
  } else {
    const value = readValue(reader, type)
    const isZero = value === '' || value === 0 || value === false || value === undefined
    if (!isZero || (keepsZero && value !== undefined)) members[name] = value
  }
}

/** Numbers one after the other, without a tag each: Go writes none, but reads them. */
function readPacked(reader: Reader, items: SchemaNode): unknown[] {
  const list: unknown[] = []
  while (reader.pos < reader.len) list.push(readScalar(reader, items))
  return list
}

/** A map's entry: key 1, value 2; each may be left out when it is zero. */
function readEntry(reader: Reader, values: SchemaNode): { key: string; value: unknown } {
  let key = ''
  let value: unknown = values.scalar === undefined ? {} : ''
  eachField(reader, (number, at) => {
    if (number === 1) key = at.string()
    else if (number === 2) value = values.kind === 'list' ? readItems(sub(at), values.items()!) : readValue(at, values)
    else return false
    return true
  })
  return { key, value }
}

/** A list that is a map's value is a message of its own: items 1. */
function readItems(reader: Reader, items: SchemaNode): unknown[] {
  const list: unknown[] = []
  eachField(reader, (number, at) => number === 1 && list.push(readValue(at, items)) > 0)
  return list
}

function readValue(reader: Reader, type: SchemaNode): unknown {
  switch (type.kind) {
    case 'struct':
      return readStruct(sub(reader), type)
    case 'any':
      return readRaw(sub(reader))
    case 'scalar':
      return readScalar(reader, type)
    default:
      throw badRequest(`a ${type.kind} within a list has no protobuf form`)
  }
}

function readScalar(reader: Reader, { scalar }: SchemaNode): unknown {
  switch (scalar) {
    case 'boolean':
      return reader.bool()
    case 'int32':
      return reader.int32()
    case 'int64':
      return wide(reader)
    case 'double':
      return reader.double()
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64')
    case 'quantity':
      return readText(sub(reader))
    case 'intOrString':
      return readIntOrString(sub(reader))
    case 'time':
      return readTime(sub(reader), false)
    case 'microTime':
      return readTime(sub(reader), true)
    default:
      return reader.string()
  }
}

/** resource.Quantity: string 1. */
function readText(reader: Reader): string {
  let text = ''
  eachField(reader, (number, at) => {
    if (number !== 1) return false
    text = at.string()
    return true
  })
  return text
}

/** intstr.IntOrString: type 1 (0: a number), intVal 2, strVal 3. */
function readIntOrString(reader: Reader): number | string {
  let isText = false
  let number = 0
  let text = ''
  eachField(reader, (part, at) => {
    if (part === 1) isText = wide(at) === 1
    else if (part === 2) number = at.int32()
    else if (part === 3) text = at.string()
    else return false
    return true
  })
  return isText ? text : number
}

/** metav1.Time and MicroTime: seconds 1, nanos 2; a message without either is no time. */
function readTime(reader: Reader, isMicro: boolean): string | undefined {
  let seconds: number | undefined
  let nanos = 0
  eachField(reader, (part, at) => {
    if (part === 1) seconds = wide(at)
    else if (part === 2) nanos = at.int32()
    else return false
    return true
  })
  if (seconds === undefined) return undefined
  const time = rfc3339(seconds * 1000)
  return isMicro ? `${time.slice(0, -1)}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : time
}

/** runtime.RawExtension and metav1.FieldsV1: JSON bytes in 1. */
function readRaw(reader: Reader): unknown {
  let value: unknown
  eachField(reader, (number, at) => {
    if (number !== 1) return false
    const text = Buffer.from(at.bytes()).toString()
    value = text === '' ? undefined : JSON.parse(text)
    return true
  })
  return value
}

/** Numbers beyond 2^53 lose their last digits, as they do in JSON read here. */
function wide(reader: Reader): number {
  const value = reader.int64() as unknown as number | { toNumber(): number }
  return typeof value === 'number' ? value : value.toNumber()
}

/** What is a message within a message, as a reader of its own. */
function sub(reader: Reader): Reader {
  return protobuf.Reader.create(reader.bytes())
}

/** `take` says whether it has read the field; what it has not is skipped, as upstream skips what it does not know. */
function eachField(reader: Reader, take: (number: number, reader: Reader, wireType: number) => boolean): void {
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (!take(tag >>> 3, reader, tag & 7)) reader.skipType(tag & 7)
  }
}
