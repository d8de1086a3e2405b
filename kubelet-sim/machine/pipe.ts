// Pipe: bytes from writers to readers, at most 64 KiB under way. The shell makes them for `|` and $(…); exec and attach for
// what a client sends.

import type { Stream } from './process.ts'
import { SystemError } from './system-error.ts'
import type { Step, Wait } from './wait.ts'
import { fileBytes, moved, Waiters } from './waiters.ts'

const capacity = 65536

export class Pipe {
  readonly readEnd: Stream
  readonly writeEnd: Stream
  readonly #chunks: Uint8Array[] = []
  readonly #changed = new Waiters()
  #size = 0
  #readers = 1
  #writers = 1

  constructor() {
    this.readEnd = this.#makeReadEnd()
    this.writeEnd = this.#makeWriteEnd()
  }

  get hasRoom(): boolean {
    return this.#size < capacity || this.#readers === 0
  }

  /** Until there is room again. */
  get room(): Wait {
    return this.#changed.until(() => this.hasRoom)
  }

  /** From outside, where nobody can wait: all of it, whatever the room. */
  push(bytes: Uint8Array): void {
    if (this.#readers === 0 || bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#size += bytes.length
    this.#changed.tell()
  }

  #makeReadEnd(): Stream {
    const pipe = this
    const filled = pipe.#changed.until(() => pipe.#size > 0 || pipe.#writers === 0)
    return {
      *read(max) {
        while (!filled.isOver()) yield filled
        const first = pipe.#chunks[0]
        if (first === undefined) return undefined
        const part = first.length <= max ? first : first.subarray(0, max)
        if (part === first) pipe.#chunks.shift()
        else pipe.#chunks[0] = first.subarray(max)
        pipe.#size -= part.length
        pipe.#changed.tell()
        return part
      },
      // biome-ignore lint/correctness/useYield: it only refuses
      *write() {
        throw new SystemError('EBADF')
      },
      unread(bytes) {
        if (bytes.length === 0) return
        pipe.#chunks.unshift(bytes)
        pipe.#size += bytes.length
      },
      close() {
        if (--pipe.#readers === 0) pipe.#changed.tell()
      },
      share() {
        pipe.#readers++
        return this
      },
    }
  }

  #makeWriteEnd(): Stream {
    const pipe = this
    const hasRoom = pipe.room
    return {
      // biome-ignore lint/correctness/useYield: it only refuses
      *read() {
        throw new SystemError('EBADF')
      },
      *write(bytes): Step<void> {
        for (let at = 0; at < bytes.length; ) {
          while (!hasRoom.isOver()) yield hasRoom
          if (pipe.#readers === 0) throw new SystemError('EPIPE')
          const part = bytes.slice(at, at + capacity - pipe.#size)
          at += part.length
          pipe.push(part)
          yield moved(part.length, fileBytes)
        }
      },
      close() {
        if (--pipe.#writers === 0) pipe.#changed.tell()
      },
      share() {
        pipe.#writers++
        return this
      },
    }
  }
}
