// What befalls the components of an explored cluster: a client that some of a hundred events reach late, and some of a hundred
// writes meet a conflict. Called by explore.ts.

import { ApiError } from '../api/errors.ts'
import type { Client, ResourceClient, WatchEvent, WatchOptions } from '../client/client.ts'
import type { Millis } from '../env/clock.ts'
import type { Env } from '../env/env.ts'
import { SeededRandom } from '../env/random.ts'
import type { Kind } from '../kinds/kind.ts'

/** How much befalls the components of an explored cluster. */
export interface DisturbanceOptions {
  /** Of a hundred events that a component watches for, so many reach it late. Default: 10. */
  readonly late?: number
  /** By how much at most, in milliseconds. Default: 2000. */
  readonly longest?: number
  /** Of a hundred writes so many meet a conflict. Default: 5. */
  readonly conflicts?: number
}

/** One thing that befell a component. */
export interface Disturbance {
  /** What would have been: `web-operator update configmaps`, and the how manieth of these it was. */
  readonly of: string
  /** By how many milliseconds it came late; a conflict has no such. */
  readonly late?: Millis
  readonly text: string
}

/** What befalls the components: as the seed has it, or just these. */
export type Plan = 'drawn' | readonly Disturbance[]

const conflicting = ['update', 'updateStatus', 'patch']

/**
 * Drawn from the seed alone, in the order in which components ask. What was drawn is known by what it befell, not by when, so
 * that some of it can befall again when the rest does not.
 */
export class Disturbances {
  readonly done: Disturbance[] = []
  readonly #random: SeededRandom
  readonly #planned: ReadonlyMap<string, Disturbance> | undefined
  readonly #options: DisturbanceOptions
  readonly #counts = new Map<string, number>()
  readonly #ended = new AbortController()
  #isOn = false

  constructor(seed: number, plan: Plan, options: DisturbanceOptions) {
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
