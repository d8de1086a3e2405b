// GET …/control-plane: the stations that events travel between, as they are at this moment: who works, who waits, who was
// stopped and by what, and what each wrote last. All of it is read when it is asked for. Called by own-paths.ts.

import { prefixOf } from '../../apiserver/storage/keys.ts'
import type { StorageEvent } from '../../apiserver/storage/storage.ts'
import type { Pod, V1alpha1Fault } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { rfc3339Milli } from '../api/time.ts'
import type { ClockControl } from '../clock-control.ts'
import type { Cluster, WorkerState } from '../cluster.ts'
import { type Component, components } from '../config.ts'
import type { Millis } from '../env/clock.ts'
import { FaultsKind } from '../kinds/fault.ts'
import { Nodes } from '../kinds/node.ts'
import { Pods } from '../kinds/pod.ts'
import { nameOf, type ObjectName } from '../timeline.ts'

export interface ControlPlane {
  readonly kind: 'ControlPlane'
  readonly apiVersion: 'kubesim.dev/v1alpha1'
  readonly time: string
  readonly revision: number
  readonly paused: boolean
  readonly speed: number
  readonly store: {
    readonly revision: number
    readonly oldest: number
    readonly objects: number
    /** Writes that history still has, and those of the last minute. */
    readonly writes: number
    readonly perMinute: number
  }
  readonly apiserver: {
    /** Open ones, of components and of others. */
    readonly watches: number
  }
  /** Programs outside of the cluster that have written something, the last one first. */
  readonly clients: readonly ClientState[]
  readonly stations: readonly Station[]
  readonly kubelets: Kubelets
}

/** What has a queue: a controller, the scheduler, what the kubelets and proxies do. */
export interface Station {
  /** As causes name it: `deployment-controller`. */
  readonly name: string
  readonly component: Component
  readonly isRunning: boolean
  /** Active Faults that hold it, or all of its component. */
  readonly stoppedBy: readonly string[]
  /** It is in no process of this cluster, as far as this one knows. */
  readonly isApart?: boolean
  readonly queue?: { readonly length: number; readonly adds: number; readonly retries: number }
  /** What it works on now. */
  readonly working: readonly string[]
  readonly last?: {
    readonly revision: number
    readonly time?: string
    readonly type: StorageEvent['type']
    readonly object: ObjectName
  }
  readonly writes: number
  readonly perMinute: number
}

/** As its requests name it. */
export interface ClientState extends Pick<Station, 'last' | 'writes' | 'perMinute'> {
  readonly name: string
  readonly user: string
}

export interface Kubelets {
  readonly count: number
  /** At most so many, by name. */
  readonly nodes: readonly KubeletState[]
  readonly notRunning: number
}

export interface KubeletState {
  /** The node's. */
  readonly name: string
  /** Its machine works, and something answers there. */
  readonly isRunning: boolean
  readonly pods: number
  /** Active Faults that have switched the machine off, or cut it off. */
  readonly stoppedBy: readonly string[]
}

const mostNodes = 24
/** What a Fault does to a node so that nothing is heard of it. */
const silencing: ReadonlySet<string | undefined> = new Set(['Dead', 'CutOff', 'Gone'])
const aMinute: Millis = 60_000

export function controlPlaneOf(cluster: Cluster, clock: ClockControl): ControlPlane {
  const { storage, env, server } = cluster
  const now = env.clock.now()
  const written = writesByWhom(storage.events(), now)
  const stopped = stoppedComponents(cluster)
  const stationOf = ({ component, name, queue }: WorkerState): Station => {
    const own = written.get(name) ?? nothingWritten
    return {
      name,
      component,
      isRunning: queue !== undefined,
      stoppedBy: [...(stopped.get(name) ?? []), ...(stopped.get(component) ?? [])],
      ...(queue && { queue: { length: queue.length, ...queue.counts } }),
      working: queue?.working ?? [],
      ...(own.last && { last: shown(own.last) }),
      writes: own.count,
      perMinute: own.perMinute,
    }
  }
  const workers = cluster.workers()
  const apart = components.filter(each => !workers.some(({ component }) => component === each))
  const all = [...written.values()]
  const { speed } = clock.status()
  return {
    kind: 'ControlPlane',
    apiVersion: 'kubesim.dev/v1alpha1',
    time: rfc3339Milli(now),
    revision: storage.revision,
    paused: clock.isPaused,
    speed,
    store: {
      revision: storage.revision,
      oldest: storage.compacted,
      objects: storage.count('/registry/'),
      writes: all.reduce((sum, { count }) => sum + count, 0),
      perMinute: all.reduce((sum, { perMinute }) => sum + perMinute, 0),
    },
    apiserver: { watches: server.registry.watching },
    clients: clientsIn(written),
    stations: [
      ...workers.map(stationOf),
      ...apart.map(component => ({
        ...stationOf({ component, name: component, queue: undefined }),
        isApart: true,
      })),
    ],
    kubelets: kubeletsOf(cluster),
  }
}

interface Written {
  count: number
  perMinute: number
  last: StorageEvent | undefined
}

const isChatter = (key: string): boolean =>
  key.startsWith('/registry/core/events/') || key.startsWith('/registry/coordination.k8s.io/leases/')

const nothingWritten: Readonly<Written> = Object.freeze({ count: 0, perMinute: 0, last: undefined })

/** A component's name may be a program's outside as well. */
const outsider = (user: string, by: string): string => `${user}\n${by}`

function writesByWhom(events: readonly StorageEvent[], now: Millis): ReadonlyMap<string, Written> {
  const all = new Map<string, Written>()
  for (const event of events) {
    const { by = '', user } = event.note?.cause ?? {}
    const who = user === undefined ? by : outsider(user, by)
    let written = all.get(who)
    if (written === undefined) {
      written = { ...nothingWritten }
      all.set(who, written)
    }
    written.count++
    if (event.note !== undefined && now - event.note.at < aMinute) written.perMinute++
    if (!isChatter(event.key)) written.last = event
  }
  return all
}

/** What came over HTTP says as whom. */
function clientsIn(written: ReadonlyMap<string, Written>): ClientState[] {
  const found: (ClientState & { readonly revision: number })[] = []
  for (const { count, perMinute, last } of written.values()) {
    const { user, by: name = '' } = last?.note?.cause ?? {}
    if (last === undefined || user === undefined) continue
    found.push({ name, user, writes: count, perMinute, last: shown(last), revision: last.revision })
  }
  return found.sort((one, other) => other.revision - one.revision).map(({ revision: _, ...client }) => client)
}

function shown({ revision, type, key, stored, note }: StorageEvent): NonNullable<Station['last']> {
  return {
    revision,
    ...(note ? { time: rfc3339Milli(note.at) } : {}),
    type,
    object: nameOf(key, stored.object),
  }
}

/** By the name of a component or controller: the faults that are at work on it. */
function stoppedComponents({ storage }: Cluster): ReadonlyMap<string, readonly string[]> {
  return byVictim(storage, ({ component }) => (component?.effect === 'Stopped' ? [component.name] : []))
}

function byVictim(
  storage: Cluster['storage'],
  victims: (spec: Frozen<V1alpha1Fault>['spec']) => readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const { object } of storage.list(prefixOf(FaultsKind))) {
    const { metadata, spec, status } = object as unknown as Frozen<V1alpha1Fault>
    if (status?.phase !== 'Active') continue
    for (const victim of victims(spec)) found.set(victim, [...(found.get(victim) ?? []), metadata.name])
  }
  return found
}

function kubeletsOf(cluster: Cluster): Kubelets {
  const { storage, nodes } = cluster
  const pods = new Map<string, number>()
  for (const { object } of storage.list(prefixOf(Pods))) {
    const { nodeName } = (object as unknown as Frozen<Pod>).spec
    if (nodeName) pods.set(nodeName, (pods.get(nodeName) ?? 0) + 1)
  }
  const silenced = byVictim(storage, ({ nodes: of }) => (silencing.has(of?.effect) ? of!.names : []))
  const areWorking = cluster.isRunning('kubelet')
  const all = storage.list(prefixOf(Nodes)).map(({ object: { metadata } }) => ({
    name: metadata.name,
    isRunning: areWorking && !nodes.network.isDead(metadata.name),
    pods: pods.get(metadata.name) ?? 0,
    stoppedBy: silenced.get(metadata.name) ?? [],
  }))
  return {
    count: all.length,
    nodes: all.slice(0, mostNodes),
    notRunning: all.filter(({ isRunning }) => !isRunning).length,
  }
}
