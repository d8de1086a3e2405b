// What an expression may come to cost at most, told from its syntax tree and from how large the values are that it can reach.
// Upstream refuses rules by this before they ever run, so each number is a promise. Called by compiler.ts, of a tree whose
// types are checked. Upstream: github.com/google/cel-go/checker/cost.go, k8s.io/apiserver/pkg/cel/library/cost.go.

import type { CelSize } from './cel.ts'
import { callCost, most, plus, type Size, textCost, times } from './estimate-calls.ts'
import type { Comprehension, ComprehensionKind } from './library/comprehensions.ts'

/** A node of the library's syntax tree, as far as it is needed here. */
interface Node {
  readonly op: string
  readonly args: unknown
  readonly meta: { readonly alternate?: Node; readonly macro?: Macro }
  readonly checkedType?: Type
}

interface Type {
  readonly kind: string
  readonly name: string
  readonly type?: string
}

interface Macro {
  readonly var?: string
  readonly val?: Node
  readonly exp?: Node
  readonly kind?: ComprehensionKind
}

type TwoVariables = Omit<Comprehension, 'range' | 'filter' | 'body'> & {
  readonly range: Node
  readonly filter: Node | undefined
  readonly body: Node
}

/** What is known of a part. `at`: where its value stands in what was declared, whose size is known there. */
interface Estimate {
  readonly cost: number
  readonly size?: Size | undefined
  readonly at?: CelSize | 'nowhere' | undefined
  readonly type?: Type | undefined
}

type Scope = ReadonlyMap<string, Estimate>

export function estimateCost(tree: unknown, root: CelSize): number {
  return new Coster(root).cost(tree as Node, new Map()).cost
}

const selection = 1
const [listBase, mapBase] = [10, 30]

class Coster {
  readonly #root: CelSize

  constructor(root: CelSize) {
    this.#root = root
  }

  cost(node: Node, scope: Scope): Estimate {
    const found = this.#cost(node, scope)
    return found.type === undefined ? { ...found, type: node.checkedType } : found
  }

  #cost(node: Node, scope: Scope): Estimate {
    if (node.meta.alternate?.op === 'comprehension') return this.#comprehension(node.meta.alternate, scope)
    const args = node.args as readonly unknown[]
    const inner = (at: number): Estimate => this.cost(args[at] as Node, scope)
    switch (node.op) {
      case 'value':
        return { cost: 0, size: literalSize(node.args) }
      case 'id':
        return { ...(scope.get(node.args as string) ?? { at: this.#root }), cost: selection }
      case '.': {
        const from = inner(0)
        const isCounted = ['map', 'message'].includes(kindOf(from.type))
        return { cost: plus(from.cost, isCounted ? selection : 0), at: this.#member(from.at, args[1] as string) }
      }
      case '.?': {
        const from = inner(0)
        return { cost: plus(from.cost, 1), at: this.#member(from.at, args[1] as string) }
      }
      case '[]':
      case '[?]': {
        const [from, key] = [inner(0), inner(1)]
        return { cost: plus(from.cost, key.cost, 1), at: this.#elements(from.at) }
      }
      case 'list': {
        const costs = args.map(each => this.cost(each as Node, scope).cost)
        return { cost: plus(listBase, ...costs), size: exactly(args.length) }
      }
      case 'map': {
        const pairs = args as readonly (readonly [Node, Node])[]
        const costs = pairs.flatMap(pair => pair.map(each => this.cost(each, scope).cost))
        return { cost: plus(mapBase, ...costs), size: exactly(args.length) }
      }
      case '?:': {
        const [condition, yes, no] = [inner(0), inner(1), inner(2)]
        const [one, other] = [this.#sizeOf(yes), this.#sizeOf(no)]
        const size = { min: Math.min(one.min, other.min), max: Math.max(one.max, other.max) }
        return { cost: plus(condition.cost, Math.max(yes.cost, no.cost)), size }
      }
      case '!_':
      case '-_': {
        const operand = this.cost(node.args as Node, scope)
        const isLiteral = node.op === '-_' && (node.args as Node).op === 'value'
        return isLiteral ? operand : { cost: plus(operand.cost, 1) }
      }
      case '&&':
      case '||':
        return { cost: plus(inner(0).cost, inner(1).cost) }
      case 'call':
      case 'rcall':
        return this.#call(node, scope)
      default:
        return this.#operator(node.op, inner(0), inner(1))
    }
  }

  #operator(op: string, left: Estimate, right: Estimate): Estimate {
    const args = plus(left.cost, right.cost)
    const [one, other] = [this.#sizeOf(left), this.#sizeOf(right)]
    const [kind, otherKind] = [kindOf(left.type), kindOf(right.type)]
    const isText = (isTextual(kind) || kind === 'dyn') && (isTextual(otherKind) || otherKind === 'dyn')
    switch (op) {
      case 'in':
        return { cost: plus(args, otherKind === 'list' ? other.max : otherKind === 'dyn' ? Math.max(1, other.max) : 1) }
      case '==':
      case '!=':
        if (isOpaque(left.type)) return { cost: plus(args, 1) }
        return { cost: plus(args, textCost(Math.min(one.max, other.max))) }
      case '<':
      case '<=':
      case '>':
      case '>=': {
        const compared = textCost(Math.min(one.max, other.max))
        return {
          cost: plus(args, !isText ? 1 : kind === 'dyn' || otherKind === 'dyn' ? Math.max(1, compared) : compared),
        }
      }
      case '+': {
        const size = { min: one.min + other.min, max: plus(one.max, other.max) }
        if (kind === 'list') return { cost: plus(args, 1), size }
        return isText ? { cost: plus(args, textCost(size.max)), size } : { cost: plus(args, 1) }
      }
      default:
        return { cost: plus(args, 1) }
    }
  }

  #call({ op, args, meta, checkedType }: Node, scope: Scope): Estimate {
    const parts = args as readonly unknown[]
    const name = parts[0] as string
    const target = op === 'rcall' ? (parts[1] as Node) : undefined
    const given = parts[op === 'rcall' ? 2 : 1] as readonly Node[]
    if (op === 'call' && name === 'has' && given.length === 1) {
      return { cost: this.cost((given[0]!.args as readonly Node[])[0]!, scope).cost }
    }
    const { macro } = meta
    if (name === 'bind' && macro?.val !== undefined) return this.#bind(macro, scope)
    if (macro?.kind !== undefined) return this.#twoVariables(macro as TwoVariables, scope)
    if (target !== undefined && (name === 'optMap' || name === 'optFlatMap') && given.length === 2) {
      const of = this.cost(target, scope)
      const bound = new Map(scope).set(given[0]!.args as string, { cost: 0, at: of.at })
      return { cost: plus(of.cost, 1, listBase, of.cost, 1, this.cost(given[1]!, bound).cost, 1) }
    }
    const from = target && this.cost(target, scope)
    const found = given.map(each => this.cost(each, scope))
    const spent = plus(from?.cost ?? 0, ...found.map(({ cost }) => cost))
    if (op === 'call' && name === 'dyn') return { ...found[0]!, cost: plus(spent, 1) }
    const made = callCost({
      name,
      target: from && this.#argument(from, target!),
      args: found.map((each, at) => this.#argument(each, given[at]!)),
    })
    return { cost: plus(spent, made.cost), size: made.size, type: checkedType }
  }

  #argument(of: Estimate, { args, op }: Node) {
    const elements = this.#elements(of.at)
    return {
      size: this.#sizeOf(of),
      kind: kindOf(of.type),
      elements: kindOf(of.type) === 'list' ? this.#sizeOf({ cost: 0, at: of.at ? elements : undefined }) : undefined,
      elementKind: /^list<(string|bytes)>$/.test(of.type?.name ?? '') ? ('text' as const) : ('other' as const),
      literal: op === 'value' ? args : undefined,
    }
  }

  #bind({ var: name, val, exp }: Macro, scope: Scope): Estimate {
    const value = this.cost(val!, scope)
    const result = this.cost(exp!, new Map(scope).set(name!, value))
    return { ...result, cost: plus(listBase, value.cost, result.cost) }
  }

  /** Of what macros come to in cel-go: the loop's condition, its step, and what is made of the result. */
  #comprehension({ args }: Node, scope: Scope): Estimate {
    const { iterable, iterVarName, init, step, kind } = args as {
      readonly iterable: Node
      readonly iterVarName: string
      readonly init: Node
      readonly step: Node
      readonly kind?: 'quantifier'
    }
    const range = this.cost(iterable, scope)
    const item = kindOf(range.type) === 'map' ? this.#keys(range.at) : this.#elements(range.at)
    const within = new Map(scope).set(iterVarName, { cost: selection, at: item, type: undefined })
    const parts = step.args as readonly Node[]
    const count = this.#sizeOf(range)
    let [turn, rest] = [0, selection]
    if (kind === 'quantifier') {
      const predicate = this.cost(parts[0]!, within).cost
      // all: the condition 2, the step 1; exists negates it; exists_one counts, and compares in the end.
      if (init.args === true) turn = plus(predicate, 3)
      else if (init.args === false) turn = plus(predicate, 4)
      else [turn, rest] = [plus(predicate, 2), 2]
      return { cost: plus(range.cost, times(count.max, turn), rest), size: exactly(1) }
    }
    const pushed = (node: Node): number => plus(12, this.cost(node.args as Node, within).cost)
    turn = step.op === '?:' ? plus(this.cost(parts[0]!, within).cost, pushed(parts[1]!)) : pushed(step)
    return { cost: plus(range.cost, listBase, times(count.max, turn), rest), size: count }
  }

  /** The same of those of comprehensions.ts: a list is made anew with each item, a map has each key put into it. */
  #twoVariables({ kind, range, names, filter, body }: TwoVariables, scope: Scope): Estimate {
    const of = this.cost(range, scope)
    const isMap = kindOf(of.type) === 'map'
    const [keys, values] = [isMap ? this.#keys(of.at) : 'nowhere', this.#elements(of.at)] as const
    const places = names.length === 2 ? [keys, values] : [isMap ? keys : values]
    const within = new Map(scope)
    for (const [index, name] of names.entries()) within.set(name, { cost: selection, at: places[index] })
    const count = this.#sizeOf(of)
    const step = this.cost(body, within).cost
    const turn = plus(filter === undefined ? 0 : this.cost(filter, within).cost, step, turnCosts[kind])
    const cost = plus(of.cost, initCosts[kind] ?? 0, times(count.max, turn), kind === 'existsOne' ? 2 : selection)
    return { cost, size: bools.has(kind) ? exactly(1) : count }
  }

  #sizeOf({ size, at, type }: Estimate): Size {
    if (size !== undefined) return size
    if (at !== undefined && at !== 'nowhere') return { min: 0, max: at.max }
    return scalars.has(kindOf(type)) ? exactly(1) : { min: 0, max: most }
  }

  /** What stands nowhere in what was declared has members that are looked for from the root, as upstream has it. */
  #elements(at: Estimate['at']): Estimate['at'] {
    return at === undefined ? this.#root : at === 'nowhere' ? at : (at.elements ?? 'nowhere')
  }

  #keys(at: Estimate['at']): Estimate['at'] {
    return at === undefined ? this.#root : at === 'nowhere' ? at : (at.keys ?? 'nowhere')
  }

  #member(at: Estimate['at'], name: string): Estimate['at'] {
    if (at === undefined) return this.#root
    if (at === 'nowhere') return at
    return at.fields?.get(name) ?? 'nowhere'
  }
}

/** What a turn comes to beside what is asked or made in it; and what the result begins as. */
const turnCosts: Readonly<Record<ComprehensionKind, number>> = {
  all: 3,
  exists: 4,
  existsOne: 2,
  transformList: 12,
  transformMap: 3,
  transformMapEntry: 2,
  sortBy: 12,
}
const initCosts: Readonly<Partial<Record<ComprehensionKind, number>>> = {
  transformList: listBase,
  transformMap: mapBase,
  transformMapEntry: mapBase,
  sortBy: listBase,
}
const bools: ReadonlySet<ComprehensionKind> = new Set(['all', 'exists', 'existsOne'])

const exactly = (size: number): Size => ({ min: size, max: size })

function literalSize(value: unknown): Size {
  return exactly(typeof value === 'string' ? [...value].length : value instanceof Uint8Array ? value.length : 1)
}

const scalars: ReadonlySet<string> = new Set(['bool', 'int', 'uint', 'double', 'timestamp', 'duration'])
const isTextual = (kind: string): boolean => kind === 'string' || kind === 'bytes'
const isOpaque = (type: Type | undefined): boolean =>
  /^kubernetes\.|^(?:IP|CIDR|Quantity|Semver)$/.test(type?.name ?? '')

/** The library has primitive types and Google's by name. */
function kindOf(type: Type | undefined): string {
  if (type === undefined) return 'dyn'
  if (type.name === 'google.protobuf.Timestamp') return 'timestamp'
  if (type.name === 'google.protobuf.Duration') return 'duration'
  return type.kind === 'primitive' ? type.name : type.kind
}
