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
}

export class BusyCount implements Activity {
  #busy = 0
  /** Counts holdings, so that one taken and given back between two looks is not missed. */
  #holdings = 0
  #waiting: (() => void)[] = []
  #isLooking = false

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
      if (--this.#busy === 0 && this.#waiting.length > 0) this.#look()
    }
  }

  idle(): Promise<void> {
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      if (this.#busy === 0) this.#look()
    })
  }

  /** Looks again one macrotask later: by then every promise that could run has run. */
  #look(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    const holdings = this.#holdings
    setImmediate(() => {
      this.#isLooking = false
      if (this.#busy > 0) return
      if (this.#holdings !== holdings) return this.#look()
      const waiting = this.#waiting
      this.#waiting = []
      for (const resolve of waiting) resolve()
    })
  }
}
