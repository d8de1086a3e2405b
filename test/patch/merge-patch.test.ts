// RFC 7396's own examples (appendix A) as far as the document is an object, as every API object is.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyMergePatch } from '../../apiserver/patch/merge-patch.ts'
import { draft, freeze } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'

test.each([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [{ a: { b: 1 } }, { a: {} }, { a: { b: 1 } }],
  [{}, { a: [null, { b: null, c: 1 }] }, { a: [null, { c: 1 }] }],
])('%j patched with %j is %j', (document, patch, result) => {
  expect(applyMergePatch<object>(freeze(document), freeze(patch))).toEqual(result)
})

test.each([
  [[], 'array'],
  ['x', 'string'],
  [null, 'null'],
  [true, 'bool'],
])('%j is no merge patch', (patch, type) => {
  expect(() => applyMergePatch({}, patch)).toThrow(
    `error decoding patch: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
  )
})

/** The patch that turns one object into another, as kubectl makes it for kinds that it does not know. */
function mergePatchBetween(one: any, other: any): any {
  const patch: any = {}
  for (const key of Object.keys(one)) if (!(key in other)) patch[key] = null
  for (const key of Object.keys(other)) {
    const isMap = (value: any): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
    if (key in one && isMap(one[key]) && isMap(other[key])) patch[key] = mergePatchBetween(one[key], other[key])
    else if (!jsonEqual(one[key], other[key])) patch[key] = other[key]
  }
  return patch
}

const key = fc.constantFrom('a', 'b', 'c', 'd')
const { tree } = fc.letrec<{ tree: Record<string, unknown>; value: unknown }>(tie => ({
  tree: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  value: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.constantFrom('x', 'y'), fc.array(fc.integer()), tie('tree')),
}))

test('the patch between two objects leads from the one to the other, and can be applied twice', () => {
  fc.assert(
    fc.property(tree, tree, (one, other) => {
      const before = freeze(draft(one))
      const patch = freeze(mergePatchBetween(one, other))
      const next = applyMergePatch(before, patch)
      expect(next).toEqual(other)
      expect(applyMergePatch(freeze(next), patch)).toEqual(other)
    }),
  )
})
