// Outlet: where bytes leave the simulation: a container's log, a client of exec or attach. As a descriptor of a process it
// waits while its reader is slow, and is a broken pipe once that has gone.

import type { Cancel } from '../../src/env/clock.ts'
import type { Stream } from './process.ts'
import { SystemError } from './system-error.ts'
import type { Wait } from './wait.ts'
import { fileBytes, logBytes, moved } from './waiters.ts'

export interface Outlet {
  write(bytes: Uint8Array): void
  /** The reader is slow: nothing more for now. */
  readonly isFull?: boolean
  /** Its reader takes no more than it can: what is written costs no more than a file does. */
  readonly isPaced?: boolean
  /** Nobody reads any more. */
  readonly isGone?: boolean
  /** Calls `wake` once one of the two may be another; never at once. */
  park?(wake: () => void): Cancel
  /** The last process that could write has ended or closed it. */
  end?(): void
}

export function outletStream(outlet: Outlet): Stream {
  let holders = 1
  const hasRoom: Wait = {
    isOver: () => outlet.isFull !== true || outlet.isGone === true,
    park: wake => outlet.park?.(wake) ?? (() => {}),
  }
  return {
    // biome-ignore lint/correctness/useYield: it only refuses
    *read() {
      throw new SystemError('EBADF')
    },
    *write(bytes) {
      if (bytes.length === 0) return
      yield moved(bytes.length, outlet.isPaced === true ? fileBytes : logBytes)
      while (!hasRoom.isOver()) yield hasRoom
      if (outlet.isGone) throw new SystemError('EPIPE')
      outlet.write(bytes)
    },
    close() {
      if (--holders === 0) outlet.end?.()
    },
    share() {
      holders++
      return this
    },
  }
}
