// How a program of an image waits until it is told to stop. Called by everything here that serves.

import type { Process, Signal } from '../../machine/process.ts'
import type { Step } from '../../machine/wait.ts'
import { Waiters } from '../../machine/waiters.ts'

export interface Ending {
  /** Ends the wait with this exit code. */
  with(code: number): void
  wait(): Step<number>
}

/** From now on these signals end it with their codes; others do what they do. */
export function endingOn(process: Process, codes: Partial<Record<Signal, number>>): Ending {
  const told = new Waiters()
  let code: number | undefined
  const end = (value: number) => {
    code ??= value
    told.tell()
  }
  for (const [signal, value] of Object.entries(codes)) process.onSignal(signal as Signal, () => end(value))
  const isOver = told.until(() => code !== undefined)
  return {
    with: end,
    *wait() {
      while (code === undefined) yield isOver
      return code
    },
  }
}
