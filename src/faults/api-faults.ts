// Faults of the API: which requests are struck, how, and what is counted. Asked by the HTTP door for everybody's requests, and
// by the client of the components in this process. Nothing is asked of it while no such fault is at work.

import type { V1alpha1FaultApi } from '../../generated/types.ts'
import { parseDuration } from '../api/duration.ts'
import { ApiError, type Reason } from '../api/errors.ts'
import type { Frozen, KubeObject } from '../api/meta.ts'
import type { Client, ResourceClient } from '../client/client.ts'
import type { Millis } from '../env/clock.ts'
import type { Random } from '../env/random.ts'
import type { Kind } from '../kinds/kind.ts'

/** A request, as far as a fault looks at it. */
export interface Struck {
  readonly user: string
  readonly verb: string
  /** `pods`, `pods/status`, `deployments.apps` */
  readonly resource: string
  readonly namespace: string
  readonly name: string
}

export interface Strike {
  readonly latency: Millis
  readonly error: ApiError | undefined
}

interface Rule {
  readonly fault: string
  readonly api: Frozen<V1alpha1FaultApi>
}

const reasons: Readonly<Record<number, Reason>> = {
  403: 'Forbidden',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

export class ApiFaults {
  readonly #random: Random
  readonly #onStrike: (fault: string, what: string) => void
  readonly #listeners = new Set<() => void>()
  #rules: readonly Rule[] = []

  constructor(random: Random, onStrike: (fault: string, what: string) => void) {
    this.#random = random
    this.#onStrike = onStrike
  }

  get isActive(): boolean {
    return this.#rules.length > 0
  }

  set(rules: readonly Rule[]): void {
    this.#rules = rules
    for (const listener of this.#listeners) listener()
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Whether one of them may strike such a request. */
  concerns(asked: Struck): boolean {
    return this.#rules.some(({ api }) => fits(api, asked))
  }

  /** For those outside, while what comes from there is recorded: chance of their own, and what was struck told another way. */
  apart(random: Random, onStrike: (fault: string, what: string) => void): Pick<ApiFaults, 'isActive' | 'strike'> {
    const faults = this
    return {
      get isActive() {
        return faults.isActive
      },
      strike: asked => this.#strike(asked, random, onStrike),
    }
  }

  /** Tells of one that was struck apart. */
  struck(fault: string, what: string): void {
    this.#onStrike(fault, what)
  }

  /** The first that fits strikes. */
  strike(asked: Struck): Strike | undefined {
    return this.#strike(asked, this.#random, this.#onStrike)
  }

  #strike(asked: Struck, random: Random, onStrike: (fault: string, what: string) => void): Strike | undefined {
    for (const { fault, api } of this.#rules) {
      if (!fits(api, asked)) continue
      const { percent = 100, code, latency, message = `the fault "${fault}" has struck` } = api
      if (percent < 100 && random.fraction() * 100 >= percent) continue
      onStrike(fault, `${asked.verb} ${asked.resource} ${asked.name} of ${asked.user}`.replace(/ {2,}/, ' '))
      const details = code === 429 ? { retryAfterSeconds: 1 } : undefined
      const error = code === undefined ? undefined : new ApiError(reasons[code]!, message, details, code)
      return { latency: parseDuration(latency ?? '0') ?? 0, error }
    }
    return undefined
  }
}

function fits(api: Frozen<V1alpha1FaultApi>, { user, verb, resource, namespace }: Struck): boolean {
  const { users, verbs, resources, namespaces } = api
  // What is said of faults themselves always gets through, or nobody could end one.
  if (resource.includes('kubesim.dev')) return false
  const has = (list: readonly string[] | undefined, word: string): boolean =>
    list === undefined || list.length === 0 || list.includes(word)
  return has(users, user) && has(verbs, verb) && has(resources, resource) && has(namespaces, namespace)
}

/** A client whose requests may be struck. Components in this process do not wait: only failing is to be had here. */
export function faultyClient(inner: Client, faults: ApiFaults, component = 'kubesim'): Client {
  return {
    of: kind => (faults.isActive ? faultyResource(inner.of(kind), kind, faults, component) : inner.of(kind)),
    as: other => faultyClient(inner.as(other), faults, other),
    ...(inner.because ? { because: cause => faultyClient(inner.because!(cause), faults, component) } : {}),
    ...(inner.quietly ? { quietly: () => faultyClient(inner.quietly!(), faults, component) } : {}),
  }
}

function faultyResource<T extends KubeObject>(
  inner: ResourceClient<T>,
  { resource }: Kind<T>,
  faults: ApiFaults,
  component: string,
): ResourceClient<T> {
  const user = `system:${component}`
  const ask = async (verb: string, where: { name?: string | undefined; namespace?: string | undefined }, part = '') => {
    const { name = '', namespace = '' } = where
    const whole = part === '' ? resource : `${resource}/${part}`
    const error = faults.strike({ user, verb, resource: whole, namespace, name })?.error
    if (error !== undefined) throw error
  }
  return {
    get: ref => ask('get', ref).then(() => inner.get(ref)),
    list: options => ask('list', options ?? {}).then(() => inner.list(options)),
    watch: options => inner.watch(options),
    create: (object, options) => ask('create', object.metadata).then(() => inner.create(object, options)),
    update: (object, options) => ask('update', object.metadata).then(() => inner.update(object, options)),
    updateStatus: (object, options) =>
      ask('update', object.metadata, 'status').then(() => inner.updateStatus(object, options)),
    patch: (ref, patch, subresource, options) =>
      ask('patch', ref, subresource).then(() => inner.patch(ref, patch, subresource, options)),
    delete: (ref, options) => ask('delete', ref).then(() => inner.delete(ref, options)),
    deleteCollection: (options, how) =>
      ask('deletecollection', options).then(() => inner.deleteCollection(options, how)),
    read: (ref, subresource) => ask('get', ref, subresource).then(() => inner.read(ref, subresource)),
    act: (ref, subresource, body, method) =>
      ask('create', ref, subresource).then(() => inner.act(ref, subresource, body, method)),
  }
}
