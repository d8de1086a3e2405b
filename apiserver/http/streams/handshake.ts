// The first words on a connection that changes its protocol: what the client offers, and answers on the raw socket where no
// response object exists. Called by upgrade.ts and connections.ts.

import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { type ApiError, badRequest } from '../../../src/api/errors.ts'

/** Upstream's (golang.org/x/net/websocket, DefaultMaxPayloadBytes). */
const longestMessage = 32 * 1024 * 1024

export const isWebSocket = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'websocket'

export const isSpdy = ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === 'spdy/3.1'

/** In the order of preference. */
export function offered(header: string | readonly string[] | undefined): readonly string[] {
  return [header ?? []]
    .flat()
    .flatMap(line => line.split(','))
    .map(word => word.trim())
    .filter(word => word !== '')
}

/** `protocol`: what was agreed upon; '' when the client has offered none. Rejects with BadRequest for what is no handshake. */
export async function openWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string,
): Promise<WebSocket> {
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: longestMessage })
  // `SPDY/3.1+portforward.k8s.io` is no token of RFC 6455, and ws would say so.
  delete request.headers['sec-websocket-protocol']
  if (protocol !== '') server.on('headers', headers => headers.push(`Sec-WebSocket-Protocol: ${protocol}`))
  return new Promise((resolve, reject) => {
    server.once('wsClientError', ({ message }) => reject(badRequest(`unable to upgrade: ${message}`)))
    server.handleUpgrade(request, socket, head, resolve)
  })
}

export function refuse(socket: Duplex, error: ApiError): void {
  answer(socket, error.code, 'application/json', JSON.stringify(error.toStatus()))
}

/** As a kubelet refuses: its clients show the words. */
export function refuseInWords(socket: Duplex, code: number, words: string, headers: readonly string[] = []): void {
  answer(socket, code, 'text/plain; charset=utf-8', words, headers)
}

function answer(socket: Duplex, code: number, type: string, body: string, headers: readonly string[] = []): void {
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}`,
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
