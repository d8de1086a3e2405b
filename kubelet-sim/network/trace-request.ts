// A request made to see its way: from a pod, a node or somewhere outside to a URL, with every question to the name server and
// every hop. Called by own-paths.ts for `kubesim trace` and for whoever sends one.

import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Millis } from '../../src/env/clock.ts'
import { type Address, type DnsAnswer, NameError, TlsError, type TlsWish } from '../machine/sockets.ts'
import { SystemError } from '../machine/system-error.ts'
import type { Step } from '../machine/wait.ts'
import { drive } from './drive.ts'
import { isIPv4 } from './names.ts'
import type { Network } from './network.ts'
import { type Hop, type Origin, originOfNode, originOutside } from './routes.ts'

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
    /** What a name server was asked, and what it said. */
    readonly question?: { readonly name: string; readonly type: string }
    readonly answer?: Pick<DnsAnswer, 'code' | 'records'>
  }[]
  /** The last policy that let a packet not through. */
  readonly forbiddenBy?: {
    readonly policy: string
    readonly direction: 'Ingress' | 'Egress'
    readonly at: string
    readonly what: string
  }
  /** The status of the answer, or what was met instead; of tcp:// neither, when somebody took the connection. */
  readonly status?: number
  readonly fault?: string
  /** The beginning of what was answered. */
  readonly body?: string
  readonly milliseconds: number
}

export interface TraceOrder {
  /** A pod, a node by its name, or an address outside of the cluster. */
  readonly from: { readonly pod: Frozen<Pod> } | { readonly node: string } | { readonly outside: string }
  readonly url: URL
  readonly timeout: Millis
  readonly method?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Uint8Array | undefined
  /** It is given up when this is aborted. */
  readonly signal?: AbortSignal | undefined
}

const mostOfBody = 4_096

export async function traceRequest(network: Network, order: TraceOrder): Promise<TraceReport> {
  const { from, url, signal } = order
  const { env, traces } = network
  const start = env.clock.now()
  const before = traces.count
  const origin = originOf(network, from)
  const report = (outcome: { status?: number; fault?: string; body?: string }): TraceReport => {
    const own = traces.since(before).filter(trace => trace.from === origin.name)
    const refusal = own.flatMap(({ hops }) => hops).findLast(({ kind }) => kind === 'policy')
    const { policy, direction, at, what } = refusal ?? {}
    return {
      from: origin.name,
      url: url.href,
      packets: own.map(({ at: time, from: _, ...packet }) => ({ time: rfc3339(time), ...packet })),
      ...(policy !== undefined && { forbiddenBy: { policy, direction: direction!, at: at!, what: what! } }),
      ...outcome,
      milliseconds: env.clock.now() - start,
    }
  }
  const sender = senderFor(network, from, origin)
  try {
    if (url.protocol === 'tcp:') {
      await drive(env, sender.connect(addressIn(url, 0), order.timeout), signal)
      return report({})
    }
    const isSecure = url.protocol === 'https:'
    const to = addressIn(url, isSecure ? 443 : 80)
    const tls = isSecure ? { serverName: to.host, unverified: true } : undefined
    const { status, body } = await drive(env, sender.request(to, requestOf(order), order.timeout, tls), signal)
    return report({ status, body: Buffer.from(body.subarray(0, mostOfBody)).toString() })
  } catch (error) {
    if (error instanceof SystemError || error instanceof NameError || error instanceof TlsError)
      return report({ fault: error.message })
    if (signal?.aborted) return report({ fault: 'given up: it is still under way' })
    throw error
  } finally {
    sender.close()
  }
}

function originOf(network: Network, from: TraceOrder['from']): Origin {
  if ('pod' in from) return network.originOf(from.pod)
  return 'node' in from ? originOfNode(network, from.node) : originOutside(from.outside)
}

interface Sender {
  request(to: Address, request: SimulatedRequest, timeout: Millis, tls: TlsWish | undefined): Step<SimulatedResponse>
  connect(to: Address, timeout: Millis): Step<unknown>
  close(): void
}

function senderFor(network: Network, from: TraceOrder['from'], origin: Origin): Sender {
  if (!('outside' in from)) {
    const sockets = network.socketsFor(from)
    return {
      request: (to, request, timeout, tls) => sockets.request(to, request, { timeout, tls }),
      connect: (to, timeout) => sockets.connect(to, { timeout }),
      close: () => sockets.closeAll(),
    }
  }
  const { transport } = network
  return {
    *request(to, request, timeout, tls) {
      return yield* transport.request(origin, requireAddress(to), request, { timeout, tls })
    },
    *connect(to, timeout) {
      const connection = yield* transport.connect(origin, requireAddress(to), timeout)
      connection.close()
    },
    close() {},
  }
}

/** Outside nobody knows the cluster's names. */
function requireAddress(to: Address): Address {
  if (!isIPv4(to.host) && !to.host.includes(':')) throw new NameError(`${to.host}: Name or service not known`)
  return to
}

function addressIn(url: URL, otherwise: number): Address {
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || otherwise }
}

function requestOf({ url, method = 'GET', headers, body = new Uint8Array() }: TraceOrder): SimulatedRequest {
  const own = { host: url.host, 'user-agent': 'kubesim-trace', accept: '*/*' }
  return { method, path: `${url.pathname}${url.search}`, headers: { ...own, ...headers }, body }
}
