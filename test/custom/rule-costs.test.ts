// What rules may cost at most, number for number as upstream has it (apiextensions-apiserver
// pkg/apiserver/schema/cel/compilation_test.go, TestCostEstimation), and what definitions are refused for it.

import { describe, expect, test } from 'vitest'
import { createCel } from '../../apiserver/cel/compiler.ts'
import { celTypeOf, reachOf } from '../../apiserver/custom/cel-types.ts'
import { compileCustomSchema } from '../../apiserver/custom/custom-schema.ts'
import { sizeOf } from '../../apiserver/custom/rule-costs.ts'
import { schemaFaults } from '../../apiserver/custom/schema-faults.ts'
import type { Schema } from '../../apiserver/custom/schema-parts.ts'
import { compileRule } from '../../apiserver/custom/schema-rules.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { FieldPath } from '../../src/kinds/field-path.ts'

const cel = createCel()

function costOf(schema: Schema, rule: string, isResource = false): number {
  return compileRule(cel, schema, isResource, { rule }).program.maxCost(sizeOf(schema, isResource)!)
}

type Make = (max: number | undefined) => Schema

const typed = (type: string): Schema => {
  if (type === 'int-or-string') return { 'x-kubernetes-int-or-string': true }
  return ['date', 'date-time', 'duration'].includes(type) ? { type: 'string', format: type } : { type }
}
const limited = (schema: Schema, name: string, max: number | undefined): Schema =>
  max === undefined ? schema : { ...schema, [name]: max }
const list =
  (items: Schema): Make =>
  max =>
    limited({ type: 'array', items }, 'maxItems', max)
const map =
  (additionalProperties: Schema): Make =>
  max =>
    limited({ type: 'object', additionalProperties }, 'maxProperties', max)
const text: Make = max => limited({ type: 'string' }, 'maxLength', max)
const object: Schema = {
  type: 'object',
  required: ['required'],
  properties: { required: { type: 'string' }, optional: { type: 'string' } },
}
const lists = (type: string): Make => list(typed(type))
const maps = (type: string): Make => map(typed(type))
const texts: Make = max => list(text(max))(max)

const cases: readonly (readonly [string, Make, number | undefined, number, number])[] = [
  ['self.all(x, true)', lists('number'), 4718591, 10, 32],
  ['self.all(x, true)', lists('string'), 3145727, 20, 62],
  ['self.all(x, true)', lists('boolean'), 1887437, 5, 17],
  ['self.all(x, true)', list({ type: 'array', items: { type: 'number' } }), 3145727, 100, 302],
  ['self.all(x, true)', list(object), 555128, 50, 152],
  ['self.all(x, true)', maps('number'), 1348169, 10, 32],
  ['self.all(x, true)', maps('string'), 1179647, 3, 11],
  ['self.all(x, true)', maps('boolean'), 943718, 100, 302],
  ["self.contains('test')", text, 314574, 10, 5],
  ["self.startsWith('test')", text, 2, 15, 2],
  ["self.endsWith('test')", text, 2, 30, 2],
  ['size(self + "hello") > size("hello")', text, 314578, 4, 7],
  ['self[1] == 0.0', lists('number'), 2, 5000, 2],
  ['self[1] == self[1]', lists('string'), 314577, 8, 314577],
  ['self.all(x, self.all(y, true))', lists('number'), undefined, 10, 352],
  ['self.all(x, self.all(y, self.all(z, true)))', lists('number'), undefined, 10, 3552],
  ['self.matches("x")', text, 314574, 50, 22],
  ['"".matches("(((((((((())))))))))[0-9]")', text, 7, 10, 7],
  ['self.matches("")', text, 1, 100, 1],
  ['self.all(x, x.contains(self[x]))', max => map(text(max))(max), 2752507, 10, 72],
  ['self["x"] == 0.0', maps('number'), 2, 0, 2],
  ['self == "x"', text, 2, 0, 1],
  ['self == b"x"', max => limited({ type: 'string', format: 'byte' }, 'maxLength', max), 2, 0, 1],
  ['self.all(x, x == 0.0)', lists('number'), 6291454, 3 * 1024 * 2048, 25165826],
  ['self.all(x, x["y"].required == "z")', max => list(map(object)(max))(max), 7340027, 10, 72],
  ['self.all(x, x["y"].required == "z")', max => list(map(object)(max))(undefined), 7340027, 10, 7340027],
  ['self.all(x, true)', lists('int-or-string'), 4718591, 10, 32],
  ['self[0] == 5', lists('int-or-string'), 3, 10, 3],
  ['self[0] == false', lists('boolean'), 2, 25, 2],
  ['self[0][0] == -1.0', list({ type: 'array', items: { type: 'number' } }), 3, 51, 3],
  ['self.all(x, x.y == 25.2)', list(maps('number')(undefined)), 6291452, 12, 74],
  ['self[0].x > 2.0', list(maps('number')(undefined)), 4, 3000, 4],
  ['self.all(x, true)', lists('duration'), 2359295, 5, 17],
  ['self[0].getHours() == 2', lists('duration'), 4, 525, 4],
  ['self.all(x, true)', lists('date'), 725936, 15, 47],
  ['self[2].getDayOfMonth() == 13', lists('date'), 4, 42, 4],
  ['self.all(x, true)', lists('date-time'), 428963, 25, 77],
  ['self.all(x, true)', maps('int-or-string'), 1348169, 15, 47],
  ['self.all(x, true)', map(object), 428963, 20, 62],
  ['self.all(x, true)', map(maps('number')(undefined)), 1179647, 10, 32],
  ['self.all(x, true)', maps('duration'), 1048577, 5, 17],
  ['self.all(x, true)', maps('date'), 524288, 10, 32],
  ['self.all(x, true)', maps('date-time'), 349526, 25, 77],
  ["self.find('[0-9]+') == ''", text, 629147, 10, 11],
  ["self.join(' ') == 'aa bb'", texts, 329853068905, 10, 43],
  ['self.isSorted() == true', texts, 329854432052, 10, 52],
  [
    "self.str.replace(self.before, self.after) == 'does not matter'",
    max => ({ type: 'object', properties: { str: text(max), before: text(2), after: text(4) } }),
    629154,
    4,
    12,
  ],
  [
    'self.str.split(self.separator) == []',
    max => ({ type: 'object', properties: { str: text(max), separator: text(max) } }),
    629160,
    10,
    22,
  ],
  ["self.lowerAscii() == 'lower!'", text, 314575, 10, 6],
  ['oldSelf.size() == self.size()', maps('integer'), 5, 10, 5],
  ['self["a"] == self["b"]', maps('date-time'), 8, 7, 8],
  ['self["c"] == self["d"]', maps('duration'), 8, 42, 8],
  [
    "self.contains('A')",
    max => limited({ type: 'string', enum: ['A', 'B', 'C', 'LongValue'] }, 'maxLength', max),
    2,
    1000,
    401,
  ],
  ['isQuantity(self)', max => limited(typed('int-or-string'), 'maxLength', max), 314574, 20, 9],
]

describe('the most that a rule can cost', () => {
  test.each(cases)('%s', (rule, make, unlimited, max, cost) => {
    const found = costOf(make(undefined), rule)
    if (unlimited === undefined) expect(found).toBeGreaterThan(10_000_000)
    else expect(found).toBe(unlimited)
    expect(costOf(make(max), rule)).toBe(cost)
  })

  test('names are no longer than names are', () => {
    for (const name of ['name', 'generateName']) {
      const cost = costOf({ type: 'object' }, `self.metadata.${name}.contains('x')`, true)
      expect(cost).toBeGreaterThan(0)
      expect(cost).toBeLessThan(10_000)
    }
  })
})

describe('definitions', () => {
  const at = new FieldPath('schema')
  const faultsOf = (properties: Record<string, Schema>) =>
    schemaFaults(cel, { type: 'object', properties }, at, { statusEnabled: false, old: undefined }).map(
      ({ field, message }) => `${field}: ${message}`,
    )
  const hint =
    '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'
  const ruled = (schema: Schema, ...rules: string[]): Schema => ({
    ...schema,
    'x-kubernetes-validations': rules.map(rule => ({ rule })),
  })

  test('whose rules may cost too much are refused, by how much', () => {
    const numbers = list({ type: 'integer' })
    expect(faultsOf({ l: ruled(numbers(undefined), 'self.all(x, self.all(y, x == y))') })).toEqual([
      `schema.properties[l].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x ${hint}`,
      'schema.properties[l].x-kubernetes-validations[0].rule: Forbidden: contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema',
      `schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x ${hint}`,
    ])
    expect(faultsOf({ l: ruled(numbers(100), 'self.all(x, self.all(y, x == y))') })).toEqual([])
  })

  test('a rule counts as often as what it is of can be there', () => {
    const item = ruled(text(undefined), "self.contains('x')")
    expect(faultsOf({ l: list(item)(20) })).toEqual([])
    expect(faultsOf({ l: list(item)(40) })).toEqual([
      `schema.properties[l].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of 1.258296x ${hint}`,
    ])
    expect(faultsOf({ l: list(item)(100) })).toEqual([
      `schema.properties[l].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of 3.1x ${hint}`,
    ])
  })

  test('what was so before is forgiven for each rule', () => {
    const schema: Schema = {
      type: 'object',
      properties: { l: list(ruled(text(undefined), "self.contains('x')"))(100) },
    }
    const old = { spec: { versions: [{ schema: { openAPIV3Schema: schema } }] } } as never
    expect(schemaFaults(cel, schema, at, { statusEnabled: false, old })).toEqual([])
  })
})

/** Kept from before there were estimates: upstream takes what was stored once. */
describe('what costs too much while it runs is stopped', () => {
  const l = Array.from({ length: 300 }, (_, index) => String(index))
  const object = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'it' }, l } as KubeObject
  const faultsOf = (...rules: object[]) => {
    const schema = {
      type: 'object',
      properties: { l: { type: 'array', items: { type: 'string' } } },
      'x-kubernetes-validations': rules,
    } as Schema
    return compileCustomSchema(schema, cel)
      .validate(object, undefined)
      .map(({ field, message }) => `${field}: ${message}`)
  }
  const bomb = 'self.l.all(a, self.l.all(b, self.l.all(c, a != b || b != c || true)))'

  test('a rule', () => {
    expect(faultsOf({ rule: bomb }, { rule: 'false' })).toEqual([
      `<nil>: Invalid value: "object": 'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${bomb}`,
    ])
  })

  test('a message', () => {
    const costly = 'self.l.map(a, self.l.map(b, self.l.map(c, a + b + c))).size() > 0 ? "x" : "y"'
    expect(faultsOf({ rule: 'false', messageExpression: costly }, { rule: 'false' })).toEqual([
      `<nil>: Invalid value: "object": no further validation rules will be run due to call cost exceeds limit for messageExpression: ${JSON.stringify(costly)}`,
    ])
  })

  test('many rules together', () => {
    const rule = 'self.l.all(a, self.l.all(b, a != b || true))'
    const found = faultsOf(...Array.from({ length: 40 }, () => ({ rule })))
    expect(found).toEqual([
      '<nil>: Invalid value: "object": validation failed due to running out of cost budget, no further validation rules will be run',
    ])
  })
})

test('a rule is compiled with what it can reach, however large its schema is', () => {
  let chain: Schema = { type: 'string' }
  for (let depth = 0; depth < 400; depth++)
    chain = { type: 'object', properties: { a: chain, other: { type: 'integer' } } }
  expect(celTypeOf(chain, false, reachOf('self.a.a == self.a.a'))).toMatchObject({
    fields: { a: { fields: { a: { name: 'custom.a.a' } } } },
  })
  expect(JSON.stringify(celTypeOf(chain, false, reachOf('has(self.a)'))).length).toBeLessThan(300)
  expect(costOf(chain, 'has(self.a.a.other) && self.a == self.a')).toBeGreaterThan(0)
  expect(() => compileRule(cel, chain, false, { rule: 'self.a.b == 1' })).toThrow("undefined field 'b'")
})
