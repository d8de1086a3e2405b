// Sets of completion indexes, kept as intervals and written as Jobs write them: `0,2-5`. Pure.
// Upstream: pkg/controller/job/indexed_job_utils.go (orderedIntervals).

type Interval = readonly [first: number, last: number]

export class Indexes {
  static readonly none = new Indexes([])
  readonly #intervals: readonly Interval[]

  private constructor(intervals: readonly Interval[]) {
    this.#intervals = intervals
  }

  static of(numbers: Iterable<number>): Indexes {
    const intervals: [number, number][] = []
    for (const index of [...new Set(numbers)].sort((one, other) => one - other)) {
      const last = intervals.at(-1)
      if (last !== undefined && last[1] === index - 1) last[1] = index
      else intervals.push([index, index])
    }
    return new Indexes(intervals)
  }

  /** What cannot be read, and what is not below `completions`, is left out: somebody may have written the status by hand. */
  static parse(text: string | undefined, completions: number): Indexes {
    const numbers: number[] = []
    for (const part of (text ?? '').split(',')) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part)
      if (match === null) continue
      const last = Math.min(Number(match[2] ?? match[1]), completions - 1)
      for (let index = Number(match[1]); index <= last; index++) numbers.push(index)
    }
    return Indexes.of(numbers)
  }

  get size(): number {
    return this.#intervals.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  }

  has(index: number): boolean {
    return this.#intervals.some(([first, last]) => first <= index && index <= last)
  }

  with(numbers: Iterable<number>): Indexes {
    return Indexes.of([...this, ...numbers])
  }

  *[Symbol.iterator](): Iterator<number> {
    for (const [first, last] of this.#intervals) for (let index = first; index <= last; index++) yield index
  }

  /** The lowest `count` numbers below `end` that are not in it. */
  firstMissing(count: number, end: number): number[] {
    const missing: number[] = []
    let next = 0
    for (const [first, last] of this.#intervals) {
      while (next < Math.min(first, end) && missing.length < count) missing.push(next++)
      next = last + 1
    }
    while (next < end && missing.length < count) missing.push(next++)
    return missing
  }

  /** Two that follow each other are written with a comma, as upstream has it. */
  toString(): string {
    return this.#intervals
      .map(([first, last]) =>
        first === last ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`,
      )
      .join(',')
  }
}
