// What kubesim serves beside the API, below /kubesim/v1alpha1/: the clock. The HTTP door has seen to who asks and
// whether he may – as for every path that is no resource, by a ClusterRole's nonResourceURLs. Called by serve.ts.

import type { OwnRequest } from '../apiserver/http/app.ts'
import { parseDuration } from '../kubelet-sim/duration.ts'
import { badRequest, methodNotAllowed } from './api/errors.ts'
import type { ClockControl } from './clock-control.ts'
import type { Cluster } from './cluster.ts'
import { difference, revisionAt, revisionOf, type TimelineQuery, timeline } from './timeline.ts'

export interface OwnPaths {
  readonly cluster: Cluster
  readonly clockControl: ClockControl
}

const root = '/kubesim/v1alpha1/'

/** Undefined where there is nothing. Throws ApiError. */
export async function ownPaths(own: OwnPaths, request: OwnRequest): Promise<object | undefined> {
  if (!request.path.startsWith(root)) return undefined
  const [first, ...rest] = request.path.slice(root.length).split('/')
  if (first === 'clock') return clockPath(own.clockControl, rest, request)
  const read = first === undefined || rest.length > 0 ? undefined : reading[first]
  if (read === undefined) return undefined
  requireMethod(request, 'GET')
  return read(own.cluster, request.query)
}

type Query = OwnRequest['query']

const reading: Readonly<Record<string, (cluster: Cluster, query: Query) => object>> = {
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
  diff: ({ storage, env }, query) => {
    const point = (name: string): number => revisionOf(storage, query.get(name) ?? 'now', env.clock.now())
    return difference(storage, point('from'), point('to'), selected(query))
  },
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

async function clockPath(
  clock: ClockControl,
  [verb, ...rest]: string[],
  request: OwnRequest,
): Promise<object | undefined> {
  if (rest.length > 0) return undefined
  if (verb === undefined) {
    requireMethod(request, 'GET')
    return clock.status()
  }
  const act = clockVerbs[verb]
  if (act === undefined) return undefined
  requireMethod(request, 'POST')
  return act(clock, request)
}

const clockVerbs: Readonly<Record<string, (clock: ClockControl, request: OwnRequest) => object | Promise<object>>> = {
  pause: clock => clock.pause(),
  resume: clock => clock.resume(),
  step: clock => clock.step(),
  speed: (clock, { body }) => clock.setSpeed(Number((body as { speed?: unknown }).speed)),
  advance(clock, { body, signal }) {
    const by = (body as { by?: unknown }).by
    const span = typeof by === 'string' ? parseDuration(by) : undefined
    if (span === undefined) throw badRequest('"by" is a duration such as "90s", "1h30m" or "7d"')
    return clock.advance(span, signal)
  },
}

function requireMethod({ method, path }: OwnRequest, wanted: string): void {
  if (method !== wanted) throw methodNotAllowed(`${method} of ${path}: it takes ${wanted}`)
}
