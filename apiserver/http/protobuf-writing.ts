// Answers in Kubernetes' protobuf encoding, byte for byte as Go writes them: fields by their numbers, maps by their keys, and
// what is not a pointer always, zero or not. Pure. Loaded when the first client asks for that form: by presentation.ts,
// watching.ts and answering.ts.

import protobuf from 'protobufjs/minimal.js'
import { internalError } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { parseTime } from '../../src/api/time.ts'
import type { SchemaNode } from '../../src/kinds/schemas.ts'
import {
  bytesType,
  doubleType,
  type Field,
  type Inline,
  type Layout,
  layoutOf,
  messageOf,
  metaNode,
  varintType,
} from './protobuf-layout.ts'
import type { ListMeta } from './table.ts'

type Writer = protobuf.Writer
type Members = Readonly<Record<string, unknown>>
type TypeMeta = Pick<KubeObject, 'apiVersion' | 'kind'>

/** Before every runtime.Unknown. */
const magic = Buffer.from('k8s\0')

/** Any object of a kind that has a form in protobuf, or a Status. */
export function objectMessage(object: Frozen<KubeObject> | TypeMeta): Buffer {
  return enveloped(object, writer => writeMembers(writer, object as unknown as Members, layoutFor(object)))
}

/** PartialObjectMetadata: metadata 1. */
export function partialMessage(object: Frozen<KubeObject>, version: string): Buffer {
  const partial = { apiVersion: `meta.k8s.io/${version}`, kind: 'PartialObjectMetadata' }
  return enveloped(partial, writer =>
    writeStruct(begin(writer, 1), object.metadata as unknown as Members, objectMeta()),
  )
}

/** An item of a list, without its number or length, for `listMessage`. */
export function itemMessage(object: Frozen<KubeObject>): Uint8Array {
  const writer = protobuf.Writer.create()
  writeMembers(writer, object as unknown as Members, layoutFor(object))
  return writer.finish()
}

/** The same of an item's metadata alone. */
export function partialItemMessage(object: Frozen<KubeObject>): Uint8Array {
  return writeStruct(begin(protobuf.Writer.create(), 1), object.metadata as unknown as Members, objectMeta()).finish()
}

/**
 * A list of items that are encoded already, as pieces to be sent one after the other: all lists have metadata 1 and items 2,
 * but PartialObjectMetadataList of meta.k8s.io/v1beta1, which has them the other way round.
 */
export function listMessage(list: TypeMeta, metadata: ListMeta, items: readonly Uint8Array[]): Uint8Array[] {
  const itemsFirst = list.apiVersion === 'meta.k8s.io/v1beta1'
  const meta = protobuf.Writer.create()
  writeStruct(begin(meta, itemsFirst ? 2 : 1), metadata as Members, metaNode('ListMeta')!)
  const written = items.flatMap(item => [
    protobuf.Writer.create()
      .uint32(tagOf(itemsFirst ? 1 : 2, bytesType))
      .uint32(item.length)
      .finish(),
    item,
  ])
  const raw = itemsFirst ? [...written, meta.finish()] : [meta.finish(), ...written]
  const size = raw.reduce((sum, piece) => sum + piece.length, 0)
  const head = writeTypeMeta(protobuf.Writer.create(), list).uint32(tagOf(2, bytesType)).uint32(size).finish()
  return [magic, head, ...raw, noContent(protobuf.Writer.create()).finish()]
}

/** metav1.WatchEvent: type 1, object 2 (a RawExtension: raw 1); before it its length, in four bytes. */
export function watchFrame(type: string, object: Uint8Array): Buffer {
  const writer = protobuf.Writer.create().uint32(tagOf(1, bytesType)).string(type)
  begin(writer, 2).uint32(tagOf(1, bytesType)).bytes(object).ldelim()
  const event = writer.finish()
  const frame = Buffer.allocUnsafe(event.length + 4)
  frame.writeUInt32BE(event.length)
  frame.set(event, 4)
  return frame
}

/** runtime.Unknown: typeMeta 1, raw 2, contentEncoding 3, contentType 4. */
function enveloped(object: TypeMeta, writeRaw: (writer: Writer) => void): Buffer {
  const writer = begin(writeTypeMeta(protobuf.Writer.create(), object), 2)
  writeRaw(writer)
  const unknown = noContent(writer.ldelim()).finish()
  return Buffer.concat([magic, unknown], magic.length + unknown.length)
}

function writeTypeMeta(writer: Writer, { apiVersion, kind }: TypeMeta): Writer {
  return begin(writer, 1)
    .uint32(tagOf(1, bytesType))
    .string(apiVersion)
    .uint32(tagOf(2, bytesType))
    .string(kind)
    .ldelim()
}

function noContent(writer: Writer): Writer {
  return writer.uint32(tagOf(3, bytesType)).string('').uint32(tagOf(4, bytesType)).string('')
}

function layoutFor({ apiVersion, kind }: TypeMeta): Layout {
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : apiVersion.slice(0, slash)
  const node = messageOf({ group, version: apiVersion.slice(slash + 1), kind })
  if (node === undefined) throw internalError(`${kind} of ${apiVersion} has no form in protobuf`)
  return layoutOf(node)!
}

const objectMeta = (): SchemaNode => metaNode('ObjectMeta')!

// ---- fields

const tagOf = (number: number, wireType: number): number => (number << 3) | wireType

/** A message within a message; `ldelim` ends it. */
function begin(writer: Writer, number: number): Writer {
  return writer.uint32(tagOf(number, bytesType)).fork()
}

/** Into what `begin` began, which it ends. */
function writeStruct(writer: Writer, members: Members, node: SchemaNode): Writer {
  const layout = layoutOf(node)
  if (layout === undefined) throw internalError(`${node.definition} has no form in protobuf`)
  writeMembers(writer, members, layout)
  return writer.ldelim()
}

function writeMembers(writer: Writer, members: Members, { inOrder }: Layout): void {
  for (const field of inOrder) writeField(writer, members, field)
}

function writeField(writer: Writer, members: Members, field: Field | Inline): void {
  if ('fields' in field) {
    writeMembers(begin(writer, field.number), members, field.fields)
    writer.ldelim()
    return
  }
  const { number, type, isPointer } = field
  const value = members[field.name] ?? undefined
  if (type.kind === 'list') {
    for (const item of (value ?? []) as readonly unknown[]) writeValue(writer, number, type.items()!, item)
  } else if (type.kind === 'map') {
    if (value !== undefined) writeMap(writer, number, type.values()!, value as Members)
  } else if (value !== undefined) {
    writeValue(writer, number, type, value)
  } else if (!isPointer) {
    writeZero(writer, number, type)
  }
}

/** A map's entry: key 1, value 2; a list that is a value is a message of its own: items 1. */
function writeMap(writer: Writer, number: number, values: SchemaNode, map: Members): void {
  for (const key of Object.keys(map).sort()) {
    begin(writer, number).uint32(tagOf(1, bytesType)).string(key)
    if (values.kind === 'list') {
      begin(writer, 2)
      for (const item of map[key] as readonly unknown[]) writeValue(writer, 1, values.items()!, item)
      writer.ldelim()
    } else {
      writeValue(writer, 2, values, map[key])
    }
    writer.ldelim()
  }
}

function writeValue(writer: Writer, number: number, type: SchemaNode, value: unknown): void {
  switch (type.kind) {
    case 'struct':
      writeStruct(begin(writer, number), value as Members, type)
      return
    case 'any':
      // runtime.RawExtension and metav1.FieldsV1: JSON bytes in 1.
      begin(writer, number).uint32(tagOf(1, bytesType)).string(JSON.stringify(value)).ldelim()
      return
    case 'scalar':
      writeScalar(writer, number, type, value)
      return
    default:
      throw internalError(`a ${type.kind} within a list has no form in protobuf`)
  }
}

function writeScalar(writer: Writer, number: number, { scalar }: SchemaNode, value: unknown): void {
  switch (scalar) {
    case 'boolean':
      writer.uint32(tagOf(number, varintType)).bool(value as boolean)
      return
    case 'int32':
    case 'int64':
      writer.uint32(tagOf(number, varintType)).int64(value as number)
      return
    case 'double':
      writer.uint32(tagOf(number, doubleType)).double(value as number)
      return
    case 'bytes':
      writer.uint32(tagOf(number, bytesType)).bytes(Buffer.from(value as string, 'base64'))
      return
    case 'quantity':
      // resource.Quantity: string 1.
      begin(writer, number).uint32(tagOf(1, bytesType)).string(String(value)).ldelim()
      return
    case 'intOrString':
      writeIntOrString(writer, number, value as number | string)
      return
    case 'time':
      writeTime(writer, number, Math.floor(parseTime(value as string) / 1000), 0)
      return
    case 'microTime':
      writeTime(writer, number, Math.floor(parseTime(value as string) / 1000), microsOf(value as string) * 1000)
      return
    default:
      writer.uint32(tagOf(number, bytesType)).string(value as string)
  }
}

/** intstr.IntOrString: type 1 (0: a number), intVal 2, strVal 3. */
function writeIntOrString(writer: Writer, number: number, value: number | string): void {
  const isText = typeof value === 'string'
  begin(writer, number)
    .uint32(tagOf(1, varintType))
    .uint32(isText ? 1 : 0)
    .uint32(tagOf(2, varintType))
    .int64(isText ? 0 : value)
    .uint32(tagOf(3, bytesType))
    .string(isText ? value : '')
    .ldelim()
}

/** metav1.Time and MicroTime: seconds 1, nanos 2. */
function writeTime(writer: Writer, number: number, seconds: number, nanos: number): void {
  begin(writer, number).uint32(tagOf(1, varintType)).int64(seconds).uint32(tagOf(2, varintType)).uint32(nanos).ldelim()
}

function microsOf(text: string): number {
  const digits = /\.(\d{1,6})/.exec(text)?.[1] ?? ''
  return Number(digits.padEnd(6, '0'))
}

/** What Go has where JSON has nothing. */
function writeZero(writer: Writer, number: number, type: SchemaNode): void {
  if (type.kind === 'struct') {
    writeStruct(begin(writer, number), {}, type)
    return
  }
  switch (type.scalar) {
    case 'boolean':
    case 'int32':
    case 'int64':
      writer.uint32(tagOf(number, varintType)).uint32(0)
      return
    case 'double':
      writer.uint32(tagOf(number, doubleType)).double(0)
      return
    case 'bytes':
      return
    case 'quantity':
      writeScalar(writer, number, type, '0')
      return
    case 'intOrString':
      writeIntOrString(writer, number, 0)
      return
    case 'string':
      writer.uint32(tagOf(number, bytesType)).string('')
      return
    default:
      // No time, and any JSON that is not there, are messages of nothing.
      begin(writer, number).ldelim()
  }
}
