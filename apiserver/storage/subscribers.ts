// Subscribers: who hears of which events. Those of one prefix form a group and are handed the same array, so an event costs
// what the groups concerned cost, however many subscribers there are in all.

import type { Cancel } from '../../src/env/clock.ts'
import type { Revision, StorageEvent } from './storage.ts'

type Deliver = (events: readonly StorageEvent[]) => void

interface Subscription {
  /** What it has heard of when it began: it must not be told twice. */
  readonly after: Revision
  readonly deliver: Deliver
  isOpen: boolean
}

interface Group {
  readonly prefix: string
  readonly subscriptions: Set<Subscription>
  /** Events of the dispatch under way. */
  due: StorageEvent[]
}

export class Subscribers {
  readonly #groups = new Map<string, Group>()
  /** How many groups there are whose prefix ends with its n-th slash. */
  readonly #byDepth: number[] = []
  /** Groups whose prefix ends otherwise. */
  readonly #others = new Set<Group>()

  /** `past`: events to be heard first, soon but not before this returns. */
  add(prefix: string, after: Revision, past: readonly StorageEvent[], deliver: Deliver): Cancel {
    const group = this.#groups.get(prefix) ?? this.#open(prefix)
    const subscription: Subscription = { after, deliver, isOpen: true }
    group.subscriptions.add(subscription)
    if (past.length > 0) {
      queueMicrotask(() => {
        if (subscription.isOpen) deliver(past)
      })
    }
    return () => {
      subscription.isOpen = false
      if (group.subscriptions.delete(subscription) && group.subscriptions.size === 0) this.#close(group)
    }
  }

  /** What one commit brought, to everyone concerned. A subscriber that throws keeps nobody else from hearing. */
  dispatch(events: readonly StorageEvent[]): void {
    const touched: Group[] = []
    for (const event of events) this.#sort(event, touched)
    for (const group of touched) {
      const { due } = group
      group.due = []
      for (const subscription of group.subscriptions) {
        const { after } = subscription
        const news = after < due[0]!.revision ? due : due.filter(({ revision }) => revision > after)
        if (news.length === 0) continue
        try {
          subscription.deliver(news)
        } catch (error) {
          queueMicrotask(() => {
            throw error
          })
        }
      }
    }
  }

  #sort(event: StorageEvent, touched: Group[]): void {
    const { key } = event
    const whole = this.#groups.get('')
    if (whole !== undefined) addTo(whole, event, touched)
    for (let depth = 1, slash = key.indexOf('/'); slash >= 0; depth++, slash = key.indexOf('/', slash + 1)) {
      if (!this.#byDepth[depth]) continue
      const group = this.#groups.get(key.slice(0, slash + 1))
      if (group !== undefined) addTo(group, event, touched)
    }
    for (const group of this.#others) if (key.startsWith(group.prefix)) addTo(group, event, touched)
  }

  #open(prefix: string): Group {
    const group: Group = { prefix, subscriptions: new Set(), due: [] }
    this.#groups.set(prefix, group)
    if (prefix.endsWith('/')) {
      const depth = depthOf(prefix)
      this.#byDepth[depth] = (this.#byDepth[depth] ?? 0) + 1
    } else if (prefix !== '') {
      this.#others.add(group)
    }
    return group
  }

  #close(group: Group): void {
    this.#groups.delete(group.prefix)
    if (group.prefix.endsWith('/')) this.#byDepth[depthOf(group.prefix)]!--
    else this.#others.delete(group)
  }
}

function addTo(group: Group, event: StorageEvent, touched: Group[]): void {
  if (group.due.length === 0) touched.push(group)
  group.due.push(event)
}

function depthOf(prefix: string): number {
  let depth = 0
  for (let slash = prefix.indexOf('/'); slash >= 0; slash = prefix.indexOf('/', slash + 1)) depth++
  return depth
}
