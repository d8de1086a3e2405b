// What kubesim serves beside the API, below /kubesim/v1alpha1/: the clock, what happened, traces. The HTTP door has seen to who asks and
// whether he may – as for every path that is no resource, by a ClusterRole's nonResourceURLs. Called by serve.ts.

import { Lines, LiveLines, type OwnRequest } from '../apiserver/http/own-requests.ts'
import { keyOf } from '../apiserver/storage/keys.ts'
import { parseDuration } from '../kubelet-sim/duration.ts'
import { ApiError, badRequest, methodNotAllowed, notFound } from './api/errors.ts'
import type { Ref } from './api/meta.ts'
import type { ClockControl, Moving } from './clock-control.ts'
import type { Cluster } from './cluster.ts'
import type { Millis } from './env/clock.ts'
import type { Kind } from './kinds/kind.ts'
import { Pods } from './kinds/pod.ts'
import type { Classroom } from './lessons/classroom.ts'
import { type Outside, turnOf } from './outside.ts'
import { sendRequest, timeoutOf, urlOf } from './own/requests.ts'
import { snapshotLines } from './snapshot-file.ts'
import { difference, revisionAt, revisionOf, type TimelineQuery, timeline } from './timeline.ts'
import { type Why, whyOf } from './why/chain.ts'
import { whyNot } from './why/why-not.ts'

export interface OwnPaths {
  readonly cluster: Cluster
  readonly clockControl: ClockControl
  /** Absent: time does not wait for anybody who is not in this process. */
  readonly outside?: Outside
  /** Loaded with the first question for them; absent where they are not played. */
  lessons?(): Promise<Classroom>
}

const root = '/kubesim/v1alpha1/'

/** Undefined where there is nothing. Throws ApiError. */
export async function ownPaths(own: OwnPaths, request: OwnRequest): Promise<object | undefined> {
  if (!request.path.startsWith(root)) return undefined
  const [first, ...rest] = request.path.slice(root.length).split('/')
  if (first === 'control-plane') return controlPlanePath(own, rest, request)
  if (first === 'lessons' && own.lessons !== undefined) {
    const { lessonsPath } = await import('./own/lessons.ts')
    return lessonsPath(await own.lessons(), rest, request)
  }
  if (first === 'clock') return clockPath(own, rest, request)
  const act = first === undefined || rest.length > 0 ? undefined : acting[first]
  if (act !== undefined) {
    requireMethod(request, 'POST')
    return act(own, request)
  }
  const read = first === undefined || rest.length > 0 ? undefined : reading[first]
  if (read === undefined) return undefined
  requireMethod(request, 'GET')
  return read(own.cluster, request.query, own.clockControl)
}

type Query = OwnRequest['query']

const reading: Readonly<
  Record<string, (cluster: Cluster, query: Query, clock: ClockControl) => object | Promise<object>>
> = {
  why: (cluster, query) => why(cluster, ...wanted(cluster, query)),
  'why-not': (cluster, query, clock) => whyNot(cluster, ...wanted(cluster, query), clock.isPaused),
  /** `?until=5m-ago`: the cluster with its history, as one file. */
  snapshot: async ({ storage, env, nodes }, query) => {
    const words = query.get('until')
    // The last that is written tells an imported cluster how late it is.
    if (words === null) await nodes.renewals.make()
    const until = words === null ? storage.revision : revisionOf(storage, words, env.clock.now())
    return new Lines(snapshotLines(storage, until))
  },
  /** `?at=5m-ago`: which revision that was. */
  revision: ({ storage, env }, query) => ({
    kind: 'Revision',
    apiVersion: 'kubesim.dev/v1alpha1',
    ...revisionAt(storage, revisionOf(storage, query.get('at') ?? 'now', env.clock.now())),
    oldest: storage.compacted,
    present: storage.revision,
  }),
  timeline: ({ storage, env }, query) => {
    const point = (name: string): { [name: string]: number } | undefined => {
      const words = query.get(name)
      return words === null ? undefined : { [name]: revisionOf(storage, words, env.clock.now()) }
    }
    return timeline(storage, { ...selected(query), ...point('from'), ...point('to') })
  },
  trace: tracePath,
  diff: ({ storage, env }, query) => {
    const point = (name: string): number => revisionOf(storage, query.get(name) ?? 'now', env.clock.now())
    return difference(storage, point('from'), point('to'), selected(query))
  },
}

const acting: Readonly<Record<string, (own: OwnPaths, request: OwnRequest) => Promise<object>>> = {
  requests: ({ cluster, clockControl: { isPaused } }, { body, signal }) =>
    sendRequest(cluster, body, { signal, isPaused }),
  scheduling: async ({ cluster }, { body }) => {
    const { answerScheduling } = await import('./own/scheduling.ts')
    return answerScheduling(cluster, body)
  },
}

/** `?resource=pods&namespace=default&name=web`; `deployments` and `deployments.apps`. Throws ApiError. */
function wanted({ server }: Cluster, query: Query): [kind: Kind<any>, ref: Ref] {
  const [resource, name] = [query.get('resource'), query.get('name')]
  if (!resource || !name) throw badRequest('which object? It takes resource, name and, of most kinds, namespace')
  const kinds = server.registry.kinds.filter(each => each.storedAs === undefined)
  const kind = kinds.find(each => each.resource === resource) ?? kinds.find(each => each.plural === resource)
  if (kind === undefined) throw noSuchResource(resource)
  return [kind, { name, ...(kind.namespaced ? { namespace: query.get('namespace') || 'default' } : {}) }]
}

function why(cluster: Cluster, kind: Kind<any>, ref: Ref): Why {
  const told = whyOf(cluster.storage, keyOf(kind, ref))
  if (told === undefined) throw notFound(kind, ref.name)
  const { namespace = '', name } = ref
  const decision = kind.resource === 'pods' ? cluster.decisions.get({ namespace, name }) : undefined
  return { ...told, ...(decision && decision.pod.uid === told.object.uid ? { decision } : {}) }
}

function noSuchResource(resource: string): ApiError {
  return new ApiError('NotFound', `the server doesn't have a resource type "${resource}"`)
}

/** `?namespace=default&pod=web&url=http://db/&timeout=5s`: a request from the pod, and the way it took. */
async function tracePath({ nodes, server }: Cluster, query: Query): Promise<object> {
  const url = urlOf(query.get('url') ?? '')
  const timeout = timeoutOf(query.get('timeout') ?? '5s')
  const ref = { namespace: query.get('namespace') ?? 'default', name: query.get('pod') ?? '' }
  const pod = await server.client.of(Pods).get(ref)
  if (!pod.status.podIP) throw badRequest(`pod "${ref.name}" has no address yet`)
  const { traceRequest } = await import('../kubelet-sim/network/trace-request.ts')
  return traceRequest(nodes.network, { from: { pod }, url, timeout })
}

function selected(query: Query): TimelineQuery {
  const word = (name: string): Record<string, string> => {
    const value = query.get(name)
    return value === null || value === '' ? {} : { [name]: value }
  }
  const limit = Number(query.get('limit') ?? 0)
  return {
    ...word('namespace'),
    ...word('resource'),
    ...word('name'),
    all: query.get('all') === 'true',
    ...(limit > 0 ? { limit } : {}),
  }
}

async function controlPlanePath(
  { cluster, clockControl }: OwnPaths,
  [part, ...rest]: string[],
  request: OwnRequest,
): Promise<object | undefined> {
  if (rest.length > 0 || (part !== undefined && part !== 'events')) return undefined
  requireMethod(request, 'GET')
  if (part === undefined) {
    const { controlPlaneOf } = await import('./own/control-plane.ts')
    return controlPlaneOf(cluster, clockControl)
  }
  const { query, signal } = request
  if (!['1', 'true'].includes(query.get('watch') ?? '')) throw badRequest('events are watched: ?watch=1')
  const { passing } = await import('./own/control-plane-events.ts')
  const word = (name: string): string | undefined => query.get(name) || undefined
  const wanted = {
    resource: word('resource'),
    namespace: word('namespace'),
    name: word('name'),
    station: word('station'),
  }
  return new LiveLines(passing(cluster, { ...wanted, all: query.get('all') === 'true' }, signal))
}

async function clockPath(own: OwnPaths, [verb, ...rest]: string[], request: OwnRequest): Promise<object | undefined> {
  if (rest.length > 0) return undefined
  if (verb === undefined) {
    requireMethod(request, 'GET')
    return own.clockControl.status()
  }
  const act = clockVerbs[verb]
  if (act === undefined) return undefined
  requireMethod(request, 'POST')
  const { signal } = request
  const body = request.body as Body
  return act(own.clockControl, body, { signal, outside: outsiders(own.outside, body) })
}

type Body = Readonly<Record<string, unknown>>

const clockVerbs: Readonly<
  Record<string, (clock: ClockControl, body: Body, moving: Moving) => object | Promise<object>>
> = {
  pause: clock => clock.pause(),
  resume: clock => clock.resume(),
  step: clock => clock.step(),
  speed: (clock, { speed }) => clock.setSpeed(Number(speed)),
  /** `{"by": "1h30m"}` */
  advance: (clock, { by }, moving) => clock.advance(span('by', by), moving),
  /** `{"limit": "30m"}` */
  settle: (clock, { limit }, moving) => clock.settle(span('limit', limit ?? '30m'), moving),
}

/** `"patience": "50ms"`: how long those outside are given to answer each change before time goes on. */
function outsiders(outside: Outside | undefined, { patience }: Body): (() => Promise<void>) | undefined {
  const asked = patience === undefined ? undefined : span('patience', patience)
  return outside && (() => turnOf(outside, asked))
}

function span(name: string, text: unknown): Millis {
  const millis = typeof text === 'string' ? parseDuration(text) : undefined
  if (millis === undefined) throw badRequest(`"${name}" is a duration such as "90s", "1h30m" or "7d"`)
  return millis
}

function requireMethod({ method, path }: OwnRequest, wanted: string): void {
  if (method !== wanted) throw methodNotAllowed(`${method} of ${path}: it takes ${wanted}`)
}
