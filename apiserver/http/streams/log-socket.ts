// A container's log over a WebSocket, as browsers read one: an empty message first, then what is printed, as it comes. Loaded
// and called by upgrade.ts. Upstream: k8s.io/streaming pkg/httpstream/wsstream/stream.go, pkg/registry/core/pod/rest/log.go.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { ApiError } from '../../../src/api/errors.ts'
import type { NodeClient, PodLike } from '../../../src/client/node-client.ts'
import { logOptions, type Query } from '../request.ts'
import { offered, openWebSocket, refuseInWords } from './handshake.ts'

const protocols = ['binary.k8s.io', 'base64.binary.k8s.io']

/** Bytes of a message. */
const longestChunk = 2048

export interface LogAsked {
  readonly pod: PodLike
  readonly nodes: NodeClient
  readonly query: Query
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly ending: AbortSignal
}

/** Resolves when it is open, or with the refusal that was told; rejects with an ApiError that is to be told. */
export async function logOverWebSocket(asked: LogAsked): Promise<ApiError | undefined> {
  const { pod, nodes, query, request, socket, head, ending } = asked
  const names = offered(request.headers['sec-websocket-protocol'])
  const protocol = names.length === 0 ? '' : names.find(name => protocols.includes(name))
  if (protocol === undefined) {
    const refusal = new ApiError('Forbidden', `requested protocol(s) are not supported: [${names.join(' ')}]`)
    refuseInWords(socket, refusal.code, '')
    return refusal
  }
  const hangUp = new AbortController()
  const chunks = nodes.logs(pod, logOptions(query, hangUp.signal))[Symbol.asyncIterator]()
  // A log is refused before its first chunk, or not at all.
  let next = await chunks.next()
  const opened = await openWebSocket(request, socket, head, protocol)
  const leave = (): void => hangUp.abort()
  const end = (): void => opened.terminate()
  opened.on('error', () => {})
  opened.on('close', leave)
  ending.addEventListener('abort', end, { once: true })
  const send = (bytes: Buffer): Promise<void> =>
    new Promise(resolve => {
      if (protocol === protocols[1]) opened.send(bytes.toString('base64'), () => resolve())
      else opened.send(bytes, { binary: true }, () => resolve())
    })
  const sending = async (): Promise<void> => {
    await send(Buffer.alloc(0))
    for (; !next.done && !hangUp.signal.aborted; next = await chunks.next()) {
      const bytes = Buffer.from(next.value)
      for (let at = 0; at < bytes.length; at += longestChunk) await send(bytes.subarray(at, at + longestChunk))
    }
    opened.close(1000)
  }
  sending()
    // A kubelet that breaks off: what was said until then stands.
    .catch(() => opened.terminate())
    .finally(() => ending.removeEventListener('abort', end))
  return undefined
}
