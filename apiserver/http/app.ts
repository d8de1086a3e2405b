// The HTTP door: TLS, HTTP/2 and HTTP/1.1 on one port. Opened by src/serve.ts and tests upon a registry. What happens to a request
// there is answering.ts's; the only folder that knows Express, and nothing inward sees its requests.

import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type AnsweringOptions, createAnswering } from './answering.ts'
import { secureListener } from './listener.ts'
import type { Place } from './taken-connections.ts'

export interface HttpServer {
  /** Rejects with the system's error (EADDRINUSE, EACCES) when it cannot. */
  listen(port: number, address: string): Promise<AddressInfo>
  /** A connection from within the process, to be spoken TLS on as if it came over the network from that address. */
  take(stream: Duplex, from: Place): void
  /** Ends watches, answers what has been received whole, then ends connections. */
  close(): Promise<void>
}

export function createHttpServer(options: AnsweringOptions): HttpServer {
  const answering = createAnswering(options)
  const { env, certificates } = options
  const listener = secureListener({ env, certificates, ...answering })
  return {
    listen: listener.listen,
    take: listener.take,
    async close() {
      await answering.end()
      await listener.close()
    },
  }
}
