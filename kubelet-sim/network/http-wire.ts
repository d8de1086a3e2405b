// HTTP/1.1 as bytes, for where a connection meets a listener that is only told of, and where a request meets a program that
// reads bytes: keep-alive, chunked bodies, HEAD, 100-continue, many requests on one connection. Rules: RFC 9112.

import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Connection, StreamedResponse } from '../machine/sockets.ts'
import { SystemError } from '../machine/system-error.ts'
import type { Step } from '../machine/wait.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('latin1')
const nothing = new Uint8Array()
const longestLine = 64 * 1024
const longestHead = 256
const largestBody = 64 * 1024 * 1024

/** What was sent is no HTTP. */
class Malformed extends Error {}

/** Answers request after request until the client is done; undefined: the connection breaks off. */
export function* serveHttp(
  connection: Connection,
  answer: (request: SimulatedRequest) => Step<SimulatedResponse | undefined>,
): Step<void> {
  const reader = new Reader(connection)
  try {
    for (;;) {
      const asked = yield* readRequest(reader, connection)
      if (asked === undefined) return
      const response = yield* answer(asked.request)
      if (response === undefined) return
      const stays = asked.stays && response.headers.connection?.toLowerCase() !== 'close'
      yield* connection.write(encodeResponse(response, asked.request.method, asked.version, stays))
      if (!stays) return
    }
  } catch (error) {
    if (error instanceof SystemError) return
    if (!(error instanceof Malformed)) throw error
    const body = encoder.encode('400 Bad Request')
    const headers = { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }
    yield* connection.write(encodeResponse({ status: 400, headers, body }, 'GET', '1.1', false))
  } finally {
    connection.close()
  }
}

/** One request over a connection made for it, which is closed after it. */
export function* askHttp(connection: Connection, request: SimulatedRequest): Step<SimulatedResponse> {
  const { status, headers, read, close } = yield* openHttp(connection, request)
  try {
    return { status, headers, body: yield* whole(read) }
  } finally {
    close()
  }
}

/** The same, from its head on: the body is read as it comes. */
export function* openHttp(connection: Connection, request: SimulatedRequest): Step<StreamedResponse> {
  const close = () => connection.close()
  let isOpen = false
  try {
    yield* connection.write(encodeRequest(request))
    const reader = new Reader(connection)
    for (;;) {
      const { status, headers } = yield* inTransit(readHead(reader))
      if (status < 200) continue
      const isBare = request.method === 'HEAD' || status === 204 || status === 304
      const next = bodyOf(reader, isBare ? { 'content-length': '0' } : headers, true)
      isOpen = true
      return { status, headers, read: () => inTransit(next()), close }
    }
  } finally {
    if (!isOpen) close()
  }
}

/** To a client, what is no HTTP is a connection that broke. */
function* inTransit<T>(step: Step<T>): Step<T> {
  try {
    return yield* step
  } catch (error) {
    if (error instanceof Malformed) throw new SystemError('ECONNRESET')
    throw error
  }
}

interface Asked {
  readonly request: SimulatedRequest
  readonly version: string
  readonly stays: boolean
}

function* readRequest(reader: Reader, connection: Connection): Step<Asked | undefined> {
  let line = yield* reader.line()
  // A stray line end after the request before (RFC 9112, 2.2).
  if (line === '') line = yield* reader.line()
  if (line === undefined) return undefined
  const match = /^([!#$%&'*+.^_`|~\w-]+) (\S+) HTTP\/(1\.[01])$/.exec(line)
  if (!match) throw new Malformed(line)
  const [, method, target, version] = match as unknown as [string, string, string, string]
  const headers = yield* readHeaders(reader)
  const said = headers.connection?.toLowerCase() ?? ''
  const stays = version === '1.1' ? !said.includes('close') : said.includes('keep-alive')
  if (headers.expect?.toLowerCase() === '100-continue') {
    yield* connection.write(encoder.encode('HTTP/1.1 100 Continue\r\n\r\n'))
  }
  const body = yield* readBody(reader, headers, false)
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const request = { method, path: path.startsWith('/') ? path : `/${path}`, headers, body }
  return { request, version, stays }
}

function* readHead(reader: Reader): Step<Pick<SimulatedResponse, 'status' | 'headers'>> {
  const line = yield* reader.line()
  // Ended before it said anything: a server that only hangs up.
  if (line === undefined) throw new SystemError('ECONNRESET')
  const match = /^HTTP\/1\.[01] (\d{3})(?: .*)?$/.exec(line)
  if (!match) throw new Malformed(line)
  return { status: Number(match[1]), headers: yield* readHeaders(reader) }
}

function* readHeaders(reader: Reader): Step<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (let count = 0; ; count++) {
    const line = yield* reader.line()
    if (line === undefined || count > longestHead) throw new Malformed('headers')
    if (line === '') return headers
    const colon = line.indexOf(':')
    if (colon <= 0) throw new Malformed(line)
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
}

function* readBody(reader: Reader, headers: Record<string, string>, untilEnd: boolean): Step<Uint8Array> {
  return yield* whole(bodyOf(reader, headers, untilEnd))
}

type NextPart = () => Step<Uint8Array | undefined>

function* whole(next: NextPart): Step<Uint8Array> {
  const parts: Uint8Array[] = []
  let total = 0
  for (;;) {
    const part = yield* next()
    if (part === undefined) return joined(parts)
    total += part.length
    if (total > largestBody) throw new Malformed('a body without end')
    parts.push(part)
  }
}

function bodyOf(reader: Reader, headers: Readonly<Record<string, string>>, untilEnd: boolean): NextPart {
  if (headers['transfer-encoding']?.toLowerCase().includes('chunked')) return chunksOf(reader)
  const length = headers['content-length']
  if (length === undefined) return untilEnd ? () => reader.some(largestBody) : ended
  if (!/^\d{1,12}$/.test(length) || Number(length) > largestBody) throw new Malformed('content-length')
  let missing = Number(length)
  return function* () {
    if (missing === 0) return undefined
    const part = yield* reader.some(missing)
    if (part === undefined) throw new SystemError('ECONNRESET')
    missing -= part.length
    return part
  }
}

// biome-ignore lint/correctness/useYield: it waits for nothing
const ended: NextPart = function* () {
  return undefined
}

function chunksOf(reader: Reader): NextPart {
  let missing = 0
  let isDone = false
  return function* () {
    if (isDone) return undefined
    if (missing === 0) {
      const size = Number.parseInt((yield* reader.line()) ?? '', 16)
      if (!(size >= 0) || size > largestBody) throw new Malformed('chunk')
      if (size === 0) {
        for (let line = yield* reader.line(); line; line = yield* reader.line());
        isDone = true
        return undefined
      }
      missing = size
    }
    const part = yield* reader.some(missing)
    if (part === undefined) throw new SystemError('ECONNRESET')
    missing -= part.length
    if (missing === 0 && (yield* reader.line()) !== '') throw new Malformed('chunk')
    return part
  }
}

class Reader {
  readonly #connection: Connection
  #held: Uint8Array = nothing

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Without its end; undefined when nothing more comes. */
  *line(): Step<string | undefined> {
    let from = 0
    for (;;) {
      const end = this.#held.indexOf(10, from)
      if (end >= 0) {
        const text = decoder.decode(this.#held.subarray(0, end))
        this.#held = this.#held.subarray(end + 1)
        return text.endsWith('\r') ? text.slice(0, -1) : text
      }
      from = this.#held.length
      if (from > longestLine) throw new Malformed('a line without end')
      if (!(yield* this.#more())) {
        if (from > 0) throw new Malformed('a line without end')
        return undefined
      }
    }
  }

  /** At most so many bytes, as they come; undefined when nothing more does. */
  *some(most: number): Step<Uint8Array | undefined> {
    if (this.#held.length === 0 && !(yield* this.#more())) return undefined
    const part = this.#held.subarray(0, most)
    this.#held = this.#held.subarray(part.length)
    return part
  }

  *#more(): Step<boolean> {
    const bytes = yield* this.#connection.read()
    if (bytes === undefined) return false
    this.#held = this.#held.length === 0 ? bytes : joined([this.#held, bytes])
    return true
  }
}

function encodeRequest({ method, path, headers, body }: SimulatedRequest): Uint8Array {
  const lines = [`${method} ${path} HTTP/1.1`]
  for (const [name, value] of Object.entries(headers)) {
    if (!/^(connection|content-length|transfer-encoding)$/i.test(name)) lines.push(`${titled(name)}: ${value}`)
  }
  if (body.length > 0 || /^(POST|PUT|PATCH)$/.test(method)) lines.push(`Content-Length: ${body.length}`)
  lines.push('Connection: close', '', '')
  return joined([Buffer.from(lines.join('\r\n'), 'latin1'), body])
}

function encodeResponse(
  { status, headers, body }: SimulatedResponse,
  method: string,
  version: string,
  stays: boolean,
): Uint8Array {
  const lines = [`HTTP/1.1 ${status} ${reasonOf(status)}`]
  const isBare = status < 200 || status === 204 || status === 304
  for (const [name, value] of Object.entries(headers)) {
    if (!/^(connection|content-length|transfer-encoding)$/i.test(name)) lines.push(`${titled(name)}: ${value}`)
  }
  const length = method === 'HEAD' ? (headers['content-length'] ?? body.length) : body.length
  if (!isBare) lines.push(`Content-Length: ${length}`)
  if (!stays) lines.push('Connection: close')
  else if (version === '1.0') lines.push('Connection: keep-alive')
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return isBare || method === 'HEAD' ? head : joined([head, body])
}

/** `content-type` → `Content-Type`, as servers write it. */
function titled(name: string): string {
  return name.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : parts.length === 0 ? nothing : Buffer.concat(parts)
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

function reasonOf(status: number): string {
  return reasons[status] ?? 'Unknown'
}
