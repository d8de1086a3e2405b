// Whatever a schema says and whatever an object holds: pruning and defaults come to rest, nothing is thrown, nothing escapes
// into prototypes.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createCel } from '../../apiserver/cel/compiler.ts'
import { compileCustomSchema } from '../../apiserver/custom/custom-schema.ts'
import { schemaFaults } from '../../apiserver/custom/schema-faults.ts'
import type { Schema } from '../../apiserver/custom/schema-parts.ts'
import { structuralFaults } from '../../apiserver/custom/structural-schema.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { FieldPath } from '../../src/kinds/field-path.ts'

const cel = createCel()
const runs = { numRuns: 300, seed: 20_260_101 }
const clone = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

/** Few, so that schemas and objects meet; and those that are something to JavaScript. */
const names = fc.constantFrom(
  'a',
  'b',
  'c-d',
  'spec',
  'metadata',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
)

/** As JSON.parse makes it: every key is a key. */
const record = <T>(values: fc.Arbitrary<T>) =>
  fc.array(fc.tuple(names, values), { maxLength: 4 }).map(pairs => Object.fromEntries(pairs) as Record<string, T>)

const { value: json } = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, 1, -1.5, 2 ** 53, '', 'x', '2024-01-01', '1h', '10.0.0.1'),
    fc.array(tie('value'), { maxLength: 3 }),
    record(tie('value')),
  ),
}))

const scalarSchema = fc
  .record(
    {
      type: fc.constantFrom('string', 'integer', 'number', 'boolean'),
      format: fc.constantFrom('date-time', 'ipv4', 'int32', 'byte', 'duration', 'constructor', 'nope'),
      nullable: fc.boolean(),
      maxLength: fc.nat(5),
      minimum: fc.integer({ min: -3, max: 3 }),
      pattern: fc.constantFrom('^x+$', '(a+)+$', '('),
      enum: fc.constant(['x', 1, null]),
    },
    { requiredKeys: ['type'] },
  )
  .map(schema => schema as Schema)

const byType = (type: string | undefined): unknown => ({ string: 'x', integer: 1, number: 1.5, boolean: true })[type!]

const { schema: structural } = fc.letrec<{ schema: Schema; object: Schema }>(tie => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    scalarSchema,
    scalarSchema.map(
      ({ type, format: _, ...rest }) => ({ type, nullable: rest.nullable, default: byType(type) }) as Schema,
    ),
    tie('object'),
    fc.record({ items: tie('schema') }).map(({ items }) => ({ type: 'array', items }) as Schema),
    tie('schema').map(inner => ({ type: 'object', additionalProperties: inner }) as Schema),
    fc.constant({ 'x-kubernetes-int-or-string': true } as Schema),
    fc.constant({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as Schema),
  ),
  object: fc
    .record(
      {
        properties: record(tie('schema')),
        'x-kubernetes-preserve-unknown-fields': fc.constant(true),
        default: fc.constant({}),
      },
      { requiredKeys: ['properties'] },
    )
    .map(schema => ({ type: 'object', ...schema }) as Schema),
}))
const root = record(structural).map(properties => ({ type: 'object', properties }) as Schema)
const object = record(json).map(
  members => ({ apiVersion: 'example.com/v1', kind: 'Widget', ...members }) as Record<string, unknown>,
)

test('what was pruned once has nothing left to prune', () => {
  fc.assert(
    fc.property(root, object, (schema, body) => {
      const { prune } = compileCustomSchema(schema, cel)
      const pruned = clone(body)
      prune(pruned)
      const again = clone(pruned)
      expect(prune(again)).toEqual([])
      expect(again).toEqual(pruned)
    }),
    runs,
  )
})

test('what is filled in once is full, and fits the schema', () => {
  fc.assert(
    fc.property(root, object, (schema, body) => {
      const { prune, defaults } = compileCustomSchema(schema, cel)
      const filled = clone(body)
      prune(filled)
      defaults(filled)
      const again = clone(filled)
      defaults(again)
      expect(again).toEqual(filled)
      expect(prune(again)).toEqual([])
    }),
    runs,
  )
})

test('every object is judged, and every fault says where it is', () => {
  fc.assert(
    fc.property(root, object, object, (schema, body, before) => {
      const { validate } = compileCustomSchema(schema, cel)
      for (const old of [undefined, before, body]) {
        for (const { field, message } of validate(body as unknown as KubeObject, old as unknown as KubeObject)) {
          expect(field).not.toBe('')
          expect(message).not.toBe('')
        }
      }
    }),
    runs,
  )
})

test('what is as it was is not held against a write', () => {
  fc.assert(
    fc.property(root, object, (schema, body) => {
      const { validate } = compileCustomSchema(schema, cel)
      expect(validate(clone(body) as unknown as KubeObject, body as unknown as KubeObject)).toEqual([])
    }),
    runs,
  )
})

describe('whatever a definition says', () => {
  const deeper = { maxDepth: 3, depthIdentifier: 'wild' }
  /** Anything that the type of a schema allows, at any depth and together with anything else. */
  const { any: wild } = fc.letrec<{ any: Schema }>(tie => ({
    any: fc
      .record(
        {
          type: fc.constantFrom('object', 'array', 'string', 'integer', 'null', ''),
          format: fc.constantFrom('constructor', 'byte', ''),
          nullable: fc.boolean(),
          default: json,
          properties: fc.oneof(deeper, fc.constant({}), record(tie('any'))),
          additionalProperties: fc.oneof(deeper, fc.boolean(), tie('any')),
          items: fc.oneof(deeper, fc.constant({}), tie('any')),
          allOf: fc.oneof(deeper, fc.constant([]), fc.array(tie('any'), { maxLength: 2 })),
          not: fc.oneof(deeper, fc.constant({}), tie('any')),
          required: fc.array(names, { maxLength: 2 }),
          pattern: fc.constantFrom('x', '(', '(?=x)'),
          'x-kubernetes-list-type': fc.constantFrom('set', 'map', 'atomic', 'nope'),
          'x-kubernetes-list-map-keys': fc.array(names, { maxLength: 2 }),
          'x-kubernetes-map-type': fc.constantFrom('atomic', 'granular'),
          'x-kubernetes-embedded-resource': fc.boolean(),
          'x-kubernetes-int-or-string': fc.boolean(),
          'x-kubernetes-preserve-unknown-fields': fc.boolean(),
          'x-kubernetes-validations': fc.array(
            fc.record({
              rule: fc.constantFrom(
                'true',
                'self == self',
                'self.a == oldSelf.a',
                'has(self.spec)',
                '((',
                'self.all(x, x)',
                '',
              ),
              messageExpression: fc.constantFrom('"x"', '1', ''),
              fieldPath: fc.constantFrom('.a', ".spec['a']", '..', "['__proto__']"),
              optionalOldSelf: fc.boolean(),
            }),
            { maxLength: 2 },
          ),
        },
        { requiredKeys: [] },
      )
      .map(schema => schema as unknown as Schema),
  }))

  test('its faults are told, and none is thrown; what has none serves', () => {
    const at = new FieldPath('schema')
    fc.assert(
      fc.property(fc.oneof(wild, root), fc.boolean(), object, (schema, statusEnabled, body) => {
        const faults = schemaFaults(cel, schema, at, { statusEnabled, old: undefined })
        for (const { field, message } of faults) {
          expect(field.startsWith('schema')).toBe(true)
          expect(message).not.toBe('')
        }
        if (structuralFaults(schema, at).length > 0) return
        const compiled = compileCustomSchema(schema, cel)
        const draft = clone(body)
        compiled.prune(draft)
        compiled.defaults(draft)
        compiled.validate(draft as unknown as KubeObject, undefined)
      }),
      runs,
    )
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as Record<string, unknown>).a).toBeUndefined()
  })
})
