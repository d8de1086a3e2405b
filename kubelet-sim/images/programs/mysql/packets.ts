// MySQL's protocol: packets both ways, the greeting and its proof of a password (caching_sha2_password, in its fast form), results as
// text (https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html).

import { createHash } from 'node:crypto'
import type { Step } from '../../../machine/wait.ts'
import type { ConnectionBytes } from '../sql/connection-bytes.ts'
import type { Value } from '../sql/statement.ts'
import type { ResultColumn } from '../sql/tables.ts'

export interface Packet {
  readonly number: number
  readonly body: Buffer
}

export const plugin = 'caching_sha2_password'
/** long password, found rows, connect with db, protocol 41, transactions, secure connection, plugin auth. */
export const capabilities = 0x1 | 0x2 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000
const withDatabase = 0x8

export function packet(number: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head[3] = number & 0xff
  return Buffer.concat([head, body])
}

export function* readPacket(bytes: ConnectionBytes): Step<Packet | undefined> {
  const head = yield* bytes.take(4)
  if (head === undefined) return undefined
  const body = yield* bytes.take(head.readUIntLE(0, 3))
  return body && { number: head[3]!, body }
}

const text = (words: string): Buffer => Buffer.from(`${words}\0`)

function numbers(...parts: readonly (readonly [value: number, bytes: number])[]): Buffer {
  return Buffer.concat(
    parts.map(([value, length]) => {
      const bytes = Buffer.alloc(length)
      bytes.writeUIntLE(value, 0, length)
      return bytes
    }),
  )
}

/** A number, or a text with its length before it. */
function long(value: number): Buffer {
  if (value < 251) return numbers([value, 1])
  if (value < 65_536) return numbers([0xfc, 1], [value, 2])
  return numbers([0xfd, 1], [value, 3])
}
const longText = (words: string): Buffer => Buffer.concat([long(Buffer.byteLength(words)), Buffer.from(words)])

function readLong(body: Buffer, at: number): readonly [value: number, next: number] {
  const first = body[at] ?? 0
  if (first < 251) return [first, at + 1]
  return first === 0xfc ? [body.readUIntLE(at + 1, 2), at + 3] : [body.readUIntLE(at + 1, 3), at + 4]
}

function readLongText(body: Buffer, at: number): readonly [text: string, next: number] {
  const [length, from] = readLong(body, at)
  return [body.subarray(from, from + length).toString(), from + length]
}

// ---- greeting

export function greeting(version: string, thread: number, nonce: Buffer): Buffer {
  return packet(
    0,
    numbers([10, 1]),
    text(version),
    numbers([thread, 4]),
    nonce.subarray(0, 8),
    numbers([0, 1], [capabilities & 0xffff, 2], [255, 1], [2, 2], [capabilities >>> 16, 2], [21, 1]),
    Buffer.alloc(10),
    nonce.subarray(8, 20),
    Buffer.from([0]),
    text(plugin),
  )
}

export function readGreeting({ body }: Packet): { readonly version: string; readonly nonce: Buffer } {
  const end = body.indexOf(0, 1)
  const nonce = Buffer.concat([body.subarray(end + 5, end + 13), body.subarray(end + 32, end + 44)])
  return { version: body.subarray(1, end).toString(), nonce }
}

export interface Login {
  readonly user: string
  readonly proof: Buffer
  readonly database: string | undefined
  readonly plugin: string
}

export function login({ user, proof, database }: Omit<Login, 'plugin'>): Buffer {
  const flags = database === undefined ? capabilities & ~withDatabase : capabilities
  const head = Buffer.concat([numbers([flags, 4], [16_777_216, 4], [255, 1]), Buffer.alloc(23)])
  const named = database === undefined ? Buffer.alloc(0) : text(database)
  return packet(1, head, text(user), numbers([proof.length, 1]), proof, named, text(plugin))
}

export function readLogin({ body }: Packet): Login {
  const flags = body.readUInt32LE(0)
  let at = body.indexOf(0, 32)
  const user = body.subarray(32, at).toString()
  const length = body[at + 1] ?? 0
  const proof = body.subarray(at + 2, at + 2 + length)
  at += 2 + length
  let database: string | undefined
  if (flags & withDatabase) {
    const end = body.indexOf(0, at)
    database = body.subarray(at, end).toString() || undefined
    at = end + 1
  }
  const end = body.indexOf(0, at)
  return { user, proof, database, plugin: body.subarray(at, end < 0 ? undefined : end).toString() }
}

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()

/** What shows that one knows the password, without it. */
export function proofOf(password: string, nonce: Uint8Array): Buffer {
  if (password === '') return Buffer.alloc(0)
  const own = sha256(Buffer.from(password))
  const mask = sha256(sha256(own), nonce)
  return Buffer.from(own.map((byte, at) => byte ^ mask[at]!))
}

export const switchTo = (number: number, nonce: Buffer): Buffer =>
  packet(number, Buffer.from([0xfe]), text(plugin), nonce, Buffer.from([0]))

export const provenFast = (number: number): Buffer => packet(number, Buffer.from([1, 3]))

// ---- answers

export const okay = (number: number, changed = 0, numbered = 0): Buffer =>
  packet(number, Buffer.from([0]), long(changed), long(numbered), numbers([2, 2], [0, 2]))

export interface Said {
  readonly code: number
  readonly state: string
  readonly message: string
}

export const failure = (number: number, { code, state, message }: Said): Buffer =>
  packet(number, Buffer.from([0xff]), numbers([code, 2]), Buffer.from(`#${state}${message}`))

export const failureOf = (body: Buffer): Said => ({
  code: body.readUInt16LE(1),
  state: body.subarray(4, 9).toString(),
  message: body.subarray(9).toString(),
})

export const changedOf = (body: Buffer): number => readLong(body, 1)[0]

/** Of double, tiny and text. */
const types = { number: 5, boolean: 1, text: 253 } as const
const end = numbers([0xfe, 1], [0, 2], [2, 2])

export function resultPackets(columns: readonly ResultColumn[], rows: readonly (readonly Value[])[]): Buffer {
  let number = 1
  const out = [packet(number++, long(columns.length))]
  for (const { name, type } of columns) {
    const names = [longText('def'), longText(''), longText(''), longText(''), longText(name), longText('')]
    const facts = numbers([0x0c, 1], [255, 2], [1024, 4], [types[type], 1], [0, 2], [0, 1], [0, 2])
    out.push(packet(number++, ...names, facts))
  }
  out.push(packet(number++, end))
  for (const row of rows) {
    const cells = row.map(value =>
      value === null
        ? Buffer.from([0xfb])
        : longText(typeof value === 'boolean' ? String(Number(value)) : String(value)),
    )
    out.push(packet(number++, ...cells))
  }
  out.push(packet(number++, end))
  return Buffer.concat(out)
}

export function columnOf(body: Buffer): ResultColumn {
  let at = 0
  let name = ''
  for (let part = 0; part < 6; part++) {
    const [word, next] = readLongText(body, at)
    if (part === 4) name = word
    at = next
  }
  const type = body[at + 7]
  return { name, type: type === types.number ? 'number' : type === types.boolean ? 'boolean' : 'text' }
}

export function rowOf(body: Buffer, columns: number): readonly (string | null)[] {
  const row: (string | null)[] = []
  for (let at = 0; row.length < columns; ) {
    if (body[at] === 0xfb) {
      row.push(null)
      at++
      continue
    }
    const [word, next] = readLongText(body, at)
    row.push(word)
    at = next
  }
  return row
}
