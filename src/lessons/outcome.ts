// What came of what a lesson had run, and of a question asked of its cluster.

export interface Ran {
  /** As it stands in the page. */
  readonly command: string
  readonly code: number
  /** What it printed, on both streams as it came. */
  readonly output: string
  /** On standard output alone. */
  readonly printed: string
}

/** What a block of commands has done. */
export interface BlockRan {
  readonly ran: readonly Ran[]
  /** In what it was not as the page says; undefined when it was. */
  readonly fault?: string
}

export interface Verdict {
  readonly isRight: boolean
  /** What the cluster says. */
  readonly found: string
}
