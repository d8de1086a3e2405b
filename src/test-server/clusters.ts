// The clusters of a test server: made, found, counted and ended. One more of the kind that was asked for last is made ready as
// soon as nobody asks for anything, so that the next one is there at once: in virtual time it is the same as one made later.

import { ApiError } from '../api/errors.ts'
import type { Cancel, Millis } from '../env/clock.ts'
import { type Running, type Surroundings, startRunning } from './running.ts'
import { likenessOf, type Wish } from './wish.ts'

export interface Kept {
  readonly name: string
  readonly wish: Wish
  readonly running: Running
  /** Since when, on the wall. */
  readonly since: Millis
  /** To be called when somebody asks it something; what it gives, when he has his answer. */
  asked(): Cancel
  /** A connection that is to end with the cluster. */
  holds(connection: Connection): void
}

interface Connection {
  destroy(): unknown
  once(event: 'close', run: () => void): unknown
}

export interface ClustersOptions {
  /** How many there may be at once. */
  readonly most: number
}

/** So long nobody may have asked for anything before the spare one is made. */
const calm: Millis = 10

export class Clusters {
  readonly #around: Surroundings
  readonly #most: number
  readonly #kept = new Map<string, Kept & { end(): Promise<void> }>()
  /** Names that are taken by what is still being made. */
  readonly #making = new Set<string>()
  #spare: { readonly likeness: string; readonly running: Promise<Running> } | undefined
  #lastAsked: Millis = 0
  #preparing: Cancel | undefined
  #count = 0
  #isClosed = false

  constructor(around: Surroundings, { most }: ClustersOptions) {
    this.#around = around
    this.#most = most
  }

  get all(): readonly Kept[] {
    return [...this.#kept.values()]
  }

  /** Throws ApiError NotFound. */
  get(name: string): Kept {
    const kept = this.#kept.get(name)
    if (kept !== undefined) return kept
    throw new ApiError(
      'NotFound',
      `clusters "${name}" not found: it was never made, has been deleted, or was not used for too long`,
    )
  }

  /** Throws ApiError AlreadyExists, TooManyRequests, NotFound (of `from`), BadRequest. */
  async make(wish: Wish): Promise<Kept> {
    const name = wish.name ?? this.#freeName()
    if (this.#kept.has(name) || this.#making.has(name)) {
      throw new ApiError('AlreadyExists', `clusters "${name}" already exists`)
    }
    if (this.#kept.size + this.#making.size >= this.#most) {
      const there = this.#most === 1 ? 'is 1 cluster' : `are ${this.#most} clusters`
      const message = `there ${there}, and no more may be: delete one, or start the server with a higher --most`
      throw new ApiError('TooManyRequests', message)
    }
    const snapshot = wish.from === undefined ? undefined : this.get(wish.from).running.snapshot()
    this.#making.add(name)
    try {
      const running = await (this.#takeSpare(wish) ?? startRunning(wish, this.#around, snapshot))
      if (this.#isClosed) {
        await running.close()
        throw new ApiError('ServiceUnavailable', 'the test server is ending')
      }
      const kept = this.#keep(name, wish, running)
      this.#prepareLater(wish)
      return kept
    } finally {
      this.#making.delete(name)
    }
  }

  /** Makes one ready that nobody has asked for yet, in place of another such. */
  async prepare(wish: Wish): Promise<void> {
    const likeness = likenessOf(wish)
    const before = this.#spare
    if (before?.likeness === likeness) return
    const running = startRunning(wish, this.#around)
    this.#spare = { likeness, running }
    // Whoever takes it hears of it, too.
    running.catch(() => {})
    await (await before?.running.catch(() => undefined))?.close()
    await running
  }

  /** Throws ApiError NotFound. Resolves when nothing is left of it. */
  async end(name: string): Promise<void> {
    this.get(name)
    await this.#kept.get(name)!.end()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#preparing?.()
    await Promise.all([...this.#kept.values()].map(kept => kept.end()))
    await (await this.#spare?.running.catch(() => undefined))?.close()
  }

  #keep(name: string, wish: Wish, running: Running): Kept {
    const { wall } = this.#around
    const { ttl } = wish
    const connections = new Set<Connection>()
    let asking = 0
    let expiry: Cancel | undefined
    const rest = (): void => {
      if (ttl > 0) expiry = wall.after(ttl, () => void kept.end())
    }
    const kept = {
      name,
      wish,
      running,
      since: wall.now(),
      asked: () => {
        this.#lastAsked = wall.now()
        expiry?.()
        asking++
        let isOver = false
        return () => {
          if (isOver) return
          isOver = true
          if (--asking === 0 && this.#kept.get(name) === kept) rest()
        }
      },
      holds(connection: Connection) {
        connections.add(connection)
        connection.once('close', () => connections.delete(connection))
      },
      end: async () => {
        if (this.#kept.get(name) !== kept) return
        this.#kept.delete(name)
        expiry?.()
        for (const connection of connections) connection.destroy()
        await running.close()
      },
    }
    this.#kept.set(name, kept)
    rest()
    return kept
  }

  #freeName(): string {
    for (;;) {
      const name = `cluster-${++this.#count}`
      if (!this.#kept.has(name) && !this.#making.has(name)) return name
    }
  }

  #takeSpare(wish: Wish): Promise<Running> | undefined {
    if (!canBePrepared(wish) || this.#spare?.likeness !== likenessOf(wish)) return undefined
    const { running } = this.#spare
    this.#spare = undefined
    return running
  }

  #prepareLater(wish: Wish): void {
    this.#preparing?.()
    if (!canBePrepared(wish) || this.#isClosed) return
    const { wall } = this.#around
    const look = (): void => {
      const since = wall.now() - this.#lastAsked
      if (since < calm) this.#preparing = wall.after(calm - since, look)
      else void this.prepare(wish).catch(() => {})
    }
    this.#lastAsked = wall.now()
    this.#preparing = wall.after(calm, look)
  }
}

/** In real time one that waits would grow old; what another was may change. */
const canBePrepared = ({ clock, from }: Wish): boolean => clock === 'virtual' && from === undefined
