// Clock control: the cluster's time in somebody's hand. Paused, every request is still answered and nothing moves by itself:
// the clock stands still and the gate of the work queues is closed. A step lets one piece of work through; an advance fires
// the timers on the way in order, each when all that the one before set off is done. Called by own-paths.ts (for the command
// and for HTTP) and by the library.

import type { RevisionStore } from '../apiserver/storage/revision-store.ts'
import type { StorageEvent } from '../apiserver/storage/storage.ts'
import { ApiError, badRequest } from './api/errors.ts'
import { rfc3339Milli } from './api/time.ts'
import type { Millis, MovableClock } from './env/clock.ts'
import type { Env } from './env/env.ts'
import type { Piece } from './env/gate.ts'

/** A clock that may also run by itself. */
type ControlledClock = MovableClock & { speed?: number }

/** What time it is, how it passes, and what waits for it. Times are RFC 3339 with milliseconds; `speed` is a factor upon the wall's. */
export interface ClockStatus {
  readonly kind: 'Clock'
  readonly apiVersion: 'kubesim.dev/v1alpha1'
  readonly time: string
  readonly wall: string
  readonly speed: number
  readonly paused: boolean
  /** What is ready to be worked and held back, first come first; of a running clock none is. */
  readonly waiting: readonly Piece[]
  /** When the next timer is due. */
  readonly nextTimer?: string
  /** An advance under way. */
  readonly advancing?: { readonly from: string; readonly to: string }
  /** Components that this clock does not drive, since they are not in this process. */
  readonly apart: readonly string[]
  readonly revision: number
}

export interface Change {
  readonly revision: number
  readonly type: StorageEvent['type']
  /** `pods`, `deployments.apps` */
  readonly resource: string
  readonly namespace?: string
  readonly name: string
}

/** What one step did. */
export interface Step {
  readonly kind: 'ClockStep'
  readonly apiVersion: 'kubesim.dev/v1alpha1'
  readonly time: string
  /** How far time had to move before there was anything to do. */
  readonly waited: Millis
  /** What was let through; absent when a timer of its own did something, or nothing happened at all. */
  readonly work?: Piece
  readonly writes: readonly Change[]
  /** How many are ready now. */
  readonly waiting: number
}

/** What an advance came to: from and to which time, how many timers fired and how many writes there were. */
export interface Advanced {
  readonly kind: 'ClockAdvance'
  readonly apiVersion: 'kubesim.dev/v1alpha1'
  readonly from: string
  readonly to: string
  readonly timers: number
  readonly writes: number
  /** False when who asked for it left before it was done. */
  readonly whole: boolean
}

/** What became of the wish that all be at rest. */
export interface Settled {
  readonly kind: 'ClockSettle'
  readonly apiVersion: 'kubesim.dev/v1alpha1'
  readonly from: string
  readonly to: string
  readonly writes: number
  /** False when it was not at rest within the limit, or who asked for it left. */
  readonly settled: boolean
  /** What was still being written then, newest last. */
  readonly unsettled: readonly Change[]
}

/** Who may stop a move of time, and whom it waits for. */
export interface Moving {
  /** Who aborts leaves time where it is. */
  readonly signal?: AbortSignal | undefined
  /**
   * For those whose work is not seen from here (a controller behind a socket): called when all is at rest and something was
   * written since, before time goes on; resolves when they have had their turn.
   */
  readonly outside?: (() => Promise<void>) | undefined
}

const heartbeats = 'kube-node-lease'
/** At rest is who has written nothing but heartbeats for so long. */
const quiet: Millis = 60_000
const apiVersion = 'kubesim.dev/v1alpha1'
/** A step looks no further than this for something that happens. */
const furthestStep: Millis = 3_600_000
const longestAdvance: Millis = 366 * 86_400_000
const fastest = 100_000

/** A cluster's time in hand: pause, step, advance, settle; of a clock that runs by itself also its speed. */
export class ClockControl {
  readonly #env: Env
  readonly #clock: ControlledClock
  readonly #storage: RevisionStore
  readonly #apart: readonly string[]
  #speed: number
  #isPaused = false
  #moving: { readonly from: Millis; readonly to: Millis } | undefined

  constructor(env: Env, storage: RevisionStore, apart: readonly string[] = []) {
    this.#env = env
    // Both clocks there are can be moved.
    this.#clock = env.clock as ControlledClock
    this.#storage = storage
    this.#apart = apart
    this.#speed = this.#clock.speed ?? 0
  }

  /** Whether nothing moves by itself: after `pause` and `step`, until `resume`. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** What time it is and what is waiting. */
  status(): ClockStatus {
    const { nextDue } = this.#clock
    return {
      kind: 'Clock',
      apiVersion,
      time: rfc3339Milli(this.#clock.now()),
      wall: rfc3339Milli(this.#env.wall.now()),
      speed: this.#speed,
      paused: this.#isPaused,
      waiting: this.#env.gate.waiting,
      ...(nextDue === undefined ? {} : { nextTimer: rfc3339Milli(nextDue) }),
      ...(this.#moving && {
        advancing: { from: rfc3339Milli(this.#moving.from), to: rfc3339Milli(this.#moving.to) },
      }),
      apart: this.#apart,
      revision: this.#storage.revision,
    }
  }

  /** Nothing moves by itself any more; every request is still answered. Throws ApiError Conflict while time is being moved. */
  pause(): ClockStatus {
    this.#requireRest()
    this.#isPaused = true
    this.#env.gate.close()
    this.#run()
    return this.status()
  }

  /** Work is done again, and a clock that runs by itself runs. Throws ApiError Conflict while time is being moved. */
  resume(): ClockStatus {
    this.#requireRest()
    this.#isPaused = false
    this.#env.gate.open()
    this.#run()
    return this.status()
  }

  /** 1 as the wall, 60 a minute in a second. A pause is not ended by it. Throws ApiError BadRequest. */
  setSpeed(speed: number): ClockStatus {
    if (!(speed > 0 && speed <= fastest))
      throw badRequest(`the speed is a number above 0 and up to ${fastest}, not ${speed}`)
    if (this.#clock.speed === undefined) throw badRequest('virtual time has no speed: it moves when it is moved')
    this.#requireRest()
    this.#speed = speed
    this.#run()
    return this.status()
  }

  /** Lets one thing happen, then stands still. Of a cluster that runs it makes one that is paused. */
  async step(): Promise<Step> {
    this.pause()
    return this.#moved(this.#clock.now(), async () => {
      const begun = this.#clock.now()
      const writes: Change[] = []
      const stop = this.#storage.subscribe('', this.#storage.revision, events => writes.push(...events.map(changeOf)))
      let work: Piece | undefined
      try {
        await this.#env.activity.idle()
        writes.length = 0
        for (;;) {
          work = this.#env.gate.admitOne()
          if (work !== undefined) {
            await this.#env.activity.idle()
            break
          }
          // That the nodes are well is said all the time: it is no event.
          if (writes.some(({ namespace }) => namespace !== heartbeats)) break
          writes.length = 0
          if (!this.#clock.fireNext(begun + furthestStep)) break
          await this.#env.activity.idle()
        }
      } finally {
        stop()
      }
      const waiting = this.#env.gate.waiting.length
      const now = this.#clock.now()
      const step = { time: rfc3339Milli(now), waited: now - begun, ...(work && { work }), writes, waiting }
      return { kind: 'ClockStep', apiVersion, ...step } as const
    })
  }

  /** Moves time by so much; then it goes on as it did, or stands still again. */
  async advance(by: Millis, moving: Moving = {}): Promise<Advanced> {
    if (!(by > 0 && by <= longestAdvance))
      throw badRequest('time is advanced by more than nothing and by at most 366 days')
    this.#requireRest()
    const from = this.#clock.now()
    const to = from + Math.ceil(by)
    return this.#moved(to, async () => {
      const before = this.#storage.revision
      const timers = await this.#pass(to, moving)
      const reached = this.#clock.now()
      const writes = this.#storage.revision - before
      const told = { from: rfc3339Milli(from), to: rfc3339Milli(reached), timers, writes, whole: reached >= to }
      return { kind: 'ClockAdvance', apiVersion, ...told } as const
    })
  }

  /** Moves time, at most by `limit`, until the claim holds, which is asked whenever all is at rest. Whether it does. */
  async until(claim: () => boolean, limit: Millis, moving: Moving = {}): Promise<boolean> {
    this.#requireRest()
    const end = this.#clock.now() + Math.ceil(limit)
    let holds = false
    await this.#moved(end, () =>
      this.#pass(end, moving, () => {
        holds = claim()
        return holds
      }),
    )
    return holds
  }

  /** Moves time until for a minute nothing was written but heartbeats, and at most by `limit`. */
  async settle(limit: Millis, moving: Moving = {}): Promise<Settled> {
    if (!(limit > 0 && limit <= longestAdvance)) throw badRequest('a limit is more than nothing and at most 366 days')
    this.#requireRest()
    const from = this.#clock.now()
    const end = from + Math.ceil(limit)
    return this.#moved(end, async () => {
      const before = this.#storage.revision
      let last = from
      let recent: Change[] = []
      const stop = this.#storage.subscribe('', before, events => {
        const changes = events.map(changeOf).filter(({ namespace }) => namespace !== heartbeats)
        if (changes.length === 0) return
        last = this.#clock.now()
        recent = [...recent, ...changes].slice(-5)
      })
      const isSettled = (): boolean => this.#clock.now() - last >= quiet
      try {
        await this.#pass(end, moving, isSettled, () => last + quiet)
      } finally {
        stop()
      }
      const settled = isSettled()
      return {
        kind: 'ClockSettle',
        apiVersion,
        from: rfc3339Milli(from),
        to: rfc3339Milli(this.#clock.now()),
        writes: this.#storage.revision - before,
        settled,
        unsettled: settled ? [] : recent,
      } as const
    })
  }

  /** From timer to timer up to `end`, or until it is done; no further at once than to `next`. How many timers there were. */
  async #pass(
    end: Millis,
    { signal, outside }: Moving,
    isDone: () => boolean = () => false,
    next: () => Millis = () => end,
  ): Promise<number> {
    const turns = this.#turnsOf(outside)
    let timers = 0
    this.#env.gate.open()
    try {
      for (;;) {
        await this.#env.activity.idle()
        if (await turns.taken()) continue
        if (signal?.aborted || isDone()) return timers
        if (this.#clock.fireNext(Math.min(next(), end))) timers++
        else if (this.#clock.now() >= end) return timers
      }
    } finally {
      turns.end()
      if (this.#isPaused) this.#env.gate.close()
    }
  }

  /** Whose turn it is when something was written. `taken` is true when there was one, after which there may be work again. */
  #turnsOf(outside: Moving['outside']): { taken(): Promise<boolean>; end(): void } {
    if (outside === undefined) return { taken: async () => false, end: () => {} }
    let isDue = true
    const end = this.#storage.subscribe('', this.#storage.revision, events => {
      isDue ||= events.some(event => changeOf(event).namespace !== heartbeats)
    })
    return {
      async taken() {
        if (!isDue) return false
        isDue = false
        await outside()
        return true
      },
      end,
    }
  }

  /** While it is moved by hand the clock does not run by itself. */
  async #moved<R>(to: Millis, move: () => Promise<R>): Promise<R> {
    if (this.#clock.speed !== undefined) this.#clock.speed = 0
    this.#moving = { from: this.#clock.now(), to }
    try {
      return await this.#storage.relaxed(move)
    } finally {
      this.#moving = undefined
      this.#run()
    }
  }

  #run(): void {
    if (this.#clock.speed !== undefined) this.#clock.speed = this.#isPaused ? 0 : this.#speed
  }

  #requireRest(): void {
    if (this.#moving === undefined) return
    const to = rfc3339Milli(this.#moving.to)
    throw new ApiError('Conflict', `the clock is being moved to ${to}: wait until it is there`)
  }
}

function changeOf({ revision, type, key }: StorageEvent): Change {
  return { revision, type, ...whatAt(key) }
}

/** `/registry/apps/deployments/default/web` for people. */
function whatAt(key: string): Pick<Change, 'resource' | 'namespace' | 'name'> {
  const [group, plural, ...rest] = key.split('/').slice(2)
  const resource = group === 'core' ? plural! : `${plural}.${group}`
  return rest.length > 1 ? { resource, namespace: rest[0]!, name: rest[1]! } : { resource, name: rest[0]! }
}
