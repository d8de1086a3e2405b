// Priority and fairness: which requests are served at once, which wait, and which are sent away. Follows the FlowSchemas and
// PriorityLevelConfigurations in the store. Built by server.ts; the HTTP door asks it for every request. While no level is
// full a request costs the search for its schema and two additions.
// Upstream: k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go, pkg/server/filters/priority-and-fairness.go.

import type { FlowSchema, FlowSchemaCondition, PriorityLevelConfiguration } from '../../generated/types.ts'
import { isNotFound } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { Client } from '../../src/client/client.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import { FlowSchemas } from '../../src/kinds/flowschema.ts'
import { PriorityLevelConfigurations } from '../../src/kinds/prioritylevelconfiguration.ts'
import type { User } from '../registry/registry.ts'
import { prefixOf } from '../storage/keys.ts'
import type { Storage } from '../storage/storage.ts'
import { type Asked, matches } from './classifying.ts'
import { type Levels, PriorityLevel, type Refusal } from './priority-level.ts'

/** Where a request belongs, and what it has to say when it is over. */
export interface Flow {
  readonly schema: Frozen<FlowSchema>
  readonly level: PriorityLevel
}

/** Of all levels together: --max-requests-inflight and --max-mutating-requests-inflight. */
const serverSeats = 600
/** Nobody waits longer: a quarter of --request-timeout. */
const longestWait: Millis = 15_000

export interface FlowControlOptions {
  readonly env: Env
  readonly storage: Storage
  readonly client: Client
  /** Default 600. */
  readonly seats?: number
}

export class FlowControl implements Levels {
  readonly #options: FlowControlOptions
  readonly #levels = new Map<string, PriorityLevel>()
  #schemas: readonly Flow[] = []
  #isStale = true
  readonly #stops: readonly (() => void)[]

  constructor(options: FlowControlOptions) {
    this.#options = options
    const { storage } = options
    const changed = (): void => {
      this.#isStale = true
      // Else the next request is early enough.
      if (this.#isAnyoneWaiting()) this.#configure()
      this.#tellDangling()
    }
    this.#stops = [FlowSchemas, PriorityLevelConfigurations].map(kind =>
      storage.subscribe(prefixOf(kind), storage.revision, changed),
    )
  }

  close(): void {
    for (const stop of this.#stops) stop()
  }

  /** Undefined: nobody has said anything of such requests, as before the first object is there. */
  flowOf(asked: Asked, user: User): Flow | undefined {
    if (this.#isStale) this.#configure()
    for (const flow of this.#schemas) if (matches(flow.schema, asked, user)) return flow
    return undefined
  }

  /**
   * True: run it now. A promise: when it has waited, to true, or to why it is sent away. Who has run must say `level.leave()`.
   * `onGone` is told what to call when the client goes away meanwhile.
   */
  enter(
    { schema, level }: Flow,
    asked: Asked,
    user: User,
    onGone: (leave: () => void) => void,
  ): true | Refusal | Promise<true | Refusal> {
    const { name } = schema.metadata
    if (level.enter(name)) return true
    return this.#wait(name, level, distinguisherOf(schema, asked, user), onGone)
  }

  #wait(
    schema: string,
    level: PriorityLevel,
    distinguisher: string,
    onGone: (leave: () => void) => void,
  ): Refusal | Promise<true | Refusal> {
    let told: (outcome: true | Refusal) => void = () => {}
    const leave = level.queue(schema, distinguisher, () => told(true))
    if (typeof leave === 'string') {
      level.reject(schema, leave)
      return leave
    }
    return new Promise(resolve => {
      const giveUp = (why: Refusal) => () => {
        leave()
        level.reject(schema, why)
        told(why)
      }
      const cancel = this.#options.env.wall.after(longestWait, giveUp('time-out'))
      let isOver = false
      told = outcome => {
        isOver = true
        cancel()
        resolve(outcome)
      }
      onGone(() => {
        if (!isOver) giveUp('cancelled')()
      })
    })
  }

  idleBeside(level: PriorityLevel): number {
    let idle = 0
    for (const each of this.#levels.values()) {
      if (each.executing > each.nominal) idle -= each.isExempt ? 0 : each.executing - each.nominal
      else if (each !== level) idle += Math.min(each.lendable, each.nominal - each.executing)
    }
    return idle
  }

  freed(): void {
    for (const level of this.#levels.values()) if (level.waiting > 0) level.dispatch()
  }

  /** For /metrics. */
  get levels(): readonly PriorityLevel[] {
    if (this.#isStale) this.#configure()
    return [...this.#levels.values()]
  }

  #configure(): void {
    this.#isStale = false
    const { seats = serverSeats } = this.#options
    const configs = this.#listed<PriorityLevelConfiguration>(prefixOf(PriorityLevelConfigurations))
    const shares = configs.reduce((sum, each) => sum + sharesOf(each), 0)
    for (const config of configs) {
      const { name } = config.metadata
      let level = this.#levels.get(name)
      if (level === undefined) {
        level = new PriorityLevel(name, this)
        this.#levels.set(name, level)
      }
      level.configure(config, shares === 0 ? 0 : Math.ceil((seats * sharesOf(config)) / shares))
    }
    for (const name of this.#levels.keys()) {
      if (!configs.some(({ metadata }) => metadata.name === name)) this.#levels.delete(name)
    }
    this.#schemas = this.#listed<FlowSchema>(prefixOf(FlowSchemas))
      .flatMap(schema => {
        const level = this.#levels.get(schema.spec.priorityLevelConfiguration.name)
        return level === undefined ? [] : [{ schema, level }]
      })
      .sort(inOrder)
    this.freed()
  }

  #isAnyoneWaiting(): boolean {
    for (const { waiting } of this.#levels.values()) if (waiting > 0) return true
    return false
  }

  #listed<T>(prefix: string): Frozen<T>[] {
    return this.#options.storage.list(prefix).map(({ object }) => object as unknown as Frozen<T>)
  }

  /** Says of each schema whether its level is there. */
  #tellDangling(): void {
    const { env, client } = this.#options
    const levels = new Set(
      this.#listed<PriorityLevelConfiguration>(prefixOf(PriorityLevelConfigurations)).map(each => each.metadata.name),
    )
    for (const schema of this.#listed<FlowSchema>(prefixOf(FlowSchemas))) {
      const wanted = danglingOf(schema.spec.priorityLevelConfiguration.name, levels)
      const old = schema.status.conditions?.find(({ type }) => type === 'Dangling')
      if (old?.status === wanted.status && old?.message === wanted.message) continue
      const lastTransitionTime = old?.status === wanted.status ? old?.lastTransitionTime : rfc3339(env.clock.now())
      const conditions = [{ ...wanted, ...(lastTransitionTime ? { lastTransitionTime } : {}) }]
      const patch = { type: 'strategic' as const, body: { status: { conditions } } }
      client
        .of(FlowSchemas)
        .patch({ name: schema.metadata.name }, patch, 'status')
        .catch(error => {
          if (!isNotFound(error)) env.log.warn({ flowSchema: schema.metadata.name, error }, 'status not told')
        })
    }
  }
}

function sharesOf({ spec }: Frozen<PriorityLevelConfiguration>): number {
  return (spec.limited ?? spec.exempt)?.nominalConcurrencyShares ?? 0
}

function inOrder(one: Flow, other: Flow): number {
  const difference = (one.schema.spec.matchingPrecedence ?? 0) - (other.schema.spec.matchingPrecedence ?? 0)
  if (difference !== 0) return difference
  return one.schema.metadata.name < other.schema.metadata.name ? -1 : 1
}

function distinguisherOf({ spec }: Frozen<FlowSchema>, { namespace }: Asked, { name }: User): string {
  const method = spec.distinguisherMethod?.type
  return method === 'ByUser' ? name : method === 'ByNamespace' ? namespace : ''
}

/** apf_controller.go, presyncFlowSchemaStatus. */
function danglingOf(level: string, levels: ReadonlySet<string>): FlowSchemaCondition {
  const about = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`
  return levels.has(level)
    ? { type: 'Dangling', status: 'False', reason: 'Found', message: `${about} and it exists` }
    : { type: 'Dangling', status: 'True', reason: 'NotFound', message: `${about} but there is no such object` }
}
