// proxy_pass: whose answer it is, with the path and headers that the location says, the next peer of an upstream when one cannot be
// reached, and nginx' words in the error log (src/http/ngx_http_upstream.c). Names are looked up once, at the start.

import type { SimulatedResponse } from '../../../../src/client/node-client.ts'
import type { Process } from '../../../machine/process.ts'
import { NameError, TlsError } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import type { Answering } from './answering.ts'
import { ConfigurationFault } from './configuration-text.ts'
import type { Exchange } from './exchange.ts'
import { errorPage } from './own-answers.ts'
import { hostAndPort, type Location, type Peer, type Site } from './site.ts'

/** Addresses by name, and whose turn it is. */
export class Balancing {
  readonly #addresses: ReadonlyMap<string, readonly string[]>
  readonly #turns = new Map<string, number>()

  constructor(addresses: ReadonlyMap<string, readonly string[]>) {
    this.#addresses = addresses
  }

  /** Looks up all that it names; throws nginx' words for the first that is not there. */
  static *of(process: Process, site: Site): Step<Balancing> {
    const addresses = new Map<string, readonly string[]>()
    const find = function* (host: string, place: string): Step<void> {
      if (addresses.has(host)) return
      try {
        addresses.set(host, yield* process.sockets.lookup(host))
      } catch (error) {
        if (!(error instanceof NameError) && !(error instanceof SystemError)) throw error
        throw new ConfigurationFault(`host not found in upstream "${host}" ${place}`)
      }
    }
    for (const peers of site.upstreams.values()) for (const { host, place } of peers) yield* find(host, place)
    for (const { locations } of site.servers) {
      for (const { proxy } of locations) {
        if (proxy === undefined || proxy.hasVariables || site.upstreams.has(proxy.host)) continue
        yield* find(hostAndPort(proxy.host, 80).host, proxy.place)
      }
    }
    return new Balancing(addresses)
  }

  /** In the order in which they are tried. */
  peers(name: string, all: readonly Peer[]): readonly { readonly host: string; readonly port: number }[] {
    const places = all.flatMap(({ host, port }) =>
      (this.#addresses.get(host) ?? []).map(each => ({ host: each, port })),
    )
    const turn = this.#turns.get(name) ?? 0
    this.#turns.set(name, turn + 1)
    return places.map((_, at) => places[(at + turn) % places.length]!)
  }
}

const ofConnection: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host'])

export function* proxied(
  { process, site, balancing, complain }: Answering,
  exchange: Exchange,
  location: Location,
  isRewritten: boolean,
): Step<SimulatedResponse> {
  const { proxy, path: prefix, settings } = location
  const { scheme, hasVariables } = proxy!
  const host = hasVariables ? exchange.fill(proxy!.host) : proxy!.host
  exchange.proxyHost = host
  const upstream = site.upstreams.get(host)
  const otherwise = scheme === 'https' ? 443 : 80
  const place = hostAndPort(host, otherwise)
  let places: readonly { readonly host: string; readonly port: number }[]
  if (upstream !== undefined) places = balancing.peers(host, upstream)
  else if (!hasVariables) places = balancing.peers(host, [{ ...place, place: '' }])
  else {
    try {
      places = (yield* process.sockets.lookup(place.host)).slice(0, 1).map(each => ({ host: each, port: place.port }))
    } catch (error) {
      if (!(error instanceof NameError) && !(error instanceof SystemError)) throw error
      yield* complain(exchange, `${place.host} could not be resolved (3: Host not found)`)
      return errorPage(502)
    }
  }
  const path = pathFor(
    exchange,
    prefix,
    hasVariables && proxy!.uri ? exchange.fill(proxy!.uri) : proxy!.uri,
    isRewritten,
    hasVariables,
  )
  const headers = headersFor(exchange, settings.proxyHeaders, host)
  const { method, body } = exchange.request
  let status = 502
  for (const each of places) {
    exchange.upstream = `${scheme}://${each.host}:${each.port}${path}`
    try {
      const answer = yield* process.sockets.request(
        each,
        { method, path, headers, body },
        {
          timeout: settings.proxyTimeout,
          ...(scheme === 'https' && { tls: { serverName: place.host, unverified: true } }),
        },
      )
      const kept = Object.entries(answer.headers).filter(
        ([name]) => !ofConnection.has(name) && name !== 'server' && name !== 'date',
      )
      return { ...answer, headers: Object.fromEntries(kept) }
    } catch (error) {
      if (!(error instanceof SystemError) && !(error instanceof TlsError)) throw error
      const isLate = error instanceof SystemError && error.errno === 'ETIMEDOUT'
      status = isLate ? 504 : 502
      yield* complain(exchange, `${failure(error)} upstream`)
    }
  }
  return errorPage(status)
}

function failure(error: SystemError | TlsError): string {
  if (error instanceof TlsError)
    return 'SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while SSL handshaking to'
  switch (error.errno) {
    case 'ETIMEDOUT':
      return 'upstream timed out (110: Operation timed out) while connecting to'
    case 'EHOSTUNREACH':
      return 'connect() failed (113: Host is unreachable) while connecting to'
    case 'ECONNRESET':
      return 'recv() failed (104: Connection reset by peer) while reading response header from'
    default:
      return 'connect() failed (111: Connection refused) while connecting to'
  }
}

/** With a path of its own the part that the location names is replaced by it. */
function pathFor(
  { uri, args, request }: Exchange,
  prefix: string,
  own: string | undefined,
  isRewritten: boolean,
  hasVariables: boolean,
): string {
  const query = args === '' ? '' : `?${args}`
  if (own === undefined) return isRewritten ? `${encodeURI(uri)}${query}` : request.path
  return hasVariables ? own : `${own}${encodeURI(uri.slice(prefix.length))}${query}`
}

function headersFor(
  exchange: Exchange,
  set: readonly (readonly [string, string])[],
  host: string,
): Readonly<Record<string, string>> {
  const kept = Object.entries(exchange.request.headers).filter(([name]) => !ofConnection.has(name))
  const headers: Record<string, string> = { ...Object.fromEntries(kept), host, connection: 'close' }
  for (const [name, value] of set) {
    const filled = exchange.fill(value)
    if (filled === '') delete headers[name.toLowerCase()]
    else headers[name.toLowerCase()] = filled
  }
  return headers
}
