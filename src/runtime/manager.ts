// Manager: runs controllers. It shares the informers among them, starts in order (caches, then workers), and keeps the
// promise on which controllers rest: a key is not worked again before the caches show everything its last turn wrote.
// Each controller can be stopped and resumed by itself. Called by src/cluster.ts and by components run on their own.

import type { ObjectAt } from '../api/cause.ts'
import { isConflict } from '../api/errors.ts'
import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import { controllerOf } from '../api/owners.ts'
import type { Client } from '../client/client.ts'
import type { Cancel, Millis } from '../env/clock.ts'
import { createEnding } from '../env/ending.ts'
import type { Env } from '../env/env.ts'
import type { Random } from '../env/random.ts'
import type { Kind } from '../kinds/kind.ts'
import { keyOf, refFromKey } from './cache.ts'
import type { Context, ControllerSpec, Outcome, Wake } from './controller.ts'
import { createEventRecorder } from './events.ts'
import { createInformers, type Informer, type Informers } from './informer.ts'
import { type OwnWrites, trackWrites } from './own-writes.ts'
import { createQueue, type WorkQueue } from './queue.ts'

/** Runs controllers: `start` begins them, `close` ends them. */
export interface Manager {
  /** Resolves when the caches are filled and all controllers work. */
  start(): Promise<void>
  /** Takes one controller out; resolves when what it had begun is over. */
  stop(name: string): Promise<void>
  /** Puts it back; it then looks at everything anew. */
  resume(name: string): Promise<void>
  /** Whether the controller works; throws for a name that there is not. */
  isRunning(name: string): boolean
  readonly names: readonly string[]
  readonly informers: Informers
  /** The queues of the controllers that work now. */
  queues(): readonly { readonly name: string; readonly queue: Pick<WorkQueue, 'length' | 'counts' | 'working'> }[]
  /** Ends everything; resolves when no controller works any more. */
  close(): Promise<void>
}

export interface ManagerOptions {
  readonly signal?: AbortSignal | undefined
  /** To share caches with other managers of the same process. */
  readonly informers?: Informers | undefined
}

/** Runs controllers upon a client: of a cluster in this process, or of any API server (`createHttpClient`). Throws when two have the same name. */
export function createManager(
  env: Env,
  client: Client,
  controllers: readonly ControllerSpec[],
  options: ManagerOptions = {},
): Manager {
  const ending = createEnding()
  const informers = options.informers ?? createInformers(env, client.as('informers'))
  const runs = new Map<string, Run>()
  for (const spec of controllers) {
    if (runs.has(spec.name)) throw new Error(`two controllers are named ${spec.name}`)
    runs.set(spec.name, new Run(env, client, spec, informers, ending.signal))
  }
  const named = (name: string): Run => {
    const run = runs.get(name)
    if (run === undefined) throw new Error(`there is no controller ${name}`)
    return run
  }
  const close = async (): Promise<void> => {
    ending.abort()
    await Promise.all([...runs.values()].map(run => run.stop()))
  }
  options.signal?.addEventListener('abort', () => void close(), { once: true })
  if (options.signal?.aborted) ending.abort()

  return {
    async start() {
      const kinds = new Set([...runs.values()].flatMap(run => run.kinds))
      await Promise.all([...kinds].map(kind => informers.of(kind).start(ending.signal)))
      for (const run of runs.values()) await run.start()
    },
    stop: name => named(name).stop(),
    resume: name => named(name).start(),
    isRunning: name => named(name).isRunning,
    names: [...runs.keys()],
    informers,
    queues: () => [...runs].flatMap(([name, { queue }]) => (queue === undefined ? [] : [{ name, queue }])),
    close,
  }
}

interface Life {
  readonly abort: AbortController
  readonly queue: WorkQueue
  readonly workers: Promise<void>[]
}

class Run {
  readonly kinds: readonly Kind<any>[]
  readonly #env: Env
  readonly #client: Client
  readonly #spec: ControllerSpec
  readonly #informers: Informers
  readonly #ending: AbortSignal
  readonly #event: Context['event']
  readonly #random: Random
  /** What turns wrote that the caches have not seen yet. */
  readonly #unseen = new Set<OwnWrites>()
  /** What first woke a key that is not worked yet. */
  readonly #woken = new Map<string, ObjectAt>()
  #life: Life | undefined

  constructor(env: Env, client: Client, spec: ControllerSpec, informers: Informers, ending: AbortSignal) {
    if (spec.for === undefined ? spec.work === undefined : spec.reconcile === undefined) {
      throw new Error(`${spec.name} has nothing to do: a controller has "for" and "reconcile", or "work"`)
    }
    const { owns = [], wakes = [], reads = [] } = spec
    this.kinds = [...new Set([...(spec.for ? [spec.for] : []), ...owns, ...wakes.map(({ kind }) => kind), ...reads])]
    this.#env = env
    this.#client = client.as(spec.name)
    this.#spec = spec
    this.#informers = informers
    this.#ending = ending
    this.#random = env.random.fork(spec.name)
    this.#event = createEventRecorder(env, this.#client, spec.source ?? spec.name, ending)
  }

  get isRunning(): boolean {
    return this.#life !== undefined
  }

  get queue(): WorkQueue | undefined {
    return this.#life?.queue
  }

  async start(): Promise<void> {
    if (this.isRunning || this.#ending.aborted) return
    const env = this.#env
    const spec = this.#spec
    const abort = createEnding()
    const { signal } = abort
    const queue = createQueue(env, undefined, { controller: spec.name, kind: spec.for?.kind })
    const log = env.log.child({ controller: spec.name })
    const allowed = new Map<Kind<any>, Informer<any>>(this.kinds.map(kind => [kind, this.#informers.of(kind)]))
    const context: Context = {
      client: this.#client,
      clock: env.clock,
      random: this.#random,
      log,
      signal,
      lister<T extends KubeObject>(kind: Kind<T>) {
        const informer = allowed.get(kind)
        if (informer === undefined) throw new Error(`${spec.name} does not declare that it reads ${kind.resource}`)
        return informer as Informer<T>
      },
      event: this.#event,
      follow: wake => this.#follow(wake, context, queue, allowed),
      wake: (ref, delay = 0) => queue.addAfter(keyOf(ref), delay),
    }
    const settled = env.activity.hold()
    const life: Life = { abort, queue, workers: [] }
    this.#life = life
    try {
      await spec.start?.(context)
      // A controller put back after a stop must not see less than it did when it was stopped.
      whenAllSeen([...this.#unseen], () => {
        if (this.#life === life) this.#begin(life, context)
      })
    } catch (error) {
      this.#life = undefined
      abort.abort()
      throw error
    } finally {
      settled()
    }
  }

  /** From here on no change is missed. */
  #begin({ queue, workers }: Life, context: Context): void {
    const cancels = this.#wire(context, queue)
    const cancelAll = (): void => {
      for (const cancel of cancels) cancel()
    }
    context.signal.addEventListener('abort', cancelAll, { once: true })
    for (let worker = 0; worker < (this.#spec.workers ?? 1); worker++) workers.push(this.#work(queue, context))
  }

  async #follow(
    { kind, keys }: Wake,
    context: Context,
    queue: WorkQueue,
    allowed: Map<Kind<any>, Informer<any>>,
  ): Promise<() => readonly Frozen<KubeObject>[]> {
    const ending = createEnding()
    const end = (): void => ending.abort()
    context.signal.addEventListener('abort', end, { once: true })
    const informer = this.#informers.of(kind)
    allowed.set(kind, informer)
    const change = (now: Frozen<KubeObject> | undefined, before: Frozen<KubeObject> | undefined): void => {
      for (const ref of keys(now, before, context)) this.#wake(queue, keyOf(ref), kind, now, before)
    }
    await informer.start(ending.signal)
    const cancel = ending.signal.aborted ? () => {} : informer.on(change)
    if (!ending.signal.aborted) for (const object of informer.list()) change(object, undefined)
    return () => {
      cancel()
      end()
      context.signal.removeEventListener('abort', end)
      allowed.delete(kind)
      this.#informers.forget(kind)
      return informer.list()
    }
  }

  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    life.abort.abort()
    life.queue.close()
    this.#woken.clear()
    await Promise.all(life.workers)
  }

  /** What can wake this controller, wired to its queue; all that is there already wakes it now. */
  #wire(context: Context, queue: WorkQueue): Cancel[] {
    const { for: own, owns = [], wakes = [], concerns } = this.#spec
    const cancels: Cancel[] = []
    const follow = (
      kind: Kind<any>,
      change: (now: Frozen<KubeObject> | undefined, before: Frozen<KubeObject> | undefined) => void,
    ): void => {
      const informer = this.#informers.of(kind)
      cancels.push(informer.on(change))
      for (const object of informer.list()) change(object, undefined)
    }
    for (const kind of owns) {
      follow(kind, (now, before) => {
        const owner = now && this.#ownerKey(now)
        const old = before && this.#ownerKey(before)
        if (old !== undefined && old !== owner) this.#wake(queue, old, kind, now, before)
        if (owner !== undefined) this.#wake(queue, owner, kind, now, before)
      })
    }
    for (const { kind, keys } of wakes) {
      follow(kind, (now, before) => {
        for (const ref of keys(now, before, context)) this.#wake(queue, keyOf(ref), kind, now, before)
      })
    }
    if (own !== undefined) {
      follow(own, (now, before) => {
        const isConcern =
          !concerns || (now !== undefined && concerns(now)) || (before !== undefined && concerns(before))
        if (!isConcern) return
        const patience = now && before && this.#spec.patience?.(now, before, context)
        this.#wake(queue, keyOf((now ?? before!).metadata), own, now, before, patience)
      })
    }
    return cancels
  }

  #wake(
    queue: WorkQueue,
    key: string,
    kind: Kind<any>,
    now: Frozen<KubeObject> | undefined,
    before: Frozen<KubeObject> | undefined,
    patience: Millis = 0,
  ): void {
    const { traffic } = this.#env
    if (!this.#woken.has(key)) this.#woken.set(key, objectAt(kind, now, before))
    if (traffic.isWatched) {
      traffic.tell({ step: 'queue', worker: this.#spec.name, key, woken: objectAt(kind, now, before) })
    }
    queue.addAfter(key, patience)
  }

  #ownerKey(object: Frozen<KubeObject>): string | undefined {
    const own = this.#spec.for!
    const owner = controllerOf(object)
    if (owner === undefined || owner.kind !== own.kind || groupOf(owner.apiVersion) !== own.group) return undefined
    return keyOf({ name: owner.name, namespace: own.namespaced ? object.metadata.namespace : undefined })
  }

  async #work(queue: WorkQueue, context: Context): Promise<void> {
    for (;;) {
      const key = await queue.next()
      if (key === undefined) return
      const ref = refFromKey(key)
      const object = this.#spec.for && this.#informers.of(this.#spec.for).get(ref)
      const written = trackWrites(this.#clientFor(key, object), this.#informers, this.kinds)
      this.#tell('work', key, object)
      try {
        const outcome = await this.#turn(ref, object, { ...context, client: written.client })
        queue.forget(key)
        if (outcome) queue.addAfter(key, outcome.again)
        this.#tell('done', key, object, outcome ? { again: outcome.again } : {})
      } catch (error) {
        if (!context.signal.aborted) {
          this.#tell('done', key, object, { fault: error instanceof Error ? error.message : String(error) })
          const fields = { key, failures: queue.failures(key) + 1, error: describe(error) }
          if (isConflict(error)) context.log.debug(fields, 'reconcile met a newer object, trying again')
          else context.log.warn(fields, 'reconcile failed, trying again')
          queue.retry(key)
        }
      }
      queue.rest(key)
      this.#unseen.add(written)
      written.whenSeen(() => {
        this.#unseen.delete(written)
        queue.done(key)
      })
    }
  }

  #tell(
    step: 'work' | 'done',
    key: string,
    object: Frozen<KubeObject> | undefined,
    how: { readonly again?: Millis; readonly fault?: string } = {},
  ): void {
    const { traffic } = this.#env
    if (!traffic.isWatched) return
    const { name: worker, for: own } = this.#spec
    const of = object && own && objectAt(own, object, undefined)
    traffic.tell({ step, worker, key, of, ...how })
  }

  /** What is written in this turn is kept with why: the object at hand, and what had woken us. */
  #clientFor(key: string, object: Frozen<KubeObject> | undefined): Client {
    const woken = this.#woken.get(key)
    if (woken !== undefined) this.#woken.delete(key)
    const { name, for: own } = this.#spec
    const of = object && own && objectAt(own, object, undefined)
    return this.#client.because?.({ by: name, of, woken }) ?? this.#client
  }

  async #turn(ref: Ref, object: Frozen<KubeObject> | undefined, context: Context): Promise<Outcome> {
    const spec = this.#spec
    if (spec.for === undefined) return spec.work!(ref, context)
    if (object === undefined) return spec.gone?.(ref, context)
    if (spec.concerns && !spec.concerns(object)) return undefined
    return spec.reconcile!(object, context)
  }
}

function whenAllSeen(writes: readonly OwnWrites[], run: () => void): void {
  let left = writes.length
  if (left === 0) run()
  for (const written of writes) {
    written.whenSeen(() => {
      if (--left === 0) run()
    })
  }
}

/** Of one that is gone the revision is not known. */
function objectAt(
  { resource }: Kind<any>,
  now: Frozen<KubeObject> | undefined,
  before: Frozen<KubeObject> | undefined,
): ObjectAt {
  const { name, namespace, resourceVersion } = (now ?? before!).metadata
  return { resource, namespace, name, revision: now && Number(resourceVersion) }
}

const groupOf = (apiVersion: string): string => apiVersion.slice(0, Math.max(0, apiVersion.indexOf('/')))

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'ApiError' ? error.message : (error.stack ?? error.message)
}
