// Sets of fields and their text. Cases and rules: structured-merge-diff fieldpath/{set,serialize,element}_test.go, re-told.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FieldSet } from '../../apiserver/apply/field-set.ts'
import { compareSteps, readStep, shownPath } from '../../apiserver/apply/steps.ts'
import { setOf, shown } from './walks.ts'

const step = fc.oneof(
  fc.constantFrom('f:a', 'f:b', 'f:spec', 'f:0', 'f:with space', 'f:__proto__', 'f:.', 'f:'),
  fc.constantFrom(
    'k:{"name":"a"}',
    'k:{"name":"b"}',
    'k:{"containerPort":80,"protocol":"TCP"}',
    'k:{"containerPort":443}',
  ),
  fc.constantFrom('v:"a"', 'v:1', 'v:true', 'v:"\\u003cb\\u003e"'),
  fc.constantFrom('i:0', 'i:12'),
)
const set = fc
  .array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 12 })
  .map(paths => FieldSet.of(...paths))
const paths = (of: FieldSet): string[] => shown(of).sort()

describe('text', () => {
  test('is what Go writes: members, then fields, keys, values and indexes in order', () => {
    const owned = setOf(
      'f:spec f:replicas',
      'f:metadata f:labels',
      'f:metadata f:labels f:app',
      'f:spec f:containers k:{"name":"b"}',
      'f:spec f:containers k:{"name":"b"} f:image',
      'f:spec f:containers k:{"name":"a"}',
      'f:metadata f:finalizers v:"x"',
    )
    expect(owned.text).toBe(
      '{"f:metadata":{"f:finalizers":{"v:\\"x\\"":{}},"f:labels":{".":{},"f:app":{}}},' +
        '"f:spec":{"f:containers":{"k:{\\"name\\":\\"a\\"}":{},"k:{\\"name\\":\\"b\\"}":{".":{},"f:image":{}}},"f:replicas":{}}}',
    )
  })

  test('ports come by number, not by their digits', () => {
    const owned = setOf('k:{"port":443}', 'k:{"port":80}', 'k:{"port":8080}')
    expect(owned.text).toBe('{"k:{\\"port\\":80}":{},"k:{\\"port\\":443}":{},"k:{\\"port\\":8080}":{}}')
  })

  test('read and written again it is the same', () => {
    fc.assert(
      fc.property(set, each => {
        const read = FieldSet.read(JSON.parse(each.text))!
        expect(read.text).toBe(each.text)
        expect(read.equals(each)).toBe(true)
      }),
    )
  })

  test.each([
    ['k:{ "b": 1, "a": "x" }', 'k:{"a":"x","b":1}'],
    ['v: "x"', 'v:"x"'],
    ['i:007', 'i:7'],
    ['f:any.thing:at all', 'f:any.thing:at all'],
    ['z:later', 'unknown'],
    ['k:[]', undefined],
    ['k:{', undefined],
    ['v:', undefined],
    ['i:one', undefined],
    ['f', undefined],
    ['', undefined],
  ])('a step that somebody wrote as %s is %s', (written, read) => {
    expect(readStep(written)).toBe(read)
  })

  test.each([[null], ['x'], [[]], [{ 'f:a': 'x' }], [{ nothing: {} }], [{ 'f:a': { 'k:{': {} } }]])(
    '%j is no set',
    value => {
      expect(FieldSet.read(value)).toBeUndefined()
    },
  )

  test('steps of a kind that is not known yet are dropped', () => {
    expect(FieldSet.read({ 'f:a': {}, 'q:b': {} })!.text).toBe('{"f:a":{}}')
  })

  test('paths are shown as conflicts name them', () => {
    expect(shownPath(['f:spec', 'f:ports', 'k:{"containerPort":80,"protocol":"TCP"}', 'f:name'])).toBe(
      '.spec.ports[containerPort=80,protocol="TCP"].name',
    )
    expect(shownPath(['f:metadata', 'f:finalizers', 'v:"x"'])).toBe('.metadata.finalizers[="x"]')
    expect(shownPath(['f:list', 'i:3'])).toBe('.list[3]')
  })

  test('the order of steps is one', () => {
    fc.assert(
      fc.property(step, step, step, (one, other, third) => {
        expect(Math.sign(compareSteps(one, other))).toBe(-Math.sign(compareSteps(other, one)) + 0)
        if (compareSteps(one, other) <= 0 && compareSteps(other, third) <= 0) {
          expect(compareSteps(one, third)).toBeLessThanOrEqual(0)
        }
      }),
    )
  })
})

describe('laws', () => {
  test('a union has what either has, an intersection what both have, a difference what only the first has', () => {
    fc.assert(
      fc.property(set, set, (one, other) => {
        const [left, right] = [new Set(paths(one)), new Set(paths(other))]
        expect(paths(one.union(other))).toEqual([...new Set([...left, ...right])].sort())
        expect(paths(one.intersection(other))).toEqual([...left].filter(path => right.has(path)).sort())
        expect(paths(one.difference(other))).toEqual([...left].filter(path => !right.has(path)).sort())
      }),
    )
  })

  test('a union does not depend on the order, and taking away what was added leaves nothing of it', () => {
    fc.assert(
      fc.property(set, set, (one, other) => {
        expect(one.union(other).text).toBe(other.union(one).text)
        expect(one.difference(one).isEmpty).toBe(true)
        expect(one.union(other).difference(other).intersection(other).isEmpty).toBe(true)
        expect(one.intersection(other).union(one.difference(other)).equals(one)).toBe(true)
      }),
    )
  })

  test('a difference leaves the children of a field that goes; a recursive one does not', () => {
    const [one, gone] = [setOf('f:a', 'f:a f:b', 'f:a f:b f:c', 'f:d'), setOf('f:a f:b')]
    expect(shown(one.difference(gone))).toEqual(['.a', '.d', '.a.b.c'])
    expect(shown(one.recursiveDifference(gone))).toEqual(['.a', '.d'])
  })

  test('sets are not changed by what is made of them', () => {
    fc.assert(
      fc.property(set, set, (one, other) => {
        const [before, beforeOther] = [one.text, other.text]
        one.union(other)
        one.difference(other)
        one.intersection(other)
        expect([one.text, other.text]).toEqual([before, beforeOther])
      }),
    )
  })
})
