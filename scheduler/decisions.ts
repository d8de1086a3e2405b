// What was decided of which pod and why, for `kubesim why`: the latest decision of each, as plain data, the oldest forgotten
// when there are too many figures in them. Written by scheduler.ts, read by whoever explains.

import type { Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import type { Decision } from './cycle.ts'

export interface DecisionRecord {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string }
  readonly scheduler: string
  readonly time: string
  /** The how manyth time it was tried. */
  readonly attempt: number
  readonly node?: string
  readonly message?: string
  readonly nominatedNode?: string
  readonly victims?: readonly string[]
  readonly nodeCount: number
  readonly refused: Decision['refused']
  readonly refusal?: Decision['refusal']
  readonly feasible: readonly string[]
  readonly scores: Decision['scores']
  readonly totals: readonly number[]
}

interface Kept {
  readonly pod: Frozen<Pod>
  readonly decision: Decision
  readonly scheduler: string
  readonly attempt: number
  readonly at: Millis
}

export class DecisionBook {
  readonly #kept = new Map<string, Kept>()
  readonly #mostFigures: number
  #figures = 0

  constructor(mostFigures = 500_000) {
    this.#mostFigures = mostFigures
  }

  get size(): number {
    return this.#kept.size
  }

  add(pod: Frozen<Pod>, decision: Decision, scheduler: string, attempt: number, at: Millis): void {
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`
    this.#drop(key)
    this.#kept.set(key, { pod, decision, scheduler, attempt, at })
    this.#figures += figuresIn(decision)
    while (this.#figures > this.#mostFigures && this.#kept.size > 1) this.#drop(this.#kept.keys().next().value!)
  }

  get({ namespace, name }: { readonly namespace: string; readonly name: string }): DecisionRecord | undefined {
    const kept = this.#kept.get(`${namespace}/${name}`)
    if (kept === undefined) return undefined
    const { pod, decision, scheduler, attempt, at } = kept
    const { node, message, nomination, nodeCount, refused, refusal, feasible, scores, totals } = decision
    const victims = nomination?.victims.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`) ?? []
    return {
      pod: { namespace, name, uid: pod.metadata.uid ?? '' },
      scheduler,
      time: rfc3339(at),
      attempt,
      ...(node !== undefined && { node }),
      ...(message !== undefined && { message }),
      ...(nomination?.node && { nominatedNode: nomination.node }),
      ...(victims.length > 0 && { victims }),
      nodeCount,
      refused,
      ...(refusal !== undefined && { refusal }),
      feasible,
      scores,
      totals,
    }
  }

  #drop(key: string): void {
    const old = this.#kept.get(key)
    if (old === undefined) return
    this.#kept.delete(key)
    this.#figures -= figuresIn(old.decision)
  }
}

function figuresIn({ feasible, refused, scores }: Decision): number {
  return 10 + 2 * refused.length + feasible.length * (2 + 2 * scores.length)
}
