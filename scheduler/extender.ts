// Scheduler extenders: servers that are asked over HTTP which nodes will do, how good they are, and to bind
// (k8s.io/kube-scheduler/extender/v1, pkg/scheduler/extender.go). Called by scheduler.ts for pods that concern them; the
// connection is a port, which extender-http.ts fills.

import type { Node, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import type { ExtenderConfiguration } from './configuration.ts'
import { type CycleOptions, choice, type Decision, type Found, failure, type Refused } from './cycle.ts'
import { podRequests } from './requests.ts'
import type { NodeView } from './snapshot.ts'

/** One question: the body is JSON, so is the answer. Rejects with an Error whose message is for the user. */
export type AskExtender = (question: ExtenderQuestion) => Promise<unknown>
export interface ExtenderQuestion {
  readonly url: string
  readonly body: object
  readonly timeout: Millis
  readonly tls?: ExtenderConfiguration['tlsConfig']
}

export interface ExtenderFilterResult {
  readonly feasible: readonly NodeView[]
  readonly refused: readonly Refused[]
}

const pluginName = 'Extender'
const defaultTimeout = 5000
/** An extender's scores go from 0 to 10. */
const scale = 10

export class Extender {
  readonly isIgnorable: boolean
  readonly #configuration: ExtenderConfiguration
  readonly #ask: AskExtender
  readonly #managed: ReadonlySet<string>
  readonly #timeout: Millis

  constructor(configuration: ExtenderConfiguration, ask: AskExtender) {
    this.isIgnorable = configuration.ignorable ?? false
    this.#configuration = configuration
    this.#ask = ask
    this.#managed = new Set(configuration.managedResources?.map(({ name }) => name))
    this.#timeout = durationOf(configuration.httpTimeout) ?? defaultTimeout
  }

  get filters(): boolean {
    return !!this.#configuration.filterVerb
  }

  get prioritizes(): boolean {
    return !!this.#configuration.prioritizeVerb
  }

  get binds(): boolean {
    return !!this.#configuration.bindVerb
  }

  /** One that manages resources is asked only about pods that want them. */
  concerns(pod: Frozen<Pod>): boolean {
    if (this.#managed.size === 0) return true
    const { scalars } = podRequests(pod)
    return scalars !== undefined && [...scalars.keys()].some(name => this.#managed.has(name))
  }

  async filter(pod: Frozen<Pod>, nodes: readonly NodeView[]): Promise<ExtenderFilterResult> {
    const answer = fieldsOf(await this.#post(this.#configuration.filterVerb!, this.#about(pod, nodes)))
    const error = answer.get('error')
    if (typeof error === 'string' && error !== '') throw new Error(error)
    const names = answer.get('nodenames') as readonly string[] | null | undefined
    const list = answer.get('nodes') as { readonly items?: readonly Frozen<Node>[] } | null | undefined
    const kept = new Set(this.#configuration.nodeCacheCapable && names ? names : namesOf(list))
    const refused: Refused[] = []
    const collect = (field: string, isFinal: boolean): void => {
      for (const [node, reason] of Object.entries((answer.get(field) as Record<string, string> | null) ?? {})) {
        refused.push({ node, plugin: pluginName, reasons: [reason], isFinal })
      }
    }
    collect('failednodes', false)
    collect('failedandunresolvablenodes', true)
    for (const name of kept) {
      if (nodes.some(node => node.name === name)) continue
      throw new Error(
        `extender ${JSON.stringify(this.#configuration.urlPrefix)} claims a filtered node ${JSON.stringify(name)} which is not found in the input node list`,
      )
    }
    const told = new Set(refused.map(({ node }) => node))
    for (const { name } of nodes) {
      if (kept.has(name) || told.has(name)) continue
      refused.push({ node: name, plugin: pluginName, reasons: [''], isFinal: false })
    }
    return { feasible: nodes.filter(({ name }) => kept.has(name)), refused }
  }

  /** To be added to each node's sum, by name. */
  async prioritize(pod: Frozen<Pod>, nodes: readonly NodeView[]): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#post(this.#configuration.prioritizeVerb!, this.#about(pod, nodes))
    const { weight = 1 } = this.#configuration
    const scores = new Map<string, number>()
    for (const each of Array.isArray(answer) ? answer : []) {
      const fields = fieldsOf(each)
      scores.set(String(fields.get('host')), Number(fields.get('score') ?? 0) * weight * scale)
    }
    return scores
  }

  async bind({ metadata }: Frozen<Pod>, node: string): Promise<void> {
    const body = { PodName: metadata.name, PodNamespace: metadata.namespace, PodUID: metadata.uid, Node: node }
    const error = fieldsOf(await this.#post(this.#configuration.bindVerb!, body)).get('error')
    if (typeof error === 'string' && error !== '') throw new Error(error)
  }

  #about(pod: Frozen<Pod>, nodes: readonly NodeView[]): object {
    if (this.#configuration.nodeCacheCapable) {
      return { Pod: pod, Nodes: null, NodeNames: nodes.map(({ name }) => name) }
    }
    return { Pod: pod, Nodes: { metadata: {}, items: nodes.map(({ node }) => node) }, NodeNames: null }
  }

  #post(verb: string, body: object): Promise<unknown> {
    const { urlPrefix, tlsConfig } = this.#configuration
    const url = `${urlPrefix.replace(/\/+$/, '')}/${verb}`
    return this.#ask({ url, body, timeout: this.#timeout, ...(tlsConfig && { tls: tlsConfig }) })
  }
}

/** After the search, what they leave of the nodes and how they weigh them; those that may be ignored may fail. */
export async function decideWith(
  found: Found,
  extenders: readonly Extender[],
  options: CycleOptions,
  warn: (message: string) => void,
): Promise<Decision> {
  const { pod } = found.round
  let { feasible } = found
  const refused = [...found.refused]
  for (const extender of extenders) {
    if (feasible.length === 0) break
    if (!extender.filters) continue
    try {
      const result = await extender.filter(pod, feasible)
      feasible = result.feasible
      refused.push(...result.refused)
    } catch (error) {
      if (!extender.isIgnorable) throw error
      warn((error as Error).message)
    }
  }
  // Who refused for an extender's sake is woken by anything: nobody knows what it waits for.
  const refusedBy = refused.length > found.refused.length ? new Set<string>() : found.refusedBy
  const left: Found = { ...found, feasible, refused, refusedBy }
  if (feasible.length === 0) return failure(left, options)
  const sums = feasible.map(() => 0)
  if (feasible.length > 1) {
    for (const extender of extenders) {
      if (!extender.prioritizes) continue
      try {
        const scores = await extender.prioritize(pod, feasible)
        feasible.forEach(({ name }, at) => {
          sums[at]! += scores.get(name) ?? 0
        })
      } catch (error) {
        warn((error as Error).message)
      }
    }
  }
  return choice(left, options, sums)
}

/** Go finds a field whatever the case of its letters. */
function fieldsOf(answer: unknown): ReadonlyMap<string, unknown> {
  if (typeof answer !== 'object' || answer === null) return new Map()
  return new Map(Object.entries(answer).map(([name, value]) => [name.toLowerCase(), value]))
}

function namesOf(list: { readonly items?: readonly Frozen<Node>[] } | null | undefined): readonly string[] {
  return (list?.items ?? []).map(({ metadata }) => metadata.name)
}

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

function durationOf(text: string | undefined): Millis | undefined {
  if (text === undefined) return undefined
  let sum = 0
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    sum += Number(count) * units[unit!]!
  return sum > 0 ? sum : undefined
}
