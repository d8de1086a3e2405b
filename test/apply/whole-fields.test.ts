// What is quick must say the same as what is slow: the fields of values that come or go as a whole, told by their form
// (whole-fields.ts), against a comparison that goes through all of it (compare.ts). Over the schemas of real kinds.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyObject } from '../../apiserver/apply/applying.ts'
import { compare, type Wholes } from '../../apiserver/apply/compare.ts'
import { FieldSet } from '../../apiserver/apply/field-set.ts'
import { entriesText, Fields, readOwnEntries } from '../../apiserver/apply/managed-fields.ts'
import { entryOf, trackUpdate } from '../../apiserver/apply/tracking.ts'
import { isMembers, type Members, type Type } from '../../apiserver/apply/typed.ts'
import { everything, WholeFields } from '../../apiserver/apply/whole-fields.ts'
import { definitionNode } from '../../src/kinds/schemas.ts'
import { number, onlyVersion, text, typeOf } from './walks.ts'

const definitions = [
  'io.k8s.api.core.v1.Pod',
  'io.k8s.api.core.v1.Service',
  'io.k8s.api.core.v1.ConfigMap',
  'io.k8s.api.core.v1.Node',
  'io.k8s.api.apps.v1.Deployment',
  'io.k8s.api.networking.v1.Ingress',
  'io.k8s.api.rbac.v1.ClusterRole',
  'io.k8s.api.flowcontrol.v1.FlowSchema',
]

/** Nothing is always there. */
const custom = typeOf({
  fields: {
    apiVersion: text,
    kind: text,
    metadata: { fields: { name: text, resourceVersion: text, labels: { map: text } } },
    spec: {
      fields: {
        size: number,
        ports: { list: { of: { fields: { name: text, port: number } }, type: 'map', keys: ['name', 'port'] } },
        names: { list: { of: text, type: 'set' } },
        list: { list: { of: {} } },
        one: { fields: { name: text }, atomic: true },
        any: {},
        deep: { map: { map: { fields: { key: text, more: text } } } },
      },
    },
    status: {},
  },
})

const words = fc.constantFrom('a', 'b', 'web', 'TCP', '', 'ä"\\', '<x>', '10', '9')
const anything = fc.oneof(words, fc.integer({ min: -2, max: 12 }), fc.boolean(), fc.constant(null))
const json = fc.oneof(anything, fc.array(anything, { maxLength: 2 }), fc.dictionary(words, anything, { maxKeys: 2 }))

/** A value of a type, or of none. */
function someOf(type: Type, depth: number): fc.Arbitrary<unknown> {
  if (type === undefined || type.kind === 'any') return json
  if (type.kind === 'scalar') {
    if (type.scalar === 'boolean') return fc.boolean()
    return type.scalar === 'int32' || type.scalar === 'int64' ? fc.integer({ min: 0, max: 12 }) : words
  }
  if (type.kind === 'list') {
    if (depth === 0) return fc.constant([])
    return fc.array(someOf(type.items(), depth - 1), { maxLength: 3 })
  }
  if (type.kind === 'map') {
    if (depth === 0) return fc.constant({})
    return fc.dictionary(words, someOf(type.values(), depth - 1), { maxKeys: 3 })
  }
  const names = type.fieldNames()
  if (depth === 0 || names.length === 0) return fc.constant({})
  const keys = names.filter(name => ['name', 'containerPort', 'port', 'protocol', 'type', 'key', 'ip'].includes(name))
  return fc
    .tuple(fc.subarray([...names], { maxLength: Math.min(4, names.length) }), fc.subarray(keys))
    .chain(([some, those]) => {
      const members = [...new Set([...some, ...those])].map(name =>
        fc.tuple(fc.constant(name), someOf(type.field(name), depth - 1)),
      )
      return fc.tuple(...members).map(entries => Object.fromEntries(entries))
    })
}

/** Some of the one, some of the other. */
function mixed(one: unknown, other: unknown): unknown {
  if (Array.isArray(one) && Array.isArray(other)) return other.map((item, index) => mixed(one[index] ?? item, item))
  if (!isMembers(one) || !isMembers(other)) return other
  const all: Record<string, unknown> = { ...one }
  for (const name of Object.keys(other)) all[name] = mixed(one[name], other[name])
  return all
}

/** Knows nothing, so that everything is compared. */
const unknowing = { get: () => ({ contentOf: () => undefined }), set: () => {} } as unknown as Wholes

const runs = 40

const outside = new Map([
  ['kind', everything],
  ['status', everything],
  [
    'metadata',
    new Map([
      ['name', everything],
      ['resourceVersion', everything],
    ]),
  ],
])
const unowned = FieldSet.of(['f:metadata'], ['f:metadata', 'f:name'], ['f:metadata', 'f:resourceVersion'])

const types: readonly (readonly [string, Type])[] = [
  ...definitions.map(definition => [definition, definitionNode(definition)] as const),
  ['a custom kind', custom],
]

test.each(types)('an object of %s that is made', (_, type) => {
  const whole = new WholeFields(type, true, outside)
  fc.assert(
    fc.property(someOf(type, 7), value => {
      const empty = emptyObject(type)
      const compared = compare(type, empty, value as Members, new Set(['kind', 'status']), unknowing)
      const content = whole.contentOf(value)
      // Undefined is no answer, and always right.
      if (content !== undefined)
        expect(content).toBe(compared.added.union(compared.modified).difference(unowned).content)
    }),
    { numRuns: runs },
  )
})

test.each(types)('an object of %s that is changed, and who owns it then', (_, type) => {
  const versions = onlyVersion(type)
  const wholes: Wholes = new WeakMap()
  const writer = { manager: 'me', subresource: '', time: '2026-01-01T00:00:00Z', without: new Set<string>() }
  fc.assert(
    fc.property(someOf(type, 6), someOf(type, 6), fc.boolean(), fc.boolean(), (one, another, isMine, isMixed) => {
      const other = isMixed ? mixed(one, another) : another
      const quick = compare(type, one as Members, other as Members, undefined, wholes)
      const slow = compare(type, one as Members, other as Members, undefined, unknowing)
      for (const what of ['added', 'modified', 'removed'] as const) {
        expect(quick[what].text).toBe(slow[what].text)
        // What rests as text is read as what it says.
        expect(FieldSet.read(JSON.parse(quick[what].text))!.equals(slow[what])).toBe(true)
        expect([...quick[what].paths()]).toEqual([...slow[what].paths()])
      }
      const before = new Fields(compare(type, {}, one as Members, undefined, unknowing).added.text)
      if (before.text === '{}') return
      const entry = entryOf(
        { ...writer, manager: isMine ? 'me' : 'you', operation: 'Update', apiVersion: 'v1' },
        before.set,
      )
      const resting = readOwnEntries(entriesText([entry]))
      const after = trackUpdate({ ...versions, wholes }, one as Members, other as Members, resting, writer, false)
      const same = trackUpdate(
        { ...versions, wholes: unknowing },
        one as Members,
        other as Members,
        [entry],
        writer,
        false,
      )
      expect(entriesText(after)).toBe(entriesText(same))
    }),
    { numRuns: runs },
  )
})
