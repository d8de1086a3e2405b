// explore: one test under many orders of events. Every run has a seed of its own, from which come the cluster's chance and what
// befalls its components: news that reaches them late, writes that meet a conflict. What fails is tried again with
// fewer and fewer of these, and reported with the seed and the few that it takes.
//
//   await explore({ seeds: 500 }, async cluster => { … })

import { ApiError } from '../api/errors.ts'
import type { Client, ResourceClient, WatchEvent, WatchOptions } from '../client/client.ts'
import type { Millis } from '../env/clock.ts'
import type { Env } from '../env/env.ts'
import { SeededRandom } from '../env/random.ts'
import type { Kind } from '../kinds/kind.ts'
import { type TestCluster, type TestClusterOptions, testCluster, type Way } from './cluster.ts'
import { later } from './later.ts'

export interface ExploreOptions extends Omit<TestClusterOptions, 'seed' | 'way'> {
  /** How many runs. Default: 100. */
  readonly seeds?: number
  /** The first of them: to run one again, with `seeds: 1`. Default: 1. */
  readonly firstSeed?: number
  /** Of a hundred events that a component watches for, so many reach it late. Default: 10. */
  readonly late?: number
  /** By how much at most, in milliseconds. Default: 2000. */
  readonly longest?: number
  /** Of a hundred writes so many meet a conflict. Default: 5. */
  readonly conflicts?: number
}

/** A failure with the least that brings it about. */
export class ExplorationError extends Error {
  override readonly name = 'ExplorationError'
  readonly seed: number
  /** What befell the components, in order. */
  readonly disturbances: readonly string[]

  constructor(seed: number, disturbances: readonly string[], history: readonly string[], cause: unknown) {
    const told = cause instanceof Error ? cause.message : String(cause)
    const list = disturbances.map(each => `  ${each}\n`).join('') || '  nothing: the seed alone\n'
    const tail = history
      .slice(-25)
      .map(line => `  ${line}\n`)
      .join('')
    super(`seed ${seed}: ${told}\n\nwhat befell the components:\n${list}\nthe end of its history:\n${tail}`, { cause })
    this.seed = seed
    this.disturbances = disturbances
  }
}

/** Resolves when every run has passed; rejects with an ExplorationError for the first seed that has not. */
export async function explore(options: ExploreOptions, test: (cluster: TestCluster) => Promise<void>): Promise<void> {
  const { seeds = 100, firstSeed = 1 } = options
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const failed = await run(seed, everything, options, test)
    if (failed !== undefined) throw await smallest(seed, failed, options, test)
  }
}

interface Failed {
  readonly error: unknown
  /** How many there would have been, with those that were left out. */
  readonly drawn: number
  readonly disturbances: readonly string[]
  readonly history: readonly string[]
}

/** Of what befalls the components, in the order in which it is drawn: the first so many, but for these. */
interface Allowed {
  readonly most: number
  readonly not: ReadonlySet<number>
}

const everything: Allowed = { most: Number.POSITIVE_INFINITY, not: new Set() }

async function run(
  seed: number,
  allowed: Allowed,
  options: ExploreOptions,
  test: (cluster: TestCluster) => Promise<void>,
): Promise<Failed | undefined> {
  const disturbances = new Disturbances(seed, allowed, options)
  let client: Client | undefined
  const way: Way = {
    quiet: 1,
    client: later(() => client!),
    async open({ client: direct, env }) {
      client = disturbances.wrap(direct, env)
      return { close: async () => {} }
    },
  }
  await using cluster = await testCluster({ ...options, seed, way })
  disturbances.begin()
  try {
    await test(cluster)
    return undefined
  } catch (error) {
    return { error, disturbances: [...disturbances.done], drawn: disturbances.drawn, history: cluster.history.lines() }
  } finally {
    disturbances.end()
  }
}

/** How often at most one of them is tried without. */
const mostTries = 60

/**
 * The fewest with which it still fails: first counted from the first, halving as long as that finds any; then, from the last to
 * the first, each is left out that it fails without.
 */
async function smallest(
  seed: number,
  first: Failed,
  options: ExploreOptions,
  test: (cluster: TestCluster) => Promise<void>,
): Promise<ExplorationError> {
  let found = first
  let passes = -1
  let fails = first.drawn
  while (fails - passes > 1) {
    const most = Math.floor((passes + fails) / 2)
    const failed = await run(seed, { most, not: new Set() }, options, test)
    if (failed === undefined) passes = most
    else {
      fails = most
      found = failed
    }
  }
  let not = new Set<number>()
  for (let each = fails - 2; each >= Math.max(0, fails - 1 - mostTries); each--) {
    const without = new Set([...not, each])
    const failed = await run(seed, { most: fails, not: without }, options, test)
    if (failed === undefined) continue
    not = without
    found = failed
  }
  return new ExplorationError(seed, found.disturbances, found.history, found.error)
}

const conflicting = ['update', 'updateStatus', 'patch']

/** Drawn from the seed alone, in the order in which components ask; what is not allowed is drawn and does not happen. */
class Disturbances {
  readonly done: string[] = []
  readonly #random: SeededRandom
  readonly #allowed: Allowed
  readonly #options: ExploreOptions
  readonly #ended = new AbortController()
  #isOn = false
  #drawn = 0

  constructor(seed: number, allowed: Allowed, options: ExploreOptions) {
    this.#random = new SeededRandom(`explore ${seed}`)
    this.#allowed = allowed
    this.#options = options
  }

  get drawn(): number {
    return this.#drawn
  }

  /** Before, time stands, and nothing can come late. */
  begin(): void {
    this.#isOn = true
  }

  /** What is on its way arrives. */
  end(): void {
    this.#isOn = false
    this.#ended.abort()
  }

  wrap(client: Client, env: Env, component = 'somebody'): Client {
    return {
      as: name => this.wrap(client.as(name), env, name),
      of: kind => this.#resource(kind, client.of(kind), env, component),
    }
  }

  #resource(kind: Kind<any>, inner: ResourceClient<any>, env: Env, component: string): ResourceClient<any> {
    const from = inner as unknown as Record<string, (...words: unknown[]) => Promise<unknown>>
    const disturbed: Record<string, unknown> = {
      ...inner,
      watch: (options: WatchOptions) => this.#watch(kind, inner, options, env, component),
    }
    for (const verb of conflicting) {
      disturbed[verb] = async (...words: unknown[]) => {
        this.#maybeRefuse(`${component} ${verb} ${kind.plural}`, kind)
        return from[verb]!(...words)
      }
    }
    return disturbed as unknown as ResourceClient<any>
  }

  #maybeRefuse(what: string, kind: Kind<any>): void {
    if (!this.#draws(this.#options.conflicts ?? 5)) return
    this.done.push(`${what}: met a conflict`)
    const message = `Operation cannot be fulfilled on ${kind.resource}: the object has been modified; please apply your changes to the latest version and try again`
    throw new ApiError('Conflict', message)
  }

  /** Events keep their order: what comes after one that is late is as late. */
  async *#watch(
    kind: Kind<any>,
    inner: ResourceClient<any>,
    options: WatchOptions,
    env: Env,
    component: string,
  ): AsyncGenerator<WatchEvent<any>> {
    const queue: { readonly event: WatchEvent<any>; readonly due: Millis }[] = []
    let wake: (() => void) | undefined
    let end: { readonly error?: unknown } | undefined
    // Read at once whatever comes: nobody is busy while an event is on its way.
    const pump = async (): Promise<void> => {
      try {
        for await (const event of inner.watch(options)) {
          queue.push({ event, due: this.#dueOf(event, kind, component, env.clock.now(), queue.at(-1)?.due ?? 0) })
          wake?.()
        }
        end = {}
      } catch (error) {
        end = { error }
      }
      wake?.()
    }
    void pump()
    for (;;) {
      const next = queue[0]
      if (next !== undefined) {
        const wait = next.due - env.clock.now()
        if (wait > 0 && this.#isOn) await env.clock.sleep(wait, this.#ended.signal).catch(() => {})
        yield queue.shift()!.event
      } else if (end !== undefined) {
        if ('error' in end) throw end.error
        return
      } else {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
  }

  #dueOf(event: WatchEvent<any>, kind: Kind<any>, component: string, now: Millis, least: Millis): Millis {
    if (event.type === 'BOOKMARK' || !this.#draws(this.#options.late ?? 10)) return least
    const wait = Math.ceil(this.#random.fraction() * (this.#options.longest ?? 2000))
    this.done.push(`${component} hears ${wait} ms late of ${event.type} ${kind.plural}/${event.object.metadata.name}`)
    return Math.max(least, now + wait)
  }

  /** Whether it is to happen now, of a hundred times so often. */
  #draws(percent: number): boolean {
    if (!this.#isOn || this.#drawn >= this.#allowed.most) return false
    if (this.#random.fraction() * 100 >= percent) return false
    return !this.#allowed.not.has(this.#drawn++)
  }
}
