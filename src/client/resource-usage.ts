// ResourceUsage: the port from the API server to what containers and nodes take of CPU and memory, as a kubelet measures it.
// kubelet-sim implements it, src/cluster.ts introduces the two; metrics.k8s.io is a reading of it.

import type { Frozen } from '../api/meta.ts'
import type { Millis } from '../env/clock.ts'
import type { NodeLike, PodLike } from './node-client.ts'

export interface Measured {
  /** When it was measured, and over how long. */
  readonly at: Millis
  readonly window: Millis
}

export interface PodUsage extends Measured {
  readonly containers: readonly Frozen<{ name: string; cpu: number; memory: number }>[]
}

/** Cores in billionths, memory in bytes. */
export interface NodeUsage extends Measured {
  readonly cpu: number
  readonly memory: number
}

export interface ResourceUsage {
  /** Called before it is read, where it is not at hand: what is read then is as it was measured last. */
  refresh?(): Promise<void>
  /** Undefined: nothing is measured of it (yet). */
  pod(pod: PodLike): PodUsage | undefined
  node(node: NodeLike): NodeUsage | undefined
}
