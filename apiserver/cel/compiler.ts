// The compiler: upstream's language on @marcbachmann/cel-js (docs/decisions/0007-cel.md). Types are checked with what is
// declared; values are evaluated as they come. Made once a server; environments are kept by what is declared, for a while.

import { Environment, Optional } from '@marcbachmann/cel-js'
import {
  type Cel,
  type CelBudget,
  CelFault,
  type CelObject,
  type CelProgram,
  type CelResult,
  type CelType,
  costLimits,
  type Declarations,
} from './cel.ts'
import { estimateCost } from './estimate.ts'
import { registerLibraries } from './library/index.ts'
import { meter } from './metering.ts'
import { collectingFaults, withComparedObjects, withoutBindings, withPresence } from './presence.ts'
import { rewritten } from './source.ts'
import { Converter, fromCel } from './values.ts'
import { compileWords, evaluationWords, placeOf } from './words.ts'

const outOfBudget = 'operation cancelled: actual cost limit exceeded'
const mostEnvironments = 64
/** Longer ones are refused (a CRD's rules have limits of their own). */
const longestSource = 64 * 1024

export function createCel(): Cel {
  const base = new Environment({
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
    limits: { maxDepth: 200, maxAstNodes: 50_000, maxListElements: 10_000, maxMapEntries: 10_000 },
  })
  registerLibraries(base)
  // Of what is no plain value nothing is null.
  for (const type of nullable) base.registerOperator(`${type} == null`, () => false)
  const converter = new Converter({
    duration: text => base.evaluate(`duration(${JSON.stringify(text)})`),
    optional: value => (value === undefined ? Optional.none() : Optional.of(value)),
  })
  const checking = kept((text: string) => declare(base.clone(), JSON.parse(text) as Declarations['variables']))
  const evaluating = kept((names: string) => {
    const environment = base.clone()
    for (const name of names.split(' ')) if (name !== '') environment.registerVariable(name, 'dyn')
    return environment
  })

  return {
    compile(text, declarations) {
      if (text.length > longestSource) throw new CelFault('compilation failed: the expression is too long')
      const { variables } = declarations
      const source = rewritten(text)
      const tree = guarded(text, () => parse(checking(JSON.stringify(variables)), source))
      if (declarations.mayBind !== true) guarded(text, () => withoutBindings(tree.ast))
      withComparedObjects(tree.ast)
      const checked = tree.check()
      if (!checked.valid) throw compilationFault(checked.error, text)
      requireResult(checked.type, declarations.results)
      const bare = evaluating(Object.keys(variables).sort().join(' '))
      const parsed = guarded(text, () => parse(bare, source))
      return program(parsed, tree, text, converter)
    },
    check(text, variables) {
      const source = rewritten(text)
      let tree: Parsed
      try {
        tree = parse(checking(JSON.stringify(variables)), source)
        withoutBindings(tree.ast)
      } catch (error) {
        return { type: 'dyn', faults: compileWords(error as Error, text) }
      }
      withComparedObjects(tree.ast)
      const faults = collectingFaults(tree.ast)
      const checked = tree.check()
      if (!checked.valid) faults.push(checked.error as Error)
      if (faults.length === 0) return { type: typeNamed(checked.type ?? 'dyn') }
      const words = faults.map(fault => ({ at: placeOf(fault, text), words: compileWords(fault, text) }))
      words.sort((a, b) => a.at - b.at)
      return { type: 'dyn', faults: [...new Set(words.map(each => each.words))].join('\n') }
    },
  }
}

const plainTypes: ReadonlySet<string> = new Set([
  'bool',
  'string',
  'int',
  'double',
  'bytes',
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
])

/** What the library calls a type (plugin/cel/composition.go, convertCelTypeToDeclType: an object is anything). */
function typeNamed(name: string): CelType {
  if (plainTypes.has(name)) return name as CelType
  const list = /^list<(.+)>$/.exec(name)
  if (list) return { list: typeNamed(list[1]!) }
  const map = /^map<string, (.+)>$/.exec(name)
  return map ? { map: typeNamed(map[1]!) } : 'dyn'
}

const nullable = ['optional', 'google.protobuf.Timestamp', 'google.protobuf.Duration']

/** Remembers what was made last: definitions of custom resources come and go. */
function kept(make: (key: string) => Environment): (key: string) => Environment {
  const made = new Map<string, Environment>()
  return key => {
    const found = made.get(key) ?? make(key)
    made.delete(key)
    made.set(key, found)
    if (made.size > mostEnvironments) made.delete(made.keys().next().value!)
    return found
  }
}

interface Parsed {
  (context: Readonly<Record<string, unknown>>): unknown
  readonly ast: unknown
  check(): { readonly valid: boolean; readonly type?: string; readonly error?: unknown }
}

function parse(environment: Environment, source: string): Parsed {
  const parsed = environment.parse(source) as unknown as Parsed
  withPresence(parsed.ast)
  return parsed
}

function declare(environment: Environment, variables: Declarations['variables']): Environment {
  const known = new Set<string>()
  for (const [name, type] of Object.entries(variables)) {
    environment.registerVariable(name, typeName(environment, type, known))
  }
  return environment
}

/** Types are made from the inside out, since each must know those of its fields. */
function typeName(environment: Environment, type: CelType, known: Set<string>): string {
  if (typeof type === 'string') return type
  if ('list' in type) return `list<${typeName(environment, type.list as CelType, known)}>`
  if ('map' in type) return `map<string, ${typeName(environment, type.map as CelType, known)}>`
  const { name, fields } = type as CelObject
  if (known.has(name)) return name
  known.add(name)
  const typed = Object.fromEntries(
    Object.entries(fields).map(([field, each]) => [field, typeName(environment, each, known)]),
  )
  environment.registerType(name, { fields: typed })
  return name
}

const resultTypes: Readonly<Record<CelResult, (type: string) => boolean>> = {
  bool: type => type === 'bool',
  string: type => type === 'string',
  null: type => type === 'null',
  object: type => type === 'kubernetes.Object',
  list: type => type.startsWith('list'),
}

function requireResult(type: string | undefined, results: readonly CelResult[] | undefined): void {
  if (results === undefined || type === undefined || type === 'dyn') return
  if (results.some(result => resultTypes[result](type))) return
  const wanted = results.map(result => (result === 'null' ? 'null_type' : result)).join(' or ')
  throw new CelFault(`must evaluate to ${wanted}`)
}

/** What the library throws at a text. */
function guarded<T>(text: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw compilationFault(error, text)
  }
}

function compilationFault(error: unknown, text: string): CelFault {
  return new CelFault(`compilation failed: ${compileWords(error as Error, text)}`, false, error)
}

/** `typed`: the same, with types checked; needed by none who only runs it. */
function program(parsed: Parsed, typed: Parsed, text: string, converter: Converter): CelProgram {
  let spent = 0
  let limit = 0
  const spend = (cost: number): void => {
    spent += cost
    if (spent > limit) throw new CelFault(outOfBudget, true)
  }
  let isMetered = false
  return {
    maxCost: size => estimateCost(typed.ast, size),
    evaluate(bindings, budget) {
      if (!isMetered) {
        parsed.check()
        meter(parsed.ast, spend)
        isMetered = true
      }
      const context: Record<string, unknown> = {}
      for (const [name, value] of Object.entries(bindings)) context[name] = converter.toCel(value)
      spent = 0
      limit = Math.min(budget.left, costLimits.perExpression)
      try {
        return fromCel(parsed(context))
      } catch (error) {
        throw evaluationFault(error, text, spent > limit)
      } finally {
        charge(budget, spent)
      }
    },
  }
}

function charge(budget: CelBudget, spent: number): void {
  budget.left -= spent
}

function evaluationFault(error: unknown, text: string, isOutOfBudget: boolean): CelFault {
  if (isOutOfBudget) return new CelFault(`expression '${text}' resulted in error: ${outOfBudget}`, true, error)
  if (error instanceof CelFault) return error
  return new CelFault(`expression '${text}' resulted in error: ${evaluationWords(error as Error)}`, false, error)
}
