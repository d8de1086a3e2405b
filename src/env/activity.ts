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
