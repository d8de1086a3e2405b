// Which fields an applied configuration names, and which of a set also stand for what contains them. Called by updater.ts.
// Rules: structured-merge-diff typed/tofieldset.go and fieldpath/set.go (EnsureNamedFieldsAreMembers). Pure.

import type { SchemaNode } from '../../src/kinds/schemas.ts'
import { FieldSet } from './field-set.ts'
import { fieldStep, itemStep } from './steps.ts'
import { formOf, hasNone, isDeclared, isMembers, type Members, memberType, type Type } from './typed.ts'

/** Every leaf and item: structs are owned by their fields, not for themselves. */
export function fieldsOf(type: Type, value: unknown): FieldSet {
  const set = new FieldSet()
  collect(type, value, [], set)
  return set
}

function collect(type: Type, value: unknown, path: string[], set: FieldSet): void {
  const form = formOf(type, value)
  if (form === 'map') {
    if (isMembers(value)) collectMembers(type, value, path, set)
  } else if (form === 'list') {
    if (Array.isArray(value)) collectItems(type!, value, path, set)
  } else {
    set.insert(path)
  }
}

function collectMembers(type: Type, value: Members, path: string[], set: FieldSet): void {
  for (const name of Object.keys(value)) {
    const member = value[name]
    if (member === undefined) continue
    path.push(fieldStep(name))
    collect(memberType(type, name), member, path, set)
    if (member === null || (isMembers(member) && hasNone(member)) || !isDeclared(type, name)) set.insert(path)
    path.pop()
  }
}

function collectItems(list: SchemaNode, items: readonly unknown[], path: string[], set: FieldSet): void {
  const counts = new Map<string, number>()
  const steps = items.map(item => itemStep(list, item))
  for (const step of steps) counts.set(step, (counts.get(step) ?? 0) + 1)
  items.forEach((item, index) => {
    path.push(steps[index]!)
    // Items that share a step are owned together, and nothing in them.
    if (counts.get(steps[index]!) === 1) collect(list.items(), item, path, set)
    set.insert(path)
    path.pop()
  })
}

/** With every declared field that has something of the set below it: `a.b.c` is then `a`, too, where `a` is a field. */
export function withNamedFields(type: Type, set: FieldSet): FieldSet {
  const next = new FieldSet()
  next.isMember = set.isMember
  for (const [step, child] of set.children) {
    const name = step[0] === 'f' ? step.slice(2) : undefined
    const inner = name === undefined ? (step[0] === 'k' ? type?.items() : undefined) : memberType(type, name)
    const found = withNamedFields(inner, child)
    if (name !== undefined && isDeclared(type, name) && !child.isEmpty) found.isMember = true
    next.graft([step], found)
  }
  return next
}
