// Opens a path as a descriptor: files with an offset of their own, and the names that stand for descriptors and devices.
// Used by the shell for redirects, and by tools that write where a path says.

import type { OpenFile, OpenHow } from './file-system.ts'
import { descriptorAt } from './files/devices.ts'
import type { Process, Stream } from './process.ts'
import { SystemError } from './system-error.ts'
import { fileBytes, moved, turn } from './waiters.ts'

export function openStream(process: Process, path: string, how: OpenHow): Stream {
  const whole = path.startsWith('/') ? path : `${process.cwd === '/' ? '' : process.cwd}/${path}`
  const named = descriptorAt(whole)
  if (named !== undefined) {
    const isOwn = named.pid === undefined || named.pid === process.pid
    const streams = isOwn ? process.descriptors : process.machine.descriptorsOf(named.pid!)
    return shared(streams?.get(named.descriptor))
  }
  if (whole === '/dev/null') return nothing()
  if (whole === '/dev/tty') {
    for (const stream of process.descriptors.values()) if (stream.terminal !== undefined) return stream.share()
    throw new SystemError('ENXIO')
  }
  return new FileStream(process.files.open(whole, { mode: 0o666 & ~process.umask, ...how }))
}

function shared(stream: Stream | undefined): Stream {
  if (stream === undefined) throw new SystemError('ENOENT')
  return stream.share()
}

/** /dev/null. */
export function nothing(): Stream {
  return {
    *read() {
      yield turn
      return undefined
    },
    *write(bytes) {
      yield moved(bytes.length, fileBytes)
    },
    close() {},
    share() {
      return this
    },
  }
}

export class FileStream implements Stream {
  readonly #file: OpenFile
  #holders = 1
  #unread: Uint8Array | undefined

  constructor(file: OpenFile) {
    this.#file = file
  }

  /** Whoever reads or writes without end takes steps, though a file never makes anybody wait. */
  *read(max: number) {
    const rest = this.#unread
    if (rest === undefined) {
      const part = this.#file.read(max)
      yield moved(part?.length ?? 0, fileBytes)
      return part
    }
    this.#unread = rest.length > max ? rest.subarray(max) : undefined
    return rest.subarray(0, max)
  }

  *write(bytes: Uint8Array) {
    yield moved(bytes.length, fileBytes)
    this.#file.write(bytes)
  }

  unread(bytes: Uint8Array): void {
    this.#unread = this.#unread === undefined ? bytes : Buffer.concat([bytes, this.#unread])
  }

  close(): void {
    if (--this.#holders === 0) this.#file.close()
  }

  share(): Stream {
    this.#holders++
    return this
  }
}

/** Bytes that are there beforehand: a here-document. */
export function bytesStream(bytes: Uint8Array): Stream {
  let rest: Uint8Array | undefined = bytes.length > 0 ? bytes : undefined
  return {
    // biome-ignore lint/correctness/useYield: it never waits
    *read(max) {
      const part = rest?.subarray(0, max)
      rest = rest !== undefined && rest.length > max ? rest.subarray(max) : undefined
      return part
    },
    // biome-ignore lint/correctness/useYield: it only refuses
    *write() {
      throw new SystemError('EBADF')
    },
    unread(back) {
      rest = rest === undefined ? back : Buffer.concat([back, rest])
    },
    close() {},
    share() {
      return this
    },
  }
}
