// The test server: many clusters in one process, for tests in any language. Two doors on loopback: one of plain HTTP, by which
// clusters are made and spoken to without credentials, and one of TLS, which kubeconfigs lead to. A cluster is at the path
// /clusters/NAME of either. Opened by `kubesim test-server` (src/cli) and by tests.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { loadOrCreateCertificates } from '../../apiserver/http/certificates.ts'
import { type Listener, plainListener, secureListener } from '../../apiserver/http/listener.ts'
import { asApiError, sendStatus } from '../../apiserver/http/reply.ts'
import { refuse } from '../../apiserver/http/streams/handshake.ts'
import { ApiError } from '../api/errors.ts'
import type { Clock } from '../env/clock.ts'
import { realEnv } from '../env/real-env.ts'
import { Clusters, type Kept } from './clusters.ts'
import { Management } from './management.ts'
import type { Wish } from './wish.ts'

export interface TestServerOptions {
  /** Of the door of plain HTTP; 0 (the default): a free one. */
  readonly port?: number
  /** Of the door of TLS; 0 (the default): a free one. */
  readonly tlsPort?: number
  /** How many clusters there may be at once. Default: 100. */
  readonly most?: number
  /** Milliseconds after which a cluster that nobody asks anything is ended, unless it was made with another `ttl`; 0: never. Default: ten minutes. */
  readonly ttl?: number
  /** By which `ttl` and the time of requests are counted. Default: the wall's. */
  readonly wall?: Clock
}

export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:6440` */
  readonly url: string
  /** Below which the clusters are that kubeconfigs lead to: `https://127.0.0.1:41234` */
  readonly secureUrl: string
  /** Ends all clusters, then the doors. */
  close(): Promise<void>
}

const address = '127.0.0.1'

/** Rejects with the system's error (EADDRINUSE, EACCES) when a port cannot be had. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { port = 0, tlsPort = 0, most = 100, ttl = 600_000 } = options
  const env = realEnv({ logLevel: 'error' })
  const { wall = env.wall } = options
  const certificates = loadOrCreateCertificates(undefined, env)
  const endpoint = { address, port: 0 }
  const clusters = new Clusters({ wall, certificates, endpoint, platform: process.platform }, { most })
  const places = { url: '', secureUrl: '' }
  const usual: Wish = {
    name: undefined,
    nodes: 3,
    seed: 1,
    delays: 1,
    clock: 'virtual',
    without: [],
    scheduler: undefined,
    from: undefined,
    ttl,
  }
  const management = new Management({ clusters, usual, places: () => places, authority: certificates.ca.cert })
  const plain = plainListener({ env, ...answers(clusters, management) })
  const secure = secureListener({ env, certificates, ...answers(clusters, undefined) })
  const close = async (): Promise<void> => {
    await clusters.close()
    await Promise.all([plain, secure].map(door => door.close()))
    env.clock.close()
    env.wall.close()
  }
  endpoint.port = await opened(secure, tlsPort)
  places.secureUrl = `https://${address}:${endpoint.port}`
  try {
    // Also so that what is loaded late is loaded before anybody waits for it.
    await clusters.prepare(usual)
    places.url = `http://${address}:${await opened(plain, port)}`
  } catch (error) {
    await close()
    throw error
  }
  return { ...places, close, [Symbol.asyncDispose]: close }
}

const opened = async (listener: Listener, port: number): Promise<number> => (await listener.listen(port, address)).port

/** What a request is to: a cluster, with the path behind its own, or the management, where there is one. */
function answers(clusters: Clusters, management: Management | undefined) {
  function clusterOf(request: IncomingMessage): Kept | undefined {
    if (management !== undefined) requireOwn(request)
    const [, name, rest = ''] = /^\/clusters\/([^/?]+)(.*)$/s.exec(request.url ?? '') ?? []
    if (name === undefined || (management !== undefined && isManaged(rest))) return undefined
    const kept = clusters.get(name)
    request.url = rest.startsWith('/') ? rest : `/${rest}`
    return kept
  }
  return {
    async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
      let kept: Kept | undefined
      try {
        kept = clusterOf(request)
        if (kept === undefined && management === undefined) throw noCluster()
      } catch (error) {
        sendStatus(response, asApiError(error), {})
        return void request.resume()
      }
      if (kept === undefined) return management!.answer(request, response)
      response.once('close', kept.asked())
      await kept.running.answering.answer(request, response)
    },
    async upgraded(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
      try {
        const kept = clusterOf(request)
        if (kept === undefined) throw noCluster()
        socket.once('close', kept.asked())
        kept.holds(socket)
        await kept.running.answering.upgraded(request, socket, head)
      } catch (error) {
        refuse(socket, asApiError(error))
      }
    },
  }
}

/** What of `/clusters/NAME…` is not the cluster's own. */
const isManaged = (rest: string): boolean => ['', '/', '/kubeconfig', '/lifeline'].includes(rest.split('?', 1)[0]!)

/**
 * Whoever is on this machine may all. A page in his browser may nothing: it is known by its Origin, and one whose name was
 * made to lead here, by that name.
 */
function requireOwn({ headers }: IncomingMessage): void {
  const own = ({ hostname }: URL): boolean => ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
  const { host = '', origin } = headers
  const url = `http://${host}`
  const isOwn = URL.canParse(url) && own(new URL(url))
  const isSameOrigin = origin === undefined || origin === url
  if (isOwn && isSameOrigin) return
  const who = isSameOrigin ? `as ${JSON.stringify(host)}` : `to a page of ${JSON.stringify(origin)}`
  throw new ApiError('Forbidden', `the test server answers on loopback alone, and not ${who}`)
}

function noCluster(): ApiError {
  return new ApiError('NotFound', 'here are clusters alone, at /clusters/NAME: they are made over plain HTTP')
}
