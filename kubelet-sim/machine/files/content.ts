// Content: the bytes of one file. Small ones lie in one piece that grows by doubling; larger ones in pieces of 64 KiB, of
// which those of zeros only take no memory, so that `dd if=/dev/zero` of a gigabyte harms nobody.

const pieceSize = 64 * 1024
const largest = 1024 * 1024
/** What is handed out in one piece at most. */
const longestRead = 256 * 1024 * 1024

const none = new Uint8Array(0)
const zeros = new Uint8Array(pieceSize)

export class Content {
  #size: number
  /** Small: text that was not asked for yet, or bytes. Large: pieces. */
  #text: string | undefined
  #bytes: Uint8Array = none
  #pieces: (Uint8Array | undefined)[] | undefined
  /** Whether #bytes may be written in place. */
  #isOwn = false

  constructor(initial: string | Uint8Array = none) {
    if (typeof initial === 'string') {
      this.#text = initial
      this.#size = Buffer.byteLength(initial)
    } else {
      this.#bytes = initial
      this.#size = initial.length
    }
  }

  get size(): number {
    return this.#size
  }

  /** What it takes of this process's memory. */
  get held(): number {
    if (this.#pieces === undefined) return Math.max(this.#bytes.length, this.#size)
    let held = 0
    for (const piece of this.#pieces) if (piece !== undefined) held += pieceSize
    return held
  }

  /** Another of the same bytes; nothing is copied before one of them is written. */
  copy(): Content {
    const other = new Content(this.#pieces === undefined ? this.bytes() : none)
    if (this.#pieces !== undefined) {
      other.#pieces = this.#pieces.map(piece => piece?.slice())
      other.#size = this.#size
    }
    this.#isOwn = false
    return other
  }

  /** undefined: more than can be handed out in one piece. */
  bytes(): Uint8Array
  bytes(from: number, to: number): Uint8Array
  bytes(from = 0, to = this.#size): Uint8Array {
    const end = Math.min(to, this.#size)
    if (from >= end) return none
    if (this.#pieces === undefined) return this.#inOne().subarray(from, end)
    if (end - from > longestRead) throw new RangeError('a file this long is read in parts')
    const out = new Uint8Array(end - from)
    for (let at = from; at < end; ) {
      const start = at % pieceSize
      const length = Math.min(pieceSize - start, end - at)
      const piece = this.#pieces[Math.floor(at / pieceSize)]
      if (piece !== undefined) out.set(piece.subarray(start, start + length), at - from)
      at += length
    }
    return out
  }

  /** All of it but pieces of zeros, by offset; as it is now, whatever is written later. */
  parts(): readonly (readonly [number, Uint8Array])[] {
    if (this.#pieces === undefined) {
      this.#isOwn = false
      return this.#size === 0 ? [] : [[0, this.bytes()]]
    }
    return this.#pieces.flatMap((piece, index) => {
      const offset = index * pieceSize
      return piece === undefined ? [] : [[offset, piece.slice(0, Math.min(pieceSize, this.#size - offset))] as const]
    })
  }

  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const end = offset + bytes.length
    if (this.#pieces === undefined && Math.max(end, this.#size) > largest) this.#split()
    if (this.#pieces !== undefined) {
      this.#writePieces(offset, bytes)
      this.#size = Math.max(this.#size, end)
      return
    }
    const old = this.#inOne()
    if (!this.#isOwn || end > old.length) {
      // The first writing takes what is needed; from then on it grows by doubling.
      const wanted = Math.max(end, this.#size)
      const room = this.#isOwn ? Math.max(wanted, Math.min(old.length * 2, largest)) : wanted
      this.#bytes = new Uint8Array(room)
      this.#bytes.set(old.subarray(0, this.#size))
      this.#isOwn = true
    }
    this.#bytes.set(bytes, offset)
    this.#size = Math.max(this.#size, end)
  }

  truncate(size: number): void {
    if (size === this.#size) return
    if (size > largest && this.#pieces === undefined) this.#split()
    if (this.#pieces !== undefined) {
      this.#pieces.length = Math.ceil(size / pieceSize)
      if (size < this.#size) this.#pieces.at(-1)?.fill(0, size % pieceSize || pieceSize)
    } else {
      // Who still reads the old bytes keeps them.
      const next = new Uint8Array(size)
      next.set(this.#inOne().subarray(0, Math.min(size, this.#size)))
      this.#bytes = next
      this.#isOwn = true
    }
    this.#size = size
  }

  #inOne(): Uint8Array {
    if (this.#text !== undefined) {
      this.#bytes = Buffer.from(this.#text)
      this.#text = undefined
    }
    return this.#bytes
  }

  #split(): void {
    const old = this.#inOne()
    this.#pieces = []
    this.#bytes = none
    for (let at = 0; at < this.#size; at += pieceSize) {
      this.#writePieces(at, old.subarray(at, Math.min(at + pieceSize, this.#size)))
    }
  }

  #writePieces(offset: number, bytes: Uint8Array): void {
    const pieces = this.#pieces!
    for (let at = 0; at < bytes.length; ) {
      const index = Math.floor((offset + at) / pieceSize)
      const start = (offset + at) % pieceSize
      const part = bytes.subarray(at, at + pieceSize - start)
      while (pieces.length <= index) pieces.push(undefined)
      if (pieces[index] !== undefined || !isZeros(part)) {
        pieces[index] ??= new Uint8Array(pieceSize)
        pieces[index].set(part, start)
      }
      at += part.length
    }
  }
}

function isZeros(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0
}
