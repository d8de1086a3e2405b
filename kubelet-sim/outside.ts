// Outside: what a kubelet reaches beyond its own memory, to ask containers: the network as its node sees it, and programs
// run in a container. Without it (tests of stages alone) only what is known of images beforehand answers.

import type { Container, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { SimulatedRequest, SimulatedResponse } from '../src/client/node-client.ts'
import type { Millis } from '../src/env/clock.ts'
import type { LoggedRun, LogLine } from './logs.ts'
import type { HealthAnswer } from './network/grpc-health.ts'

export interface Outside {
  /** From the pod's node. Throws an Error in Go's words when nobody answers. */
  ask(
    pod: Frozen<Pod>,
    to: { readonly host: string; readonly port: number; readonly tls: boolean },
    request: SimulatedRequest,
    timeout?: Millis,
  ): SimulatedResponse | Promise<SimulatedResponse>
  /** A connection from the pod's node, closed again at once; rejects in Go's words. */
  connect(pod: Frozen<Pod>, to: { readonly host: string; readonly port: number }, timeout: Millis): Promise<void>
  /** gRPC's health question from the pod's node; `connect` too when nobody takes the connection. */
  health(
    pod: Frozen<Pod>,
    to: { readonly host: string; readonly port: number },
    service: string,
    timeout: Millis,
  ): Promise<HealthAnswer>
  /** Whether its own programs run, so that nobody can tell beforehand what it answers. */
  isRun(pod: Frozen<Pod>, container: string): boolean
  /** Runs a program in a running container; rejects with NotStarted when it cannot be started. */
  run(
    pod: Frozen<Pod>,
    container: Frozen<Container>,
    argv: readonly string[],
    timeout: Millis | undefined,
    isQuiet?: boolean,
  ): Promise<Ran>
  /** Counts the programs of others that have run in it: as long as it stays, its files are as they were. */
  touches(pod: Frozen<Pod>, container: string): number
  /** What a running container has printed so far, its end at least. */
  log(pod: Frozen<Pod>, container: Frozen<Container>, run: LoggedRun): readonly LogLine[]
  /** What a container that just ended has in a file; undefined: there is no such file, or nothing ever ran in it. */
  file(pod: Frozen<Pod>, container: Frozen<Container>, path: string): Uint8Array | undefined
}

export interface Ran {
  readonly at: Millis
  readonly code: number
  /** Both streams, in the order in which it printed them. */
  readonly output: string
  readonly stderr: string
  readonly timedOut: boolean
}
