// testCluster: a whole control plane in memory, in virtual time, from one seed, in some twenty milliseconds; as many at once as
// one likes. What tests of controllers, the scheduler and the kubelet speak to, and kubesim's users for theirs. Nothing in it
// listens anywhere, unless asked to.
//
//   await using cluster = await testCluster({ nodes: 3, seed: 7 })

import type { Journal } from '../../apiserver/storage/journal.ts'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import type { Pod, V1alpha1Fault } from '../../generated/types.ts'
import type { StaticPods } from '../../kubelet-sim/static-pods.ts'
import { isNotFound } from '../api/errors.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import { happeningText } from '../cli/timeline-text.ts'
import type { Client } from '../client/client.ts'
import { ClockControl, type Moving } from '../clock-control.ts'
import { type Cluster, createCluster } from '../cluster.ts'
import type { Component } from '../config.ts'
import { type VirtualEnv, virtualEnv } from '../env/virtual-env.ts'
import { builtinKinds, FaultsKind, Pods } from '../kinds/index.ts'
import type { Kind } from '../kinds/kind.ts'
import { recordedClient } from '../recording/outside.ts'
import { Recorder } from '../recording/recorder.ts'
import { recordingHeading } from '../recording/recording-file.ts'
import type { ControllerSpec } from '../runtime/controller.ts'
import { fillJournal, readSnapshot, snapshotLines } from '../snapshot-file.ts'
import { type Timeline, type TimelineQuery, timeline } from '../timeline.ts'
import { type WhyNot, whyNot } from '../why/why-not.ts'
import { createOrUpdate } from './creating.ts'
import { differences } from './differences.ts'
import { type Applied, objectsOf } from './documents.ts'
import { millis } from './duration.ts'
import { explanation, given } from './explanation.ts'
import { History } from './history.ts'
import type { Listening, ListenOptions, WallDoor } from './listening.ts'

/** What a test's cluster is like; everything has a default. */
export interface TestClusterOptions {
  /** Default: 3. */
  readonly nodes?: number
  /** Of all chance; the same seed and the same requests give the same history. Default: 1. */
  readonly seed?: number
  /**
   * What is left out: components (`controllers`, `scheduler`, `kubelet`, `proxy`) and single controllers by name
   * (`deployment-controller`), also to be replaced by one's own.
   */
  readonly without?: readonly (Component | (string & {}))[]
  /** Controllers of one's own, made with defineController; they run beside the built-in ones, whatever is left out. */
  readonly controllers?: readonly ControllerSpec[]
  /** Factor on image pull and container start times; 0: none. */
  readonly delays?: number
  /** A cluster to go on from: what `snapshot()` or `kubesim export` gave. */
  readonly from?: string
  readonly staticPods?: StaticPods
  /** IPv6 beside IPv4. Default: no. */
  readonly dualStack?: boolean
  /** Write down what the test does to it, for `recording()`; each deed then waits until all is at rest. */
  readonly record?: boolean
  /**
   * Certificates of its own, so that programs in pods can trust the API server by kube-root-ca.crt. They are new each time: two
   * runs differ by them. Default: no; programs then reach it without holding it against an authority.
   */
  readonly certificates?: boolean
  readonly journal?: Journal
  /** By what way components reach the API server. Default: directly. */
  readonly way?: Way
}

/** What is to be closed when the cluster is. */
export interface Opened {
  /** Nothing uses it any more. */
  close(): Promise<void>
}

/** A way between components and API server that takes time of its own. */
export interface Way {
  /** How many macrotasks all must have been quiet before time moves. */
  readonly quiet: number
  readonly client: Client
  /** Called before anything uses the client; what it gives is closed last. */
  open(cluster: Cluster): Promise<Opened>
}

/** What goes wrong: `{ nodes: { names: ['node-1'] }, duration: '5m' }`. */
export type FaultSpec = NonNullable<V1alpha1Fault['spec']>

/** A fault that a test has made; ends with `await using`, or `end()`. */
export interface OngoingFault extends AsyncDisposable {
  readonly name: string
  /** What it has done so far. */
  status(): Frozen<NonNullable<V1alpha1Fault['status']>>
  /** Ends it; resolves when all that follows at once has happened. */
  end(): Promise<void>
}

/** A cluster in memory and in virtual time: it stands still until the test moves it. Ends with `await using`, or `[Symbol.asyncDispose]()`. */
export interface TestCluster extends AsyncDisposable {
  readonly env: VirtualEnv
  readonly cluster: Cluster
  /** Typed, in process: what controllers have too. */
  readonly client: Client
  /** Pause, step and advance. */
  readonly clock: ClockControl
  /** All events, as lines, for golden comparison. */
  readonly history: History
  /**
   * Creates objects, or makes the spec, labels and data of those that are there what these are: objects, YAML, files, folders.
   * Waits until all is quiet.
   */
  apply(...what: readonly Applied[]): Promise<void>
  /** As it is now. A bare name is one in the namespace `default`. Throws ApiError NotFound. */
  get<T extends KubeObject>(kind: Kind<T>, ref: Ref | string): Frozen<T>
  /** Of all namespaces, in order of namespace and name; with these labels, if any are given. */
  list<T extends KubeObject>(kind: Kind<T>, labels?: Record<string, string>): readonly Frozen<T>[]
  /** Throws unless the object has all that `wanted` has; the message says what it waits for and what happened to it. */
  expect<T extends KubeObject>(kind: Kind<T>, ref: Ref | string, wanted: object): void
  /** `list(Pods, labels)` */
  pods(labels?: Record<string, string>): readonly Frozen<Pod>[]
  /** `reason: message` of an object's Events, in order. */
  events(name: string): string[]
  /** `500ms`, `10s`, `6m`, `1h30m`, `7d`. */
  advance(by: string): Promise<void>
  /** Moves time until the claim holds; throws when it does not within the limit. */
  until(claim: () => boolean, limit?: string): Promise<void>
  /** Moves time until for a minute nothing was written but heartbeats; throws when that takes longer than the limit. */
  settle(limit?: string): Promise<void>
  /** Makes something go wrong, as the spec of a Fault says (docs/faults.md), until it is ended. Throws ApiError Invalid. */
  fault(spec: FaultSpec): Promise<OngoingFault>
  /** A request inside the simulation to a Service: the answer, and a line that says which pod gave it. */
  ask(service: string, path?: string): Promise<string>
  /** What happened, by whom, in answer to what. */
  timeline(query?: TimelineQuery): Timeline
  /** What has not happened to an object, what is waited for, and what would change it. */
  whyNot(kind: Kind<any>, ref: Ref | string): WhyNot
  /** The cluster with its history: for `testCluster({ from })`, or to be kept in a file for `kubesim import`. */
  snapshot(): string
  /** All that was done through `client` and `apply` since it was made, for `replay`. Only of one made with `record`. */
  recording(): Promise<string>
  /** Opens an HTTPS door on loopback, for kubectl or a controller in any language. */
  listen(how?: ListenOptions | number): Promise<Listening>
}

/**
 * A whole control plane with its nodes, at rest and ready: in some tens of milliseconds, as many at once as one likes.
 *
 *     await using cluster = await testCluster({ nodes: 3, seed: 7 })
 *
 * Rejects with an Error for what cannot be left out, and with SnapshotError for a `from` that is no snapshot.
 */
export async function testCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { way } = options
  const env = virtualEnv({ seed: options.seed ?? 1, ...(way ? { quiet: way.quiet } : {}) })
  const startAt = env.clock.now()
  const journal = options.journal ?? new MemoryJournal()
  const certificates = options.certificates ? (await import('./listening.ts')).newCertificates(env) : undefined
  const from = options.from === undefined ? undefined : readSnapshot(options.from)
  if (from !== undefined) await fillJournal(journal, from)
  const cluster = await createCluster({
    env,
    journal,
    ...(certificates ? { certificateAuthority: certificates.ca.cert } : {}),
    nodes: options.nodes ?? 3,
    without: options.without ?? [],
    controllers: options.controllers ?? [],
    delays: options.delays ?? 1,
    platform: 'linux',
    staticPods: options.staticPods,
    isDualStack: options.dualStack,
    ...(way ? { through: way.client } : {}),
  })
  const opened = await way?.open(cluster)
  const behind = Math.max(cluster.storage.lastAt ?? 0, from?.heading.at ?? 0) - env.clock.now()
  if (behind > 0) await env.clock.advance(behind)
  const history = new History(cluster.storage)
  const lines: string[] = []
  const recorder =
    options.record === true
      ? new Recorder({
          clock: env.clock,
          rest: () => env.activity.idle(),
          write: line => void lines.push(line),
          heading: recordingHeading({
            ...options,
            seed: options.seed ?? 1,
            startAt,
            ...(certificates ? { certificateAuthority: certificates.ca.cert } : {}),
          }),
        })
      : undefined
  recorder?.follow(cluster.storage)
  const client = recorder === undefined ? cluster.client : recordedClient(cluster, recorder)
  const clock = new ClockControl(env, cluster.storage, options.without)
  const doors: (Listening & { turn(): Promise<void> })[] = []
  const moving = (): Moving => {
    if (doors.length === 0) return {}
    return {
      outside: async () => {
        for (const door of doors) await door.turn()
      },
    }
  }
  let inside: Promise<WallDoor> | undefined
  cluster.nodes.network.apiServer = (stream, from) =>
    void env.activity.track(async () => {
      inside ??= import('./listening.ts').then(({ wallDoor }) => wallDoor(cluster, clock, certificates))
      const { door } = await inside
      door.take(stream, from)
    })
  await cluster.start()
  await env.activity.idle()
  recorder?.open()

  const list = <T extends KubeObject>(kind: Kind<T>, labels?: Record<string, string>): readonly Frozen<T>[] => {
    const { items } = cluster.server.registry.of(kind).list({
      ...(labels ? { labelSelector: selectorFromLabelSelector({ matchLabels: labels }).toString() } : {}),
    })
    return items.map(item => given(item.object as unknown as Frozen<T>, cluster, kind))
  }
  const get = <T extends KubeObject>(kind: Kind<T>, ref: Ref | string): Frozen<T> =>
    given(cluster.server.registry.of(kind).get(refOf(kind, ref)).object as unknown as Frozen<T>, cluster, kind)
  return {
    env,
    cluster,
    client,
    clock,
    history,
    async apply(...what) {
      for (const object of what.flatMap(objectsOf)) {
        await createOrUpdate(cluster, client, object)
        // The kinds that a definition brings are served when all is quiet.
        if (object.kind === 'CustomResourceDefinition') await env.activity.idle()
      }
      await env.activity.idle()
    },
    get,
    list,
    expect(kind, ref, wanted) {
      const object = get(kind, ref)
      const missing = differences(wanted, object)
      if (missing.length === 0) return
      throw new Error(
        [
          `${kind.kind} ${object.metadata.name} is not as expected:`,
          ...missing.map(line => `  ${line}`),
          explanation(cluster, kind, object.metadata),
        ].join('\n'),
      )
    },
    pods: labels => list(Pods, labels),
    events(name) {
      const { Events } = kindsByName
      return list(Events!)
        .filter(event => (event as unknown as { involvedObject: { name: string } }).involvedObject.name === name)
        .map(event => event as unknown as { reason: string; message: string })
        .map(({ reason, message }) => `${reason}: ${message}`)
    },
    async advance(by) {
      await recorder?.letIn()
      await clock.advance(millis(by), moving())
    },
    async until(claim, limit = '10m') {
      await recorder?.letIn()
      if (await clock.until(() => holds(claim), millis(limit), moving())) return
      const { items } = timeline(cluster.storage, { limit: 10 })
      const last = items.map(item => happeningText(item, true).trimEnd())
      throw new Error([`it did not come true within ${limit}: ${claim}`, 'what happened last:', ...last].join('\n'))
    },
    async settle(limit = '30m') {
      await recorder?.letIn()
      const { settled, unsettled } = await clock.settle(millis(limit), moving())
      if (settled) return
      const still = unsettled.map(({ type, resource, name }) => `  ${type} ${resource}/${name}`)
      throw new Error([`it is not at rest within ${limit}; written last:`, ...still].join('\n'))
    },
    async fault(spec) {
      const { metadata } = await client.of(FaultsKind).create({
        apiVersion: 'kubesim.dev/v1alpha1',
        kind: 'Fault',
        metadata: { generateName: 'fault-' },
        spec,
      })
      const { name } = metadata
      await env.activity.idle()
      const end = async (): Promise<void> => {
        await client.of(FaultsKind).delete({ name })
        await env.activity.idle()
      }
      return { name, status: () => get(FaultsKind, { name }).status ?? {}, end, [Symbol.asyncDispose]: end }
    },
    async ask(service, path = '/') {
      const ref = { name: service, namespace: 'default' }
      const request = { method: 'GET', path, headers: {}, body: new Uint8Array() }
      const response = await cluster.nodes.nodeClient.proxyService(ref, undefined, request)
      const { 'x-kubesim-pod': pod, 'x-kubesim-node': node } = response.headers
      return `${Buffer.from(response.body).toString()}pod ${pod} on ${node}\n`
    },
    timeline: query => timeline(cluster.storage, query),
    whyNot: (kind, ref) => whyNot(cluster, kind, refOf(kind, ref), clock.isPaused),
    snapshot: () => [...snapshotLines(cluster.storage, cluster.storage.revision, env.clock.now())].join(''),
    async recording() {
      if (recorder === undefined) throw new Error('nothing was recorded: make the cluster with { record: true }')
      await recorder.mark()
      return lines.join('')
    },
    async listen(how) {
      const { listen } = await import('./listening.ts')
      const options = typeof how === 'number' ? { port: how } : how
      const door = await listen(cluster, clock, options, certificates)
      doors.push(door)
      return door
    },
    async [Symbol.asyncDispose]() {
      for (const door of doors) await door.close()
      await (await inside)?.close()
      await cluster.close()
      await opened?.close()
    },
  }
}

/** What is not there yet does not hold yet. */
function holds(claim: () => boolean): boolean {
  try {
    return claim()
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

const refOf = (kind: Kind<any>, ref: Ref | string): Ref =>
  typeof ref === 'string' ? { name: ref, namespace: kind.namespaced ? 'default' : undefined } : ref

const kindsByName = Object.fromEntries(
  builtinKinds.map(kind => [kind.group === '' ? `${kind.kind}s` : kind.resource, kind]),
)
