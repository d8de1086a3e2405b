// NodeClient over HTTP: how an API server asks fake nodes whose kubelet is another process (kubelet-sim/node-http.ts). Made
// by src/remote-nodes.ts for each question. Only the loopback is ever dialled, whatever a Node object says.

import { type IncomingMessage, request as send } from 'node:http'
import { ApiError, notImplemented, type Status } from '../api/errors.ts'
import type { LogOptions, NodeClient, NodeRequest, PodLike, ProxyQuestion, SimulatedRequest } from './node-client.ts'

export interface KubeletAccess {
  readonly port: number
  readonly token: string
}

export const loopback = '127.0.0.1'

export function createHttpNodeClient(access: KubeletAccess): NodeClient {
  const proxy = async (whom: Omit<ProxyQuestion, 'request'>, to: SimulatedRequest) => {
    const request = { ...to, body: Buffer.from(to.body).toString('base64') }
    const incoming = await ask(access, '/proxy', { proxy: { ...whom, request } })
    const { status, headers, body } = JSON.parse(await textOf(incoming))
    return { status, headers, body: Buffer.from(body, 'base64') }
  }
  return {
    logs: (pod, options) => logs(access, pod, options),
    proxyPod: (pod, port, request) => proxy({ pod, port }, request),
    proxyService: (service, port, request) => proxy({ service, port }, request),
    proxyNode: (node, request) => proxy({ node }, request),
    async dial() {
      throw notImplemented('a connection of another protocol to pods whose kubelet is another process')
    },
    async exec(pod, container, command, streams) {
      const { commandElsewhere } = await import('./node-streams.ts')
      return commandElsewhere(access, pod, container, command, streams)
    },
    async attach(pod, container, streams) {
      const { commandElsewhere } = await import('./node-streams.ts')
      return commandElsewhere(access, pod, container, undefined, streams)
    },
    async portForward(pod, port, streams) {
      const { forwardElsewhere } = await import('./node-streams.ts')
      return forwardElsewhere(access, pod, port, streams)
    },
  }
}

async function* logs(access: KubeletAccess, pod: PodLike, { signal, ...options }: LogOptions): AsyncIterable<string> {
  const incoming = await ask(access, '/logs', { logs: { pod, options } }, signal)
  incoming.setEncoding('utf8')
  yield ''
  try {
    for await (const chunk of incoming) yield chunk as string
  } catch (error) {
    // A kubelet that ends, or a reader that leaves, breaks off the stream: what was said until then stands.
    if (!signal.aborted && (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
}

async function ask(
  { port, token }: KubeletAccess,
  path: string,
  question: NodeRequest,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const body = JSON.stringify(question)
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = send({
      host: loopback,
      port,
      method: 'POST',
      path,
      agent: false,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
      ...(signal ? { signal } : {}),
    })
    outgoing.on('response', resolve)
    outgoing.on('error', cause => reject(cannotBeReached(port, cause)))
    outgoing.end(body)
  })
  if (incoming.statusCode === 200) return incoming
  throw refusalOf(await textOf(incoming), port)
}

function refusalOf(text: string, port: number): ApiError {
  try {
    const status = JSON.parse(text) as Status
    // That it does not know us is not the fault of whoever asks us.
    if (status.kind === 'Status' && status.code !== 401) return ApiError.fromStatus(status)
  } catch {
    // Not a kubelet of ours.
  }
  return notOurs(port)
}

export function cannotBeReached(port: number, cause: Error): ApiError {
  const message = `the kubelet at ${loopback}:${port} cannot be reached: ${cause.message}`
  return Object.assign(new ApiError('ServiceUnavailable', message), { cause })
}

export function notOurs(port: number): ApiError {
  return new ApiError('ServiceUnavailable', `what listens at ${loopback}:${port} is not this cluster's kubelet`)
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  incoming.setEncoding('utf8')
  let text = ''
  for await (const chunk of incoming) text += chunk
  return text
}
