// A connection of the simulation as a stream of Node's, and a stream as a connection: what lets Node's own TLS and HTTP speak
// over simulated bytes. Called by tls.ts, and by whoever hands a connection to the API server's door.

import { Duplex } from 'node:stream'
import type { Activity } from '../../src/env/activity.ts'
import type { Env } from '../../src/env/env.ts'
import type { Address, Connection } from '../machine/sockets.ts'
import { SystemError } from '../machine/system-error.ts'
import type { Step } from '../machine/wait.ts'
import { Waiters } from '../machine/waiters.ts'
import { drive } from './drive.ts'

/** Macrotasks until Node has done with what it was given: TLS takes one for each flight and one to say that it is written. */
const turnsOfNode = 4

/** Counts as busy for as long, so that virtual time does not pass within a handshake. */
export function whileNodeWorks(activity: Activity, turns = turnsOfNode): void {
  const release = activity.hold()
  const next = (left: number): void => {
    if (left === 0) release()
    else setImmediate(next, left - 1)
  }
  next(turns)
}

export function streamOf({ activity }: Pick<Env, 'activity'>, connection: Connection): Duplex {
  return new Duplex({
    read() {
      drive({ activity }, connection.read()).then(
        bytes => {
          whileNodeWorks(activity)
          this.push(bytes ?? null)
        },
        error => this.destroy(error as Error),
      )
    },
    write(chunk: Uint8Array, _encoding, written) {
      drive({ activity }, connection.write(chunk)).then(() => {
        whileNodeWorks(activity)
        written()
      }, written)
    },
    final(ended) {
      connection.end()
      ended()
    },
    destroy(error, destroyed) {
      connection.close()
      destroyed(error)
    },
  })
}

/** The other way round: its bytes read and written in steps. */
export class StreamConnection implements Connection {
  readonly local: Address
  readonly remote: Address
  readonly #stream: Duplex
  readonly #activity: Activity
  readonly #changed = new Waiters()
  #held: Uint8Array | undefined
  #isEnded = false
  #fault: Error | undefined

  constructor(
    { activity }: Pick<Env, 'activity'>,
    stream: Duplex,
    { local, remote }: Pick<Connection, 'local' | 'remote'>,
  ) {
    this.local = local
    this.remote = remote
    this.#stream = stream
    this.#activity = activity
    stream.on('readable', () => this.#changed.tell())
    stream.on('drain', () => this.#changed.tell())
    stream.on('end', () => this.#end())
    stream.on('close', () => this.#end())
    stream.on('error', error => {
      this.#fault = error
      this.#changed.tell()
    })
  }

  *read(max = Number.POSITIVE_INFINITY): Step<Uint8Array | undefined> {
    for (;;) {
      const bytes = this.#held ?? (this.#stream.read() as Uint8Array | null)
      if (bytes !== null && bytes !== undefined) {
        this.#held = bytes.length > max ? bytes.subarray(max) : undefined
        return bytes.subarray(0, Math.min(max, bytes.length))
      }
      if (this.#fault) throw faultOf(this.#fault)
      if (this.#isEnded) return undefined
      whileNodeWorks(this.#activity)
      yield this.#changed.until(() => this.#stream.readableLength > 0 || this.#isEnded || this.#fault !== undefined)
    }
  }

  *write(bytes: Uint8Array): Step<void> {
    if (this.#fault) throw faultOf(this.#fault)
    if (this.#stream.writableEnded || this.#stream.destroyed) throw new SystemError('EPIPE')
    whileNodeWorks(this.#activity)
    // The writer may use its buffer again.
    this.#stream.write(Uint8Array.from(bytes))
    const isOver = () => !this.#stream.writableNeedDrain || this.#fault !== undefined || this.#stream.destroyed
    while (!isOver()) yield this.#changed.until(isOver)
  }

  end(): void {
    this.#stream.end()
  }

  /** What was written is still sent. */
  close(): void {
    if (this.#stream.writableFinished || this.#stream.destroyed) this.#stream.destroy()
    else this.#stream.end(() => this.#stream.destroy())
    whileNodeWorks(this.#activity)
  }

  #end(): void {
    this.#isEnded = true
    this.#changed.tell()
  }
}

function faultOf(error: Error): Error {
  return error instanceof SystemError ? error : new SystemError('ECONNRESET')
}
