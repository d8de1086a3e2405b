// The paths that lead through the API server to a node: a container's log, and requests to pods, Services and nodes. Called by
// verbs.ts; the node itself is behind src/client/node-client.ts.

import type { ServerResponse } from 'node:http'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import type {
  NodeClient,
  NodeLike,
  PodLike,
  SimulatedRequest,
  SimulatedResponse,
} from '../../src/client/node-client.ts'
import { isHtml, led, type ProxyPlace, withLinksLed } from './proxied-links.ts'
import { drained, type Headers, sendBytes } from './reply.ts'
import { logOptions, type Query, readBody } from './request.ts'
import type { Exchange } from './verbs.ts'

export async function readLog(
  nodes: NodeClient,
  pod: Frozen<KubeObject>,
  query: Query,
  response: ServerResponse,
  headers: Headers,
  ending: AbortSignal,
): Promise<void> {
  const hangUp = new AbortController()
  const abort = () => hangUp.abort()
  response.on('close', abort)
  ending.addEventListener('abort', abort, { once: true })
  try {
    const options = logOptions(query, hangUp.signal)
    const chunks = nodes.logs(pod as unknown as PodLike, options)[Symbol.asyncIterator]()
    headers['Content-Type'] = 'text/plain'
    // A log is refused before its first chunk, or not at all.
    if (options.follow) {
      let next = await chunks.next()
      response.writeHead(200, headers)
      response.flushHeaders()
      for (; !next.done; next = await chunks.next()) {
        if (next.value !== '' && !response.write(next.value)) await drained(response, hangUp.signal)
      }
    } else {
      let text = ''
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) text += next.value
      return sendBytes(response, 200, 'text/plain', Buffer.from(text), headers)
    }
    response.end()
  } finally {
    ending.removeEventListener('abort', abort)
  }
}

export async function requestToPod(
  nodes: NodeClient,
  pod: Frozen<KubeObject>,
  port: string | undefined,
  path: string,
  exchange: Exchange,
  place: ProxyPlace,
): Promise<void> {
  const answer = await nodes.proxyPod(pod as unknown as PodLike, port, await simulated(path, exchange))
  pass(withinProxy(answer, place), exchange)
}

export async function requestToService(
  nodes: NodeClient,
  service: Ref,
  port: string | undefined,
  path: string,
  exchange: Exchange,
  place: ProxyPlace,
): Promise<void> {
  pass(withinProxy(await nodes.proxyService(service, port, await simulated(path, exchange)), place), exchange)
}

function withinProxy(answer: SimulatedResponse, place: ProxyPlace): SimulatedResponse {
  const { status, headers, body } = answer
  const { location } = headers
  const isLed = location !== undefined && (status === 201 || (status >= 300 && status < 400))
  const isPage = isHtml(headers['content-type']) && headers['content-encoding'] === undefined && body.length > 0
  if (!isLed && !isPage) return answer
  return {
    status,
    headers: isLed ? { ...headers, location: led(location, place) } : headers,
    body: isPage ? Buffer.from(withLinksLed(Buffer.from(body).toString(), place)) : body,
  }
}

export async function requestToNode(
  nodes: NodeClient,
  node: Frozen<KubeObject>,
  path: string,
  exchange: Exchange,
): Promise<void> {
  pass(await nodes.proxyNode(node as unknown as NodeLike, await simulated(path, exchange)), exchange)
}

/** Headers that belong to a connection and not to what goes over it (RFC 9110 7.6.1), and the caller's credentials. */
const ownHeaders = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'authorization',
])

async function simulated(path: string, { request }: Exchange): Promise<SimulatedRequest> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !ownHeaders.has(name) && !name.startsWith(':')) headers[name] = [value].flat().join(', ')
  }
  return { method: request.method ?? 'GET', path, headers, body: await readBody(request) }
}

function pass({ status, headers, body }: SimulatedResponse, exchange: Exchange): void {
  const type = headers['content-type'] ?? 'application/octet-stream'
  const others = Object.entries(headers).filter(
    ([name]) => name !== 'content-type' && name !== 'content-length' && !ownHeaders.has(name),
  )
  sendBytes(exchange.response, status, type, Buffer.from(body), { ...exchange.headers, ...Object.fromEntries(others) })
}
