// RFC 6902's own examples (appendix A), and what gopkg.in/evanphx/json-patch.v4 does beyond them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyJsonPatch } from '../../apiserver/patch/json-patch.ts'
import { draft, freeze } from '../../src/api/freeze.ts'

type Case = [name: string, document: object, patch: object[], result: object]

test.each<Case>([
  ['A.1 adds a member', { foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
  [
    'A.2 adds an item',
    { foo: ['bar', 'baz'] },
    [{ op: 'add', path: '/foo/1', value: 'q' }],
    { foo: ['bar', 'q', 'baz'] },
  ],
  ['A.3 removes a member', { baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
  ['A.4 removes an item', { foo: ['bar', 'qux', 'baz'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar', 'baz'] }],
  ['A.5 replaces a value', { baz: 'qux' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo' }],
  [
    'A.6 moves a value',
    { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  ],
  [
    'A.7 moves an item',
    { foo: ['all', 'grass', 'cows'] },
    [{ op: 'move', from: '/foo/1', path: '/foo/2' }],
    { foo: ['all', 'cows', 'grass'] },
  ],
  [
    'A.8 tests',
    { baz: 'qux', foo: ['a', 2] },
    [{ op: 'test', path: '/foo/1', value: 2 }],
    { baz: 'qux', foo: ['a', 2] },
  ],
  [
    'A.10 adds a nested object',
    { foo: 'bar' },
    [{ op: 'add', path: '/child', value: { grandchild: {} } }],
    { foo: 'bar', child: { grandchild: {} } },
  ],
  [
    'A.11 ignores unknown members',
    { foo: 'bar' },
    [{ op: 'add', path: '/baz', value: 'q', xyz: 123 }],
    { foo: 'bar', baz: 'q' },
  ],
  ['A.14 reads ~ escapes', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
  [
    'A.16 adds an array value',
    { foo: ['bar'] },
    [{ op: 'add', path: '/foo/-', value: ['a'] }],
    { foo: ['bar', ['a']] },
  ],
  ['copies', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
  ['adds over a member', { a: 1 }, [{ op: 'add', path: '/a', value: 2 }], { a: 2 }],
  ['replaces the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
  ['replaces what is missing (upstream)', {}, [{ op: 'replace', path: '/a', value: 1 }], { a: 1 }],
  ['counts from the end (upstream)', { a: [1, 2, 3] }, [{ op: 'remove', path: '/a/-1' }], { a: [1, 2] }],
  ['appends at -1 (upstream)', { a: [1, 2] }, [{ op: 'add', path: '/a/-1', value: 3 }], { a: [1, 2, 3] }],
  ['takes a missing member for null (upstream)', {}, [{ op: 'test', path: '/a', value: null }], {}],
  ['adds null where no value is given', {}, [{ op: 'add', path: '/a' }], { a: null }],
])('%s', (_, document, patch, result) => {
  const before = freeze(document)
  expect(applyJsonPatch(before, freeze(patch))).toEqual(result)
})

test.each<[string, object, object[], string]>([
  ['A.9 a failed test', { baz: 'qux' }, [{ op: 'test', path: '/baz', value: 'bar' }], 'testing value /baz failed'],
  [
    'A.12 a missing parent',
    {},
    [{ op: 'add', path: '/baz/bat', value: 'q' }],
    'add operation does not apply: doc is missing path: "/baz/bat"',
  ],
  ['an unknown operation', {}, [{ op: 'spam', path: '/a' }], 'Unexpected kind: spam'],
  ['no operation', {}, [{ path: '/a' }], 'Unexpected kind: unknown'],
  ['no path', {}, [{ op: 'remove' }], 'remove operation failed to decode path: missing value'],
  ['a missing member', {}, [{ op: 'remove', path: '/a' }], 'Unable to remove nonexistent key: a: missing value'],
  [
    'an index beyond',
    { a: [1] },
    [{ op: 'replace', path: '/a/1', value: 0 }],
    "Unable to access invalid index: 1 in path '/a/1'",
  ],
  [
    'a word for an index',
    { a: [1] },
    [{ op: 'add', path: '/a/x', value: 0 }],
    "value was not a proper array index: 'x' in path '/a/x'",
  ],
  [
    'a path through a text',
    { a: 'b' },
    [{ op: 'add', path: '/a/c', value: 0 }],
    'add operation does not apply: doc is missing path: "/a/c"',
  ],
  [
    'a path through the prototype',
    {},
    [{ op: 'add', path: '/constructor/x', value: 0 }],
    'add operation does not apply: doc is missing path: "/constructor/x"',
  ],
  [
    'a move from nowhere',
    {},
    [{ op: 'move', from: '/a', path: '/b' }],
    'Unable to remove nonexistent key: a: missing value',
  ],
])('%s is refused as the server refuses it', (_, document, patch, why) => {
  expect(() => applyJsonPatch(freeze(document), patch)).toThrow(
    expect.objectContaining({
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
      cause: expect.objectContaining({ message: why }),
    }),
  )
})

test.each<[string, unknown, string]>([
  ['no list', {}, 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
  [
    'an item that is no object',
    ['x'],
    'error decoding patch: json: cannot unmarshal string into Go value of type handlers.jsonPatchOp',
  ],
  [
    'a path that is no text',
    [{ op: 'add', path: 1 }],
    'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string',
  ],
])('%s is a bad request', (_, patch, message) => {
  expect(() => applyJsonPatch({}, patch)).toThrow(expect.objectContaining({ code: 400, message }))
})

test('too many operations are too large a request', () => {
  const patch = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 }))
  expect(() => applyJsonPatch({ a: 1 }, patch)).toThrow(
    expect.objectContaining({
      code: 413,
      message: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    }),
  )
})

test('a member named __proto__ is data', () => {
  const next = applyJsonPatch<any>({}, [{ op: 'add', path: '/__proto__', value: { admin: true } }])
  expect(next.admin).toBeUndefined()
  expect(JSON.stringify(next)).toBe('{"__proto__":{"admin":true}}')
})

test('nothing is shared with the document or the patch, and neither is changed', () => {
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<any>
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), fc.string(), json, (document, key, value) => {
      const path = `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
      const before = draft(document)
      const next = applyJsonPatch<any>(freeze(draft(document)), freeze([{ op: 'add', path, value: draft(value) }]))
      expect(document).toEqual(before)
      expect(JSON.stringify(next[key])).toBe(JSON.stringify(value))
      expect(Object.isFrozen(next)).toBe(false)
      const back = applyJsonPatch<any>(freeze(next), [
        { op: 'test', path, value },
        { op: 'remove', path },
      ])
      const { [key]: _, ...rest } = document
      expect(back).toEqual(rest)
    }),
  )
})
