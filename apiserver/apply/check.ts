// Whether a configuration is of its kind's schema: every field declared, every value of its sort, no item named twice. Called
// by updater.ts. Rules and words: structured-merge-diff typed/validate.go and helpers.go. Pure.

import type { SchemaNode } from '../../src/kinds/schemas.ts'
import { fieldStep, isFault, itemStep, shownStep } from './steps.ts'
import { isMembers, type Members, memberType, type Type } from './typed.ts'

/** Every fault in upstream's one text; undefined when there is none. */
export function faultsIn(type: Type, value: unknown): string | undefined {
  const faults: string[] = []
  check(type, value, '', faults)
  if (faults.length === 0) return undefined
  return faults.length === 1 ? faults[0] : ['errors:', ...faults.map(fault => `  ${fault}`)].join('\n')
}

function check(type: Type, value: unknown, path: string, faults: string[]): void {
  if (type === undefined || type.kind === 'any' || value === null || value === undefined) return
  const before = path === '' ? '' : `${path}: `
  if (type.kind === 'scalar') {
    const why = scalarFault(type.scalar!, value)
    if (why !== undefined) faults.push(before + why)
  } else if (type.kind === 'list') {
    if (Array.isArray(value)) checkItems(type, value, path, faults)
    else faults.push(`${before}expected list, got ${goValue(value)}`)
  } else if (isMembers(value)) {
    checkMembers(type, value, path, faults)
  } else {
    faults.push(`${before}expected map, got ${goValue(value)}`)
  }
}

function checkMembers(type: SchemaNode, value: Members, path: string, faults: string[]): void {
  for (const name of Object.keys(value)) {
    const inner = memberType(type, name)
    const at = path + shownStep(fieldStep(name))
    if (inner === undefined && type.kind === 'struct') faults.push(`${at}: field not declared in schema`)
    else check(inner, value[name], at, faults)
  }
}

function checkItems(list: SchemaNode, items: readonly unknown[], path: string, faults: string[]): void {
  const isAssociative = list.listType === 'map' || list.listType === 'set'
  const seen = new Set<string>()
  for (const [index, item] of items.entries()) {
    let step = `i:${index}`
    if (isAssociative) {
      step = itemStep(list, item)
      if (isFault(step)) {
        faults.push(`${path === '' ? '' : `${path}: `}element ${index}: ${step.slice(1)}`)
        return
      }
      if (seen.has(step)) faults.push(`${path === '' ? '' : `${path}: `}duplicate entries for key ${shownStep(step)}`)
      seen.add(step)
    }
    check(list.items(), item, path + shownStep(step), faults)
  }
}

function scalarFault(scalar: NonNullable<SchemaNode['scalar']>, value: unknown): string | undefined {
  switch (scalar) {
    case 'int32':
    case 'int64':
    case 'double':
      return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goTypeOf(value)}`
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got ${goValue(value)}`
    case 'quantity':
    case 'intOrString':
      return typeof value === 'object' ? `expected any scalar, got ${goValue(value)}` : undefined
    default:
      return typeof value === 'string'
        ? undefined
        : `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`
  }
}

function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}'
  if (typeof value === 'object') return 'map[string]interface {}'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** As Go's %v prints a pointer to what holds the value. */
const goValue = (value: unknown): string => `&{${printed(value)}}`

function printed(value: unknown): string {
  if (value === null) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(printed).join(' ')}]`
  if (isMembers(value)) {
    const names = Object.keys(value).sort()
    return `map[${names.map(name => `${name}:${printed(value[name])}`).join(' ')}]`
  }
  return String(value)
}

/** As Go's %#v prints it. */
function goSyntax(value: unknown): string {
  if (value === null) return 'interface {}(nil)'
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (isMembers(value)) {
    const members = Object.keys(value)
      .sort()
      .map(name => `${JSON.stringify(name)}:${goSyntax(value[name])}`)
    return `map[string]interface {}{${members.join(', ')}}`
  }
  return JSON.stringify(value)
}
