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

/** How many runs, and how much befalls the components; else as of `testCluster`. */
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
    const failed = await run(seed, 'drawn', options, test)
    if (failed !== undefined) throw await smallest(seed, failed, options, test)
  }
}

interface Failed {
  readonly error: unknown
  readonly disturbances: readonly Disturbance[]
  readonly history: readonly string[]
}

/** One thing that befell a component. */
interface Disturbance {
  /** What would have been: `web-operator update configmaps`, and the how manieth of these it was. */
  readonly of: string
  /** By how many milliseconds it came late; a conflict has no such. */
  readonly late?: Millis
  readonly text: string
}

/** What befalls the components: as the seed has it, or just these. */
type Plan = 'drawn' | readonly Disturbance[]

async function run(
  seed: number,
  plan: Plan,
  options: ExploreOptions,
  test: (cluster: TestCluster) => Promise<void>,
): Promise<Failed | undefined> {
  const disturbances = new Disturbances(seed, plan, options)
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
    return { error, disturbances: [...disturbances.done], history: cluster.history.lines() }
  } finally {
    disturbances.end()
  }
}

/** How often at most it is tried with fewer. */
const mostTries = 80

/** With which it still fails: halves, quarters, … and in the end each alone are left out, as long as it fails without. */
async function smallest(
  seed: number,
  first: Failed,
  options: ExploreOptions,
  test: (cluster: TestCluster) => Promise<void>,
): Promise<ExplorationError> {
  let found = first
  let tries = 0
  const failsWith = async (plan: readonly Disturbance[]): Promise<boolean> => {
    tries++
    const failed = await run(seed, plan, options, test)
    if (failed !== undefined) found = failed
    return failed !== undefined
  }
  let left: readonly Disturbance[] = first.disturbances
  // Most failures take none of them, or one of the last.
  if (left.length > 0 && (await failsWith([]))) left = []
  for (
    let size = Math.ceil(left.length / 2);
    size >= 1 && left.length > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < left.length && tries < mostTries; ) {
      const fewer = left.filter((_, index) => index < at || index >= at + size)
      if (fewer.length < left.length && (await failsWith(fewer))) left = fewer
      else at += size
    }
  }
  const texts = found.disturbances.map(({ text }) => text)
  return new ExplorationError(seed, texts, found.history, found.error)
}

const conflicting = ['update', 'updateStatus', 'patch']

/**
 * Drawn from the seed alone, in the order in which components ask. What was drawn is known by what it befell, not by when, so
 * that some of it can befall again when the rest does not.
 */
class Disturbances {
  readonly done: Disturbance[] = []
  readonly #random: SeededRandom
  readonly #planned: ReadonlyMap<string, Disturbance> | undefined
  readonly #options: ExploreOptions
  readonly #counts = new Map<string, number>()
  readonly #ended = new AbortController()
  #isOn = false

  constructor(seed: number, plan: Plan, options: ExploreOptions) {
    this.#random = new SeededRandom(`explore ${seed}`)
    this.#planned = plan === 'drawn' ? undefined : new Map(plan.map(each => [each.of, each]))
    this.#options = options
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
    const isHit = this.#strikes(what, this.#options.conflicts ?? 5, of => ({ of, text: `${what}: met a conflict` }))
    if (isHit === undefined) return
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
    if (event.type === 'BOOKMARK') return least
    const what = `${event.type} ${kind.plural}/${event.object.metadata.name}`
    const hit = this.#strikes(`${component} hears ${what}`, this.#options.late ?? 10, of => {
      const late = Math.ceil(this.#random.fraction() * (this.#options.longest ?? 2000))
      return { of, late, text: `${component} hears ${late} ms late of ${what}` }
    })
    return hit?.late === undefined ? least : Math.max(least, now + hit.late)
  }

  /** What befalls this one, if anything: as it is planned, or, of a hundred, so many times. */
  #strikes(what: string, percent: number, make: (of: string) => Disturbance): Disturbance | undefined {
    if (!this.#isOn) return undefined
    const count = (this.#counts.get(what) ?? 0) + 1
    this.#counts.set(what, count)
    const of = `${what} (${count})`
    const hit =
      this.#planned === undefined
        ? this.#random.fraction() * 100 < percent
          ? make(of)
          : undefined
        : this.#planned.get(of)
    if (hit !== undefined) this.done.push(hit)
    return hit
  }
}
