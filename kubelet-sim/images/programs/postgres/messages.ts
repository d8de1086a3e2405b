// PostgreSQL's protocol, version 3: messages both ways (https://www.postgresql.org/docs/current/protocol-message-formats.html).

import type { Step } from '../../../machine/wait.ts'
import type { ConnectionBytes } from '../sql/connection-bytes.ts'
import type { Value } from '../sql/statement.ts'
import type { ResultColumn } from '../sql/tables.ts'

export interface Message {
  readonly type: string
  readonly body: Buffer
}

export const sslRequest = 80877103
export const protocolVersion = 196608

export function message(type: string, ...parts: (string | number | Uint8Array)[]): Buffer {
  const body = Buffer.concat(
    parts.map(part =>
      typeof part === 'number' ? int32(part) : typeof part === 'string' ? Buffer.from(`${part}\0`) : part,
    ),
  )
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function* readMessage(bytes: ConnectionBytes): Step<Message | undefined> {
  const head = yield* bytes.take(5)
  if (head === undefined) return undefined
  const body = yield* bytes.take(head.readInt32BE(1) - 4)
  return body && { type: String.fromCharCode(head[0]!), body }
}

/** What comes first, without a type. */
export function* readStartup(
  bytes: ConnectionBytes,
): Step<{ readonly code: number; readonly body: Buffer } | undefined> {
  const head = yield* bytes.take(8)
  if (head === undefined) return undefined
  const body = yield* bytes.take(head.readInt32BE(0) - 8)
  return body && { code: head.readInt32BE(4), body }
}

export const strings = (body: Uint8Array): string[] => Buffer.from(body).toString().split('\0')

/** Of bool, numeric and text. */
const oids = { boolean: 16, number: 1700, text: 25 } as const

export function rowDescription(columns: readonly ResultColumn[]): Buffer {
  const fields = columns.map(({ name, type }) =>
    Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(oids[type]), int16(-1), int32(-1), int16(0)]),
  )
  return message('T', int16(columns.length), ...fields)
}

export function columnsOf(body: Buffer): readonly ResultColumn[] {
  const columns: ResultColumn[] = []
  for (let at = 2; columns.length < body.readInt16BE(0); ) {
    const end = body.indexOf(0, at)
    const oid = body.readInt32BE(end + 7)
    const type = oid === oids.boolean ? 'boolean' : oid === oids.text ? 'text' : 'number'
    columns.push({ name: body.subarray(at, end).toString(), type })
    at = end + 19
  }
  return columns
}

export function dataRow(row: readonly Value[]): Buffer {
  const fields = row.map(value => {
    if (value === null) return int32(-1)
    const text = Buffer.from(typeof value === 'boolean' ? (value ? 't' : 'f') : String(value))
    return Buffer.concat([int32(text.length), text])
  })
  return message('D', int16(row.length), ...fields)
}

export function rowOf(body: Buffer): readonly (string | null)[] {
  const row: (string | null)[] = []
  for (let at = 2; row.length < body.readInt16BE(0); ) {
    const length = body.readInt32BE(at)
    at += 4
    row.push(length < 0 ? null : body.subarray(at, at + length).toString())
    at += Math.max(0, length)
  }
  return row
}

export interface Said {
  readonly severity: string
  readonly code: string
  readonly message: string
  readonly detail?: string | undefined
}

export function errorMessage({ severity, code, message: text, detail }: Said): Buffer {
  const fields = [
    `S${severity}`,
    `V${severity}`,
    `C${code}`,
    `M${text}`,
    ...(detail === undefined ? [] : [`D${detail}`]),
  ]
  return message('E', ...fields, Buffer.from([0]))
}

export function errorOf(body: Buffer): Said {
  const fields = new Map(strings(body).map(field => [field[0] ?? '', field.slice(1)]))
  return {
    severity: fields.get('S') ?? '',
    code: fields.get('C') ?? '',
    message: fields.get('M') ?? '',
    detail: fields.get('D'),
  }
}
