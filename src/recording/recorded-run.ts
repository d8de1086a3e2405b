// A running cluster that is recorded into a file (`kubesim start --record`): its time keeps up with the wall but moves as in
// virtual time, and the HTTP door's writes come in one after another. Used by serve.ts, loaded only when asked for.

import { closeSync, openSync, writeSync } from 'node:fs'
import type { OwnRequest } from '../../apiserver/http/own-requests.ts'
import type { RequestFaults } from '../../apiserver/http/request-faults.ts'
import type { Registry } from '../../apiserver/registry/registry.ts'
import type { Cluster } from '../cluster.ts'
import { type Config, ConfigError } from '../config.ts'
import { BusyCount } from '../env/activity.ts'
import type { Env } from '../env/env.ts'
import { PacedClock } from '../env/paced-clock.ts'
import type { RealEnv } from '../env/real-env.ts'
import { snapshotLines } from '../snapshot-file.ts'
import { recordedFaults, recordedOwn, recordedRegistry } from './outside.ts'
import { Recorder } from './recorder.ts'
import { type RecordingHeading, recordingHeading } from './recording-file.ts'

export interface RecordedRun {
  /** For all that is in the cluster: no time but its own. */
  readonly within: Env & { readonly clock: PacedClock }
  /** For the door, whose time is the wall's. */
  readonly door: Env
  /** The cluster is made, and not started yet. */
  begin(
    cluster: Cluster,
    made: Pick<RecordingHeading, 'endpoint' | 'certificateAuthority' | 'areNodesRebooted'>,
  ): Promise<void>
  /** It is started: from now on time passes and requests are let in. */
  open(): void
  readonly registry: Registry
  readonly faults: RequestFaults
  own<T>(answer: (request: OwnRequest) => Promise<T>): (request: OwnRequest) => Promise<T>
  close(): Promise<void>
}

/** Throws ConfigError. */
export function recordedRun(file: string, config: Config, real: RealEnv): RecordedRun {
  if (config.staticPods !== undefined) throw new ConfigError('--record cannot be had with --static-pods')
  if (config.schedulerConfig !== undefined) throw new ConfigError('--record cannot be had with --scheduler-config')
  const descriptor = opened(file)
  const activity = new BusyCount()
  const clock = new PacedClock(activity, real.wall)
  const within = Object.freeze({ ...real, clock, wall: clock, activity })
  const startAt = clock.now()
  let recorder: Recorder | undefined
  let registry: Registry | undefined
  let faults: RequestFaults | undefined
  return {
    within,
    door: Object.freeze({ ...within, wall: real.wall }),
    async begin(cluster, made) {
      const { storage } = cluster
      const isNew = storage.revision <= 1
      recorder = new Recorder({
        clock,
        rest: () => clock.caughtUp(),
        write: line => void writeSync(descriptor, line),
        heading: recordingHeading({
          seed: real.seed,
          startAt,
          nodes: config.nodes,
          without: config.without,
          delays: config.delays,
          platform: process.platform,
          withRoles: true,
          ...made,
          ...(isNew ? {} : { from: [...snapshotLines(storage, storage.revision)].join('') }),
        }),
      })
      recorder.follow(storage)
      registry = recordedRegistry(cluster.server.registry, recorder)
      faults = recordedFaults(cluster, recorder)
      await clock.moveTo(Math.max(clock.now(), storage.lastAt ?? 0))
    },
    open() {
      clock.release()
      recorder!.open()
    },
    get registry() {
      return registry!
    },
    get faults() {
      return faults!
    },
    own: answer => recordedOwn(answer, recorder!),
    async close() {
      await recorder!.close()
      closeSync(descriptor)
      clock.close()
    },
  }
}

function opened(file: string): number {
  try {
    return openSync(file, 'wx', 0o600)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'is there already' : `cannot be written: ${code}`
    throw new ConfigError(`the recording ${file} ${why}`, { cause })
  }
}
