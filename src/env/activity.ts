// Activity: who is still at work. Virtual time may move only when nobody is; that is what makes a run repeatable.
// Held by a work queue while a key is worked, by the store while a commit is under way, by a watch from the moment an
// event is buffered until its reader comes back for the next.

import type { Cancel } from './clock.ts'

export interface Activity {
  /** Runs `work` and counts as busy until it settles. */
  track<T>(work: () => Promise<T>): Promise<T>
  /** Counts as busy until the returned function is called. */
  hold(): Cancel
  /** Resolves when nobody is busy, and still nobody is one macrotask later. */
  idle(): Promise<void>
  /**
   * Runs `run` once nobody is busy, and before `idle` says so: for work whose order must not depend on how long the input
   * and output of others takes (the programs of simulated containers).
   */
  atRest(run: () => void): Cancel
}

export class BusyCount implements Activity {
  readonly #quiet: number
  #busy = 0
  /** Counts holdings, so that one taken and given back between two looks is not missed. */
  #holdings = 0
  #waiting: (() => void)[] = []
  readonly #resting = new Set<() => void>()
  #isLooking = false

  /** `quiet`: macrotasks in which nobody may have been busy. One is enough where all are in one process and no socket is between. */
  constructor(quiet = 1) {
    this.#quiet = quiet
  }

  get busy(): number {
    return this.#busy
  }

  async track<T>(work: () => Promise<T>): Promise<T> {
    const release = this.hold()
    try {
      return await work()
    } finally {
      release()
    }
  }

  hold(): Cancel {
    this.#busy++
    this.#holdings++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      if (--this.#busy === 0 && (this.#waiting.length > 0 || this.#resting.size > 0)) this.#look()
    }
  }

  atRest(run: () => void): Cancel {
    const own = () => run()
    this.#resting.add(own)
    if (this.#busy === 0) this.#look()
    return () => this.#resting.delete(own)
  }

  idle(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      if (this.#busy === 0) this.#look()
    })
  }

  /** Looks again one macrotask later, as often as it is to be quiet: by then every promise that could run has run. */
  #look(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#lookAgain(this.#holdings, this.#quiet)
  }

  #lookAgain(holdings: number, left: number): void {
    setImmediate(() => {
      if (this.#busy > 0 || this.#holdings !== holdings || left === 1) this.#isLooking = false
      if (this.#busy > 0) return
      if (this.#holdings !== holdings) return this.#look()
      if (left > 1) return this.#lookAgain(holdings, left - 1)
      if (this.#resting.size > 0) return this.#rest()
      const waiting = this.#waiting
      this.#waiting = []
      for (const resolve of waiting) resolve()
    })
  }

  #rest(): void {
    const resting = [...this.#resting]
    this.#resting.clear()
    try {
      for (const run of resting) run()
    } finally {
      if (this.#busy === 0) this.#look()
    }
  }
}

/** That of a running cluster, where somebody always is busy: nobody's rest is waited for, only the next turn of the event loop. */
export class PromptBusyCount extends BusyCount {
  override atRest(run: () => void): Cancel {
    const release = this.hold()
    const immediate = setImmediate(() => {
      try {
        run()
      } finally {
        release()
      }
    })
    return () => {
      clearImmediate(immediate)
      release()
    }
  }
}
