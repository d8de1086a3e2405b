// Gate: while it is closed no work begins by itself: the queues keep what is ready, in the order in which it became so, and
// one piece at a time is let through by whoever steps. Work that had begun is finished. Asked by runtime/queue.ts, closed by
// whoever pauses the cluster (src/clock-control.ts).

/** What a gate holds back; its keys wait in order. */
export interface Gated {
  /** Whose work it is, for people. */
  readonly label: GateLabel | undefined
  /** The gate has closed: what is ready now. */
  held(): readonly string[]
  /** It is open again. */
  released(): void
  /** Lets this key through; false when nobody is there to take it, or it is not ready any more. */
  admit(key: string): boolean
}

export interface GateLabel {
  readonly controller: string
  /** The kind whose objects the keys are; undefined when they are words of the controller's own. */
  readonly kind?: string | undefined
}

/** One piece of work. */
export interface Piece extends GateLabel {
  readonly key: string
}

export class Gate {
  readonly #gated = new Set<Gated>()
  #waiting: { readonly of: Gated; readonly key: string }[] = []
  #isClosed = false

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** What is ready and held back, first come first. */
  get waiting(): readonly Piece[] {
    return this.#waiting.map(({ of, key }) => pieceOf(of, key))
  }

  join(gated: Gated): void {
    this.#gated.add(gated)
  }

  leave(gated: Gated): void {
    this.#gated.delete(gated)
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter(({ of }) => of !== gated)
  }

  /** Called while closed, by a queue with a key that has become ready. */
  wait(of: Gated, key: string): void {
    this.#waiting.push({ of, key })
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const of of this.#gated) for (const key of of.held()) this.#waiting.push({ of, key })
  }

  open(): void {
    if (!this.#isClosed) return
    this.#isClosed = false
    this.#waiting = []
    for (const gated of [...this.#gated]) gated.released()
  }

  /** Lets one piece of work through; undefined when none is ready that could begin. */
  admitOne(): Piece | undefined {
    for (const [index, { of, key }] of this.#waiting.entries()) {
      // Taken out first: what it sets off may wait in turn.
      const [entry] = this.#waiting.splice(index, 1)
      if (of.admit(key)) return pieceOf(of, key)
      this.#waiting.splice(index, 0, entry!)
    }
    return undefined
  }
}

function pieceOf({ label }: Gated, key: string): Piece {
  return { controller: label?.controller ?? '', ...(label?.kind ? { kind: label.kind } : {}), key }
}
