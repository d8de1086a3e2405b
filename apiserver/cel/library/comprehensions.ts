// Comprehensions of two variables – the index or key, and the value: all, exists, existsOne, transformList, transformMap and
// transformMapEntry; and sortBy and existsOne of one. Upstream: github.com/google/cel-go/ext/comprehensions.go and lists.go.

import type { Environment } from '@marcbachmann/cel-js'
import { CelFault } from '../cel.ts'
import { typeWords } from '../words.ts'
import { compareValues, isSame } from './comparing.ts'
import { type Checker, type Evaluator, type MacroCall, type Node, type Scope, simpleName, type Type } from './macros.ts'

export type ComprehensionKind =
  | 'all'
  | 'exists'
  | 'existsOne'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'
  | 'sortBy'

/** What hangs in the syntax tree in the place of the call; estimate.ts reads it too. */
export interface Comprehension {
  readonly kind: ComprehensionKind
  readonly range: Node
  readonly names: readonly string[]
  readonly filter: Node | undefined
  readonly body: Node
}

interface Macro extends Comprehension {
  /** One for each variable, the last the innermost; made when types are checked. */
  scopes: readonly Scope[]
  typeCheck(checker: Checker, macro: Macro, scope: Scope): Type
  evaluate(evaluator: Evaluator, macro: Macro, scope: Scope): unknown
}

export function registerComprehensions(environment: Environment): void {
  const register = (
    name: string,
    result: string,
    variables: number,
    filters: boolean,
    kind: ComprehensionKind,
  ): void => {
    const parameters = Array(variables + (filters ? 2 : 1)).fill('ast')
    const expand = ({ args, receiver }: MacroCall): Macro => ({
      kind,
      range: receiver,
      names: args.slice(0, variables).map(simpleName),
      filter: filters ? args[variables] : undefined,
      body: args.at(-1)!,
      scopes: [],
      typeCheck,
      evaluate,
    })
    environment.registerFunction(`list.${name}(${parameters.join(', ')}): ${result}`, expand as never)
  }
  for (const [name, kind] of quantifiers) register(name, 'bool', 2, false, kind)
  register('existsOne', 'bool', 1, false, 'existsOne')
  for (const filters of [false, true]) {
    register('transformList', 'list<dyn>', 2, filters, 'transformList')
    register('transformMap', 'map<dyn, dyn>', 2, filters, 'transformMap')
    register('transformMapEntry', 'map<dyn, dyn>', 2, filters, 'transformMapEntry')
  }
  register('sortBy', 'list<dyn>', 1, false, 'sortBy')
}

const quantifiers: readonly (readonly [name: string, kind: ComprehensionKind])[] = [
  ['all', 'all'],
  ['exists', 'exists'],
  ['existsOne', 'existsOne'],
  ['exists_one', 'existsOne'],
]

// ---- types

function typeCheck(checker: Checker, macro: Macro, scope: Scope): Type {
  const { kind, range, names, filter, body } = macro
  const type = checker.check(range, scope)
  const dyn = checker.getType('dyn')
  if (!['list', 'map', 'dyn'].includes(type.kind)) {
    const words = `Expression of type '${checker.formatType(type)}' cannot be range of a comprehension (must be list, map, or dynamic).`
    throw checker.createError('invalid_comprehension_range', words, range)
  }
  if (names.length === 2 && names[0] === names[1]) {
    throw checker.createError('invalid_macro_argument', `duplicate variable name: ${names[0]}`, body)
  }
  // Of an empty literal nobody knows what it holds.
  const known = (of: Type | undefined): Type => (of === undefined || of.kind === 'param' ? dyn : of)
  const key = type.kind === 'list' ? checker.getType('int') : known(type.keyType)
  const value = known(type.valueType)
  // Of one variable, a map's is the key.
  const types = names.length === 2 ? [key, value] : [type.kind === 'map' ? key : value]
  const scopes: Scope[] = []
  for (const [index, name] of names.entries()) {
    scopes.push((scopes.at(-1) ?? scope).forkWithVariable(name, types[index]!))
  }
  macro.scopes = scopes
  const inner = scopes.at(-1)!
  if (filter !== undefined) requireBool(checker, filter, inner, '_?_:_')
  switch (kind) {
    case 'all':
    case 'exists':
    case 'existsOne':
      requireBool(checker, body, inner, kind === 'all' ? '_&&_' : kind === 'exists' ? '_||_' : '_?_:_')
      return checker.getType('bool')
    case 'transformList':
      return checker.registry.getListType(checker.check(body, inner))
    case 'transformMap':
      return checker.registry.getMapType(key, checker.check(body, inner))
    case 'transformMapEntry': {
      const entry = checker.check(body, inner)
      if (entry.kind === 'map' || entry.kind === 'dyn') return entry
      const words = `found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), ${typeWords(checker.formatType(entry))})'`
      throw checker.createError('no_such_overload', words, body)
    }
    case 'sortBy':
      checker.check(body, inner)
      return type
  }
}

function requireBool(checker: Checker, node: Node, scope: Scope, operator: string): void {
  const type = checker.check(node, scope)
  if (type.isDynOrBool()) return
  const words = `found no matching overload for '${operator}' applied to '(bool, ${typeWords(checker.formatType(type))})'`
  throw checker.createError('no_such_overload', words, node)
}

// ---- values

type Entry = readonly [key: unknown, value: unknown]

function evaluate(evaluator: Evaluator, macro: Macro, scope: Scope): unknown {
  const { kind, range, names, filter, body } = macro
  const entries = entriesOf(evaluator.run(range, scope))
  const within = ([key, value]: Entry, isList: boolean): Scope => {
    let inner = scope
    const values = names.length === 2 ? [key, value] : [isList ? value : key]
    for (const [index, each] of macro.scopes.entries()) inner = each.reuse(inner).setIterValue(values[index], evaluator)
    return inner
  }
  const { isList, all } = entries
  const decided = (entry: Entry, predicate: Node): boolean => bool(evaluator.run(predicate, within(entry, isList)))
  if (kind === 'all' || kind === 'exists') return quantified(kind, all, entry => decided(entry, body))
  if (kind === 'existsOne') return all.filter(entry => decided(entry, body)).length === 1
  const kept = filter === undefined ? all : all.filter(entry => decided(entry, filter))
  const made = (entry: Entry): unknown => evaluator.run(body, within(entry, isList))
  switch (kind) {
    case 'transformList':
      return kept.map(made)
    case 'transformMap':
      return new Map(kept.map(entry => [entry[0], made(entry)]))
    case 'transformMapEntry':
      return inserted(kept.map(made))
    case 'sortBy': {
      const keyed = kept.map(entry => [entry[1], made(entry)] as const)
      return keyed.sort((one, other) => compareValues(one[1], other[1])).map(([value]) => value)
    }
  }
}

function entriesOf(range: unknown): { readonly isList: boolean; readonly all: readonly Entry[] } {
  if (Array.isArray(range)) return { isList: true, all: range.map((each, index) => [BigInt(index), each]) }
  if (range instanceof Map) return { isList: false, all: [...range] }
  if (typeof range === 'object' && range !== null) return { isList: false, all: Object.entries(range) }
  throw new Error('no such overload')
}

/** One that decides outweighs those that fail, as && and || have it. */
function quantified(kind: 'all' | 'exists', entries: readonly Entry[], decide: (entry: Entry) => boolean): boolean {
  let fault: unknown
  for (const entry of entries) {
    try {
      if (decide(entry) === (kind === 'exists')) return kind === 'exists'
    } catch (error) {
      if (error instanceof CelFault) throw error
      fault ??= error
    }
  }
  if (fault !== undefined) throw fault
  return kind === 'all'
}

function bool(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Error('no such overload')
  return value
}

function inserted(maps: readonly unknown[]): ReadonlyMap<unknown, unknown> {
  const all = new Map<unknown, unknown>()
  for (const map of maps) {
    if (Array.isArray(map) || typeof map !== 'object' || map === null) throw new Error('no such overload')
    for (const [key, value] of entriesOf(map).all) {
      if (all.has(key) || [...all.keys()].some(each => isSame(each, key))) {
        throw new Error(`insert failed: key ${String(key)} already exists`)
      }
      all.set(key, value)
    }
  }
  return all
}
