// wget as busybox has it.

import { openStream } from '../open-stream.ts'
import type { Process } from '../process.ts'
import { NameError, TlsError } from '../sockets.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { exchange, headerLines, hostHeader, redirected, statusLine, type Target, targetOf } from './http-exchange.ts'
import { optionsOf } from './options.ts'
import { openInput, readAll } from './text-streams.ts'
import { baseName, numberOf, pathOf, ToolError, tool, UsageError } from './tool.ts'

const long = {
  quiet: 'q',
  'output-document': 'O',
  'directory-prefix': 'P',
  'user-agent': 'U',
  timeout: 'T',
  spider: 'Z',
  'server-response': 'S',
  header: 'H',
  'post-data': 'D',
  'post-file': 'F',
  'no-check-certificate': 'N',
  continue: 'c',
  tries: 't',
  'output-file': 'o',
}

export const wget = tool(
  '[-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR] [--post-data STR | --post-file FILE] [-Y on/off] [--no-check-certificate] [-P DIR] [-U AGENT] [-T SEC] URL...',
  function* (process) {
    const options = optionsOf(process, 'cqSO:o:P:U:T:t:Y:H:D:F:ZNn:', long)
    if (options.words.length === 0) throw new UsageError('')
    const timeout = options.value('T')
    const posted = options.value('F')
    let body = Buffer.from(options.value('D') ?? '')
    if (posted !== undefined) {
      const stream = openInput(process, posted)
      body = Buffer.from(yield* readAll(process, stream))
      stream.close()
    }
    const fetching: Fetching = {
      quiet: options.has('q'),
      shows: options.has('S'),
      spider: options.has('Z'),
      unchecked: options.has('N'),
      agent: options.value('U') ?? 'Wget',
      headers: options.values('H'),
      body: options.has('D') || options.has('F') ? body : undefined,
      timeout: timeout === undefined ? 900_000 : numberOf(timeout) * 1000,
      file: options.value('O'),
      folder: options.value('P'),
    }
    for (const word of options.words) yield* fetch(process, word, fetching)
    return 0
  },
)

interface Fetching {
  readonly quiet: boolean
  readonly shows: boolean
  readonly spider: boolean
  /** Certificates are not to be looked at, which it would not do anyway. */
  readonly unchecked: boolean
  readonly agent: string
  readonly headers: readonly string[]
  readonly body: Buffer | undefined
  readonly timeout: number
  readonly file: string | undefined
  readonly folder: string | undefined
}

const mostRedirects = 5

function* fetch(process: Process, url: string, how: Fetching): Step<void> {
  let target = targetOf(url)
  if (target === undefined) throw new ToolError(`not an http or ftp url: ${url}`)
  const due = process.clock.now() + how.timeout
  const tell = function* (text: string): Step<void> {
    if (!how.quiet) yield* process.complain(text)
  }
  for (let redirects = 0; ; redirects++) {
    const address = yield* addressed(process, target)
    yield* tell(`Connecting to ${target.host} (${bracketed(address)}:${target.port})\n`)
    // It says so each time it opens such a connection (networking/wget.c, spawn_ssl_client).
    if (target.tls && !how.unchecked) {
      yield* process.complain('wget: note: TLS certificate validation not implemented\n')
    }
    const response = yield* asked(process, target, address, how, due)
    const line = statusLine(response)
    if (how.shows) {
      yield* process.complain([line, ...headerLines(response)].map(each => `  ${each}\n`).join(''))
    }
    const location = response.headers.location
    if (response.status >= 300 && response.status < 400 && location !== undefined) {
      if (redirects >= mostRedirects) throw new ToolError('too many redirections')
      target = redirected(target, location)
      if (target === undefined) throw new ToolError(`not an http or ftp url: ${location}`)
      continue
    }
    if (response.status < 200 || response.status >= 300) throw new ToolError(`server returned error: ${line}`)
    if (how.spider) {
      yield* tell('remote file exists\n')
      return
    }
    yield* saved(process, target, response.body, how, tell)
    return
  }
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

export function* addressed(process: Process, { host }: Pick<Target, 'host'>): Step<string> {
  try {
    const [address] = yield* process.sockets.lookup(host)
    if (address !== undefined) return address
  } catch (error) {
    if (!(error instanceof NameError)) throw error
  }
  throw new ToolError(`bad address '${host}'`)
}

function* asked(process: Process, target: Target, address: string, how: Fetching, due: number) {
  const headers: Record<string, string> = { host: hostHeader(target), 'user-agent': how.agent, connection: 'close' }
  for (const header of how.headers) {
    const colon = header.indexOf(':')
    if (colon > 0) headers[header.slice(0, colon).trim().toLowerCase()] = header.slice(colon + 1).trim()
  }
  if (target.user !== undefined) headers.authorization = `Basic ${Buffer.from(target.user).toString('base64')}`
  if (how.body !== undefined) {
    headers['content-type'] ??= 'application/x-www-form-urlencoded'
    headers['content-length'] = String(how.body.length)
  }
  const method = how.body === undefined ? (how.spider ? 'HEAD' : 'GET') : 'POST'
  const request = { method, path: target.path, headers, body: how.body ?? new Uint8Array(0) }
  try {
    const tls = target.tls ? { serverName: target.host, unverified: true } : undefined
    return yield* exchange(process, target, address, request, { timeout: Math.max(0, due - process.clock.now()), tls })
  } catch (error) {
    // The words of its helper, ssl_client.
    if (error instanceof TlsError) throw new ToolError('error getting response: Connection reset by peer')
    if (!(error instanceof SystemError)) throw error
    if (process.clock.now() >= due) throw new ToolError('download timed out')
    if (error.errno === 'ECONNRESET' || error.errno === 'EPIPE') throw new ToolError('error getting response')
    throw new ToolError(`can't connect to remote host (${address}): ${error.message}`)
  }
}

function* saved(
  process: Process,
  target: Target,
  body: Uint8Array,
  how: Fetching,
  tell: (text: string) => Step<void>,
): Step<void> {
  const path = target.path.replace(/\?.*$/, '')
  const own = path.endsWith('/') ? 'index.html' : baseName(path)
  const name = how.file ?? (how.folder === undefined ? own : `${how.folder}/${own}`)
  const shown = name === '-' ? '-' : baseName(name)
  const bar = `${shown.slice(0, 20).padEnd(20)} 100% |${'*'.repeat(32)}| ${String(body.length).padStart(5)}  0:00:00 ETA\n`
  if (name === '-') {
    yield* tell('writing to stdout\n')
    yield* process.print(body)
    yield* tell(`${bar}written to stdout\n`)
    return
  }
  if (how.file === undefined && process.files.exists(pathOf(process, name))) {
    throw new ToolError(`can't open '${name}': File exists`)
  }
  let stream: ReturnType<typeof openStream>
  try {
    stream = openStream(process, name, { write: true, create: true, truncate: true })
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new ToolError(`can't open '${name}': ${error.message}`)
  }
  yield* tell(`saving to '${name}'\n`)
  yield* stream.write(body)
  stream.close()
  yield* tell(`${bar}'${name}' saved\n`)
}
