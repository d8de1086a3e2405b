// How nginx answers: server by name, location by path, what is rewritten, which file or whose answer. In its order and with its
// pages and words (src/http/ngx_http_core_module.c, ngx_http_special_response.c). What goes wrong is said to `complain`.

import type { SimulatedResponse } from '../../../../src/client/node-client.ts'
import type { Process } from '../../../machine/process.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { typeOf } from '../file-pages.ts'
import { type Exchange, version } from './exchange.ts'
import { errorPage, isOwnPage, moved, text } from './own-answers.ts'
import { type Balancing, proxied } from './proxying.ts'
import type { Location, Server, Settings, Site } from './site.ts'

export interface Answering {
  readonly process: Process
  readonly site: Site
  readonly balancing: Balancing
  /** How many requests there have been. */
  readonly served: () => number
  complain(exchange: Exchange, text: string): Step<void>
}

export function serverFor(servers: readonly Server[], port: number, host: string): Server {
  const here = servers.filter(({ listens }) => listens.some(each => each.port === port))
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const fits = (test: (own: string) => boolean): Server | undefined => here.find(({ names }) => names.some(test))
  const found =
    fits(own => own === name && own !== '') ??
    fits(own => own.startsWith('*.') && name.endsWith(own.slice(1))) ??
    fits(own => own.endsWith('.*') && name.startsWith(own.slice(0, -1))) ??
    fits(own => own.startsWith('~') && new RegExp(own.slice(1).replaceAll('(?P<', '(?<')).test(name))
  return found ?? here.find(({ listens }) => listens.some(each => each.port === port && each.isDefault)) ?? here[0]!
}

/** What sends it elsewhere inside, or ends it. */
type Next = SimulatedResponse | { readonly uri: string }

const mostRedirections = 10

export function* answer(with_: Answering, exchange: Exchange): Step<SimulatedResponse> {
  const response = yield* answered(with_, exchange)
  const { method } = exchange.request
  const isPlain = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308].includes(response.status)
  const more = exchange.settings.headers
    .filter(([, , always]) => always || isPlain)
    .map(([name, value]) => [name.toLowerCase(), exchange.fill(value)] as const)
  const headers = { server: `nginx/${version}`, ...response.headers, ...Object.fromEntries(more) }
  return { status: response.status, headers, body: method === 'HEAD' ? new Uint8Array() : response.body }
}

function* answered(with_: Answering, exchange: Exchange): Step<SimulatedResponse> {
  const path = normal(exchange.uri)
  if (path === undefined) return errorPage(400)
  exchange.uri = path
  const early = rewritten(exchange, exchange.server.settings)
  let next: Next = early ?? { uri: exchange.uri }
  let failed: number | undefined
  for (let turns = 0; turns <= mostRedirections; turns++) {
    if ('uri' in next) next = yield* located(with_, exchange, next.uri, turns > 0)
    if ('uri' in next) continue
    const page = failed === undefined && isOwnPage(next) ? errorPageFor(exchange, next.status) : undefined
    if (page === undefined) return failed === undefined || next.status !== 200 ? next : { ...next, status: failed }
    failed = page.as === 0 ? undefined : (page.as ?? next.status)
    if (/^https?:/.test(page.uri)) return moved(302, exchange.fill(page.uri))
    next = { uri: exchange.fill(page.uri) }
  }
  yield* with_.complain(
    exchange,
    `rewrite or internal redirection cycle while internally redirecting to "${exchange.uri}"`,
  )
  return errorPage(500)
}

function errorPageFor({ settings, server }: Exchange, status: number) {
  return [...settings.errorPages, ...server.settings.errorPages].find(({ codes }) => codes.includes(status))
}

function* located(with_: Answering, exchange: Exchange, to: string, isInternal: boolean): Step<Next> {
  const question = to.startsWith('@') ? -1 : to.indexOf('?')
  exchange.uri = question < 0 ? to : to.slice(0, question)
  if (question >= 0) exchange.args = to.slice(question + 1)
  const location = locationFor(exchange.server.locations, exchange, isInternal)
  exchange.settings = location?.settings ?? { ...exchange.server.settings, steps: [] }
  const before = exchange.uri
  const step = rewritten(exchange, exchange.settings)
  if (step !== undefined) return step
  if (location?.missing !== undefined) {
    return text(502, `kubesim's nginx does not have ${location.missing} yet\n`)
  }
  if (location?.isStatus) return text(200, statusOf(with_.served()))
  if (exchange.settings.tries !== undefined) {
    const tried = tryFiles(with_, exchange, exchange.settings.tries, location)
    if (tried !== undefined) return tried
  }
  if (location?.proxy === undefined) return yield* fileOf(with_, exchange, location)
  return yield* proxied(with_, exchange, location, exchange.uri !== before)
}

/** src/http/ngx_http_core_module.c: an exact one, then the longest prefix unless a regular expression fits. */
function locationFor(all: readonly Location[], exchange: Exchange, isInternal: boolean): Location | undefined {
  const { uri } = exchange
  const open = all.filter(each => isInternal || !each.isInternal)
  if (uri.startsWith('@')) return open.find(({ path }) => path === uri)
  const exact = open.find(({ kind, path }) => kind === 'exact' && path === uri)
  if (exact !== undefined) return exact
  let best: Location | undefined
  for (const each of open) {
    if (each.kind !== 'prefix' || !uri.startsWith(each.path)) continue
    if (best === undefined || each.path.length > best.path.length) best = each
  }
  if (best?.isFinal) return best
  for (const each of open) {
    const match = each.pattern?.exec(uri)
    if (!match) continue
    captured(exchange, match)
    return each
  }
  return best
}

function captured(exchange: Exchange, match: RegExpExecArray): void {
  exchange.captures = [...match]
  for (const [name, value] of Object.entries(match.groups ?? {})) exchange.set.set(name, value ?? '')
}

function rewritten(exchange: Exchange, { steps }: Settings): Next | undefined {
  for (const step of steps) {
    if (step.does === 'set') exchange.set.set(step.name, exchange.fill(step.value))
    else if (step.does === 'return') {
      const { status } = step
      const value = step.text === undefined ? undefined : exchange.fill(step.text)
      if ([301, 302, 303, 307, 308].includes(status) && value !== undefined) {
        return moved(status, value.startsWith('/') ? exchange.absolute(value) : value)
      }
      if (status === 444) return { status: 444, headers: {}, body: new Uint8Array() }
      if (value === undefined) return status < 300 ? text(status, '') : errorPage(status)
      return text(status, value, exchange.settings.defaultType)
    } else {
      const match = step.pattern.exec(exchange.uri)
      if (!match) continue
      captured(exchange, match)
      const to = exchange.fill(step.to)
      if (step.flag === 'redirect' || step.flag === 'permanent' || /^https?:/.test(to)) {
        return moved(step.flag === 'permanent' ? 301 : 302, to.startsWith('/') ? exchange.absolute(to) : to)
      }
      const question = to.indexOf('?')
      exchange.uri = question < 0 ? to : to.slice(0, question)
      if (question >= 0) exchange.args = [to.slice(question + 1), exchange.args].filter(Boolean).join('&')
      if (step.flag === 'break') return undefined
      if (step.flag === 'last' || steps.at(-1) === step) return { uri: exchange.uri }
    }
  }
  return undefined
}

// ---- files

function placeOf({ uri, settings }: Exchange, location: Location | undefined, path = uri): string {
  const rest =
    location?.alias === undefined ? path : path.slice(location.kind === 'regex' ? path.length : location.path.length)
  return location?.alias === undefined ? `${settings.root.replace(/\/$/, '')}${path}` : `${location.alias}${rest}`
}

function tryFiles(
  { process: { files } }: Answering,
  exchange: Exchange,
  tries: readonly string[],
  location: Location | undefined,
): Next | undefined {
  const last = tries.at(-1)!
  for (const each of tries.slice(0, -1)) {
    const path = normal(exchange.fill(each)) ?? '/'
    const place = exchange.fill(placeOf(exchange, location, path))
    const wantsFolder = each.endsWith('/')
    if (!files.exists(place) || (files.stat(place).kind === 'directory') !== wantsFolder) continue
    exchange.uri = path
    return undefined
  }
  if (/^=\d{3}$/.test(last)) return errorPage(Number(last.slice(1)))
  return { uri: exchange.fill(last) }
}

function* fileOf(with_: Answering, exchange: Exchange, location: Location | undefined): Step<Next> {
  const { files } = with_.process
  const { method, headers } = exchange.request
  const { uri, settings } = exchange
  const place = exchange.fill(placeOf(exchange, location))
  if (method !== 'GET' && method !== 'HEAD') return errorPage(405)
  try {
    const found = files.stat(place)
    if (found.kind === 'directory') {
      if (!uri.endsWith('/'))
        return moved(301, exchange.absolute(`${uri}/${exchange.args === '' ? '' : `?${exchange.args}`}`))
      const index = settings.index.find(name => files.exists(`${place}${name}`))
      if (index !== undefined) return { uri: `${uri}${index}` }
      if (settings.lists) return listing(files.list(place), uri, name => files.stat(`${place}${name}`))
      yield* with_.complain(exchange, `directory index of "${place}" is forbidden`)
      return errorPage(403)
    }
    if (uri.endsWith('/')) throw new SystemError('ENOTDIR')
    const body = files.read(place)
    const seconds = Math.floor(found.modified / 1000)
    const facts = {
      'content-type': typeOf(uri, { otherType: settings.defaultType }),
      'content-length': String(body.length),
      'last-modified': new Date(seconds * 1000).toUTCString(),
      etag: `"${seconds.toString(16)}-${body.length.toString(16)}"`,
      'accept-ranges': 'bytes',
    }
    if (headers['if-none-match'] === facts.etag || headers['if-modified-since'] === facts['last-modified']) {
      const { 'content-length': _, 'content-type': __, ...kept } = facts
      return { status: 304, headers: kept, body: new Uint8Array() }
    }
    return { status: 200, headers: facts, body }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    const [status, why] = faults[error.errno] ?? [404, '2: No such file or directory']
    const what = uri.endsWith('/') ? `"${place}index.html" is not found` : `open() "${place}" failed`
    yield* with_.complain(exchange, `${what} (${why})`)
    return errorPage(status)
  }
}

const faults: Readonly<Record<string, readonly [number, string]>> = {
  EACCES: [403, '13: Permission denied'],
  ENOTDIR: [404, '20: Not a directory'],
}

function listing(
  names: readonly string[],
  uri: string,
  stat: (name: string) => { readonly kind: string; readonly size: number; readonly modified: number },
): SimulatedResponse {
  const rows = names
    .filter(name => !name.startsWith('.'))
    .map(name => ({ name, ...stat(name) }))
    .sort((a, b) => Number(b.kind === 'directory') - Number(a.kind === 'directory') || (a.name < b.name ? -1 : 1))
    .map(({ name, kind, size, modified }) => {
      const shown = kind === 'directory' ? `${name}/` : name
      const [, date, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\d+:\d+)/.exec(new Date(modified).toUTCString())!
      const pad = ' '.repeat(Math.max(1, 51 - shown.length))
      const amount = kind === 'directory' ? '-' : String(size)
      return `<a href="${encodeURI(shown)}">${shown}</a>${pad}${date}-${month}-${year} ${time}${amount.padStart(20)}\r\n`
    })
  const title = `Index of ${uri}`
  const page = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<h1>${title}</h1><hr><pre><a href="../">../</a>\r\n${rows.join('')}</pre><hr></body>\r\n</html>\r\n`
  return text(200, page, 'text/html')
}

const statusOf = (requests: number): string =>
  `Active connections: 1 \nserver accepts handled requests\n ${requests} ${requests} ${requests} \nReading: 0 Writing: 1 Waiting: 0 \n`

/** Decoded, and never above the root. */
function normal(uri: string): string | undefined {
  let path: string
  try {
    path = decodeURIComponent(uri)
  } catch {
    return undefined
  }
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') {
      if (parts.length === 0) return undefined
      parts.pop()
    } else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}${parts.length > 0 && /\/\.{0,2}$/.test(path) ? '/' : ''}`
}
