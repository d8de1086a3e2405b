// Several steps of one process at once, as threads of a program: each goes on when what it waits for is over. Used by servers
// that accept connections and datagrams beside waiting for their end.

import type { Step, Wait } from '../../machine/wait.ts'
import { either, turn, Waiters } from '../../machine/waiters.ts'

interface Thread {
  readonly step: Step<unknown>
  wait: Wait | undefined
}

export class Threads {
  readonly #all = new Set<Thread>()
  readonly #more = new Waiters()
  #added = 0

  add(step: Step<unknown>): void {
    this.#all.add({ step, wait: undefined })
    this.#added++
    this.#more.tell()
  }

  /** Until `main` is over: the others are given up then. */
  *run<T>(main: Step<T>): Step<T> {
    let result: { readonly value: T } | undefined
    this.add(
      (function* () {
        result = { value: yield* main }
      })(),
    )
    try {
      for (;;) {
        let moved = false
        for (const thread of [...this.#all]) {
          if (thread.wait !== undefined && !thread.wait.isOver()) continue
          moved = true
          const next = thread.step.next()
          if (next.done) this.#all.delete(thread)
          else thread.wait = next.value
          if (result !== undefined) return result.value
        }
        yield moved ? turn : this.#any()
      }
    } finally {
      for (const { step } of this.#all) step.return(undefined)
      this.#all.clear()
    }
  }

  #any(): Wait {
    const seen = this.#added
    let any: Wait = this.#more.until(() => this.#added !== seen)
    for (const { wait } of this.#all) if (wait !== undefined) any = either(any, wait)
    return any
  }
}
