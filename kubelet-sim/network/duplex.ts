// A connection as those outside of a kernel hold it: promises instead of steps. What port-forward pumps bytes through.

import type { Env } from '../../src/env/env.ts'
import type { Connection } from '../machine/sockets.ts'
import { drive } from './drive.ts'

export interface Duplex {
  /** undefined: the other side has ended. Rejects with a SystemError when the connection broke off. */
  read(max?: number): Promise<Uint8Array | undefined>
  /** Resolves when it is on its way; waits while the other side is slow. */
  write(bytes: Uint8Array): Promise<void>
  /** Nothing more is written; reading goes on. */
  end(): void
  close(): void
}

export function duplexOf(env: Pick<Env, 'activity'>, connection: Connection): Duplex {
  return {
    read: max => drive(env, connection.read(max)),
    write: bytes => drive(env, connection.write(bytes)),
    end: () => connection.end(),
    close: () => connection.close(),
  }
}
