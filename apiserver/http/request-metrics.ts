// What is counted of requests: how many, how long, how large, how many at once. The hot path adds numbers to what it finds by
// one look-up; names, labels and text are made when somebody asks for /metrics (metrics-page.ts). Called by answering.ts and verbs.ts.
// Names and buckets: k8s.io/apiserver/pkg/endpoints/metrics/metrics.go.

import type { Millis } from '../../src/env/clock.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { type Family, Histogram, type Labels } from './metric-families.ts'
import { isLongRunning, type RequestAttributes } from './request-attributes.ts'

interface Series {
  readonly labels: Labels
  readonly byCode: Map<number, number>
  readonly durations: Histogram
  readonly sizes: Histogram
  running: number
}

interface WatchedEvents {
  readonly labels: Labels
  events: number
}

// biome-ignore format: a table
const seconds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
const bytes = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

/** Begun by `begin`, to be ended once. */
export interface Counted {
  end(code: number, size: number): void
}

export class RequestMetrics {
  readonly #now: () => Millis
  readonly #series = new Map<string, Series>()
  readonly #watched = new Map<string, WatchedEvents>()
  readonly #deprecated = new Map<string, Labels>()
  readonly #inFlight = { mutating: { now: 0, most: 0 }, readOnly: { now: 0, most: 0 } }

  constructor(now: () => Millis) {
    this.#now = now
  }

  begin(info: RequestAttributes, isApply: boolean): Counted {
    const series = this.#seriesOf(info, isApply)
    const began = this.#now()
    const long = isLongRunning(info)
    const place = this.#inFlight[isReading(info) ? 'readOnly' : 'mutating']
    if (long) series.running++
    else if (++place.now > place.most) place.most = place.now
    return {
      end: (code, size) => {
        if (long) series.running--
        else place.now--
        series.byCode.set(code, (series.byCode.get(code) ?? 0) + 1)
        series.durations.observe((this.#now() - began) / 1000)
        if (size >= 0) series.sizes.observe(size)
      },
    }
  }

  /** Watches and others of their kind that are open now. */
  get longRunning(): number {
    return [...this.#series.values()].reduce((total, { running }) => total + running, 0)
  }

  /** Where the events that watches of a kind are sent are counted. */
  eventsOf({ group, version, plural }: Kind<any>): { events: number } {
    const key = `${group}/${version}/${plural}`
    let counted = this.#watched.get(key)
    if (counted === undefined) {
      counted = { labels: { group, version, resource: plural }, events: 0 }
      this.#watched.set(key, counted)
    }
    return counted
  }

  deprecated({ group, version, plural: resource }: Kind<any>, subresource = ''): void {
    const key = `${group}/${version}/${resource}/${subresource}`
    if (this.#deprecated.has(key)) return
    this.#deprecated.set(key, { group, version, resource, subresource, removed_release: '' })
  }

  families(): Family[] {
    const all = [...this.#series.values()]
    const { mutating, readOnly } = this.#inFlight
    const inFlight = [
      { labels: { request_kind: 'mutating' }, value: mutating.most },
      { labels: { request_kind: 'readOnly' }, value: readOnly.most },
    ]
    mutating.most = mutating.now
    readOnly.most = readOnly.now
    return [
      {
        name: 'apiserver_request_total',
        help: 'Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
        type: 'counter',
        values: all.flatMap(({ labels, byCode }) =>
          [...byCode].map(([code, value]) => ({ labels: { ...labels, code: String(code) }, value })),
        ),
      },
      Histogram.family(
        'apiserver_request_duration_seconds',
        'Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.',
        all.map(({ labels, durations }) => [labels, durations]),
      ),
      Histogram.family(
        'apiserver_response_sizes',
        'Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.',
        all.map(({ labels: { dry_run, ...labels }, sizes }) => [labels, sizes]),
      ),
      {
        name: 'apiserver_current_inflight_requests',
        help: 'Maximal number of currently used inflight request limit of this apiserver per request kind in last second.',
        type: 'gauge',
        values: inFlight,
      },
      {
        name: 'apiserver_longrunning_requests',
        help: 'Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.',
        type: 'gauge',
        values: all
          .filter(({ running }) => running > 0)
          .map(({ labels: { dry_run, ...labels }, running }) => ({ labels, value: running })),
      },
      {
        name: 'apiserver_watch_events_total',
        help: 'Number of events sent in watch clients',
        type: 'counter',
        values: [...this.#watched.values()].map(({ labels, events }) => ({ labels, value: events })),
      },
      {
        name: 'apiserver_requested_deprecated_apis',
        help: 'Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, subresource, and removed_release.',
        type: 'gauge',
        values: [...this.#deprecated.values()].map(labels => ({ labels, value: 1 })),
      },
    ]
  }

  #seriesOf(info: RequestAttributes, isApply: boolean): Series {
    const verb = isApply ? 'APPLY' : verbOf(info)
    const scope = scopeOf(info)
    const { group, version, resource } = info
    const subresource = info.isResource ? info.subresource : knownPath(info.path)
    const key = `${verb} ${group}/${version}/${resource}/${subresource} ${scope}`
    let series = this.#series.get(key)
    if (series === undefined) {
      series = {
        labels: { verb, dry_run: '', group, version, resource, subresource, scope, component: 'apiserver' },
        byCode: new Map(),
        durations: new Histogram(seconds),
        sizes: new Histogram(bytes),
        running: 0,
      }
      this.#series.set(key, series)
    }
    return series
  }
}

function isReading({ verb }: RequestAttributes): boolean {
  return verb === 'get' || verb === 'list' || verb === 'watch'
}

const words: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'LIST',
  watch: 'WATCH',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
}

const connected: ReadonlySet<string> = new Set(['log', 'exec', 'portforward', 'attach', 'proxy'])

function verbOf({ isResource, verb, subresource }: RequestAttributes): string {
  if (isResource && connected.has(subresource)) return 'CONNECT'
  return words[verb] ?? (verb === 'post' || verb === 'put' ? verb.toUpperCase() : 'other')
}

function scopeOf({ isResource, name, verb, namespace }: RequestAttributes): string {
  if (!isResource) return ''
  if (name !== '' || verb === 'create') return 'resource'
  return namespace === '' ? 'cluster' : 'namespace'
}

/** What is not a resource is told apart by its path, as long as it is one of ours: who asks at random makes no series. */
function knownPath(path: string): string {
  const found = /^\/(?:healthz|livez|readyz|metrics|version|openapi\/v[23]|apis?)(?=\/|$)/.exec(path)
  return found === null ? '' : found[0]
}
