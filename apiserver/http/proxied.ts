// Requests through the proxies of pods and Services that are no plain exchange: those that change the protocol (WebSocket and
// others), and those to ports that speak TLS. Called by verbs.ts and upgrade.ts. Upstream:
// k8s.io/apimachinery/pkg/util/proxy/upgradeaware.go.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { ApiError } from '../../src/api/errors.ts'
import type { DialTarget, NodeClient } from '../../src/client/node-client.ts'
import { tlsUpon } from '../outgoing/tls-upon.ts'
import { isHtml, led, type ProxyPlace, withLinksLed } from './proxied-links.ts'
import type { Headers } from './reply.ts'

export interface Proxied {
  readonly to: DialTarget
  readonly tls: boolean
  /** With its query. */
  readonly path: string
  readonly place: ProxyPlace
}

/** What is said from then on is between the two; the answer's head is the other side's. */
export async function proxyUpgrade(
  nodes: NodeClient,
  proxied: Proxied,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const there = await dialled(nodes, proxied)
  there.on('error', () => socket.destroy())
  there.on('close', () => socket.destroy())
  socket.on('close', () => there.destroy())
  const lines = [`${request.method} ${proxied.path} HTTP/1.1`]
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at]!
    // Whom it was for has read it.
    if (name.toLowerCase() !== 'authorization') lines.push(`${name}: ${request.rawHeaders[at + 1]}`)
  }
  const from = request.socket.remoteAddress
  if (from !== undefined) lines.push(`X-Forwarded-For: ${from}`)
  there.write(`${lines.join('\r\n')}\r\n\r\n`)
  if (head.length > 0) there.write(head)
  socket.pipe(there)
  there.pipe(socket)
}

/** The answer as it comes. */
export async function proxyOverTls(
  nodes: NodeClient,
  proxied: Proxied,
  asking: IncomingMessage,
  response: ServerResponse,
  headers: Headers,
): Promise<void> {
  const there = await dialled(nodes, proxied)
  const { request } = await import('node:https')
  const sent = Object.entries(asking.headers).filter(([name]) => !ofOneHop.has(name) && !name.startsWith(':'))
  await new Promise<void>((resolve, reject) => {
    const outgoing = request({
      createConnection: () => there,
      method: asking.method,
      path: proxied.path,
      headers: Object.fromEntries(sent) as Record<string, string | string[]>,
    })
    response.on('close', () => outgoing.destroy())
    outgoing.on('error', error => reject(unreachable(error)))
    outgoing.on('response', answer => {
      const kept = Object.entries(answer.headers).filter(([name]) => !ofOneHop.has(name))
      const { location } = answer.headers
      const said = { ...headers, ...Object.fromEntries(kept) }
      if (location !== undefined) said.location = led(location, proxied.place)
      answer.on('error', () => response.destroy())
      if (isHtml(answer.headers['content-type']) && answer.headers['content-encoding'] === undefined) {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const page = Buffer.from(withLinksLed(Buffer.concat(parts).toString(), proxied.place))
          response.writeHead(answer.statusCode ?? 502, { ...said, 'content-length': String(page.length) })
          response.end(page)
          resolve()
        })
        return
      }
      response.writeHead(answer.statusCode ?? 502, said)
      answer.on('end', resolve)
      answer.pipe(response)
    })
    asking.pipe(outgoing)
  })
}

const ofOneHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te', 'trailer', 'authorization'])

/** Whoever answers is believed (pkg/kubeapiserver/server, CreateProxyTransport: InsecureSkipVerify). */
async function dialled(nodes: NodeClient, { to, tls }: Proxied): Promise<Duplex> {
  const stream = await nodes.dial(to)
  return tls ? tlsUpon(stream, { serverName: 'localhost', unverified: true }) : stream
}

function unreachable({ message }: Error): ApiError {
  const isPlain = message.includes('wrong version number') || message.includes('packet length too long')
  const why = isPlain ? 'tls: first record does not look like a TLS handshake' : message
  return new ApiError('ServiceUnavailable', `error trying to reach service: ${why}`)
}
