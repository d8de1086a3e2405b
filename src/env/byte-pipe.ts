// BytePipe: bytes one way between two sides that go at their own pace, such as a client's connection and a program of a
// simulated container. Nobody is refused a write: who writes looks for room first and waits while there is none. Both sides
// are woken by the same bell, at most once each time they ask, and look again. Nothing is copied.

import type { Cancel } from './clock.ts'

const defaultCapacity = 64 * 1024

export class BytePipe implements AsyncIterable<Uint8Array> {
  readonly #capacity: number
  #chunks: Uint8Array[] = []
  /** Chunks before it are taken. */
  #first = 0
  #size = 0
  #isEnded = false
  #isAbandoned = false
  #waiting = new Set<() => void>()

  constructor(capacity: number = defaultCapacity) {
    this.#capacity = capacity
  }

  /** Bytes that wait to be taken. */
  get size(): number {
    return this.#size
  }

  /** Whether a writer may go on. There is always room once nobody reads: what is written then is dropped. */
  get hasRoom(): boolean {
    return this.#size < this.#capacity
  }

  /** Nobody reads any more: what a writing process meets as a broken pipe. */
  get isAbandoned(): boolean {
    return this.#isAbandoned
  }

  /** Nothing more is written; what has been may still wait to be taken. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Nothing is there to be taken, and nothing will be. */
  get isOver(): boolean {
    return this.#size === 0 && (this.#isEnded || this.#isAbandoned)
  }

  /** The bytes are not to be changed from then on. */
  write(bytes: Uint8Array): void {
    if (this.#isEnded || this.#isAbandoned || bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#size += bytes.length
    this.#ring()
  }

  /** From the writer: that was all. */
  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#ring()
  }

  /** From the reader: no more of it. */
  abandon(): void {
    if (this.#isAbandoned) return
    this.#isAbandoned = true
    this.#chunks = []
    this.#first = 0
    this.#size = 0
    this.#ring()
  }

  /** A chunk as it was written, or its first `max` bytes; undefined when there is nothing now. */
  take(max: number = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    const chunk = this.#chunks[this.#first]
    if (chunk === undefined) return undefined
    const taken = chunk.length <= max ? chunk : chunk.subarray(0, max)
    if (taken === chunk) {
      this.#first++
      if (this.#first === this.#chunks.length) {
        this.#chunks = []
        this.#first = 0
      } else if (this.#first >= 1024) {
        this.#chunks = this.#chunks.slice(this.#first)
        this.#first = 0
      }
    } else this.#chunks[this.#first] = chunk.subarray(max)
    this.#size -= taken.length
    this.#ring()
    return taken
  }

  /** Calls `run` once, at the next change: bytes came or went, the writer ended, the reader left. */
  onChange(run: () => void): Cancel {
    // A function of its own, so that the same may wait twice.
    const waiting = (): void => run()
    this.#waiting.add(waiting)
    return () => this.#waiting.delete(waiting)
  }

  /** Resolves when a writer may go on. */
  async room(): Promise<void> {
    while (!this.hasRoom && !this.#isEnded) await this.changed()
  }

  changed(): Promise<void> {
    return new Promise(resolve => this.onChange(resolve))
  }

  /** Chunk by chunk until the end; who breaks off abandons it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (;;) {
        const chunk = this.take()
        if (chunk !== undefined) yield chunk
        else if (this.isOver) return
        else await this.changed()
      }
    } finally {
      this.abandon()
    }
  }

  #ring(): void {
    if (this.#waiting.size === 0) return
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const run of waiting) run()
  }
}
