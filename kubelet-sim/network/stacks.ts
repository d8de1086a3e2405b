// Stacks: what processes listen on, by network namespace: a pod's containers share one, pods on the host's network share
// their node's. A stack is there only while somebody listens or talks in it.

import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Address, TlsServing } from '../machine/sockets.ts'
import { type Errno, SystemError } from '../machine/system-error.ts'
import type { Step, Wait } from '../machine/wait.ts'
import { Waiters } from '../machine/waiters.ts'
import type { ConnectionEnd } from './connection.ts'

/** Whose namespace: `pod UID` or `node NAME`. */
export type StackKey = string

export const podStack = (uid: string): StackKey => `pod ${uid}`
export const nodeStack = (name: string): StackKey => `node ${name}`

/** A program that takes connections as they are. */
export interface RawListener {
  readonly kind: 'raw'
  /** undefined: at every address. */
  readonly host: string | undefined
  offer(end: ConnectionEnd): boolean
}

/** A program that answers HTTP. */
export interface HttpListener {
  readonly kind: 'http'
  readonly host: string | undefined
  readonly isClosed: boolean
  /** Over once it is closed. */
  readonly closing: Wait
  /** Absent: it speaks plain. */
  readonly tls: TlsServing | undefined
  answer(request: SimulatedRequest, from: Address): Step<SimulatedResponse>
}

export type ProcessListener = RawListener | HttpListener

export interface DatagramReceiver {
  readonly host: string | undefined
  take(from: Address, bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void
}

export class Stack {
  readonly listeners = new Map<number, ProcessListener[]>()
  readonly receivers = new Map<number, DatagramReceiver[]>()
  readonly ends = new Set<ConnectionEnd>()
  #nextPort = 32_768

  get isIdle(): boolean {
    return this.listeners.size === 0 && this.receivers.size === 0 && this.ends.size === 0
  }

  /** As Linux gives them to clients and to port 0. */
  freePort(): number {
    for (let tries = 0; tries < 28_232; tries++) {
      const port = this.#nextPort
      this.#nextPort = port === 60_999 ? 32_768 : port + 1
      if (!this.listeners.has(port) && !this.receivers.has(port)) return port
    }
    throw new SystemError('EADDRINUSE')
  }

  /** Everyone's connections break off. */
  break(fault: Errno): void {
    for (const end of [...this.ends]) end.break(fault)
  }
}

export class Stacks {
  readonly #stacks = new Map<StackKey, Stack>()
  /** Told when somebody begins or ceases to listen. */
  readonly changed = new Waiters()

  find(key: StackKey): Stack | undefined {
    return this.#stacks.get(key)
  }

  of(key: StackKey): Stack {
    let stack = this.#stacks.get(key)
    if (stack === undefined) {
      stack = new Stack()
      this.#stacks.set(key, stack)
    }
    return stack
  }

  keys(): IterableIterator<StackKey> {
    return this.#stacks.keys()
  }

  /** Called when something of it was closed. */
  tidy(key: StackKey): void {
    if (this.#stacks.get(key)?.isIdle) this.#stacks.delete(key)
  }

  forget(key: StackKey, fault: Errno): void {
    const stack = this.#stacks.get(key)
    if (stack === undefined) return
    stack.break(fault)
    this.#stacks.delete(key)
  }
}

/** Puts one into the port's list; throws EADDRINUSE when its address is taken. Returns how to take it out again. */
export function bindTo<T extends { readonly host: string | undefined }>(
  ports: Map<number, T[]>,
  port: number,
  one: T,
): () => void {
  const there = ports.get(port)
  if (there?.some(other => other.host === undefined || one.host === undefined || other.host === one.host)) {
    throw new SystemError('EADDRINUSE')
  }
  if (there) there.push(one)
  else ports.set(port, [one])
  return () => {
    const list = ports.get(port)
    const index = list?.indexOf(one) ?? -1
    if (index < 0) return
    list!.splice(index, 1)
    if (list!.length === 0) ports.delete(port)
  }
}

/** The one that hears what comes to that address. */
export function boundAt<T extends { readonly host: string | undefined }>(
  ports: ReadonlyMap<number, readonly T[]> | undefined,
  port: number,
  address: string,
): T | undefined {
  return ports?.get(port)?.find(({ host }) => host === undefined || host === address)
}
