// The history by object: a lane for each, in the order in which they came; and where on the scale a revision stands. Pure.

import type { Happening, ObjectName } from '../../../src/timeline.ts'

export interface Lane {
  /** `pods default web-0` */
  readonly key: string
  readonly object: ObjectName
  readonly events: readonly Happening[]
  /** On the scale, from 0 to 1: from its creation (or the beginning) to its end (or now), once for each life of the name. */
  readonly lives: readonly { readonly from: number; readonly to: number }[]
}

export interface Scale {
  /** Every revision that is shown, in order. */
  readonly revisions: readonly number[]
  /** From 0 to 1; the present stands at 1. */
  at(revision: number): number
}

export const keyOf = ({ resource, namespace = '', name }: ObjectName): string => `${resource} ${namespace} ${name}`

export function scaleOf(items: readonly Happening[], isByTime: boolean): Scale {
  const revisions = [...new Set(items.map(({ revision }) => revision))]
  const last = Math.max(1, revisions.length)
  const times = isByTime ? timesOf(items, revisions) : undefined
  const placeOf = (index: number): number => {
    if (times === undefined) return index / last
    const [first = 0, end = 0] = [times[0], times.at(-1)]
    return end > first ? ((times[index]! - first) / (end - first)) * 0.98 : index / last
  }
  return {
    revisions,
    at(revision) {
      const index = indexAt(revisions, revision)
      return index >= revisions.length ? 1 : placeOf(index)
    },
  }
}

function timesOf(items: readonly Happening[], revisions: readonly number[]): readonly number[] {
  const known = new Map(items.map(({ revision, time }) => [revision, time === undefined ? 0 : Date.parse(time)]))
  return revisions.map(revision => known.get(revision) ?? 0)
}

/** Of the first that is not before it. */
export function indexAt(revisions: readonly number[], revision: number): number {
  let low = 0
  let high = revisions.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (revisions[middle]! < revision) low = middle + 1
    else high = middle
  }
  return low
}

/** `withSystem`: also what every cluster has, and nobody has touched. */
export function lanesOf(items: readonly Happening[], scale: Scale, words: string, withSystem = true): readonly Lane[] {
  const grouped = new Map<string, Happening[]>()
  const asked = words.toLowerCase().split(/\s+/).filter(Boolean)
  for (const item of items) {
    const key = keyOf(item.object)
    const group = grouped.get(key)
    if (group) group.push(item)
    else if (asked.every(word => `${key} ${item.object.kind}`.toLowerCase().includes(word))) grouped.set(key, [item])
  }
  const shown = withSystem ? [...grouped] : [...grouped].filter(([, events]) => !isSystem(events))
  return shown.map(([key, events]) => ({
    key,
    object: events.at(-1)!.object,
    events,
    lives: livesOf(events, scale),
  }))
}

const ofPeople: ReadonlySet<string> = new Set(['nodes', 'persistentvolumes', 'namespaces'])

function isSystem(events: readonly Happening[]): boolean {
  const { namespace, name, resource } = events[0]!.object
  if (events.some(({ cause }) => cause?.user !== undefined && !cause.user.startsWith('system:'))) return false
  if (namespace !== undefined) return namespace.startsWith('kube-')
  return !ofPeople.has(resource) || (resource === 'namespaces' && (name.startsWith('kube-') || name === 'default'))
}

function livesOf(events: readonly Happening[], scale: Scale): Lane['lives'] {
  const lives: { from: number; to: number }[] = []
  let from: number | undefined = events[0]!.type === 'ADDED' ? undefined : 0
  for (const { type, revision } of events) {
    if (type === 'ADDED') from = scale.at(revision)
    if (type === 'DELETED') {
      lives.push({ from: from ?? 0, to: scale.at(revision) })
      from = undefined
    }
  }
  if (from !== undefined) lives.push({ from, to: 1 })
  return lives
}
