// The engine of faults: follows the Fault objects in the store, begins and ends them by the cluster's clock, and writes what they
// have done. Made by cluster.ts. What several faults want of one node or component is the sum of them, and what ends takes
// back only what nobody else wants. While there are no faults it costs nothing but a subscription.

import { prefixOf } from '../../apiserver/storage/keys.ts'
import type { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { V1alpha1Fault, V1alpha1FaultStatus } from '../../generated/types.ts'
import { parseDuration } from '../api/duration.ts'
import { isNotFound } from '../api/errors.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { rfc3339 } from '../api/time.ts'
import type { Client } from '../client/client.ts'
import type { Cancel } from '../env/clock.ts'
import type { Env } from '../env/env.ts'
import { FaultsKind } from '../kinds/fault.ts'
import { parseImageName } from '../kinds/image-name.ts'
import type { ApiFaults } from './api-faults.ts'
import type { Effect } from './effect.ts'
import { type Window, windowOf } from './window.ts'

/** What faults can do to the cluster. */
export interface Victims {
  silence(node: string, isSilent: boolean): void
  cutOff(node: string, isCut: boolean): void
  /** A component, or one controller. False: there is none of that name. */
  stop(name: string): Promise<boolean>
  start(name: string): Promise<boolean>
  /** Ends the watches of these resources, or all; how many. */
  endWatches(resources: readonly string[] | undefined): number
}

interface Running {
  fault: Frozen<V1alpha1Fault>
  window: Window
  struck: number
  lastStruck: string | undefined
  message: string | undefined
  cancelNext: Cancel
  cancelWatches: Cancel
}

const prefix = prefixOf(FaultsKind)
/** What was struck is told so long after. */
const tellAfter = 1_000
const nothing: Cancel = () => {}

export class FaultEngine {
  readonly #env: Env
  readonly #storage: RevisionStore
  readonly #client: Client
  readonly #victims: Victims
  readonly #api: ApiFaults
  readonly #effects: readonly Effect[]
  readonly #running = new Map<string, Running>()
  readonly #dead = new Set<string>()
  readonly #cut = new Set<string>()
  readonly #stopped = new Set<string>()
  readonly #untold = new Set<string>()
  #cancelTelling: Cancel | undefined
  #stopFollowing: Cancel | undefined
  /** One change after the other. */
  #work: Promise<void> = Promise.resolve()

  constructor(
    env: Env,
    storage: RevisionStore,
    client: Client,
    victims: Victims,
    api: ApiFaults,
    effects: readonly Effect[] = [],
  ) {
    this.#effects = effects
    this.#env = env
    this.#storage = storage
    this.#client = client
    this.#victims = victims
    this.#api = api
  }

  start(): void {
    this.#stopFollowing ??= this.#storage.subscribe(prefix, this.#storage.revision, events => {
      for (const { type, stored, key } of events) {
        if (type === 'DELETED') this.#end(key.slice(prefix.length))
        else this.#look(stored.object as unknown as Frozen<V1alpha1Fault>)
      }
    })
    for (const { object } of this.#storage.list(prefix)) this.#look(object as unknown as Frozen<V1alpha1Fault>)
  }

  close(): Promise<void> {
    this.#stopFollowing?.()
    this.#cancelTelling?.()
    for (const { cancelNext, cancelWatches } of this.#running.values()) {
      cancelNext()
      cancelWatches()
    }
    this.#running.clear()
    for (const effect of this.#effects) effect.close?.()
    return this.#work
  }

  /** Something was hit. */
  struck(name: string, what: string, count = 1): void {
    const running = this.#running.get(name)
    if (running === undefined) return
    running.struck += count
    running.lastStruck = what
    this.#untold.add(name)
    this.#cancelTelling ??= this.#env.wall.after(tellAfter, () => {
      this.#cancelTelling = undefined
      const names = [...this.#untold]
      this.#untold.clear()
      for (const each of names) this.#tell(each)
    })
  }

  /** Why an image cannot be pulled; undefined: no fault has anything against it. */
  pullFault(image: string): string | undefined {
    for (const [name, { fault, window }] of this.#running) {
      const { pulls } = fault.spec
      if (window.phase !== 'Active' || pulls === undefined || !isMeant(pulls.images, image)) continue
      this.struck(name, `pull of ${image}`)
      return pulls.message ?? `failed to pull and unpack image "${image}": the fault "${name}" has struck`
    }
    return undefined
  }

  #look(fault: Frozen<V1alpha1Fault>): void {
    const { name, uid } = fault.metadata
    const before = this.#running.get(name)
    const isKnown = before !== undefined && before.fault.metadata.uid === uid
    // Its status is our own doing.
    if (isKnown && jsonEqual(before.fault.spec, fault.spec)) {
      before.fault = fault
      return
    }
    before?.cancelNext()
    before?.cancelWatches()
    const { status } = fault
    this.#running.set(name, {
      fault,
      window: isKnown ? before.window : { phase: 'Waiting', from: undefined, to: undefined, next: undefined, times: 0 },
      struck: status?.struck ?? 0,
      lastStruck: status?.lastStruck,
      message: undefined,
      cancelNext: nothing,
      cancelWatches: nothing,
    })
    this.#turn(name)
  }

  #end(name: string): void {
    const running = this.#running.get(name)
    running?.cancelNext()
    running?.cancelWatches()
    this.#running.delete(name)
    this.#carryOut()
  }

  /** Its time has come, or gone. */
  #turn(name: string): void {
    const running = this.#running.get(name)
    if (running === undefined) return
    const now = this.#env.clock.now()
    const window = windowOf(running.fault, now)
    const begins = window.phase === 'Active' && running.window.from !== window.from
    // After a restart of the process what was begun is not begun again.
    const { phase, startedAt } = running.fault.status ?? {}
    const isResumed = phase === 'Active' && window.from !== undefined && startedAt === rfc3339(window.from)
    running.window = window
    running.cancelNext()
    running.cancelNext =
      window.next === undefined ? nothing : this.#env.clock.after(window.next - now, () => this.#turn(name))
    running.cancelWatches()
    running.cancelWatches = nothing
    this.#carryOut(begins && !isResumed ? name : undefined)
    if (window.phase === 'Active' && running.fault.spec.watches !== undefined && !isResumed) this.#endWatches(name)
    this.#tell(name)
  }

  #endWatches(name: string): void {
    const running = this.#running.get(name)
    const watches = running?.fault.spec.watches
    if (running === undefined || watches === undefined || running.window.phase !== 'Active') return
    // Those that are late go on.
    if (watches.delay !== undefined && watches.every === undefined) return
    const count = this.#victims.endWatches(watches.resources)
    if (count > 0) this.struck(name, `${count} watches`, count)
    const every = watches.every === undefined ? undefined : parseDuration(watches.every)
    if (every) running.cancelWatches = this.#env.clock.after(every, () => this.#endWatches(name))
  }

  /** Brings nodes and components to what the faults that are at work want of them. `begun`: this one begins now. */
  #carryOut(begun?: string): void {
    const active = [...this.#running].flatMap(
      ([
        fault,
        {
          window,
          fault: { spec },
        },
      ]) => (window.phase === 'Active' ? [{ fault, spec }] : []),
    )
    this.#api.set(active.flatMap(({ fault, spec }) => (spec.api ? [{ fault, api: spec.api }] : [])))
    const wanted = (...effects: string[]): Map<string, string> =>
      new Map(
        active.flatMap(({ fault, spec: { nodes } }) =>
          effects.includes(nodes?.effect ?? '') ? nodes!.names.map(node => [node, fault] as const) : [],
        ),
      )
    for (const effect of this.#effects) effect.carryOut(active)
    this.#bring(this.#dead, wanted('Dead', 'Gone'), (node, is) => this.#victims.silence(node, is), 'node')
    this.#bring(this.#cut, wanted('CutOff'), (node, is) => this.#victims.cutOff(node, is), 'node')
    const stopped = new Map(
      active.flatMap(({ fault, spec: { component } }) =>
        component?.effect === 'Stopped' ? [[component.name, fault] as const] : [],
      ),
    )
    const restarted = begun === undefined ? undefined : this.#running.get(begun)?.fault.spec.component
    this.#enqueue(async () => {
      for (const name of [...this.#stopped]) {
        if (stopped.has(name)) continue
        this.#stopped.delete(name)
        await this.#victims.start(name)
      }
      for (const [name, fault] of stopped) {
        if (this.#stopped.has(name)) continue
        if (await this.#victims.stop(name)) {
          this.#stopped.add(name)
          this.struck(fault, `component ${name}`)
        } else this.#complain(fault, `there is no component or controller ${name} at work here`)
      }
      if (restarted?.effect !== 'Restarted') return
      if (await this.#victims.stop(restarted.name)) {
        await this.#victims.start(restarted.name)
        this.struck(begun!, `component ${restarted.name}`)
      } else this.#complain(begun!, `there is no component or controller ${restarted.name} at work here`)
    })
  }

  #bring(
    applied: Set<string>,
    wanted: ReadonlyMap<string, string>,
    apply: (name: string, is: boolean) => void,
    what: string,
  ): void {
    for (const name of [...applied]) {
      if (wanted.has(name)) continue
      applied.delete(name)
      apply(name, false)
    }
    for (const [name, fault] of wanted) {
      if (applied.has(name)) continue
      applied.add(name)
      apply(name, true)
      this.struck(fault, `${what} ${name}`)
    }
  }

  #complain(name: string, message: string): void {
    const running = this.#running.get(name)
    if (running === undefined) return
    running.message = message
    this.#tell(name)
  }

  #tell(name: string): void {
    const running = this.#running.get(name)
    if (running === undefined) return
    this.#untold.delete(name)
    const { window, struck, lastStruck, message, fault } = running
    const { from, to, phase, times } = window
    const isEnded = phase !== 'Active' && to !== undefined
    const status: V1alpha1FaultStatus = {
      phase,
      times,
      struck,
      ...(from === undefined ? {} : { startedAt: rfc3339(from) }),
      ...(isEnded ? { endedAt: rfc3339(to) } : {}),
      ...(lastStruck === undefined ? {} : { lastStruck }),
      ...(message === undefined ? {} : { message }),
    }
    this.#enqueue(async () => {
      const { uid } = fault.metadata
      const body = { metadata: { uid }, status: { ...blank, ...status } }
      try {
        await this.#client.of(FaultsKind).patch({ name }, { type: 'merge', body }, 'status')
      } catch (error) {
        // It is gone, or another is there in its place.
        if (!isNotFound(error)) this.#env.log.debug({ fault: name, error }, "a fault's status could not be written")
      }
    })
  }

  #enqueue(work: () => Promise<void>): void {
    const next = this.#work.then(() => this.#env.activity.track(work))
    this.#work = next.catch(error => this.#env.log.error({ error }, 'a fault could not be carried out'))
  }
}

/** What a patch must name to take it out. */
const blank = { startedAt: null, endedAt: null, lastStruck: null, message: null }

function isMeant(images: readonly string[] | undefined, image: string): boolean {
  if (images === undefined || images.length === 0) return true
  const found = parseImageName(image)
  return images.some(each => {
    if (each === '*' || each === image) return true
    const wanted = parseImageName(each)
    if (found === undefined || wanted === undefined || wanted.repository !== found.repository) return false
    const isExact = /[:@][^/]*$/.test(each)
    return !isExact || (wanted.tag === found.tag && wanted.digest === found.digest)
  })
}
