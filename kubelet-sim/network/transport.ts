// Transport: connections, requests and datagrams from one place of the simulation to another. A packet that is dropped is
// sent again when TCP would send it (1, 3, 7 … 63 s), so who waits long enough gets through once the way is open.

import type { Service } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Address, Connection, StreamedResponse, TlsWish } from '../machine/sockets.ts'
import { SystemError } from '../machine/system-error.ts'
import type { Step } from '../machine/wait.ts'
import { either } from '../machine/waiters.ts'
import type { Link } from './channel.ts'
import { type ConnectionEnd, connectionPair } from './connection.ts'
import { drive } from './drive.ts'
import { answerHealth } from './health-port.ts'
import { latencyOf } from './http.ts'
import { askHttp, openHttp, serveHttp } from './http-wire.ts'
import type { Listening, Network } from './network.ts'
import { addressFor, type Destination, deliver, type Hop, type Origin, type Target, translate } from './routes.ts'
import { boundAt, type HttpListener, type ProcessListener, type RawListener } from './stacks.ts'
import { streamOf } from './stream.ts'
import { tlsClient, tlsServer } from './tls.ts'
import { done, pass, until, within } from './waiting.ts'

/** Linux with tcp_syn_retries 6: sent again after 1, 3, 7, 15, 31 and 63 s, given up after 127. */
const attempts: readonly Millis[] = [0, 1000, 3000, 7000, 15_000, 31_000, 63_000]
const givesUp: Millis = 127_000
/** Until a neighbour that does not answer is said to be unreachable: three questions, one a second. */
const neighbourAnswers: Millis = 3000

/** What a packet takes there and back within one machine. */
const localTrip: Millis = 0.06

/** What was found at the other end. */
type Met =
  | { readonly kind: 'raw'; readonly listener: RawListener; readonly target: Target }
  | { readonly kind: 'http'; readonly listener: HttpListener; readonly target: Target }
  | { readonly kind: 'told'; readonly listening: Listening; readonly target: Target }
  | { readonly kind: 'health'; readonly service: Frozen<Service>; readonly target: Target }
  | { readonly kind: 'apiserver' }
  | { readonly kind: 'dns' }

interface Reached {
  readonly met: Met
  readonly to: Destination
}

export interface RequestOptions {
  /** Milliseconds for all of it. */
  readonly timeout?: number | undefined
  /** Milliseconds until the connection is there. */
  readonly connectTimeout?: number | undefined
  readonly tls?: TlsWish | undefined
}

export class Transport {
  readonly #network: Network

  constructor(network: Network) {
    this.#network = network
  }

  *connect(origin: Origin, to: Address, timeout: Millis = givesUp): Step<ConnectionEnd> {
    const reached = yield* this.#reach(origin, to, timeout)
    const [client, server] = this.#pair(origin, to, reached)
    this.#take(server, reached)
    return client
  }

  *request(
    origin: Origin,
    to: Address,
    request: SimulatedRequest,
    { timeout, connectTimeout = givesUp, tls }: RequestOptions = {},
  ): Step<SimulatedResponse> {
    const deadline = timeout === undefined ? undefined : this.#now() + timeout
    const reached = yield* this.#reach(origin, to, Math.min(connectTimeout, timeout ?? givesUp))
    return yield* within(this.#network.env.clock, deadline, this.#exchange(origin, to, reached, request, tls))
  }

  /** Up to the answer's head. */
  *stream(
    origin: Origin,
    to: Address,
    request: SimulatedRequest,
    { connectTimeout = givesUp, tls }: Omit<RequestOptions, 'timeout'> = {},
  ): Step<StreamedResponse> {
    const reached = yield* this.#reach(origin, to, connectTimeout)
    if (isHandedOver(reached.met, tls)) return streamed(yield* this.#exchange(origin, to, reached, request, tls))
    return yield* openHttp(yield* this.#opened(origin, to, reached, tls), request)
  }

  /** The round trip's milliseconds; undefined: no answer. */
  *ping(origin: Origin, host: string, timeout: Millis): Step<number | undefined> {
    const { env, links } = this.#network
    const end = this.#now() + timeout
    const to = translate(this.#network, origin, { host, port: 0 }, 'ICMP', [])
    const verdict = typeof to === 'string' ? undefined : deliver(this.#network, origin, to, 'ICMP', undefined)
    if (verdict?.kind === 'outside') throw new SystemError('ENETUNREACH')
    const delay = verdict?.kind === 'there' ? links.between(origin, verdict.target).delay() : undefined
    // The name server's pods answer as others do.
    const trip = verdict?.kind === 'dns' ? 0 : delay === undefined ? undefined : 2 * delay
    yield* pass(env.clock, Math.min(trip ?? timeout, end - this.#now()))
    return trip === undefined || trip > timeout ? undefined : trip + localTrip
  }

  /** An established connection's next exchange: whoever answered first still does, or it breaks off. */
  *#exchange(
    origin: Origin,
    to: Address,
    reached: Reached,
    request: SimulatedRequest,
    tls: TlsWish | undefined,
  ): Step<SimulatedResponse> {
    const { met } = reached
    const network = this.#network
    // Where bytes are not needed the request still takes its time there and back.
    if (isHandedOver(met, tls) && !network.faults.isEmpty) {
      const way = network.links.between(origin, 'target' in met ? met.target : undefined)
      const whole = network.links.changed.until(() => way.delay() !== undefined)
      while (!whole.isOver()) yield whole
      yield* pass(network.env.clock, 2 * (way.delay() ?? 0))
    }
    if (met.kind === 'told' && !met.listening.behaviour.tcp) {
      yield* pass(network.env.clock, latencyOf(met.listening.behaviour, request))
      return network.answer(met.listening, request, reached.to.source)
    }
    if (met.kind === 'health' && !tls) return answerHealth(network, met.service, met.target.node)
    if (met.kind === 'http' && isHandedOver(met, tls)) {
      return yield* answered(met.listener, request, clientOf(origin, reached))
    }
    return yield* askHttp(yield* this.#opened(origin, to, reached, tls), request)
  }

  /** A connection to who was met, in TLS where that is wanted. */
  *#opened(origin: Origin, to: Address, reached: Reached, tls: TlsWish | undefined): Step<Connection> {
    const [client, server] = this.#pair(origin, to, reached)
    this.#take(server, reached)
    return tls === undefined ? client : yield* tlsClient(this.#network.env, client, tls)
  }

  /** Whoever is there has the connection from now on. */
  #take(server: ConnectionEnd, { met, to }: Reached): void {
    const { env, apiServer } = this.#network
    if (met.kind === 'raw') {
      if (met.listener.offer(server)) return
      server.break('ECONNRESET')
      throw new SystemError('ECONNREFUSED')
    }
    if (met.kind === 'apiserver' && apiServer !== undefined) {
      apiServer(streamOf(env, server), { address: server.remote.host, port: server.remote.port })
      return
    }
    void drive(env, this.#serve(server, met, to.source)).catch(() => server.close())
  }

  *#serve(server: ConnectionEnd, met: Exclude<Met, { kind: 'raw' }>, source: string): Step<void> {
    const network = this.#network
    if (met.kind === 'http') {
      const { listener } = met
      const { tls } = listener
      const plain = tls === undefined ? server : yield* tlsServer(network.env, server, tls)
      if (plain) yield* serveHttp(plain, request => answered(listener, request, server.remote))
      return
    }
    if (met.kind === 'health') {
      yield* serveHttp(server, () => done(answerHealth(network, met.service, met.target.node)))
      return
    }
    if (met.kind !== 'told') return server.close()
    const { listening, target } = met
    if (listening.behaviour.tcp) {
      // Nobody is there to talk: it hears something and hangs up.
      yield* server.read()
      return server.close()
    }
    yield* serveHttp(server, function* (request) {
      yield* pass(network.env.clock, latencyOf(listening.behaviour, request))
      const now = network.toldAt(target)
      const isSame = now?.container === listening.container && now.restart === listening.restart
      return isSame ? network.answer(now, request, source) : undefined
    })
  }

  *#reach(origin: Origin, to: Address, timeout: Millis): Step<Reached> {
    const hops: Hop[] = []
    // The sender's own patience ended, or the sender.
    let end = 'given up'
    try {
      const reached = yield* this.#find(origin, to, timeout, hops)
      end = nameOf(reached.met)
      return reached
    } catch (error) {
      end = error instanceof SystemError ? error.errno : 'fault'
      throw error
    } finally {
      const { traces } = this.#network
      traces.add({ at: this.#now(), from: origin.name, to: `${to.host}:${to.port}`, protocol: 'TCP', hops, end })
    }
  }

  *#find(origin: Origin, to: Address, timeout: Millis, hops: Hop[]): Step<Reached> {
    const network = this.#network
    const start = this.#now()
    const deadline = start + Math.min(timeout, givesUp)
    const destination = translate(network, origin, to, 'TCP', hops)
    if (destination === 'refused') throw new SystemError('ECONNREFUSED')
    for (let attempt = 0; ; attempt++) {
      const said = attempt === 0 ? hops : undefined
      const verdict =
        typeof destination === 'string' ? { kind: destination } : deliver(network, origin, destination, 'TCP', said)
      if (verdict.kind === 'outside') throw new SystemError('ENETUNREACH')
      if (verdict.kind === 'unreachable') {
        yield* this.#rest(Math.min(deadline, this.#now() + neighbourAnswers))
        throw new SystemError(this.#now() < deadline ? 'EHOSTUNREACH' : 'ETIMEDOUT')
      }
      if (verdict.kind === 'there' || verdict.kind === 'apiserver' || verdict.kind === 'dns') {
        const target = verdict.kind === 'there' ? verdict.target : undefined
        if (said) network.links.note(origin, target, said)
        const way = network.links.between(origin, target)
        const delay = way.arrives() && way.arrives() ? way.delay() : undefined
        if (delay !== undefined) {
          yield* this.#rest(Math.min(deadline, this.#now() + 2 * delay))
          if (delay > 0 && this.#now() >= deadline) throw new SystemError('ETIMEDOUT')
          const met = verdict.kind === 'there' ? this.#meet(verdict.target) : verdict
          if (met === undefined) {
            hops.push({ at: target?.name ?? '', kind: 'end', what: `nobody listens on ${target?.port}` })
            throw new SystemError('ECONNREFUSED')
          }
          hops.push({ at: nameOf(met), kind: 'end', what: whatAnswers(met) })
          return { met, to: destination as Destination }
        }
      }
      const next = attempts[attempt + 1]
      yield* this.#rest(Math.min(deadline, next === undefined ? deadline : start + next))
      if (this.#now() >= deadline) throw new SystemError('ETIMEDOUT')
    }
  }

  #meet(target: Target): Met | undefined {
    const stack = this.#network.stacks.find(target.stack)
    const listener: ProcessListener | undefined = boundAt(stack?.listeners, target.port, target.address)
    if (listener?.kind === 'raw') return { kind: 'raw', listener, target }
    if (listener?.kind === 'http') return { kind: 'http', listener, target }
    const service = target.pod ? undefined : this.#network.table.byHealthPort(target.port)
    if (service) return { kind: 'health', service, target }
    const listening = this.#network.toldAt(target)
    return listening && { kind: 'told', listening, target }
  }

  #pair(origin: Origin, to: Address, { met, to: destination }: Reached): [ConnectionEnd, ConnectionEnd] {
    const { stacks, env } = this.#network
    const target = 'target' in met ? met.target : undefined
    const mine = origin.stack === undefined ? undefined : stacks.of(origin.stack)
    const theirs = target === undefined ? undefined : stacks.of(target.stack)
    const local = { host: addressFor(origin, destination.address), port: mine?.freePort() ?? 50_000 }
    const there = { host: destination.address, port: destination.port }
    const [client, server] = connectionPair(
      env.clock,
      this.#linkTo(origin, target),
      {
        address: local,
        seenAs: { host: destination.source, port: local.port },
        closed() {
          mine?.ends.delete(client)
          if (origin.stack) stacks.tidy(origin.stack)
        },
      },
      {
        address: there,
        seenAs: to,
        closed() {
          theirs?.ends.delete(server)
          if (target) stacks.tidy(target.stack)
        },
      },
    )
    mine?.ends.add(client)
    theirs?.ends.add(server)
    return [client, server]
  }

  #linkTo(origin: Origin, target: Target | undefined): Link {
    return this.#network.links.between(origin, target)
  }

  *#rest(at: Millis): Step<void> {
    const wait = until(this.#network.env.clock, at)
    while (!wait.isOver()) yield wait
  }

  #now(): Millis {
    return this.#network.env.clock.now()
  }
}

function nameOf(met: Met): string {
  if ('target' in met) return met.target.name
  return met.kind === 'dns' ? 'the name server' : 'the API server'
}

/** Whether a request needs no bytes: what is told of answers in TLS as well, and a program's own TLS is spoken. */
function isHandedOver(met: Met, tls: TlsWish | undefined): boolean {
  if (met.kind === 'told') return !met.listening.behaviour.tcp
  return tls === undefined && (met.kind === 'health' || (met.kind === 'http' && met.listener.tls === undefined))
}

function streamed({ status, headers, body }: SimulatedResponse): StreamedResponse {
  let rest: Uint8Array | undefined = body.length > 0 ? body : undefined
  return {
    status,
    headers,
    // biome-ignore lint/correctness/useYield: all of it is there
    *read() {
      const part = rest
      rest = undefined
      return part
    },
    close() {},
  }
}

function whatAnswers(met: Met): string {
  if (met.kind === 'told') return `container ${met.listening.container} answers on ${met.target.port}`
  if (met.kind === 'health') return `the proxy tells of its endpoints on ${met.target.port}`
  return 'target' in met ? `a program listens on ${met.target.port}` : 'it answers'
}

function clientOf(origin: Origin, { to }: Reached): Address {
  return { host: to.source, port: origin.stack === undefined ? 50_000 : 40_000 }
}

/** What the program answers; when it is closed meanwhile, the client's connection breaks off. */
function* answered(listener: HttpListener, request: SimulatedRequest, from: Address): Step<SimulatedResponse> {
  const step = listener.answer(request, from)
  try {
    for (;;) {
      const { done, value } = step.next()
      if (done) return value
      const wait = either(value, listener.closing)
      while (!wait.isOver()) yield wait
      if (listener.isClosed) throw new SystemError('ECONNRESET')
    }
  } finally {
    step.return(undefined as unknown as SimulatedResponse)
  }
}
