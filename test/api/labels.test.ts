// Cases after k8s.io/apimachinery/pkg/labels/selector_test.go, in our own words; messages as a real server gives them.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  everything,
  nothing,
  parseLabelSelector,
  selectorFromLabelSelector,
  selectorFromLabels,
} from '../../src/api/labels.ts'

describe('the text form', () => {
  test.each([
    ['', ''],
    ['app=web', 'app=web'],
    ['app==web', 'app==web'],
    [' app = web ', 'app=web'],
    ['app!=web', 'app!=web'],
    ['app', 'app'],
    ['!app', '!app'],
    ['tier in (b,a)', 'tier in (a,b)'],
    ['tier notin (a)', 'tier notin (a)'],
    ['tier in ()', 'tier in ()'],
    ['tier in (,a)', 'tier in (,a)'],
    ['z=1,a=2', 'a=2,z=1'],
    ['x>1,y<2', 'x>1,y<2'],
    ['in=in', 'in=in'],
    ['notin', 'notin'],
    ['in in (in,notin)', 'in in (in,notin)'],
    ['app=', 'app='],
    ['example.com/app=web', 'example.com/app=web'],
  ])('%j reads as %j', (text, printed) => {
    expect(String(parseLabelSelector(text))).toBe(printed)
  })

  test.each([
    ['app=web', { app: 'web' }, true],
    ['app=web', { app: 'api' }, false],
    ['app=web', {}, false],
    ['app!=web', {}, true],
    ['app!=web', { app: 'web' }, false],
    ['app', { app: '' }, true],
    ['!app', { app: '' }, false],
    ['tier in (a,b)', { tier: 'b' }, true],
    ['tier in (a,b)', { tier: 'c' }, false],
    ['tier notin (a,b)', {}, true],
    ['tier notin (a,b)', { tier: 'a' }, false],
    ['size>5', { size: '6' }, true],
    ['size>5', { size: '5' }, false],
    ['size>5', { size: 'six' }, false],
    ['size<9223372036854775807', { size: '9223372036854775806' }, true],
    ['size<5', { size: '99999999999999999999' }, false],
    ['app=', { app: '' }, true],
    ['app=', {}, false],
    ['a=1,b=2', { a: '1', b: '2', c: '3' }, true],
    ['a=1,b=2', { a: '1' }, false],
    ['constructor', {}, false],
    ['!toString', {}, true],
  ] as [string, Record<string, string>, boolean][])('%j on %j: %s', (text, labels, expected) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(expected)
  })

  const keySentence =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
  test.each([
    [',', "found ',', expected: !, identifier, or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a in', "unable to parse requirement: found '' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (=', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ['a in (b,=)', "unable to parse requirement: found '=', expected: ',', or identifier"],
    ['a==!', "unable to parse requirement: found '!', expected: identifier"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['!a=b', "found '=', expected: ',' or 'end of string'"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
    ['-a', `unable to parse requirement: <nil>: Invalid value: "-a": name part ${keySentence}`],
    [
      'a=-b',
      "unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
    [
      'a>b',
      "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer",
    ],
  ])('%j is refused: %s', (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ message, code: 400 }))
  })

  const word = fc.stringMatching(/^[a-zA-Z0-9]([-a-zA-Z0-9_.]{0,10}[a-zA-Z0-9])?$/)
  const term = fc.oneof(
    fc.tuple(word, fc.constantFrom('=', '==', '!='), word).map(parts => parts.join('')),
    fc
      .tuple(word, fc.constantFrom('in', 'notin'), fc.array(word, { minLength: 1, maxLength: 4 }))
      .map(([key, operator, values]) => `${key} ${operator} (${values.join(', ')})`),
    word,
    word.map(key => `!${key}`),
    fc
      .tuple(word, fc.constantFrom('>', '<'), fc.integer())
      .filter(([, , bound]) => bound >= 0)
      .map(parts => parts.join('')),
  )
  test('what is printed reads as the same selector', () => {
    fc.assert(
      fc.property(fc.array(term, { maxLength: 5 }), fc.dictionary(word, word), (terms, labels) => {
        const selector = parseLabelSelector(terms.join(','))
        const again = parseLabelSelector(String(selector))
        expect(again.requirements).toEqual(selector.requirements)
        expect(again.matches(labels)).toBe(selector.matches(labels))
      }),
    )
  })

  test('no text makes it fail otherwise than with a 400', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom(...'ab=!,()<>i n/.-')).map(all => all.join('')),
        ),
        text => {
          try {
            parseLabelSelector(text)
          } catch (error) {
            expect(error).toMatchObject({ code: 400, reason: 'BadRequest' })
          }
        },
      ),
    )
  })
})

describe('an object’s own selector', () => {
  test('absent selects nothing, empty selects everything', () => {
    expect(selectorFromLabelSelector(undefined)).toBe(nothing)
    expect(nothing.matches({ a: '1' })).toBe(false)
    expect(selectorFromLabelSelector({})).toBe(everything)
    expect(everything.matches(undefined)).toBe(true)
  })

  test('labels and expressions hold together, printed in order of key', () => {
    const selector = selectorFromLabelSelector({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['b', 'a'] },
        { key: 'aged', operator: 'DoesNotExist' },
        { key: 'zone', operator: 'Exists' },
        { key: 'track', operator: 'NotIn', values: ['canary'] },
      ],
    })
    expect(String(selector)).toBe('!aged,app=web,tier in (a,b),track notin (canary),zone')
    expect(selector.matches({ app: 'web', tier: 'a', zone: 'z' })).toBe(true)
    expect(selector.matches({ app: 'web', tier: 'a', zone: 'z', track: 'canary' })).toBe(false)
  })

  test('an unknown operator is refused by name', () => {
    const selector = { matchExpressions: [{ key: 'a', operator: 'Near', values: ['b'] }] }
    expect(() => selectorFromLabelSelector(selector)).toThrow('"Near" is not a valid label selector operator')
  })

  test('a plain map selects by equality', () => {
    const selector = selectorFromLabels({ b: '2', a: '1' })
    expect(String(selector)).toBe('a=1,b=2')
    expect(selector.exactly('b')).toBe('2')
    expect(selector.exactly('c')).toBeUndefined()
  })
})
