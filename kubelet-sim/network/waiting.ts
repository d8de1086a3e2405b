// What network calls of a simulated program wait for besides news (machine/waiters.ts): that time has passed. Whoever runs
// the program (the kernel, or drive.ts outside of one) lets it go on.

import type { Clock, Millis } from '../../src/env/clock.ts'
import { SystemError } from '../machine/system-error.ts'
import type { Step, Wait } from '../machine/wait.ts'
import { either } from '../machine/waiters.ts'

/** Until that moment of the cluster's clock. */
export function until(clock: Clock, at: Millis): Wait {
  return { isOver: () => clock.now() >= at, park: wake => clock.after(at - clock.now(), wake) }
}

/** Until the wait is over, or that moment is there. */
export function orUntil(wait: Wait, clock: Clock, at: Millis): Wait {
  return either(wait, until(clock, at))
}

export function* pass(clock: Clock, millis: Millis): Step<void> {
  if (millis <= 0) return
  const wait = until(clock, clock.now() + millis)
  while (!wait.isOver()) yield wait
}

/** What waits for nothing. */
// biome-ignore lint/correctness/useYield: it is a step all the same
export function* done<T>(value: T): Step<T> {
  return value
}

/** Gives the step up at that moment, with ETIMEDOUT. */
export function* within<T>(clock: Clock, deadline: Millis | undefined, step: Step<T>): Step<T> {
  if (deadline === undefined) return yield* step
  let isDone = false
  try {
    for (;;) {
      const result = step.next()
      if (result.done) {
        isDone = true
        return result.value
      }
      const wait = orUntil(result.value, clock, deadline)
      while (!wait.isOver()) yield wait
      if (!result.value.isOver()) throw new SystemError('ETIMEDOUT')
    }
  } finally {
    if (!isDone) step.return(undefined as T)
  }
}
