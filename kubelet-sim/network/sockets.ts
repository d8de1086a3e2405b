// Sockets of the processes of one pod, or of one node: machine/sockets.ts over the simulated network. A set is made for each
// process and closed with it: what it listened on is free again, what it was connected to hears that it is gone.

import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Clock, Millis } from '../../src/env/clock.ts'
import {
  type Address,
  type AskOptions,
  type Connection,
  type DatagramSocket,
  type DnsAnswer,
  type HealthCheck,
  type Listener,
  NameError,
  type Sockets,
  type StreamedResponse,
  type TlsServing,
  type TlsWish,
} from '../machine/sockets.ts'
import { SystemError } from '../machine/system-error.ts'
import type { Step } from '../machine/wait.ts'
import { Waiters } from '../machine/waiters.ts'
import type { ConnectionEnd } from './connection.ts'
import { DatagramPort, exchangeDatagram, sendDatagram } from './datagrams.ts'
import { healthTaker } from './grpc-health.ts'
import { askNameServer } from './name-queries.ts'
import { isIPv4, plainName } from './names.ts'
import type { Network } from './network.ts'
import {
  addressesInHosts,
  hostsFile,
  namesToTry,
  nodeResolver,
  parseResolvConf,
  type ResolverSettings,
  resolverOf,
} from './resolver.ts'
import { isLoopback, type Origin, originOfNode, originOfPod } from './routes.ts'
import { bindTo, type HttpListener, type RawListener, type Stack } from './stacks.ts'
import { within } from './waiting.ts'

/** What of the process's files tells of names; absent: what its kubelet wrote there. */
export interface NameFiles {
  hosts?(): string | undefined
  resolvConf?(): string | undefined
}

export interface SocketOwner {
  readonly pod?: Frozen<Pod>
  /** Instead of a pod: the node itself. */
  readonly node?: string
}

const backlog = 128

export function socketsFor(network: Network, owner: SocketOwner, files: NameFiles = {}): Sockets {
  return new ProcessSockets(network, owner, files)
}

class ProcessSockets implements Sockets {
  readonly #network: Network
  readonly #owner: SocketOwner
  readonly #files: NameFiles
  readonly #open = new Set<() => void>()

  constructor(network: Network, owner: SocketOwner, files: NameFiles) {
    this.#network = network
    this.#owner = owner
    this.#files = files
  }

  get addresses(): readonly string[] {
    const { pod } = this.#owner
    if (!pod || pod.spec.hostNetwork) {
      const { address, second } = this.#origin
      return second === undefined ? [address] : [address, second]
    }
    const { status } = this.#network.current(pod) ?? pod
    return status.podIPs?.map(({ ip }) => ip) ?? (status.podIP ? [status.podIP] : [])
  }

  *lookup(name: string): Step<readonly string[]> {
    if (isIPv4(name) || name.includes(':')) return [name]
    const known = addressesInHosts(this.#hosts(), name)
    if (known.length > 0) return known
    const settings = this.#resolver()
    let wasAsked = false
    for (const each of namesToTry(name, settings)) {
      const answer = yield* this.#ask(each, 'A', settings.servers)
      wasAsked ||= answer !== undefined
      const six = answer?.code === 'NOERROR' ? yield* this.#ask(each, 'AAAA', settings.servers) : undefined
      const addresses = [...(answer?.records ?? []), ...(six?.records ?? [])]
        .filter(({ type }) => type === 'A' || type === 'AAAA')
        .map(({ data }) => data)
      if (addresses.length > 0) return addresses
      if (answer === undefined) break
    }
    throw new NameError(`${name}: ${wasAsked ? 'Name or service not known' : 'Temporary failure in name resolution'}`)
  }

  *query(name: string, type: string, server?: string): Step<DnsAnswer> {
    const servers = server === undefined ? this.#resolver().servers : [server]
    const answer = yield* this.#ask(plainName(name), type.toUpperCase(), servers)
    if (answer === undefined) throw new SystemError('ETIMEDOUT')
    return answer
  }

  *connect(to: Address, { timeout }: { readonly timeout?: number | undefined } = {}): Step<Connection> {
    const end = yield* within(this.#clock, this.#deadline(timeout), this.#connect(to))
    return this.#owned(end)
  }

  listen(port: number, host?: string): Listener {
    const { stack, key } = this.#stack()
    const bound = this.#boundHost(host)
    const number = this.#freePort(stack, port, bound, 'TCP')
    const waiting: ConnectionEnd[] = []
    const arrivals = new Waiters()
    let isClosed = false
    const entry: RawListener = {
      kind: 'raw',
      host: bound,
      offer(end) {
        if (isClosed || waiting.length >= backlog) return false
        waiting.push(end)
        arrivals.tell()
        return true
      },
    }
    const unbind = bindTo(stack.listeners, number, entry)
    const owned = (end: ConnectionEnd) => this.#owned(end)
    const close = this.#closing(() => {
      isClosed = true
      unbind()
      for (const end of waiting) end.break('ECONNRESET')
      arrivals.tell()
      this.#network.stacks.tidy(key)
    })
    return {
      address: { host: bound ?? '0.0.0.0', port: number },
      *accept() {
        for (;;) {
          const next = waiting.shift()
          if (next) return owned(next)
          if (isClosed) throw new SystemError('EINVAL')
          yield arrivals.until(() => isClosed || waiting.length > 0)
        }
      },
      close,
    }
  }

  serve(
    port: number,
    answer: (request: SimulatedRequest, from: Address) => Step<SimulatedResponse>,
    host?: string,
    tls?: TlsServing | 'self-signed',
  ): { close(): void } {
    const { stack, key } = this.#stack()
    const bound = this.#boundHost(host)
    const number = this.#freePort(stack, port, bound, 'TCP')
    const closing = new Waiters()
    let isClosed = false
    const entry: HttpListener = {
      kind: 'http',
      host: bound,
      get isClosed() {
        return isClosed
      },
      closing: closing.until(() => isClosed),
      tls: tls === 'self-signed' ? this.#network.selfSigned?.() : tls,
      answer,
    }
    const unbind = bindTo(stack.listeners, number, entry)
    const close = this.#closing(() => {
      isClosed = true
      unbind()
      closing.tell()
      this.#network.stacks.tidy(key)
    })
    return { close }
  }

  serveHealth(port: number, check: HealthCheck): { close(): void } {
    const { stack, key } = this.#stack()
    const number = this.#freePort(stack, port, undefined, 'TCP')
    const take = healthTaker(this.#network.env, check)
    const offer = (end: ConnectionEnd) => {
      take(this.#owned(end))
      return true
    }
    const unbind = bindTo(stack.listeners, number, { kind: 'raw', host: undefined, offer })
    const close = this.#closing(() => {
      unbind()
      this.#network.stacks.tidy(key)
    })
    return { close }
  }

  *exchange(to: Address, datagram: Uint8Array, timeout: Millis): Step<Uint8Array | undefined> {
    return yield* exchangeDatagram(this.#network, this.#origin, yield* this.#addressed(to), datagram, timeout)
  }

  bind(port: number, host?: string): DatagramSocket {
    const { stack, key } = this.#stack()
    const bound = this.#boundHost(host)
    const number = this.#freePort(stack, port, bound, 'UDP')
    const own = new DatagramPort(bound)
    const unbind = bindTo(stack.receivers, number, own)
    const close = this.#closing(() => {
      unbind()
      own.close()
      this.#network.stacks.tidy(key)
    })
    return {
      address: { host: bound ?? '0.0.0.0', port: number },
      receive: () => own.receive(),
      send: (to, bytes) => {
        if (own.isClosed) throw new SystemError('EBADF')
        if (!own.reply(to, bytes)) sendDatagram(this.#network, this.#origin, number, to, bytes)
      },
      close,
    }
  }

  *ping(host: string, timeout: Millis): Step<number | undefined> {
    const [address] = yield* this.lookup(host)
    return yield* this.#network.transport.ping(this.#origin, address ?? host, timeout)
  }

  *request(to: Address, request: SimulatedRequest, { timeout, tls }: AskOptions = {}): Step<SimulatedResponse> {
    return yield* within(this.#clock, this.#deadline(timeout), this.#request(to, request, tls))
  }

  *stream(to: Address, request: SimulatedRequest, { timeout, tls }: AskOptions = {}): Step<StreamedResponse> {
    const deadline = this.#deadline(timeout)
    const response = yield* within(this.#clock, deadline, this.#stream(to, request, tls))
    const close = () => {
      this.#open.delete(close)
      response.close()
    }
    this.#open.add(close)
    const clock = this.#clock
    return { ...response, read: () => within(clock, deadline, response.read()), close }
  }

  share(): Sockets {
    return new ProcessSockets(this.#network, this.#owner, this.#files)
  }

  closeAll(): void {
    for (const close of [...this.#open]) close()
  }

  get #origin(): Origin {
    const { pod, node } = this.#owner
    if (pod === undefined) return originOfNode(this.#network, node ?? '')
    return originOfPod(this.#network, this.#network.current(pod) ?? pod)
  }

  get #clock(): Clock {
    return this.#network.env.clock
  }

  #deadline(timeout: Millis | undefined): Millis | undefined {
    return timeout === undefined ? undefined : this.#clock.now() + timeout
  }

  *#connect(to: Address): Step<ConnectionEnd> {
    const address = yield* this.#addressed(to)
    return yield* this.#network.transport.connect(this.#origin, address)
  }

  *#request(to: Address, request: SimulatedRequest, tls: TlsWish | undefined): Step<SimulatedResponse> {
    const address = yield* this.#addressed(to)
    return yield* this.#network.transport.request(this.#origin, address, request, { tls })
  }

  *#stream(to: Address, request: SimulatedRequest, tls: TlsWish | undefined): Step<StreamedResponse> {
    const address = yield* this.#addressed(to)
    return yield* this.#network.transport.stream(this.#origin, address, request, { tls })
  }

  *#addressed({ host, port }: Address): Step<Address> {
    const [address] = yield* this.lookup(host)
    return { host: address ?? host, port }
  }

  *#ask(name: string, type: string, servers: readonly string[]): Step<DnsAnswer | undefined> {
    return yield* askNameServer(this.#network, this.#origin, servers, name, type)
  }

  #hosts(): string {
    const written = this.#files.hosts?.()
    if (written !== undefined) return written
    const { pod, node } = this.#owner
    if (pod === undefined) return `127.0.0.1\tlocalhost\n${this.#origin.address}\t${node}\n`
    const name = pod.spec.nodeName ?? ''
    return hostsFile(this.#network.current(pod) ?? pod, { name, address: this.#network.addressOfNode(name) })
  }

  #resolver(): ResolverSettings {
    const written = this.#files.resolvConf?.()
    if (written !== undefined) return parseResolvConf(written)
    return this.#owner.pod ? resolverOf(this.#owner.pod) : nodeResolver
  }

  #stack(): { readonly stack: Stack; readonly key: string } {
    const key = this.#origin.stack!
    return { stack: this.#network.stacks.of(key), key }
  }

  #boundHost(host: string | undefined): string | undefined {
    if (host === undefined || host === '' || host === '0.0.0.0' || host === '::' || host === '*') return undefined
    const address = host === 'localhost' ? '127.0.0.1' : host
    if (!isLoopback(address) && !this.addresses.includes(address)) throw new SystemError('EADDRNOTAVAIL')
    return address
  }

  #freePort(stack: Stack, port: number, host: string | undefined, protocol: 'TCP' | 'UDP'): number {
    if (port === 0) return stack.freePort()
    if (!(port > 0 && port < 65_536)) throw new SystemError('EINVAL')
    const { name, node, pod, stack: key } = this.#origin
    const target = { name, stack: key!, node: node ?? '', pod, address: host ?? '', port }
    if (protocol === 'TCP' && this.#network.toldAt(target)) throw new SystemError('EADDRINUSE')
    return port
  }

  #owned(end: ConnectionEnd): ConnectionEnd {
    const close = () => end.close()
    this.#open.add(close)
    end.onClose(() => this.#open.delete(close))
    return end
  }

  #closing(close: () => void): () => void {
    const once = () => {
      if (!this.#open.delete(once)) return
      close()
    }
    this.#open.add(once)
    return once
  }
}
