// Cases after k8s.io/apimachinery/pkg/fields/selector_test.go, in our own words.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkFields, parseFieldSelector } from '../../src/api/fields.ts'

test.each([
  ['', ''],
  ['metadata.name=web', 'metadata.name=web'],
  ['a==b', 'a=b'],
  ['b=1,a!=2', 'a!=2,b=1'],
  ['a=', 'a='],
  ['a=x\\,y', 'a=x\\,y'],
  ['a=x\\=y,b=c', 'a=x\\=y,b=c'],
  ['a=b,,c=d', 'a=b,c=d'],
  ['=', ''],
])('%j reads as %j', (text, printed) => {
  expect(String(parseFieldSelector(text))).toBe(printed)
})

test.each([
  ['a', "invalid selector: 'a'; can't understand 'a'"],
  ['b=1,a', "invalid selector: 'b=1,a'; can't understand 'a'"],
  ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
  ['a=b\\n', 'invalid field selector: invalid escape sequence: \\n'],
  ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
])('%j is refused: %s', (text, message) => {
  expect(() => parseFieldSelector(text)).toThrow(expect.objectContaining({ message, code: 400 }))
})

test('a field that an object lacks counts as empty', () => {
  expect(parseFieldSelector('spec.nodeName=').matches(() => undefined)).toBe(true)
  expect(parseFieldSelector('spec.nodeName!=').matches(() => undefined)).toBe(false)
  expect(parseFieldSelector('a=1,b!=2').matches(field => (field === 'a' ? '1' : '2'))).toBe(false)
})

test('fields that a kind does not offer are refused in the server’s two ways', () => {
  const selector = parseFieldSelector('metadata.name=x,spec.colour=red')
  expect(() => checkFields(selector, { 'spec.nodeName': 1 })).toThrow('field label not supported: spec.colour')
  expect(() => checkFields(selector, undefined)).toThrow(
    '"spec.colour" is not a known field selector: only "metadata.name", "metadata.namespace"',
  )
  expect(() => checkFields(parseFieldSelector('metadata.namespace=a'), undefined)).not.toThrow()
})

test('any value survives being printed and read', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab\\,=! ') }), value => {
      const text = `f=${value.replace(/[\\,=]/g, '\\$&')}`
      const selector = parseFieldSelector(text)
      expect(selector.exactly('f')).toBe(value)
      expect(parseFieldSelector(String(selector)).requirements).toEqual(selector.requirements)
    }),
  )
})
