// Kernel: lets the programs of all simulated containers run, one step after another. Containers take turns, so that a loop
// without end harms only its own; after some steps the event loop goes on with everybody else. Counted in steps and not in
// time, the same run is always the same. While anything is to run it is asked for at the env's activity, so that virtual time
// stands; sleepers are one timer of the cluster's clock.

import type { Cancel, Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import { TimerHeap } from '../../src/env/timer-heap.ts'

/** Something that has steps to run: a container's machine. */
export interface Runnable {
  /** Takes at most `budget` steps; how many it took. */
  run(budget: number): number
  /** When it may go on; undefined: it has nothing to run. */
  readonly nextTurn: Millis | undefined
}

/** Before the event loop has its turn: a few milliseconds. */
const stepsInOne = 2000
/** Before the next container has its turn. */
const stepsInTurn = 100

export type KernelEnv = Pick<Env, 'clock' | 'activity' | 'random'>

export class Kernel {
  readonly env: KernelEnv
  readonly #ready = new Set<Runnable>()
  readonly #sleepers = new TimerHeap()
  #isAsked = false
  #timer: Cancel | undefined
  #timerDue: Millis | undefined

  constructor(env: KernelEnv) {
    this.env = env
  }

  /** It has something to run now. */
  ready(machine: Runnable): void {
    this.#ready.add(machine)
    this.#ask()
  }

  forget(machine: Runnable): void {
    this.#ready.delete(machine)
  }

  /** Calls `wake` at that moment; never at once. */
  wakeAt(at: Millis, wake: () => void): Cancel {
    const cancel = this.#sleepers.add(at, wake)
    this.#arm()
    return () => {
      cancel()
      if (this.#sleepers.nextDue !== this.#timerDue) this.#arm()
    }
  }

  #ask(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    this.env.activity.atRest(() => this.#run())
  }

  #run(): void {
    this.#isAsked = false
    let left = stepsInOne
    const now = this.env.clock.now()
    for (const machine of this.#ready) {
      if (left <= 0) break
      this.#ready.delete(machine)
      left -= Math.max(1, machine.run(Math.min(left, stepsInTurn)))
      const next = machine.nextTurn
      if (next === undefined) continue
      if (next <= now) this.#ready.add(machine)
      else this.wakeAt(next, () => this.ready(machine))
    }
    if (this.#ready.size > 0) this.#ask()
  }

  #arm(): void {
    const due = this.#sleepers.nextDue
    if (due === this.#timerDue) return
    this.#timer?.()
    this.#timerDue = due
    const { clock } = this.env
    this.#timer = due === undefined ? undefined : clock.after(due - clock.now(), () => this.#fire())
  }

  #fire(): void {
    this.#timerDue = undefined
    const now = this.env.clock.now()
    for (let wake = this.#sleepers.take(now); wake !== undefined; wake = this.#sleepers.take(now)) wake()
    this.#arm()
  }
}
