// Bodies in Kubernetes' protobuf encoding, as Go's typed clients (and `kubectl create`) send them: read into the object that
// the same body in JSON would be. Loaded by request.ts when the first one comes. Answers are JSON, which every such client
// also takes; encoding them is not there yet.

import protobuf from 'protobufjs/minimal.js'
import { badRequest } from '../../src/api/errors.ts'
import { rfc3339, rfc3339Micro } from '../../src/api/time.ts'
import { protobufFields } from '../../src/kinds/protobuf-fields.ts'
import { definitionNode, type SchemaNode, schemaNodeOf } from '../../src/kinds/schemas.ts'

type Reader = protobuf.Reader
type Members = Record<string, unknown>

/** k8s.io/apimachinery/pkg/runtime/serializer/protobuf: every message begins so, before a runtime.Unknown. */
const magic = Buffer.from('k8s\0')

/** Throws BadRequest for bytes that are not such a message, or of a kind that has no protobuf form here. */
export function readProtobuf(bytes: Buffer): Members {
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw badRequest('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  }
  try {
    return readUnknown(bytes.subarray(magic.length))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw badRequest(`couldn't get version/kind; proto: ${error.message}`)
  }
}

/** runtime.Unknown: typeMeta 1, raw 2, contentEncoding 3, contentType 4. */
function readUnknown(bytes: Buffer): Members {
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
  if (contentType === 'application/json') return JSON.parse(Buffer.from(raw).toString()) as Members
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : apiVersion.slice(0, slash)
  const version = apiVersion.slice(slash + 1)
  // Options stand in every group, but are one type.
  const node = schemaNodeOf({ group, version, kind }) ?? definitionNode(`io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`)
  if (node?.definition === undefined || fieldsOf(node.definition) === undefined) {
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in protobuf`,
    )
  }
  return { apiVersion, kind, ...readStruct(protobuf.Reader.create(raw), node) }
}

interface Field {
  readonly name: string
  /** A pointer, or written by Go even when it is zero: a zero on the wire means zero. */
  readonly keepsZero: boolean
}
/** By number; a nested map is what stands inline. */
type Fields = Map<number, Field | Fields>

const known = new Map<string, Fields>()

function fieldsOf(definition: string): Fields | undefined {
  const found = known.get(definition)
  if (found !== undefined) return found
  const text = protobufFields[definition.split('.').slice(-3).join('.')]
  if (text === undefined) return undefined
  const fields: Fields = new Map()
  for (const word of text.split(' ').filter(Boolean)) {
    const [, name = '', path = '', mark] = /^(\w+|\$\w+):([\d.]+)([*!]?)$/.exec(word) ?? []
    const numbers = path.split('.').map(Number)
    let place = fields
    for (const number of numbers.slice(0, -1)) {
      const inner = place.get(number)
      if (inner instanceof Map) place = inner
      else {
        const made: Fields = new Map()
        place.set(number, made)
        place = made
      }
    }
    place.set(numbers.at(-1)!, { name, keepsZero: mark !== '' })
  }
  known.set(definition, fields)
  return fields
}

function readStruct(reader: Reader, node: SchemaNode): Members {
  const members: Members = {}
  readFields(reader, node, fieldsOf(node.definition!) ?? new Map(), members)
  return members
}

function readFields(reader: Reader, node: SchemaNode, fields: Fields, members: Members): void {
  eachField(reader, (number, at) => {
    const field = fields.get(number)
    if (field === undefined) return false
    if (field instanceof Map) {
      readFields(sub(at), node, field, members)
      return true
    }
    const type = node.field(field.name)
    if (type === undefined) return false
    readMember(at, type, field, members)
    return true
  })
}

function readMember(reader: Reader, type: SchemaNode, { name, keepsZero }: Field, members: Members): void {
  if (type.kind === 'list') {
    const list = (members[name] ?? []) as unknown[]
    list.push(readValue(reader, type.items()!))
    members[name] = list
  } else if (type.kind === 'map') {
    const map = (members[name] ?? {}) as Members
    const { key, value } = readEntry(sub(reader), type.values()!)
    map[key] = value
    members[name] = map
  } else {
    const value = readValue(reader, type)
    const isZero = value === '' || value === 0 || value === false || value === undefined
    if (!isZero || (keepsZero && value !== undefined)) members[name] = value
  }
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
      return readTime(sub(reader), rfc3339)
    case 'microTime':
      return readTime(sub(reader), rfc3339Micro)
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

/** metav1.Time: seconds 1, nanos 2; a message without either is no time. */
function readTime(reader: Reader, print: (at: number) => string): string | undefined {
  let millis: number | undefined
  eachField(reader, (part, at) => {
    if (part === 1) millis = (millis ?? 0) + wide(at) * 1000
    else if (part === 2) millis = (millis ?? 0) + at.int32() / 1e6
    else return false
    return true
  })
  return millis === undefined ? undefined : print(millis)
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
function eachField(reader: Reader, take: (number: number, reader: Reader) => boolean): void {
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if (!take(tag >>> 3, reader)) reader.skipType(tag & 7)
  }
}
