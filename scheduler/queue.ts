// The pods that wait for a node: ready to be tried (by priority, then by age), kept back for a while after a failure, or
// asleep until something happens that could help. Called by scheduler.ts; it is told the time and keeps no timers.
// After pkg/scheduler/backend/queue: back-off 1 s doubling to 10 s, at most 5 minutes asleep.

import type { Pod } from '../generated/types.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { Heap } from './heap.ts'
import type { Change, Plugin } from './plugin.ts'

/** A waiting pod; it keeps its history from one attempt to the next. */
export interface Waiting {
  pod: Frozen<Pod>
  attempts: number
  /** When it last came into the queue, and the order among those of the same moment. */
  since: Millis
  turn: number
  readyAt: Millis
  refusedBy: ReadonlySet<string>
  place: Place
  /** Pods are being evicted for it: it is not tried before that is done, but what could help it is not forgotten. */
  evicting: 'no' | 'yes' | 'yes, and woken'
  /** Something may have helped it, but less likely than what it waits for: it is tried when its back-off is over. */
  isPatient: boolean
}

/** `gated`: not to be tried before its scheduling gates are gone. `taken`: being scheduled, or already bound. */
type Place = 'ready' | 'backing off' | 'penalised' | 'asleep' | 'gated' | 'taken' | 'gone'

const longestSleep = 5 * 60_000

/** After the n-th failed attempt; without one, none. */
export function backoffAfter(attempts: number, { firstBackoff = 1000, longestBackoff = 10_000 }: Backoff = {}): Millis {
  return attempts <= 0 ? 0 : Math.min(longestBackoff, firstBackoff * 2 ** Math.min(attempts - 1, 20))
}

export interface Backoff {
  readonly firstBackoff?: Millis
  readonly longestBackoff?: Millis
}

/** What the queue has to know of the scheduler that a pod names. */
export interface QueueRules {
  readonly plugins: readonly Plugin[]
  readonly heedsGates?: boolean
}

export class SchedulingQueue {
  readonly #rulesFor: (pod: Frozen<Pod>) => QueueRules
  readonly #backoff: Backoff
  readonly #waiting = new Map<string, Waiting>()
  readonly #asleep = new Set<Waiting>()
  readonly #ready = new Heap<Entry>(byPriority)
  readonly #backingOff = new Heap<Entry>(byReadiness)
  readonly #penalised = new Heap<Entry>(byReadiness)
  readonly #patient = new Heap<Entry>(byReadiness)
  #turns = 0

  constructor(rulesFor: (pod: Frozen<Pod>) => QueueRules, backoff: Backoff = {}) {
    this.#rulesFor = rulesFor
    this.#backoff = backoff
  }

  get(uid: string): Waiting | undefined {
    return this.#waiting.get(uid)
  }

  /** A pod without a node came, or changed. */
  put(pod: Frozen<Pod>, now: Millis): void {
    const uid = pod.metadata.uid!
    const old = this.#waiting.get(uid)
    const isGated = (pod.spec.schedulingGates?.length ?? 0) > 0 && (this.#rulesFor(pod).heedsGates ?? true)
    if (old === undefined) {
      const waiting: Waiting = {
        pod,
        attempts: 0,
        since: now,
        turn: 0,
        readyAt: now,
        refusedBy: new Set(),
        place: 'gated',
        evicting: 'no',
        isPatient: false,
      }
      this.#waiting.set(uid, waiting)
      if (!isGated) this.#makeReady(waiting, now)
      return
    }
    const before = old.pod
    old.pod = pod
    if (isGated) {
      if (old.place !== 'taken') this.#move(old, 'gated')
    } else if (old.place === 'gated') {
      this.#makeReady(old, now)
    } else if (old.place === 'asleep' && asksForSomethingElse(pod, before)) {
      this.#wakeUp(old, now)
    }
  }

  remove(uid: string): void {
    const waiting = this.#waiting.get(uid)
    if (waiting === undefined) return
    this.#move(waiting, 'gone')
    this.#waiting.delete(uid)
  }

  /**
   * The next pod to try. When none is ready, one that only backs off may come early, since nobody is kept waiting by it
   * (upstream's SchedulerPopFromBackoffQ); one that failed for another reason than lack of room has to sit out its time.
   */
  pop(now: Millis): Waiting | undefined {
    for (const heap of [this.#backingOff, this.#penalised, this.#patient]) {
      for (let entry = heap.peek(); entry !== undefined; entry = heap.peek()) {
        if (isCurrent(entry) && entry.waiting.readyAt > now) break
        heap.pop()
        if (isCurrent(entry)) this.#makeReady(entry.waiting, now)
      }
    }
    // They fell asleep one after the other, so the first has slept longest.
    for (const waiting of this.#asleep) {
      if (waiting.since + longestSleep > now) break
      this.#wakeUp(waiting, now)
    }
    for (const heap of [this.#ready, this.#backingOff]) {
      for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) {
        if (!isCurrent(entry)) continue
        this.#move(entry.waiting, 'taken')
        entry.waiting.attempts++
        return entry.waiting
      }
    }
    return undefined
  }

  /** No node would have it: it sleeps until something that its refusers wait for. */
  sleep(waiting: Waiting, refusedBy: ReadonlySet<string>, now: Millis): void {
    if (waiting.place !== 'taken') return
    waiting.refusedBy = refusedBy
    waiting.since = now
    waiting.readyAt = now + backoffAfter(waiting.attempts, this.#backoff)
    this.#move(waiting, 'asleep')
    this.#asleep.add(waiting)
  }

  /** Its way out is being cleared. */
  hold(waiting: Waiting): void {
    waiting.evicting = 'yes'
  }

  /** Says whether there is one more to try now. */
  release(waiting: Waiting, isToBeTried: boolean, now: Millis): boolean {
    const wasWoken = waiting.evicting === 'yes, and woken'
    waiting.evicting = 'no'
    if (waiting.place !== 'asleep' || !(wasWoken || isToBeTried)) return false
    this.#wakeUp(waiting, now)
    return true
  }

  /** Something went wrong that was not the pod's fault: it is tried again after its time. */
  penalise(waiting: Waiting, now: Millis): void {
    if (waiting.place !== 'taken') return
    waiting.since = now
    waiting.readyAt = now + backoffAfter(waiting.attempts, this.#backoff)
    this.#enter(this.#penalised, waiting, 'penalised')
  }

  /**
   * Wakes those for whom the change could make a difference; says whether there was one. Those who wait for something
   * better, and so are patient, are tried when their back-off is over: or each victim that goes would wake all that wait
   * for another.
   */
  wake(change: Change, now: Millis, isPatient?: (pod: Frozen<Pod>) => boolean): boolean {
    let hasWoken = false
    for (const waiting of this.#asleep) {
      const mayWait = isPatient?.(waiting.pod) === true && waiting.readyAt > now
      if (mayWait && waiting.isPatient) continue
      if (!this.#couldHelp(waiting, change)) continue
      if (mayWait) {
        waiting.isPatient = true
        this.#patient.push({ waiting, turn: waiting.turn, priority: waiting.pod.spec.priority ?? 0 })
        hasWoken = true
        continue
      }
      this.#wakeUp(waiting, now)
      hasWoken = true
    }
    return hasWoken
  }

  /** When there will be something to do that no change announces. */
  nextDue(): Millis | undefined {
    let due: Millis | undefined
    const consider = (at: Millis): void => {
      if (due === undefined || at < due) due = at
    }
    for (const heap of [this.#backingOff, this.#penalised, this.#patient]) {
      while (heap.peek() !== undefined && !isCurrent(heap.peek()!)) heap.pop()
      const entry = heap.peek()
      if (entry !== undefined) consider(entry.waiting.readyAt)
    }
    for (const { since } of this.#asleep) {
      consider(since + longestSleep)
      break
    }
    return due
  }

  #couldHelp({ pod, refusedBy }: Waiting, change: Change): boolean {
    // Nobody refused it: there were no nodes at all.
    if (refusedBy.size === 0) return true
    for (const plugin of this.#rulesFor(pod).plugins) {
      if (!refusedBy.has(plugin.name) || !plugin.wakes?.includes(change.kind)) continue
      if (plugin.helps?.(pod, change) ?? true) return true
    }
    return false
  }

  #wakeUp(waiting: Waiting, now: Millis): void {
    if (waiting.evicting !== 'no') {
      waiting.evicting = 'yes, and woken'
      return
    }
    if (waiting.readyAt > now) this.#enter(this.#backingOff, waiting, 'backing off')
    else this.#makeReady(waiting, now)
  }

  #makeReady(waiting: Waiting, now: Millis): void {
    waiting.since = now
    this.#enter(this.#ready, waiting, 'ready')
  }

  #enter(heap: Heap<Entry>, waiting: Waiting, place: Place): void {
    this.#move(waiting, place)
    heap.push({ waiting, turn: waiting.turn, priority: waiting.pod.spec.priority ?? 0 })
  }

  /** Leaving a place makes its entry stale. */
  #move(waiting: Waiting, place: Place): void {
    if (waiting.place === 'asleep') this.#asleep.delete(waiting)
    waiting.isPatient = false
    waiting.place = place
    waiting.turn = ++this.#turns
  }
}

interface Entry {
  readonly waiting: Waiting
  readonly turn: number
  readonly priority: number
}

const isCurrent = ({ waiting, turn }: Entry): boolean => waiting.turn === turn

function byPriority(one: Entry, other: Entry): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority
  return one.turn < other.turn
}

function byReadiness(one: Entry, other: Entry): boolean {
  if (one.waiting.readyAt !== other.waiting.readyAt) return one.waiting.readyAt < other.waiting.readyAt
  return byPriority(one, other)
}

/** A pod's status is of no interest here; what it asks for, and how others see it, is. */
function asksForSomethingElse(now: Frozen<Pod>, before: Frozen<Pod>): boolean {
  return !jsonEqual(now.spec, before.spec) || !jsonEqual(now.metadata.labels, before.metadata.labels)
}
