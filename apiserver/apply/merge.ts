// A configuration merged into an object: what it names is as it says, the rest as it was, items of lists in its order among
// each other. Called by updater.ts with values that check.ts has let through. Rules: structured-merge-diff typed/merge.go. Pure.

import { setMember } from '../../src/api/freeze.ts'
import type { SchemaNode } from '../../src/kinds/schemas.ts'
import { itemStep } from './steps.ts'
import { formOf, hasNone, isMembers, type Members, memberType, type Type } from './typed.ts'

/** Undefined when nothing comes of it. What is taken over is shared with where it came from. */
export function merge(type: Type, old: unknown, config: unknown): unknown {
  const form = (config === undefined ? undefined : formOf(type, config)) ?? formOf(type, old)
  if (form === 'map') {
    const [left, right] = [isMembers(old) ? old : undefined, isMembers(config) ? config : undefined]
    if (!(hasNone(left) && hasNone(right))) return mergeMembers(type, left, right)
  } else if (form === 'list') {
    const [left, right] = [Array.isArray(old) ? old : undefined, Array.isArray(config) ? config : undefined]
    if (!(hasNone(left) && hasNone(right))) return mergeItems(type!, left ?? [], right ?? [])
  }
  return config === undefined ? old : config
}

function mergeMembers(type: Type, old: Members | undefined, config: Members | undefined): unknown {
  const next: Record<string, unknown> = {}
  let count = 0
  const take = (name: string): void => {
    const merged = merge(memberType(type, name), own(old, name), own(config, name))
    if (merged === undefined) return
    setMember(next, name, merged)
    count++
  }
  for (const name of Object.keys(old ?? {})) take(name)
  for (const name of Object.keys(config ?? {})) if (own(old, name) === undefined) take(name)
  return count === 0 ? undefined : next
}

function own(members: Members | undefined, name: string): unknown {
  return members !== undefined && Object.hasOwn(members, name) ? members[name] : undefined
}

/** What both have comes in the configuration's order; what only the object has stays before what followed it there. */
function mergeItems(list: SchemaNode, old: readonly unknown[], config: readonly unknown[]): unknown {
  const type = list.items()
  const oldSteps = old.map(item => itemStep(list, item))
  const newSteps = config.map(item => itemStep(list, item))
  const before = itemsByStep(oldSteps, old)
  const after = new Map(newSteps.map((step, index) => [step, config[index]]))
  const shared = newSteps.filter(step => before.has(step))
  let nextShared = shared.shift()
  const merged = new Set<string>()
  const next: unknown[] = []
  const add = (item: unknown): void => {
    if (item !== undefined) next.push(item)
  }
  let left = 0
  let right = 0
  while (left < oldSteps.length || right < newSteps.length) {
    if (left < oldSteps.length && right < newSteps.length) {
      const step = oldSteps[left]!
      if (step === newSteps[right]) {
        merged.add(step)
        add(merge(type, before.get(step), after.get(step)))
        left++
        right++
        nextShared = shared.shift()
        continue
      }
      if (after.has(step) && nextShared !== undefined && nextShared !== step) {
        left++
        continue
      }
    }
    if (left < oldSteps.length) {
      const step = oldSteps[left]!
      if (!after.has(step)) {
        add(old[left])
        left++
        continue
      }
      if (merged.has(step)) left++
    }
    if (right < newSteps.length) {
      const step = newSteps[right]!
      merged.add(step)
      add(merge(type, before.get(step), after.get(step)))
      right++
      if (nextShared === step) nextShared = shared.shift()
    }
  }
  return next.length === 0 ? undefined : next
}

/** What stands there twice is not merged into, but replaced. */
function itemsByStep(steps: readonly string[], items: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const [index, step] of steps.entries()) found.set(step, found.has(step) ? null : items[index])
  return found
}
