// What goes out: the sole writer of responses. Objects go out as the bytes the store holds; a list is its items' bytes, one
// after the other, in chunks, so that no request keeps the others waiting. Called by verbs.ts, answering.ts and watch-stream.ts.
// What is long goes out compressed to who takes that.

import type { ServerResponse } from 'node:http'
import { ApiError, badRequest, type Status } from '../../src/api/errors.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { type Kind, listKindOf } from '../../src/kinds/kind.ts'
import { wholeObject } from '../registry/collection.ts'
import type { Reading, ReadingList } from '../registry/registry.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { compressedTo, gzipThreshold, takesGzip } from './compression.ts'
import { ListItems, withoutType } from './list-items.ts'
import { protobuf } from './negotiation.ts'
import type { ListMeta } from './table.ts'

const json = 'application/json'

/** What every answer says; `headers` are those of the request at hand (Audit-Id, Warning). */
export type Headers = Record<string, string | number | string[]>

export function sendBytes(
  response: ServerResponse,
  status: number,
  type: string,
  bytes: Buffer,
  headers: Headers,
): void {
  headers['Content-Type'] = type
  if (bytes.length > gzipThreshold && takesGzip(response)) {
    void sendCompressed(response, status, [bytes], headers)
    return
  }
  headers['Content-Length'] = bytes.length
  response.writeHead(status, headers)
  response.end(bytes)
}

async function sendCompressed(
  response: ServerResponse,
  status: number,
  pieces: Iterable<Uint8Array>,
  headers: Headers,
): Promise<void> {
  const out = await compressedTo(response, status, headers)
  for (const piece of pieces) if (!(await out.write(piece))) return
  out.end()
}

export function sendReading(response: ServerResponse, status: number, reading: Reading, headers: Headers): void {
  sendBytes(response, status, json, reading.bytes, headers)
}

export function sendObject(
  response: ServerResponse,
  status: number,
  object: unknown,
  headers: Headers,
  isPretty = false,
): void {
  sendBytes(response, status, json, Buffer.from(`${JSON.stringify(object, null, isPretty ? 2 : 0)}\n`), headers)
}

/** `inProtobuf`: the Status, when it is to go out so. */
export function sendStatus(response: ServerResponse, error: ApiError, headers: Headers, inProtobuf?: Buffer): void {
  const after = error.details?.retryAfterSeconds
  if (after !== undefined) headers['Retry-After'] = after
  if (inProtobuf !== undefined) sendBytes(response, error.code, protobuf, inProtobuf, headers)
  else sendObject(response, error.code, error.toStatus(), headers)
}

/** For whatever was thrown: the API's own errors as they are, anything else as an internal error, without its stack. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  // Only what a client sent can be nested so deep that the stack ends.
  if (error instanceof RangeError && error.message.includes('call stack')) return badRequest('exceeded max depth')
  const message = error instanceof Error ? error.message : String(error)
  return new ApiError('InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] })
}

export async function sendYaml(
  response: ServerResponse,
  status: number,
  object: unknown,
  headers: Headers,
): Promise<void> {
  const { dump } = await import('js-yaml')
  sendBytes(response, status, 'application/yaml', Buffer.from(dump(object, { noRefs: true, lineWidth: -1 })), headers)
}

export function listMetaOf(list: ReadingList): ListMeta {
  return {
    resourceVersion: list.resourceVersion,
    ...(list.continue ? { continue: list.continue } : {}),
    ...(list.remainingItemCount !== undefined ? { remainingItemCount: list.remainingItemCount } : {}),
  }
}

/** The list as one object, for forms that need it whole. */
export function listObject(kind: Kind<any>, list: ReadingList): object {
  return { ...listHead(kind, list), items: list.items.map(item => withoutType(kind, wholeObject(item))) }
}

function listHead(kind: Kind<any>, list: ReadingList) {
  return { kind: listKindOf(kind), apiVersion: kind.apiVersion, metadata: listMetaOf(list) }
}

const comma = 0x2c
const between = Buffer.from(',')
const end = Buffer.from(']}\n')
/** After so many bytes the others get their turn. */
const turnSize = 512 * 1024

export async function sendList(
  response: ServerResponse,
  kind: Kind<any>,
  list: ReadingList,
  headers: Headers,
  pool: ChunkPool,
): Promise<void> {
  const head = Buffer.from(`${JSON.stringify(listHead(kind, list)).slice(0, -1)},"items":[`)
  const items = new ListItems(kind, list.items)
  let total = head.length + end.length + Math.max(0, items.count - 1)
  for (let index = 0; index < items.count; index++) total += items.sizeOf(index)
  headers['Content-Type'] = json
  if (total > gzipThreshold && takesGzip(response)) {
    return sendCompressed(response, 200, listPieces(head, items), headers)
  }
  headers['Content-Length'] = total
  response.writeHead(200, headers)

  let chunk = pool.take()
  let size = head.copy(chunk)
  let turn = 0
  const flush = () => {
    const full = chunk
    response.write(full.subarray(0, size), () => pool.giveBack(full))
    turn += size
    chunk = pool.take()
    size = 0
  }
  for (let index = 0; index < items.count; index++) {
    const room = items.roomFor(index)
    if (size + room + 1 > chunk.length) flush()
    if (index > 0) chunk[size++] = comma
    if (size + room > chunk.length) {
      // Larger than a chunk: it goes as it is.
      flush()
      for (const piece of items.pieces(index)) response.write(piece)
      turn += room
    } else {
      size += items.copy(index, chunk, size)
    }
    if (turn < turnSize) continue
    turn = 0
    // The wait lets other requests run; drain alone would not, when the socket takes all at once.
    if (response.writableNeedDrain && !(await drained(response))) return
    await new Promise(resolve => setImmediate(resolve))
  }
  if (size + end.length > chunk.length) flush()
  size += end.copy(chunk, size)
  const last = chunk
  response.end(last.subarray(0, size), () => pool.giveBack(last))
}

/** Of a size that is worth compressing at once. */
const pieceSize = 64 * 1024

function* listPieces(head: Buffer, items: ListItems): Iterable<Buffer> {
  let piece: Buffer[] = [head]
  let size = head.length
  for (let index = 0; index < items.count; index++) {
    if (index > 0) piece.push(between)
    piece.push(...items.pieces(index))
    size += items.sizeOf(index) + 1
    if (size < pieceSize) continue
    yield Buffer.concat(piece)
    piece = []
    size = 0
  }
  yield Buffer.concat([...piece, end])
}

/** What has been laid out whole already, piece by piece. */
export async function sendPieces(
  response: ServerResponse,
  type: string,
  pieces: readonly Uint8Array[],
  headers: Headers,
): Promise<void> {
  headers['Content-Type'] = type
  const total = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (total > gzipThreshold && takesGzip(response)) return sendCompressed(response, 200, pieces, headers)
  headers['Content-Length'] = total
  response.writeHead(200, headers)
  let from = 0
  let size = 0
  for (let index = 0; index < pieces.length; index++) {
    size += pieces[index]!.length
    if (size < turnSize) continue
    response.write(Buffer.concat(pieces.slice(from, index + 1), size))
    from = index + 1
    size = 0
    if (response.writableNeedDrain && !(await drained(response))) return
    await new Promise(resolve => setImmediate(resolve))
  }
  response.end(Buffer.concat(pieces.slice(from), size))
}

/** False when the reader went away instead, or nobody wants to wait any more. */
export function drained(response: ServerResponse, signal?: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const done = (isDrained: boolean) => {
      response.off('drain', onDrain)
      response.off('close', onClose)
      signal?.removeEventListener('abort', onClose)
      resolve(isDrained)
    }
    const onDrain = () => done(true)
    const onClose = () => done(false)
    response.on('drain', onDrain)
    response.on('close', onClose)
    signal?.addEventListener('abort', onClose, { once: true })
    if (response.destroyed || signal?.aborted) onClose()
  })
}

/** `299 - "text"`, as k8s.io/apimachinery/pkg/util/net NewWarningHeader writes it. */
export function warningHeader(text: string): string {
  const quoted = text.replace(/\p{Cc}+/gu, ' ').replace(/[\\"]/g, '\\$&')
  // Headers are bytes: those of the text's UTF-8, as Go sends them.
  return `299 - "${Buffer.from(quoted).toString('latin1')}"`
}

/** Each warning once. */
export function addWarning(headers: Headers, text: string): void {
  const value = warningHeader(text)
  const warnings = (headers.Warning ?? []) as string[]
  if (!warnings.includes(value)) headers.Warning = [...warnings, value]
}

export function isStatus(object: unknown): object is Status {
  return (object as KubeObject | undefined)?.kind === 'Status'
}
