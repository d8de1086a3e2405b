// Those who speak to a cluster over a door while its time is moved by hand: a controller in Go, or one in this process with
// sockets between. Whether they are still at work cannot be seen from here, so they are given time. Called by own-paths.ts and
// by the library.

import type { Clock, Millis } from './env/clock.ts'

/** What a door knows of them. */
export interface Outside {
  /** How many watches and other long requests are open. */
  readonly watching: number
  /** How many requests there have been. */
  readonly asked: number
  readonly wall: Clock
}

/** Who watches is given so long to answer a change, unless something else is asked for. */
const usualPatience: Millis = 20

/** Of who is in this process no message is on its way any more, when for so many turns of the event loop nothing was asked. */
const calmTurns = 25

/** A turn for them, to be had before time goes on (ClockControl): so long on the wall, and until they ask for nothing more. */
export async function turnOf(outside: Outside, patience?: Millis): Promise<void> {
  const wait = patience ?? (outside.watching > 0 ? usualPatience : 0)
  if (wait > 0) await outside.wall.sleep(wait)
  if (outside.watching === 0) return
  let seen = outside.asked
  for (let calm = 0; calm < calmTurns; calm++) {
    await new Promise(resolve => setImmediate(resolve))
    if (outside.asked !== seen) calm = 0
    seen = outside.asked
  }
}
