// What ails fake nodes on purpose, beside that they are dead or cut off (silences.ts): slow machines, full disks, clocks that
// are wrong. Set by faults, read by those whose work it is.

import type { Millis } from '../src/env/clock.ts'

export interface Trouble {
  /** So many times as long everything takes that containers and images do. */
  readonly slowness: number
  /** How far ahead of the cluster's its clock is; behind, when it is less than nothing. */
  readonly skew: Millis
  readonly isDiskFull: boolean
}

export const noTrouble: Trouble = Object.freeze({ slowness: 1, skew: 0, isDiskFull: false })

export class NodeTroubles {
  readonly #troubles = new Map<string, Trouble>()
  readonly #listeners = new Set<(node: string) => void>()

  of(node: string): Trouble {
    return this.#troubles.get(node) ?? noTrouble
  }

  set(node: string, trouble: Trouble): void {
    const { slowness, skew, isDiskFull } = trouble
    if (slowness === 1 && skew === 0 && !isDiskFull) this.#troubles.delete(node)
    else this.#troubles.set(node, trouble)
    for (const listener of this.#listeners) listener(node)
  }

  onChange(signal: AbortSignal, listener: (node: string) => void): void {
    this.#listeners.add(listener)
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true })
  }
}
