// The end of something that many parts wait for: a manager's, a door's, a controller's. Made by whoever has that end in
// hand, in place of a bare AbortController, whose signal Node takes for a leak at the eleventh listener.

import { setMaxListeners } from 'node:events'

export function createEnding(): AbortController {
  const ending = new AbortController()
  // As many as there are informers, recorders and open watches: each takes itself off, or ends with what it listens to.
  setMaxListeners(0, ending.signal)
  return ending
}
