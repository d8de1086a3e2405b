// Requests that ask for another protocol: a watch and a log over WebSocket; exec, attach and port-forward (streams/); whatever it
// is through a proxy. What is refused
// is told on the raw connection, since no response object exists for these. Called by app.ts.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import { type ApiError, notImplemented } from '../../src/api/errors.ts'
import type { Aggregation } from '../aggregation/aggregation.ts'
import type { User } from '../registry/registry.ts'
import { noSuchPath } from '../registry/subresources.ts'
import { remoteOf, upgradeRemote } from './aggregated.ts'
import { asApiError } from './reply.ts'
import { flag, parseTarget, queryOf, type Target } from './request.ts'
import { isConnecting } from './streams/connecting.ts'
import { isWebSocket, refuse } from './streams/handshake.ts'
import type { Verbs } from './verbs.ts'

export class Upgrades {
  readonly #verbs: Verbs
  readonly #aggregation: Aggregation | undefined
  #server: WebSocketServer | undefined

  constructor(verbs: Verbs, aggregation?: Aggregation) {
    this.#verbs = verbs
    this.#aggregation = aggregation
  }

  /**
   * `asking` tells who asks; it throws for whom it does not know, and for who may not. Resolves with what was refused, or when
   * it has begun.
   */
  async take(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    asking: (path: string, target: Target | undefined) => Promise<User>,
  ): Promise<ApiError | undefined> {
    socket.on('error', () => socket.destroy())
    try {
      const { url = '' } = request
      const path = url.split('?', 1)[0]!
      const target = parseTarget(path)
      const user = await asking(path, target)
      const remote = remoteOf(this.#aggregation, path)
      if (remote !== undefined) {
        await upgradeRemote(this.#aggregation!, remote, request, user, socket)
        return undefined
      }
      if (target === undefined) throw noSuchPath()
      const resource = this.#verbs.resourceOf(target)
      const query = queryOf(url)
      if (isConnecting(target.subresource)) {
        const userAgent = request.headers['user-agent']
        const info = { user, userAgent, mayWait: true, warn: () => {} }
        const asked = await this.#verbs.connection(resource, target, target.subresource, query, info)
        const { connect } = await import('./streams/connections.ts')
        return await connect({ ...asked, subresource: target.subresource, query, request, socket, head })
      }
      if (target.subresource === 'proxy') {
        const { proxyUpgrade } = await import('./proxied.ts')
        const proxied = this.#verbs.proxied(resource, target, url)
        await proxyUpgrade(this.#verbs.nodes, proxied, request, socket, head)
        return undefined
      }
      if (target.subresource === 'log' && isWebSocket(request)) {
        const asked = this.#verbs.logged(resource, target)
        const { logOverWebSocket } = await import('./streams/log-socket.ts')
        return await logOverWebSocket({ ...asked, query, request, socket, head })
      }
      if (target.subresource !== undefined || !flag(query, 'watch')) {
        throw notImplemented(
          `${[resource.kind.resource, target.subresource].filter(Boolean).join('/')} over ${request.headers.upgrade}`,
        )
      }
      let connection: WebSocket | undefined
      const watching = this.#verbs.watch(resource, target, query, request.headers.accept, {
        write: bytes => {
          for (const line of bytes.toString().split('\n')) if (line !== '') connection?.send(line)
        },
        end: () => connection?.close(1000),
        backlog: () => connection?.bufferedAmount ?? 0,
      })
      const { WebSocketServer } = await import('ws')
      this.#server ??= new WebSocketServer({ noServer: true })
      this.#server.handleUpgrade(request, socket, head, opened => {
        connection = opened
        // A client that breaks the protocol is hung up on by ws itself.
        opened.on('error', () => {})
        opened.on('close', watching.start())
      })
      return undefined
    } catch (error) {
      const refusal = asApiError(error)
      refuse(socket, refusal)
      return refusal
    }
  }
}
