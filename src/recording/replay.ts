// A replay: a new cluster in virtual time, made as the recorded one was, to which all that came from outside comes again, each at
// the time and in the order in which it did. Every event of its log is held against the recorded one, byte for byte by their
// digests. Called by `kubesim replay` and by the library.

import type { RequestInfo, ResourceRegistry } from '../../apiserver/registry/registry.ts'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import type { Revision } from '../../apiserver/storage/storage.ts'
import { rfc3339Milli } from '../api/time.ts'
import { ClockControl } from '../clock-control.ts'
import { type Cluster, createCluster } from '../cluster.ts'
import type { Cancel, Millis } from '../env/clock.ts'
import { type VirtualEnv, virtualEnv } from '../env/virtual-env.ts'
import { ownPaths } from '../own-paths.ts'
import type { ControllerSpec } from '../runtime/controller.ts'
import { fillJournal, readSnapshot, type Snapshot } from '../snapshot-file.ts'
import { infoAt, lookOn, pathOf } from './outside.ts'
import { type Input, type Recording, type RecordingHeading, type Trace, traceOf } from './recording-file.ts'

/** How far a recording is played again, and with which controllers. */
export interface ReplayOptions {
  /** No further than this revision, or this time. */
  readonly until?: { readonly revision: Revision } | { readonly time: Millis }
  /** Controllers of one's own that the recorded cluster had. */
  readonly controllers?: readonly ControllerSpec[]
}

/** The first place at which the histories are not the same. */
export interface FirstDifference {
  readonly time: string
  /** Undefined: there the recorded cluster had written nothing more. */
  readonly recorded: Trace | undefined
  /** Undefined: nothing was written there again. */
  readonly replayed: Trace | undefined
}

/** The cluster in which it was played again, and how far it is the same. */
export interface Replayed extends AsyncDisposable {
  readonly cluster: Cluster
  readonly env: VirtualEnv
  /** Undefined: as far as it went the history is the same, byte for byte. */
  readonly difference: FirstDifference | undefined
  readonly inputs: number
  /** How many events were the same. */
  readonly events: number
  /** What was done to the recorded cluster that cannot be done again. */
  readonly notes: readonly string[]
}

/** Plays a recording again in a new cluster, in virtual time, and holds each event against the recorded one. Rejects with SnapshotError for one that cannot be read. */
export async function replay(recording: Recording, options: ReplayOptions = {}): Promise<Replayed> {
  const { heading } = recording
  const env = virtualEnv({ seed: heading.seed, startAt: heading.startAt })
  const from = heading.from === undefined ? undefined : readSnapshot(heading.from)
  const cluster = await clusterOf(heading, from, env, options)
  const comparison = new Comparison(recording.traces, () => env.clock.now())
  const stop = cluster.storage.subscribe('', cluster.storage.revision, events => {
    for (const event of events) comparison.take(traceOf(event))
  })
  const { until } = options
  const last = until !== undefined && 'time' in until ? until.time : Number.POSITIVE_INFINITY
  const isOver = (): boolean =>
    comparison.difference !== undefined ||
    (until !== undefined && 'revision' in until && cluster.storage.revision >= until.revision)
  const behind = Math.max(cluster.storage.lastAt ?? 0, from?.heading.at ?? 0) - env.clock.now()
  if (behind > 0) await env.clock.advance(behind)
  await cluster.start()
  await env.activity.idle()
  const again = new Again(cluster, new ClockControl(env, cluster.storage, heading.without))
  let inputs = 0
  const moveTo = async (time: Millis): Promise<void> => {
    do await env.activity.idle()
    while (!isOver() && env.clock.fireNext(Math.min(time, last)))
  }
  for (const input of recording.inputs) {
    await moveTo(input.at)
    if (isOver() || input.at > last) break
    await again.deliver(input)
    if (input.do !== 'note' && input.do !== 'end') inputs++
  }
  await env.activity.idle()
  if (Number.isFinite(last)) await moveTo(last)
  stop()
  return {
    cluster,
    env,
    difference: until === undefined ? (comparison.difference ?? comparison.missing()) : comparison.difference,
    inputs,
    events: comparison.same,
    notes: recording.inputs.flatMap(input => (input.do === 'note' ? [`${rfc3339Milli(input.at)} ${input.what}`] : [])),
    [Symbol.asyncDispose]: () => cluster.close(),
  }
}

async function clusterOf(
  { nodes, without, delays, platform, withRoles, areNodesRebooted, endpoint, certificateAuthority }: RecordingHeading,
  from: Snapshot | undefined,
  env: VirtualEnv,
  { controllers = [] }: ReplayOptions,
): Promise<Cluster> {
  const journal = new MemoryJournal()
  if (from !== undefined) await fillJournal(journal, from)
  return createCluster({
    env,
    journal,
    nodes,
    without,
    delays,
    platform,
    withRoles,
    areNodesRebooted,
    controllers,
    ...(endpoint ? { endpoint } : {}),
    ...(certificateAuthority ? { certificateAuthority } : {}),
  })
}

/** Does again what was done. */
class Again {
  readonly #cluster: Cluster
  readonly #clockControl: ClockControl
  readonly #watches = new Map<number, Cancel>()

  constructor(cluster: Cluster, clockControl: ClockControl) {
    this.#cluster = cluster
    this.#clockControl = clockControl
  }

  async deliver(input: Input): Promise<void> {
    switch (input.do) {
      case 'request':
        // How it ended, its sender was told.
        this.#request(input).catch(() => {})
        return
      case 'watch':
        this.#watches.set(input.id, lookOn(this.#resource(input.resource)))
        return
      case 'leave':
        this.#watches.get(input.id)?.()
        this.#watches.delete(input.id)
        return
      case 'struck':
        this.#cluster.faults.struck(input.fault, input.what)
        return
      case 'own':
        return this.#own(input)
      case 'note':
      case 'end':
        return
    }
  }

  async #request({ verb, resource: path, words }: Input & { do: 'request' }): Promise<unknown> {
    const resource = this.#resource(path)
    if (verb === 'get' || verb === 'list') {
      const asked = words[0] as Parameters<NonNullable<ResourceRegistry['ready']>>[1]
      return resource.ready?.(() => resource.list({ limit: 1 }), asked)
    }
    const at = infoAt[verb]!
    const given = words.map(word => word ?? undefined)
    given[at] = { ...(given[at] as RequestInfo), warn: () => {} }
    return (resource[verb] as (...words: unknown[]) => Promise<unknown>)(...given)
  }

  async #own({ method, path, body }: Input & { do: 'own' }): Promise<void> {
    const { signal } = new AbortController()
    const user = { name: 'kubernetes-admin', groups: ['system:masters'] }
    const own = { cluster: this.#cluster, clockControl: this.#clockControl }
    const answer = ownPaths(own, { method, path, body, query: new URLSearchParams(), user, signal }).catch(() => {})
    if (path.includes('/clock/')) await answer
  }

  #resource(path: string): ResourceRegistry {
    const { registry } = this.#cluster.server
    const kind = registry.kinds.find(each => pathOf(each) === path)
    const [group, version, plural] = path.split('/') as [string, string, string]
    const resource = kind === undefined ? registry.find(group, version, plural) : registry.of(kind)
    if (resource === undefined) throw new Error(`nothing of the path ${path} is served`)
    return resource
  }
}

class Comparison {
  readonly #traces: readonly Trace[]
  readonly #now: () => Millis
  same = 0
  difference: FirstDifference | undefined

  constructor(traces: readonly Trace[], now: () => Millis) {
    this.#traces = traces
    this.#now = now
  }

  take(replayed: Trace): void {
    if (this.difference !== undefined) return
    const recorded = this.#traces[this.same]
    const isSame =
      recorded !== undefined &&
      recorded.digest === replayed.digest &&
      recorded.key === replayed.key &&
      recorded.type === replayed.type &&
      recorded.revision === replayed.revision
    if (isSame) this.same++
    else this.difference = { time: rfc3339Milli(this.#now()), recorded, replayed }
  }

  /** What was recorded and has not come again. */
  missing(): FirstDifference | undefined {
    const recorded = this.#traces[this.same]
    return recorded && { time: rfc3339Milli(this.#now()), recorded, replayed: undefined }
  }
}
