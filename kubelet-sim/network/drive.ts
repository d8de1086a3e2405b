// Runs a step of the simulated network where no kernel does: for requests from outside, and for the far side of a connection
// that is only told of. While it has something to do it counts as busy, so that virtual time stands.

import type { Cancel } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import type { Step } from '../machine/wait.ts'

export function drive<T>(
  { activity }: Pick<Env, 'activity'>,
  step: Step<T>,
  signal?: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let cancel: Cancel | undefined
    let isDone = false
    const stop = () => {
      if (isDone) return
      isDone = true
      cancel?.()
      try {
        step.return(undefined as T)
      } catch {
        // What it says while it is ended nobody hears.
      }
      reject(signal?.reason)
    }
    const run = () => {
      cancel = undefined
      if (isDone) return
      try {
        for (;;) {
          const { done, value } = step.next()
          if (done) {
            finish()
            return resolve(value)
          }
          if (value.isOver()) continue
          cancel = value.park(wake)
          return
        }
      } catch (error) {
        finish()
        reject(error)
      }
    }
    const wake = () => {
      const release = activity.hold()
      queueMicrotask(() => {
        try {
          run()
        } finally {
          release()
        }
      })
    }
    function finish(): void {
      isDone = true
      signal?.removeEventListener('abort', stop)
    }
    if (signal?.aborted) return stop()
    signal?.addEventListener('abort', stop, { once: true })
    run()
  })
}
