// What a node serves (src/client/node-client.ts) over HTTP, for API servers in other processes: `kubesim kubelet` opens it
// and announces its port in the Node objects; src/client/http-node-client.ts is the other end. It listens on the loopback
// alone and answers nobody without the token, since what containers print is not for every user of the machine.

import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { ApiError, badRequest } from '../src/api/errors.ts'
import type { NodeClient, NodeRequest, SimulatedRequest } from '../src/client/node-client.ts'

export interface NodeDoor {
  readonly port: number
  close(): Promise<void>
}

/** `nodes` is asked for at each request: the port is needed before the nodes can be made. */
export async function openNodeDoor(token: string, nodes: () => NodeClient): Promise<NodeDoor> {
  const expected = Buffer.from(`Bearer ${token}`)
  const server = createServer((request, response) => {
    void answer(request, response, expected, nodes).catch(error => refuse(response, error))
  })
  const open = new Set<Duplex>()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isToken(request, expected)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      return
    }
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    void import('./node-streams.ts')
      .then(({ serveStreams }) => serveStreams(nodes, socket, head))
      .catch(() => socket.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
        for (const socket of open) socket.destroy()
      }),
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  expected: Buffer,
  nodes: () => NodeClient,
): Promise<void> {
  if (!isToken(request, expected)) throw new ApiError('Unauthorized', 'Unauthorized')
  const asked = await readJson(request)
  if (request.url === '/logs' && asked.logs) return sendLogs(nodes(), asked.logs, response)
  if (request.url === '/proxy' && asked.proxy) return sendProxied(nodes(), asked.proxy, response)
  throw badRequest('a node is asked for /logs or /proxy')
}

function isToken({ headers }: IncomingMessage, expected: Buffer): boolean {
  const given = Buffer.from(headers.authorization ?? '')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

async function sendLogs(nodes: NodeClient, asked: NonNullable<NodeRequest['logs']>, response: ServerResponse) {
  const hangUp = new AbortController()
  response.on('close', () => hangUp.abort())
  // The head goes with the first chunk: until then a refusal can still be told as one.
  for await (const chunk of nodes.logs(asked.pod, { ...asked.options, signal: hangUp.signal })) {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders()
    if (chunk !== '' && !response.write(chunk)) await once(response, 'drain', { signal: hangUp.signal }).catch(() => {})
  }
  response.end()
}

async function sendProxied(nodes: NodeClient, asked: NonNullable<NodeRequest['proxy']>, response: ServerResponse) {
  const { pod, service, node, port, request } = asked
  const simulated: SimulatedRequest = { ...request, body: Buffer.from(request.body, 'base64') }
  if (!pod && !service && !node) throw badRequest('neither a pod nor a service nor a node is named')
  const { status, headers, body } = pod
    ? await nodes.proxyPod(pod, port, simulated)
    : node
      ? await nodes.proxyNode(node, simulated)
      : await nodes.proxyService(service!, port, simulated)
  sendJson(response, 200, { status, headers, body: Buffer.from(body).toString('base64') })
}

function refuse(response: ServerResponse, error: unknown): void {
  const told = error instanceof ApiError ? error : new ApiError('InternalError', `the kubelet failed: ${error}`)
  if (response.headersSent) response.destroy()
  else sendJson(response, told.code, told.toStatus())
}

function sendJson(response: ServerResponse, code: number, value: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function readJson(request: IncomingMessage): Promise<NodeRequest> {
  request.setEncoding('utf8')
  let text = ''
  for await (const chunk of request) text += chunk
  try {
    return JSON.parse(text) as NodeRequest
  } catch (cause) {
    throw Object.assign(badRequest('the body is not JSON'), { cause })
  }
}
