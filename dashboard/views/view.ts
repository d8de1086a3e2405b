// What a view is. Each stands in a folder of its own below views/ and in one line of index.ts.

import type { ComponentType } from 'react'

export interface View {
  /** Its word in the address: `#/cluster`. */
  readonly id: string
  readonly title: string
  /** What one sees there, in a few words. */
  readonly about: string
  /** The lines of a sign of 16 by 16, as an SVG path. */
  readonly sign: string
  /** Fetched when it is first opened. */
  load(): Promise<ComponentType>
}
