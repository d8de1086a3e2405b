// Life: what a kubelet remembers of a pod beyond its status – little, and forgotten with the process, as a kubelet's
// memory is. kubelet.ts copies it for each turn and keeps the copy once the status is written.

import type { Millis } from '../src/env/clock.ts'
import type { Errand } from './errands.ts'

export interface Life {
  readonly uid: string
  /** Its address in the cluster, to be given back. */
  address: string | undefined
  /** By container name; a container is here once something happened to it. */
  runs: Readonly<Record<string, Run>>
  /** Its volumes are there, and what waits for them may begin. */
  isMounted?: boolean
  /** Mounting failed: when it is tried again. */
  retry?: { readonly kind: 'set-up' | 'claim' | 'sandbox'; readonly at: Millis; readonly delay: Millis }
  /** Its resources were changed: until then they are given; or of which generation it was that they could not be. */
  resize?: { readonly until?: Millis; readonly generation?: number; readonly retryAt?: Millis }
  /** Its containers were told to stop, all of them and for good; why, unless it is deleted. */
  stop?: { readonly from: Millis; readonly failure?: Failure }
}

/** What a pod that its kubelet ends is said to have died of. */
export interface Failure {
  readonly reason: string
  readonly message: string
  /** The reason of its condition DisruptionTarget, when it is ended for the sake of others. */
  readonly condition?: string
}

export interface Run {
  /** The image is being seen to: until then, and whether that will fail. `done`: it is there. */
  ensuring?: {
    /** Of several the one that is seen to: those of its volumes come before its own. */
    readonly index?: number
    readonly from: Millis
    /** When its own pull began: before that it waited for others. */
    readonly began?: Millis
    readonly until: Millis
    readonly fails?: string
    readonly done?: boolean
    readonly quiet?: boolean
  }
  pullBackOff?: { readonly delay: Millis; readonly since: Millis; readonly image: string; readonly message: string }
  /** Its environment could not be made: not before then is it tried again. */
  heldUntil?: Millis
  /** To the millisecond; the status knows the second. */
  startedAt?: Millis
  endedAt?: Millis
  crash?: { readonly delay: Millis; readonly since: Millis }
  /** It runs, but is not said to before this is over. */
  postStart?: Errand
  stop?: Stop
  /** It was given other resources, of which what runs in it is yet to hear. */
  isResized?: boolean
  /** It ended while all the pod's containers are stopped: its status says so when the last one has. */
  ended?: { readonly at: Millis; readonly code: number }
  /** When its startup probe has succeeded: the others begin with that. */
  startedUpAt?: Millis
  /** Probes that are being asked. */
  asking?: Readonly<Partial<Record<ProbeKind, Errand>>>
  /** Results so far of the probes that matter now. */
  probes?: Readonly<Partial<Record<ProbeKind, ProbeState>>>
}

/** It was told to stop. */
export interface Stop {
  readonly from: Millis
  readonly grace: Millis
  readonly hook?: Errand
  /** When SIGTERM was sent. */
  readonly term?: Millis
}

export type ProbeKind = 'startup' | 'liveness' | 'readiness'

export interface ProbeState {
  /** When it is asked next. */
  readonly next: Millis
  readonly successes: number
  /** How often others had been in the container when it was asked (Outside.touches). */
  readonly touches?: number
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
