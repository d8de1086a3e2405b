// ChunkPool: buffers in which a list's items are laid side by side on their way out, used again once they are written. Fresh
// ones for every list would be memory that the garbage collector has to be asked about each time, and it answers with a
// collection. One pool a server; called by reply.ts.

/** Small enough to be at hand in the processor's cache, large enough for few writes. */
const chunkSize = 64 * 1024
/** What lies idle: no more than this many chunks, 4 MiB. */
const mostIdle = 64

export class ChunkPool {
  readonly #idle: Buffer[] = []

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(chunkSize)
  }

  /** Only once nobody will read it any more. */
  giveBack(chunk: Buffer): void {
    if (this.#idle.length < mostIdle) this.#idle.push(chunk)
  }
}
