// The change from HTTP/1.1 to SPDY/3.1: which protocol is spoken on its streams, and the first connection upon the socket.
// Called by command-spdy.ts and port-forward.ts. Upstream: k8s.io/streaming pkg/httpstream/httpstream.go (Handshake),
// pkg/httpstream/spdy/upgrade.go.

import { ApiError } from '../../../src/api/errors.ts'
import type { Asked } from './connections.ts'
import { isSpdy, offered, refuseInWords } from './handshake.ts'
import { type Accept, SpdyConnection } from './spdy-connection.ts'
import { socketWire } from './wire.ts'

/** The first of the client's that is known, '' when he offers none; or the refusal that was told. */
export function agreedSpdy({ request, socket }: Asked, known: readonly string[]): string | ApiError {
  if (!isSpdy(request)) {
    const words = `unable to upgrade: missing upgrade headers in request: ${JSON.stringify(request.headers.upgrade)}`
    return refused(socket, new ApiError('BadRequest', words))
  }
  const names = offered(request.headers['x-stream-protocol-version'])
  const agreed = names.length === 0 ? '' : names.find(name => known.includes(name))
  if (agreed !== undefined) return agreed
  const words = `client supports [${names.join(' ')}], server accepts [${known.join(' ')}]`
  return refused(
    socket,
    new ApiError('Forbidden', `unable to upgrade: unable to negotiate protocol: ${words}`),
    known.map(name => `X-Accepted-Stream-Protocol-Versions: ${name}`),
  )
}

/** From here on the socket is SPDY. The connection's `run` is the caller's to call. */
export function openSpdy({ socket, head, clock, ending }: Asked, protocol: string, accept: Accept): SpdyConnection {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: SPDY/3.1']
  if (protocol !== '')
    lines.push(`X-Stream-Protocol-Version: ${protocol}`)
    // What was written for HTTP goes out with it, and its time limits with that.
  ;(socket as { setTimeout?(millis: number): void }).setTimeout?.(0)
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const wire = socketWire(socket, head)
  const hangUp = (): void => wire.destroy()
  ending.addEventListener('abort', hangUp, { once: true })
  wire.onClose(() => ending.removeEventListener('abort', hangUp))
  return new SpdyConnection(wire, { clock, accept })
}

function refused(socket: Asked['socket'], refusal: ApiError, headers: readonly string[] = []): ApiError {
  refuseInWords(socket, refusal.code, refusal.message, headers)
  return refusal
}
