// One HTTP exchange as wget and curl make it: a URL taken apart, its host looked up, the request sent through the sockets.

import { STATUS_CODES } from 'node:http'
import type { SimulatedRequest, SimulatedResponse } from '../../../src/client/node-client.ts'
import type { Process } from '../process.ts'
import type { AskOptions } from '../sockets.ts'
import type { Step } from '../wait.ts'

export interface Target {
  readonly tls: boolean
  readonly host: string
  readonly port: number
  /** Path and query. */
  readonly path: string
  readonly user: string | undefined
}

/** undefined: it is no URL of http or https. */
export function targetOf(url: string): Target | undefined {
  const match = /^(?:(\w+):\/\/)?(?:([^/@?#]*)@)?(\[[^\]]*\]|[^/:?#]*)(?::(\d*))?([/?][^#]*)?(?:#.*)?$/.exec(url)
  if (match === null) return undefined
  const [, scheme = 'http', user, name = '', port, path = '/'] = match
  if (!/^https?$/i.test(scheme) || name === '') return undefined
  const tls = scheme.toLowerCase() === 'https'
  const number = port === undefined || port === '' ? (tls ? 443 : 80) : Number(port)
  if (number > 65_535) return undefined
  return {
    tls,
    host: name.replace(/^\[|\]$/g, ''),
    port: number,
    path: path.startsWith('/') ? path : `/${path}`,
    user: user === undefined ? undefined : decodeURIComponent(user),
  }
}

/** As the Host header and messages have it: the port only where it is not the usual one. */
export function hostHeader({ host, port, tls }: Target): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === (tls ? 443 : 80) ? name : `${name}:${port}`
}

/** Where a redirect leads. */
export function redirected(from: Target, location: string): Target | undefined {
  if (/^\w+:\/\//.test(location)) return targetOf(location)
  const scheme = from.tls ? 'https' : 'http'
  if (location.startsWith('//')) return targetOf(`${scheme}:${location}`)
  const folder = from.path.replace(/\?.*$/, '').replace(/[^/]*$/, '')
  return { ...from, path: location.startsWith('/') ? location : folder + location }
}

export function statusLine({ status }: Pick<SimulatedResponse, 'status'>): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd()
}

/** `content-type` → `Content-Type: text/html`. */
export function headerLines({ headers }: Pick<SimulatedResponse, 'headers'>): readonly string[] {
  return Object.entries(headers).map(([name, value]) => `${titled(name)}: ${value}`)
}

function titled(name: string): string {
  return name.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())
}

/** `address` is where the name leads. Throws what the sockets throw, TlsError too. */
export function* exchange(
  process: Process,
  { port }: Target,
  address: string,
  request: SimulatedRequest,
  options: AskOptions,
): Step<SimulatedResponse> {
  return yield* process.sockets.request({ host: address, port }, request, options)
}
