// A request made to see its way: from a pod to a URL, with every question to the name server and every hop. Called by
// own-paths.ts for `kubesim trace`.

import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import { NameError } from '../machine/sockets.ts'
import { SystemError } from '../machine/system-error.ts'
import { drive } from './drive.ts'
import type { Network } from './network.ts'
import type { Hop } from './routes.ts'

export interface TraceReport {
  readonly from: string
  readonly url: string
  /** Names asked for and connections made, in order. */
  readonly packets: readonly {
    readonly time: string
    readonly to: string
    readonly protocol: string
    readonly hops: readonly Hop[]
    readonly end: string
  }[]
  /** The status of the answer, or what was met instead. */
  readonly status?: number
  readonly fault?: string
  readonly milliseconds: number
}

export interface TraceOrder {
  readonly pod: Frozen<Pod>
  readonly url: URL
  readonly timeout: number
}

export async function traceRequest(network: Network, { pod, url, timeout }: TraceOrder): Promise<TraceReport> {
  const { env, traces } = network
  const sockets = network.socketsFor({ pod })
  const start = env.clock.now()
  const before = traces.count
  const tls = url.protocol === 'https:'
  const to = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || (tls ? 443 : 80) }
  const headers = { host: url.host, 'user-agent': 'kubesim-trace', accept: '*/*' }
  const request = { method: 'GET', path: `${url.pathname}${url.search}`, headers, body: new Uint8Array() }
  const name = `pod ${pod.metadata.namespace}/${pod.metadata.name}`
  const report = (outcome: { status: number } | { fault: string }): TraceReport => ({
    from: name,
    url: url.href,
    packets: traces
      .since(before)
      .filter(({ from }) => from === network.originOf(pod).name)
      .map(({ at, to, protocol, hops, end }) => ({ time: rfc3339(at), to, protocol, hops, end })),
    ...outcome,
    milliseconds: env.clock.now() - start,
  })
  try {
    const { status } = await drive(env, sockets.request(to, request, { timeout, tls }))
    return report({ status })
  } catch (error) {
    if (!(error instanceof SystemError || error instanceof NameError)) throw error
    return report({ fault: error.message })
  } finally {
    sockets.closeAll()
  }
}
