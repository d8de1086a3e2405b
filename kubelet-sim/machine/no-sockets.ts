// The sockets of a container without a network: nothing is reached and nobody reaches it.

import { NameError, type Sockets } from './sockets.ts'
import { SystemError } from './system-error.ts'

function refuse(): never {
  throw new SystemError('ENETUNREACH')
}

export const noSockets: Sockets = Object.freeze({
  addresses: [],
  // biome-ignore-start lint/correctness/useYield: they only refuse
  *lookup(name: string) {
    throw new NameError(`bad address '${name}'`)
  },
  *query() {
    return refuse()
  },
  *connect() {
    return refuse()
  },
  *exchange() {
    return refuse()
  },
  *ping() {
    return undefined
  },
  *request() {
    return refuse()
  },
  *stream() {
    return refuse()
  },
  // biome-ignore-end lint/correctness/useYield: they only refuse
  listen: refuse,
  bind: refuse,
  serve: refuse,
  serveHealth: refuse,
  share: () => noSockets,
  closeAll() {},
})
