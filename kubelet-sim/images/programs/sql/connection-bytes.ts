// Bytes of a connection as protocols of databases want them: exactly so many, or a line, whatever the pieces they come in.

import type { Connection } from '../../../machine/sockets.ts'
import type { Step } from '../../../machine/wait.ts'

export class ConnectionBytes {
  readonly connection: Connection
  #left: Buffer = Buffer.alloc(0)

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** undefined: the other side has ended before. */
  *take(length: number): Step<Buffer | undefined> {
    while (this.#left.length < length) {
      const more = yield* this.connection.read(65_536)
      if (more === undefined) return undefined
      this.#left = Buffer.concat([this.#left, more])
    }
    const taken = this.#left.subarray(0, length)
    this.#left = this.#left.subarray(length)
    return taken
  }

  /** Up to the end of the line, without it. */
  *line(): Step<string | undefined> {
    for (;;) {
      const end = this.#left.indexOf(10)
      if (end >= 0) return (yield* this.take(end + 1))!.toString().replace(/\r?\n$/, '')
      const more = yield* this.connection.read(65_536)
      if (more === undefined) return undefined
      this.#left = Buffer.concat([this.#left, more])
    }
  }

  write(bytes: Uint8Array): Step<void> {
    return this.connection.write(bytes)
  }
}
