// What if, in words as kubectl takes them: `disk=ssd`, `key=value:NoSchedule`, and a minus after what is to go; and the patch or the
// change of a node that they mean. Read by the dashboard's form and by `kubesim what-if`. Throws WrongWords.

import type { Taint } from '../../generated/types.ts'
import type { Frozen } from './meta.ts'

export interface PodWords {
  readonly cpu: string
  readonly memory: string
  /** `disk=ssd, zone=a` */
  readonly selector: string
  /** `dedicated=db:NoSchedule`, `dedicated` for whatever value and effect. */
  readonly tolerations: string
  readonly priority: string
}

export interface NodeWords {
  readonly labels: string
  readonly taints: string
  readonly cpu: string
  readonly memory: string
  readonly state: '' | 'cordoned' | 'uncordoned' | 'gone'
}

export const noPodWords: PodWords = { cpu: '', memory: '', selector: '', tolerations: '', priority: '' }
export const noNodeWords: NodeWords = { labels: '', taints: '', cpu: '', memory: '', state: '' }

/** What it says cannot be read; the message is for who wrote it. */
export class WrongWords extends Error {}

export interface NodeChange {
  readonly name: string
  /** A node that is not there, like this one as it is but for what is said here. */
  readonly like?: string
  /** In the place of those it has. */
  readonly taints?: readonly Frozen<Taint>[]
  /** null takes one away. */
  readonly labels?: Readonly<Record<string, string | null>>
  readonly allocatable?: Readonly<Record<string, string>>
  /** As cordoned, or not any more. */
  readonly unschedulable?: boolean
  readonly gone?: boolean
}

/** A strategic merge patch of a pod's spec, of whose containers `container` is the first; undefined: nothing changes. */
export function podChanges(form: PodWords, container: string): object | undefined {
  const requests = resourcesOf(form)
  const nodeSelector = pairsOf(form.selector, 'node selector')
  const tolerations = wordsOf(form.tolerations).map(tolerationOf)
  const priority = form.priority.trim()
  if (priority !== '' && !/^-?\d+$/.test(priority)) throw new WrongWords(`priority: "${priority}" is no whole number`)
  const spec = {
    ...(requests && { containers: [{ name: container, resources: { requests } }] }),
    ...(nodeSelector && { nodeSelector }),
    ...(tolerations.length > 0 && { tolerations }),
    ...(priority !== '' && { priority: Number(priority), priorityClassName: null }),
  }
  return Object.keys(spec).length === 0 ? undefined : { spec }
}

/** None when the words say nothing. */
export function nodeChange(name: string, form: NodeWords): readonly NodeChange[] {
  const labels = pairsOf(form.labels, `labels of ${name}`)
  const allocatable = resourcesOf(form)
  const taints =
    form.taints.trim() === '' ? undefined : form.taints.trim() === '-' ? [] : wordsOf(form.taints).map(taintOf)
  const change: NodeChange = {
    name,
    ...(labels && { labels }),
    ...(allocatable && { allocatable }),
    ...(taints && { taints }),
    ...(form.state === 'cordoned' && { unschedulable: true }),
    ...(form.state === 'uncordoned' && { unschedulable: false }),
    ...(form.state === 'gone' && { gone: true }),
  }
  return Object.keys(change).length > 1 ? [change] : []
}

const wordsOf = (text: string): string[] => text.split(/[\s,]+/).filter(word => word !== '')

function resourcesOf({ cpu, memory }: { cpu: string; memory: string }): Record<string, string> | undefined {
  const found = Object.fromEntries(
    Object.entries({ cpu: cpu.trim(), memory: memory.trim() }).filter(([, value]) => value !== ''),
  )
  for (const [name, value] of Object.entries(found)) {
    if (!/^\d+(\.\d+)?([numkMGTPE]|[KMGTPE]i)?$/.test(value))
      throw new WrongWords(`${name}: "${value}" is no quantity such as 500m or 2Gi`)
  }
  return Object.keys(found).length === 0 ? undefined : found
}

function pairsOf(text: string, what: string): Record<string, string | null> | undefined {
  const words = wordsOf(text)
  if (words.length === 0) return undefined
  return Object.fromEntries(
    words.map((word): [string, string | null] => {
      const [, key = '', value] = /^([^=]+)=(.*)$/.exec(word) ?? []
      if (key !== '') return [key, value!]
      if (word.endsWith('-')) return [word.slice(0, -1), null]
      throw new WrongWords(`${what}: "${word}" is neither key=value nor key-`)
    }),
  )
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const
type Effect = (typeof effects)[number]

function taintOf(word: string) {
  const [, key = '', value, effect] = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(word) ?? []
  if (!effects.includes(effect as Effect))
    throw new WrongWords(`taints: "${word}" is not like key=value:NoSchedule; a single "-" takes all away`)
  return { key, ...(value ? { value } : {}), effect: effect as Effect }
}

function tolerationOf(word: string): object {
  const [, key = '', value, effect] = /^([^=:]+)(?:=([^:]*))?(?::(\w+))?$/.exec(word) ?? []
  if (key === '' || (effect !== undefined && !effects.includes(effect as Effect))) {
    throw new WrongWords(`tolerations: "${word}" is not like key=value:NoSchedule, key:NoSchedule or key`)
  }
  return {
    key,
    operator: value === undefined ? 'Exists' : 'Equal',
    ...(value === undefined ? {} : { value }),
    ...(effect ? { effect } : {}),
  }
}
