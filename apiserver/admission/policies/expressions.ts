// What policies and match conditions need of CEL: which names an expression may speak of, and their values. Called by
// evaluation.ts. Upstream: k8s.io/apiserver/pkg/admission/plugin/cel/{compile,composition}.go.

import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import { type Cel, type CelBudget, CelFault, type CelProgram, type CelType, costLimits } from '../../cel/cel.ts'
import { CelMade } from '../../cel/library/objects.ts'
import { Converter, fromCel } from '../../cel/values.ts'

/** What an expression may speak of, beyond object, oldObject, request and namespaceObject. */
export interface Scope {
  readonly params: boolean
  readonly authorizer: boolean
  /** Variables defined before, by name: `variables.NAME`. Undefined: conditions know none. */
  readonly variables: readonly string[] | undefined
  /** Of which type the result must be. */
  readonly result: 'bool' | 'string' | 'stringOrNull' | 'any' | 'object' | 'list'
}

/** The values of one evaluation. */
export interface Bindings {
  readonly object: Frozen<KubeObject> | null
  readonly oldObject: Frozen<KubeObject> | null
  /** As admission.k8s.io/v1 AdmissionRequest, without the objects. */
  readonly request: object
  readonly namespaceObject: object | null
  readonly params: Frozen<KubeObject> | null
  /** Each is evaluated when it is first asked for. */
  readonly variables: ReadonlyMap<string, () => unknown>
  readonly authorizer: unknown
}

export type Expression = CelProgram

/** What all expressions of one policy and request may cost together. */
export const budgetOfPolicy = (): CelBudget => ({ left: costLimits.perCall })

const results = {
  bool: ['bool'],
  string: ['string'],
  stringOrNull: ['string', 'null'],
  any: undefined,
  object: ['object'],
  list: ['list'],
} as const

/** Throws CelFault. */
export function compileExpression(cel: Cel, text: string, scope: Scope): Expression {
  const variables: Record<string, CelType> = {
    object: 'dyn',
    oldObject: 'dyn',
    request: 'dyn',
    namespaceObject: 'dyn',
    ...(scope.params ? { params: 'dyn' } : {}),
    ...(scope.authorizer ? { authorizer: 'dyn' } : {}),
    ...(scope.variables
      ? {
          variables: {
            name: 'kubernetes.variables',
            fields: Object.fromEntries(scope.variables.map(name => [name, 'dyn' as const])),
          },
        }
      : {}),
  }
  const wanted = results[scope.result]
  return cel.compile(text, { variables, ...(wanted ? { results: wanted } : {}) })
}

/** `authorizer.requestResource` is asked for what the request itself is for. */
export function contextOf(bindings: Bindings): Record<string, unknown> {
  return { ...bindings, variables: lazyMap(bindings.variables, new Converter()) }
}

/** A map whose values are made when they are asked for. Of no class of its own, since the library tells values by their class. */
function lazyMap(makers: ReadonlyMap<string, () => unknown>, converter: Converter): ReadonlyMap<string, unknown> {
  const has = (name: string): boolean => makers.has(name)
  const get = (name: string): unknown => converter.toCel(makers.get(name)?.())
  return Object.assign(new Map<string, unknown>(), { has, get })
}

/** What an expression made by types, as JSON. Throws CelFault when a type's name does not fit where it stands. */
export function plainOf(value: unknown, at = 'Object'): unknown {
  if (!(value instanceof CelMade)) return Array.isArray(value) ? value.map(each => plainOf(each, at)) : plainDeep(value)
  if (value.type !== at && !(at !== 'Object' && value.type === 'JSONPatch')) {
    throw new CelFault(
      `type mismatch: unexpected type name ${JSON.stringify(value.type)}, expected ${JSON.stringify(at)}, which matches field name path from root Object type`,
    )
  }
  const members: Record<string, unknown> = {}
  for (const [name, each] of value.members) {
    const plain = plainMember(each, `${at}.${name}`)
    if (plain !== undefined) {
      Object.defineProperty(members, name, { value: plain, enumerable: true, configurable: true, writable: true })
    }
  }
  return members
}

function plainMember(value: unknown, at: string): unknown {
  if (value instanceof CelMade) return plainOf(value, at)
  if (Array.isArray(value)) return value.map(each => plainMember(each, at))
  return plainDeep(value)
}

function plainDeep(value: unknown): unknown {
  if (value instanceof Map) {
    return fromCel(new Map([...value].map(([key, each]) => [key, plainDeep(each)])))
  }
  if (typeof value === 'object' && value !== null && 'hasValue' in value) {
    const optional = value as { hasValue(): boolean; value(): unknown }
    return optional.hasValue() ? plainDeep(optional.value()) : undefined
  }
  return fromCel(value)
}
