// From the dashboard's listener to the API server: requests, long answers and WebSockets, with the credentials of a kubeconfig,
// as `kubectl proxy` does it. Called by listener.ts, for whom the guard has let in.

import http, {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import { ApiError } from '../api/errors.ts'
import type { Access } from '../client/kubeconfig.ts'

export interface Forward {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): void
}

/** What is of this one hop, of the browser, or would speak for somebody. */
const keptBack = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'transfer-encoding',
  'authorization',
  'cookie',
  'origin',
  'referer',
])
const hopOnly = new Set(['connection', 'keep-alive', 'transfer-encoding', 'trailer', 'upgrade', 'set-cookie'])

/** What comes from a pod through a proxy path runs in no page of ours: it has an origin of its own, which is let nowhere. */
const sandbox = {
  'content-security-policy': 'sandbox allow-scripts allow-forms',
  'x-content-type-options': 'nosniff',
}

export function createForward(access: Access): Forward {
  const server = new URL(access.server)
  const isSecure = server.protocol === 'https:'
  const { ca, cert, key } = access
  const tls = { ca, cert, key, ...(access.insecure ? { rejectUnauthorized: false } : {}) }
  const agent = isSecure ? new https.Agent({ keepAlive: true, ...tls }) : new http.Agent({ keepAlive: true })

  function begin(request: IncomingMessage, extra: OutgoingHttpHeaders, ownSocket: boolean): ClientRequest {
    const headers: OutgoingHttpHeaders = { ...extra }
    for (const [name, value] of Object.entries(request.headers)) {
      if (!keptBack.has(name) && !name.startsWith('sec-fetch-')) headers[name] = value
    }
    // By that name its writes are kept; what a pod is asked through the proxy is asked by the browser.
    if (!request.url?.includes('/proxy')) headers['user-agent'] = 'kubesim-dashboard'
    if (access.token) headers.authorization = `Bearer ${access.token}`
    const options = {
      hostname: server.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: server.port,
      method: request.method ?? 'GET',
      path: `${server.pathname.replace(/\/$/, '')}${request.url}`,
      headers,
      ...(ownSocket ? { agent: false as const, ...(isSecure ? tls : {}) } : { agent }),
    }
    return isSecure ? https.request(options) : http.request(options)
  }

  return {
    request(request, response) {
      const length = request.headers['transfer-encoding'] ? { 'transfer-encoding': 'chunked' } : {}
      const outgoing = begin(request, length, false)
      outgoing.on('response', incoming => {
        const headers: OutgoingHttpHeaders = { ...sandbox }
        for (const [name, value] of Object.entries(incoming.headers)) if (!hopOnly.has(name)) headers[name] = value
        Object.assign(headers, sandbox)
        response.writeHead(incoming.statusCode ?? 502, headers)
        // A log that is followed has begun, though no line has come yet.
        response.flushHeaders()
        incoming.pipe(response)
        incoming.on('error', () => response.destroy())
      })
      outgoing.on('error', error => {
        if (response.headersSent) return response.destroy()
        sendStatus(response, unreachable(access, error))
      })
      response.on('close', () => outgoing.destroy())
      request.pipe(outgoing)
    },
    upgrade(request, socket, head) {
      const { upgrade = 'websocket' } = request.headers
      const outgoing = begin(request, { connection: 'Upgrade', upgrade }, true)
      socket.on('error', () => outgoing.destroy())
      outgoing.on('upgrade', (incoming, other, otherHead) => {
        socket.write(headText(incoming))
        if (otherHead.length > 0) socket.write(otherHead)
        if (head.length > 0) other.write(head)
        other.on('error', () => socket.destroy())
        socket.on('error', () => other.destroy())
        socket.on('close', () => other.destroy())
        other.on('close', () => socket.destroy())
        socket.pipe(other).pipe(socket)
      })
      outgoing.on('response', incoming => {
        socket.write(headText(incoming))
        incoming.pipe(socket)
      })
      outgoing.on('error', () => socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n'))
      outgoing.end()
    },
    close: () => agent.destroy(),
  }
}

function headText({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  let text = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n`
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]!.toLowerCase() !== 'transfer-encoding') text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`
  }
  return `${text}\r\n`
}

export function sendStatus(response: ServerResponse, error: ApiError): void {
  const status = error.toStatus()
  response.writeHead(status.code ?? 500, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(status))
}

function unreachable({ server }: Access, error: Error): ApiError {
  return new ApiError('ServiceUnavailable', `the API server at ${server} cannot be reached: ${error.message}`)
}
