// Life: what a kubelet remembers of a pod beyond its status – little, and forgotten with the process, as a kubelet's
// memory is. kubelet.ts copies it for each turn and keeps the copy once the status is written.

import type { Millis } from '../src/env/clock.ts'

export interface Life {
  readonly uid: string
  /** Its address in the cluster, to be given back. */
  address: string | undefined
  /** By container name; a container is here once something happened to it. */
  runs: Readonly<Record<string, Run>>
  /** Its volumes are there, and what waits for them may begin. */
  isMounted?: boolean
  /** Mounting failed: when it is tried again. */
  retry?: { readonly kind: 'set-up' | 'claim'; readonly at: Millis; readonly delay: Millis }
  /** When its containers were told to stop, and when the last of them will have. */
  stop?: { readonly from: Millis; readonly until: Millis }
}

export interface Run {
  /** The image is being seen to: until then, and whether that will fail. `done`: it is there. */
  ensuring?: {
    readonly from: Millis
    readonly until: Millis
    readonly fails?: string
    readonly done?: boolean
    readonly quiet?: boolean
  }
  pullBackOff?: { readonly delay: Millis; readonly since: Millis; readonly message: string }
  /** Its environment could not be made: not before then is it tried again. */
  heldUntil?: Millis
  /** To the millisecond; the status knows the second. */
  startedAt?: Millis
  endedAt?: Millis
  crash?: { readonly delay: Millis; readonly since: Millis }
  /** It was told to stop, by a probe: it ends then, with that code. */
  killed?: { readonly at: Millis; readonly code: number }
  /** Results so far of the probes that matter now. */
  probes?: Readonly<Partial<Record<ProbeKind, ProbeState>>>
}

export type ProbeKind = 'startup' | 'liveness' | 'readiness'

export interface ProbeState {
  /** When it is asked next. */
  readonly next: Millis
  readonly successes: number
  readonly failures: number
}

export function newLife(uid: string, address: string | undefined): Life {
  return { uid, address, runs: {} }
}

export function copyLife(life: Life): Life {
  const runs: Record<string, Run> = {}
  for (const name of Object.keys(life.runs)) runs[name] = { ...life.runs[name] }
  return { ...life, runs }
}
