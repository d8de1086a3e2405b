// What programs written in Go have in common: flags as cobra reads them, lines as `log` and klog write them, answers as
// net/http gives them, durations, quoted strings. For agnhost and its like.

import type { SimulatedRequest, SimulatedResponse } from '../../../src/client/node-client.ts'
import type { Process } from '../../machine/process.ts'
import type { Errno } from '../../machine/system-error.ts'
import { SystemError } from '../../machine/system-error.ts'
import type { Step } from '../../machine/wait.ts'
import { fillTimes } from '../placeholders.ts'

/** The program ends at once with this exit code, its last words said. */
export class Exit extends Error {
  override readonly name = 'Exit'
  readonly code: number
  constructor(code: number) {
    super(`exit ${code}`)
    this.code = code
  }
}

export interface Flags {
  readonly text: Readonly<Record<string, string>>
  readonly rest: readonly string[]
}

/** `known`: name → its default; `true` or `false` makes it a switch. */
export function* flagsOf(
  process: Process,
  words: readonly string[],
  known: Readonly<Record<string, string>>,
  short: Readonly<Record<string, string>> = {},
): Step<Flags> {
  const text: Record<string, string> = { ...known }
  const rest: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (word === '--') {
      rest.push(...words.slice(at + 1))
      break
    }
    if (!word.startsWith('-') || word === '-') {
      rest.push(word)
      continue
    }
    const equals = word.indexOf('=')
    const bare = (equals < 0 ? word : word.slice(0, equals)).replace(/^--?/, '')
    const name = word.startsWith('--') ? bare : (short[bare] ?? bare)
    if (!Object.hasOwn(known, name)) {
      yield* process.complain(`Error: unknown flag: ${word}\n`)
      throw new Exit(1)
    }
    const isSwitch = known[name] === 'true' || known[name] === 'false'
    if (equals >= 0) text[name] = word.slice(equals + 1)
    else if (isSwitch) text[name] = 'true'
    else if (at + 1 < words.length) text[name] = words[++at]!
    else {
      yield* process.complain(`Error: flag needs an argument: ${word}\n`)
      throw new Exit(1)
    }
  }
  return { text, rest }
}

/** The standard library's log: to standard error, with the time. */
export function* log(process: Process, message: string): Step<void> {
  yield* process.complain(`${fillTimes('$(go-time)', process.clock.now())} ${message}\n`)
}

export function* klog(process: Process, place: string, message: string, level = 'I'): Step<void> {
  const head = fillTimes('$(klog-time)', process.clock.now()).replace(/^I/, level)
  yield* process.complain(`${head} ${String(process.pid).padStart(7)} ${place}] ${message}\n`)
}

export function* fatal(process: Process, message: string): Step<never> {
  yield* log(process, message)
  throw new Exit(1)
}

const encoder = new TextEncoder()

export function reply(text: string, status = 200, headers: Readonly<Record<string, string>> = {}): SimulatedResponse {
  const body = encoder.encode(text)
  const type = /^\s*<(!doctype|html|a |head|body)/i.test(text)
    ? 'text/html; charset=utf-8'
    : 'text/plain; charset=utf-8'
  return { status, headers: { 'content-type': type, 'content-length': String(body.length), ...headers }, body }
}

/** http.Error. */
export function httpError(message: string, status: number): SimulatedResponse {
  return reply(`${message}\n`, status, { 'x-content-type-options': 'nosniff' })
}

const texts: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
}

/** http.Redirect. */
export function redirect(request: SimulatedRequest, location: string, status: number): SimulatedResponse {
  const absolute = /^[a-z]+:/i.test(location) || location.startsWith('/') ? location : `/${location}`
  const body =
    request.method === 'GET' ? `<a href="${absolute.replaceAll('&', '&amp;')}">${texts[status] ?? ''}</a>.\n\n` : ''
  return reply(body, status, { location: absolute })
}

export function pathOf({ path }: SimulatedRequest): string {
  const end = path.indexOf('?')
  return end < 0 ? path : path.slice(0, end)
}

/** Of the query, and of a form in the body: the first value of each name, '' when there is none. */
export function formOf({ path, headers, body }: SimulatedRequest): (name: string) => string {
  const query = new URLSearchParams(path.includes('?') ? path.slice(path.indexOf('?') + 1) : '')
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
  const form = new URLSearchParams(isForm ? Buffer.from(body).toString() : '')
  return name => form.get(name) ?? query.get(name) ?? ''
}

/** strconv.Atoi; undefined where that fails. */
export function atoi(text: string): number | undefined {
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined
}

/** strconv.Quote, for what it is used for here. */
export const quote = (text: string): string => JSON.stringify(text)

/** time.ParseDuration, in milliseconds. */
export function durationOf(text: string): number | undefined {
  if (text === '0') return 0
  const units: Readonly<Record<string, number>> = {
    ns: 1e-6,
    us: 1e-3,
    µs: 1e-3,
    ms: 1,
    s: 1000,
    m: 60_000,
    h: 3_600_000,
  }
  if (!/^[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g))
    total += Number(amount) * units[unit!]!
  return text.startsWith('-') ? -total : total
}

/** As Go words what a system call says, after `open /path: `. */
export function goWords(error: unknown): string {
  if (!(error instanceof SystemError)) return error instanceof Error ? error.message : String(error)
  const own: Partial<Record<Errno, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    ETIMEDOUT: 'i/o timeout',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ECONNRESET: 'read: connection reset by peer',
  }
  return own[error.errno] ?? error.message.toLowerCase()
}

/** os.FileMode as Go prints it: `-rw-r--r--`, `drwxr-xr-x`, `dtrwxrwxrwx`. */
export function modeText(mode: number, kind: 'file' | 'directory' | 'symlink' | 'device' | 'fifo' | 'socket'): string {
  const kinds = { file: '', directory: 'd', symlink: 'L', device: 'Dc', fifo: 'p', socket: 'S' } as const
  const special = (mode & 0o4000 ? 'u' : '') + (mode & 0o2000 ? 'g' : '') + (mode & 0o1000 ? 't' : '')
  const head = kinds[kind] + special
  let text = head === '' ? '-' : head
  for (let bit = 8; bit >= 0; bit--) text += mode & (1 << bit) ? 'rwx'[(8 - bit) % 3] : '-'
  return text
}
