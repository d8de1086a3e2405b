// Load: how many requests each container has answered lately. Told by the network, read for metrics. Kept for the containers
// that are asked at all, by spans of a quarter of a minute, of which the last two count.

import type { Millis } from '../src/env/clock.ts'

export const span: Millis = 15_000

interface Count {
  at: number
  now: number
  before: number
}

export class Load {
  readonly #pods = new Map<string, Map<string, Count>>()

  answered(uid: string, container: string, at: Millis): void {
    let containers = this.#pods.get(uid)
    if (containers === undefined) {
      containers = new Map()
      this.#pods.set(uid, containers)
    }
    let count = containers.get(container)
    if (count === undefined) {
      count = { at: 0, now: 0, before: 0 }
      containers.set(container, count)
    }
    const current = Math.floor(at / span)
    if (count.at !== current) {
      count.before = count.at === current - 1 ? count.now : 0
      count.now = 0
      count.at = current
    }
    count.now++
  }

  /** Requests a second in the whole span that ended last. */
  rate(uid: string, container: string, at: Millis): number {
    const count = this.#pods.get(uid)?.get(container)
    if (count === undefined) return 0
    const last = Math.floor(at / span) - 1
    const requests = count.at === last ? count.now : count.at === last + 1 ? count.before : 0
    return (requests * 1000) / span
  }

  forget(uid: string): void {
    this.#pods.delete(uid)
  }
}
