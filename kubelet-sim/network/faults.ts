// Faults of the network: latency, loss and cuts between places, as long as they are set. Objects of kind Fault and tests set
// them; links.ts asks for each packet. A node that is cut off from the API server goes on working and is not heard of.

import type { Cancel, Millis } from '../../src/env/clock.ts'
import type { Silences } from '../silences.ts'

/** Everything that is said must hold; nothing said is everywhere. */
export interface Place {
  readonly node?: string | undefined
  readonly namespace?: string | undefined
  readonly pod?: string | undefined
  /** The API server and what is with it. */
  readonly controlPlane?: true | undefined
}

/** One of the two ends of a packet's way. */
export interface End {
  readonly node: string | undefined
  readonly namespace: string | undefined
  readonly pod: string | undefined
  readonly controlPlane: boolean
}

export interface NetworkFault {
  readonly between: readonly [Place, Place]
  /** Only from the first to the second. Default: both ways. */
  readonly oneWay?: boolean | undefined
  /** One way, on top of what others add. */
  readonly latency?: Millis | undefined
  /** Up to that much more, by chance. */
  readonly jitter?: Millis | undefined
  /** The part of packets that get lost, 0 to 1. */
  readonly loss?: number | undefined
  /** Nothing gets through. */
  readonly cut?: boolean | undefined
}

export class Faults {
  readonly #silences: Silences
  readonly #changed: () => void
  readonly #faults = new Set<NetworkFault>()

  constructor(silences: Silences, changed: () => void) {
    this.#silences = silences
    this.#changed = changed
  }

  get isEmpty(): boolean {
    return this.#faults.size === 0
  }

  /** In the order in which they were set. */
  list(): readonly NetworkFault[] {
    return [...this.#faults]
  }

  /** Until the returned function is called. */
  set(fault: NetworkFault): Cancel {
    this.#faults.add(fault)
    this.#cutOff(fault)
    this.#changed()
    return () => {
      if (!this.#faults.delete(fault)) return
      this.#cutOff(fault)
      this.#changed()
    }
  }

  between(from: End, to: End): readonly NetworkFault[] {
    if (this.#faults.size === 0) return none
    return [...this.#faults].filter(
      ({ between: [one, other], oneWay }) =>
        (isAt(one, from) && isAt(other, to)) || (!oneWay && isAt(one, to) && isAt(other, from)),
    )
  }

  /** Nodes that the API server neither hears nor reaches. */
  #cutOff({ between, cut }: NetworkFault): void {
    if (!cut || !between.some(({ controlPlane }) => controlPlane)) return
    for (const { node, pod } of between) {
      if (node === undefined || pod !== undefined) continue
      const end = { node, namespace: undefined, pod: undefined, controlPlane: false }
      this.#silences.cutOff(
        node,
        this.between(end, controlPlaneEnd).some(each => each.cut),
      )
    }
  }
}

const none: readonly NetworkFault[] = []

export const controlPlaneEnd: End = { node: undefined, namespace: undefined, pod: undefined, controlPlane: true }

function isAt(place: Place, end: End): boolean {
  return (
    (place.node === undefined || place.node === end.node) &&
    (place.namespace === undefined || place.namespace === end.namespace) &&
    (place.pod === undefined || place.pod === end.pod) &&
    (place.controlPlane === undefined || end.controlPlane)
  )
}
