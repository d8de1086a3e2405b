// One request to nginx and what is known of it while it is answered: its variables, as configurations and log formats name them.

import type { SimulatedRequest, SimulatedResponse } from '../../../../src/client/node-client.ts'
import type { Machine } from '../../../machine/process.ts'
import { fillTimes } from '../../placeholders.ts'
import type { Server, Settings } from './site.ts'

export const version = '1.29.3'

export class Exchange {
  readonly request: SimulatedRequest
  readonly client: string
  readonly port: number
  readonly server: Server
  readonly at: number
  readonly machine: Machine
  readonly number: number
  uri: string
  args: string
  settings: Settings
  readonly set = new Map<string, string>()
  captures: readonly string[] = []
  proxyHost = ''
  upstream = ''
  response: SimulatedResponse | undefined

  constructor(facts: {
    request: SimulatedRequest
    client: string
    port: number
    server: Server
    at: number
    machine: Machine
    number: number
  }) {
    const { request, client, port, server, at, machine, number } = facts
    this.request = request
    this.client = client
    this.port = port
    this.server = server
    this.at = at
    this.machine = machine
    this.number = number
    this.settings = server.settings
    const question = request.path.indexOf('?')
    this.uri = question < 0 ? request.path : request.path.slice(0, question)
    this.args = question < 0 ? '' : request.path.slice(question + 1)
  }

  get isTls(): boolean {
    return this.server.listens.some(each => each.port === this.port && each.isTls)
  }

  /** The request's name of the server, without a port. */
  get host(): string {
    const named = (this.request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
    return named === '' ? this.server.names[0]! : named
  }

  /** A place of this server, as it sends clients there. */
  absolute(path: string): string {
    const scheme = this.isTls ? 'https' : 'http'
    const port = this.port === (this.isTls ? 443 : 80) ? '' : `:${this.port}`
    return `${scheme}://${this.host || 'localhost'}${port}${path}`
  }

  fill(text: string): string {
    return text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, plain?: string) => this.#value(braced ?? plain!))
  }

  /** As the error log ends its lines about a request. */
  get words(): string {
    const { method, path, headers } = this.request
    const upstream = this.upstream === '' ? '' : `, upstream: "${this.upstream}"`
    const host = headers.host === undefined ? '' : `, host: "${headers.host}"`
    return `client: ${this.client}, server: ${this.server.names[0]}, request: "${method} ${path} HTTP/1.1"${upstream}${host}`
  }

  #value(name: string): string {
    if (/^\d$/.test(name)) return this.captures[Number(name)] ?? ''
    const own = this.set.get(name)
    if (own !== undefined) return own
    const { headers, method, path } = this.request
    if (name.startsWith('http_')) return headers[name.slice(5).replaceAll('_', '-')] ?? this.#nothing
    if (name.startsWith('arg_')) return new URLSearchParams(this.args).get(name.slice(4)) ?? ''
    if (name.startsWith('sent_http_'))
      return this.response?.headers[name.slice(10).replaceAll('_', '-')] ?? this.#nothing
    switch (name) {
      case 'uri':
      case 'document_uri':
        return this.uri
      case 'request_uri':
        return path
      case 'args':
      case 'query_string':
        return this.args
      case 'is_args':
        return this.args === '' ? '' : '?'
      case 'request':
        return `${method} ${path} HTTP/1.1`
      case 'request_method':
        return method
      case 'request_length':
        return String(this.request.body.length)
      case 'server_protocol':
        return 'HTTP/1.1'
      case 'scheme':
        return this.isTls ? 'https' : 'http'
      case 'host':
        return this.host
      case 'hostname':
        return this.machine.hostname
      case 'server_name':
        return this.server.names[0] ?? ''
      case 'server_port':
        return String(this.port)
      case 'server_addr':
        return this.machine.podIPs[0] ?? ''
      case 'remote_addr':
        return this.client
      case 'proxy_add_x_forwarded_for':
        return [headers['x-forwarded-for'], this.client].filter(Boolean).join(', ')
      case 'proxy_host':
        return this.proxyHost
      case 'upstream_addr':
        return this.upstream === '' ? this.#nothing : this.upstream.replace(/^https?:\/\/([^/]*).*/, '$1')
      case 'upstream_status':
        return this.upstream === '' ? this.#nothing : this.status
      case 'document_root':
        return this.settings.root
      case 'request_filename':
        return `${this.settings.root}${this.uri}`
      case 'status':
        return this.status
      case 'body_bytes_sent':
      case 'bytes_sent':
        return String(this.response?.body.length ?? 0)
      case 'request_time':
      case 'upstream_response_time':
        return '0.000'
      case 'time_local':
        return fillTimes('$(access-time)', this.at)
      case 'time_iso8601':
        return new Date(this.at).toISOString().replace(/\.\d+Z$/, '+00:00')
      case 'msec':
        return (this.at / 1000).toFixed(3)
      case 'nginx_version':
        return version
      case 'pid':
        return '29'
      case 'connection':
        return String(this.number)
      case 'connection_requests':
        return '1'
      case 'remote_user':
        return this.#nothing
      default:
        return ''
    }
  }

  get status(): string {
    return String(this.response?.status ?? '')
  }

  /** What is not there is a dash in the log, and nothing in a header. */
  get #nothing(): string {
    return this.response === undefined ? '' : '-'
  }
}
