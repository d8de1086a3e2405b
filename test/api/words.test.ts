// Names, times, conditions, owners, frozen values, equality and errors: small pure words, by tables.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findCondition, isConditionTrue, setCondition } from '../../src/api/conditions.ts'
import {
  ApiError,
  forbidden,
  invalid,
  invalidValue,
  methodNotSupported,
  notFound,
  notSupported,
  required,
  tooLong,
  tooMany,
} from '../../src/api/errors.ts'
import { draft, freeze, jsonClone } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import {
  annotationFaults,
  configKeyFaults,
  dns1035LabelFaults,
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  labelFaults,
  labelValueFaults,
  maskTrailingDash,
  pathSegmentFaults,
  portNameFaults,
  qualifiedNameFaults,
  wildcardSubdomainFaults,
} from '../../src/api/names.ts'
import { controllerOf, isControlledBy, isOwnedBy, ownerReference } from '../../src/api/owners.ts'
import { humanDuration, parseTime, rfc3339, rfc3339Micro } from '../../src/api/time.ts'

const deployments = { group: 'apps', plural: 'deployments', kind: 'Deployment' }
const pods = { group: '', plural: 'pods', kind: 'Pod' }

describe('names (apimachinery/pkg/util/validation/validation.go)', () => {
  const long = 'a'.repeat(64)
  test.each([
    ['web', []],
    ['a-1', []],
    ['', ['a lowercase RFC 1123 label']],
    ['Web', ['a lowercase RFC 1123 label']],
    ['-a', ['a lowercase RFC 1123 label']],
    ['a.b', ['must not contain dots']],
    ['a\n', ['a lowercase RFC 1123 label']],
    [long, ['must be no more than 63 characters']],
    [`${long}_`, ['must be no more than 63 characters', 'a lowercase RFC 1123 label']],
  ])('label %j', (text, faults) => {
    expect(dns1123LabelFaults(text)).toEqual(faults.map(fault => expect.stringContaining(fault)))
  })

  test('the whole sentences', () => {
    expect(dns1123SubdomainFaults('A_b')).toEqual([
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ])
    expect(dns1035LabelFaults('1a')).toEqual([
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    ])
    expect(dns1123SubdomainFaults('example.com')).toEqual([])
    expect(wildcardSubdomainFaults('*.example.com')).toEqual([])
    expect(wildcardSubdomainFaults('*.*.com')).toHaveLength(1)
  })

  test.each([
    ['app', []],
    ['app.kubernetes.io/name', []],
    ['/name', ['prefix part must be non-empty']],
    ['example.com/', ['name part must be non-empty', 'name part must consist of']],
    ['a/b/c', ['a valid label key must consist of']],
    ['Example.com/a', ['prefix part a lowercase RFC 1123 subdomain']],
    [long, ['name part must be no more than 63 bytes']],
  ])('label key %j', (text, faults) => {
    expect(qualifiedNameFaults(text)).toEqual(faults.map(fault => expect.stringContaining(fault)))
  })

  test.each([
    ['http', []],
    ['8080', ['must contain at least one letter (a-z)']],
    ['a--b', ['must not contain consecutive hyphens']],
    ['a-', ['must not begin or end with a hyphen']],
    ['a'.repeat(16), ['must be no more than 15 characters']],
    ['A', ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)', 'must contain at least one']],
  ])('port name %j', (text, faults) => {
    expect(portNameFaults(text)).toEqual(faults.map(fault => expect.stringContaining(fault)))
  })

  test('values, keys, path segments and prefixes', () => {
    expect(labelValueFaults('')).toEqual([])
    expect(labelValueFaults('a b')).toHaveLength(1)
    expect(configKeyFaults('app.conf')).toEqual([])
    expect(configKeyFaults('.hidden')).toEqual([])
    expect(configKeyFaults('..x')).toEqual(["must not start with '..'"])
    expect(configKeyFaults('.')).toEqual(["must not be '.'"])
    expect(pathSegmentFaults('a/b%')).toEqual(["may not contain '/'", "may not contain '%'"])
    expect(maskTrailingDash('web-')).toBe('wea')
    expect(dns1123LabelFaults(maskTrailingDash('web-'))).toEqual([])
  })

  test('labels and annotations are faulted at the map’s own path', () => {
    expect(labelFaults({ ok: 'ok', 'b d': 'ok' }, 'metadata.labels').map(fault => fault.field)).toEqual([
      'metadata.labels',
    ])
    expect(annotationFaults({ 'UPPER.example.com/x': 'any text at all' }, 'metadata.annotations')).toEqual([])
    const big = 'é'.repeat(128 * 1024)
    expect(annotationFaults({ a: big }, 'metadata.annotations')).toEqual([tooLong('metadata.annotations', 262144)])
    expect(annotationFaults({ a: 'e'.repeat(200_000) }, 'metadata.annotations')).toEqual([])
  })
})

describe('time', () => {
  const at = Date.UTC(2024, 4, 1, 12, 30, 5, 678)
  test('both ways', () => {
    expect(rfc3339(at)).toBe('2024-05-01T12:30:05Z')
    expect(rfc3339Micro(at)).toBe('2024-05-01T12:30:05.678000Z')
    expect(parseTime('2024-05-01T12:30:05.678901Z')).toBe(at)
    expect(parseTime('2024-05-01T14:30:05+02:00')).toBe(at - 678)
    expect(() => parseTime('yesterday')).toThrow('not an RFC 3339 time')
  })

  test('as Date writes it, for any time of the years 0 to 9999', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
        date => {
          const iso = date.toISOString()
          expect(rfc3339(date.getTime())).toBe(`${iso.slice(0, 19)}Z`)
          expect(rfc3339Micro(date.getTime())).toBe(`${iso.slice(0, 23)}000Z`)
        },
      ),
    )
  })

  const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000]
  test.each([
    [-2 * second, '<invalid>'],
    [-1 * second, '0s'],
    [-1.9 * second, '0s'],
    [0, '0s'],
    [119.9 * second, '119s'],
    [2 * minute, '2m'],
    [2 * minute + 1 * second, '2m1s'],
    [9 * minute + 59 * second, '9m59s'],
    [10 * minute + 59 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [3 * hour + 5 * minute, '3h5m'],
    [8 * hour + 5 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day, '2d'],
    [2 * day + 5 * hour, '2d5h'],
    [8 * day + 5 * hour, '8d'],
    [729 * day, '729d'],
    [730 * day, '2y'],
    [731 * day, '2y1d'],
    [8 * 365 * day + 5 * day, '8y'],
  ])('%d ms is %s (apimachinery/pkg/util/duration)', (span, text) => {
    expect(humanDuration(span)).toBe(text)
  })
})

describe('conditions', () => {
  const list = (): { type: string; status: string; reason?: string; lastTransitionTime?: string }[] => [
    { type: 'Ready', status: 'False', reason: 'Starting', lastTransitionTime: '2024-01-01T00:00:00Z' },
  ]
  test('lastTransitionTime moves when the status does', () => {
    const conditions = list()
    expect(setCondition(conditions, { type: 'Ready', status: 'True', reason: 'Up' }, 1000)).toBe(true)
    expect(conditions[0]).toEqual({
      type: 'Ready',
      status: 'True',
      reason: 'Up',
      lastTransitionTime: '1970-01-01T00:00:01Z',
    })
    expect(isConditionTrue(conditions, 'Ready')).toBe(true)
  })
  test('and at no other time', () => {
    const conditions = list()
    expect(setCondition(conditions, { type: 'Ready', status: 'False', reason: 'Starting' }, 1000)).toBe(false)
    expect(setCondition(conditions, { type: 'Ready', status: 'False', reason: 'Pulling' }, 1000)).toBe(true)
    expect(conditions[0]).toMatchObject({ reason: 'Pulling', lastTransitionTime: '2024-01-01T00:00:00Z' })
    expect(setCondition(conditions, { type: 'Other', status: 'Unknown' }, 1000)).toBe(true)
    expect(findCondition(conditions, 'Other')?.lastTransitionTime).toBe('1970-01-01T00:00:01Z')
    expect(findCondition(undefined, 'Other')).toBeUndefined()
  })
})

test('ownership is by uid', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'web', uid: 'u1' } }
  const child = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', ownerReferences: [ownerReference(owner)] },
  }
  expect(controllerOf(child)).toEqual({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: 'web',
    uid: 'u1',
    controller: true,
    blockOwnerDeletion: true,
  })
  const namesake = { ...owner, metadata: { name: 'web', uid: 'u2' } }
  expect([isOwnedBy(child, owner), isControlledBy(child, owner)]).toEqual([true, true])
  expect([isOwnedBy(child, namesake), isControlledBy(child, namesake)]).toEqual([false, false])
})

describe('values', () => {
  const json = fc.jsonValue() as fc.Arbitrary<any>
  test('a draft is equal, shares nothing, and can be changed', () => {
    fc.assert(
      fc.property(json, value => {
        const frozen = freeze(draft(value))
        const copy = draft(frozen)
        expect(jsonEqual(copy, frozen)).toBe(true)
        expect(JSON.stringify(copy)).toBe(JSON.stringify(value))
        if (typeof copy === 'object' && copy !== null) {
          expect(copy).not.toBe(frozen)
          expect(Object.isFrozen(copy)).toBe(Object.isFrozen(Array.isArray(value) ? [] : {}))
        }
      }),
    )
  })

  test('frozen goes all the way down', () => {
    const value = freeze({ a: { b: [{ c: 1 }] } }) as { a: { b: { c: number }[] } }
    expect(() => {
      value.a.b[0]!.c = 2
    }).toThrow(TypeError)
  })

  test('jsonClone is what a trip through JSON text gives', () => {
    const odd = {
      gone: undefined,
      method: () => 1,
      when: new Date(0),
      nan: Number.NaN,
      negativeZero: -0,
      list: [undefined, () => 1, null],
      deep: { toJSON: (key: string) => `as ${key}` },
    }
    expect(jsonClone(odd)).toEqual(JSON.parse(JSON.stringify(odd)))
    expect(Object.keys(jsonClone(odd))).not.toContain('gone')
    fc.assert(
      fc.property(fc.anything(), value => {
        const holder = { value }
        let text: string
        try {
          text = JSON.stringify(holder)
        } catch {
          return
        }
        expect(JSON.stringify(jsonClone(holder))).toBe(text)
      }),
    )
  })

  test('a member named __proto__ is data', () => {
    const hostile = JSON.parse('{"__proto__": {"admin": true}}')
    for (const copy of [draft(hostile), jsonClone(hostile)] as any[]) {
      expect(copy.admin).toBeUndefined()
      expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true}}')
    }
  })

  test.each([
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: undefined }, {}, true],
    [{}, { a: undefined }, true],
    [{ a: null }, {}, false],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [{ a: [{ b: 1 }] }, { a: [{ b: 1 }] }, true],
    [{ a: 1 }, { b: 1 }, false],
    ['1', 1, false],
    [null, undefined, false],
    [{ toString: 1 }, {}, false],
  ])('%j and %j are equal: %s', (one, other, expected) => {
    expect(jsonEqual(one, other)).toBe(expected)
    expect(jsonEqual(other, one)).toBe(expected)
  })
})

describe('errors (apimachinery/pkg/api/errors and util/validation/field)', () => {
  test('name their subject as the real ones do', () => {
    expect(notFound(deployments, 'web').message).toBe('deployments.apps "web" not found')
    expect(forbidden(pods, '', 'no').message).toBe('pods is forbidden: no')
    expect(methodNotSupported(pods, 'create').message).toBe('create is not supported on resources of kind "pods"')
    expect(notFound(pods, 'web').toStatus()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'pods "web" not found',
      reason: 'NotFound',
      details: { name: 'web', kind: 'pods' },
      code: 404,
    })
  })

  test('faults are joined, each said once, each a cause', () => {
    const one = required('spec.selector')
    expect(invalid(deployments, 'web', [one]).message).toBe(
      'Deployment.apps "web" is invalid: spec.selector: Required value',
    )
    const error = invalid(deployments, 'web', [one, one, notSupported('spec.type', 'X', ['B', 'A'])])
    expect(error.message).toBe(
      'Deployment.apps "web" is invalid: [spec.selector: Required value, spec.type: Unsupported value: "X": supported values: "B", "A"]',
    )
    expect(error.details?.causes).toHaveLength(3)
    expect(invalid(pods, '', []).message).toBe('Pod "" is invalid')
  })

  test.each([
    [tooLong('f', 1), 'Too long: may not be more than 1 byte'],
    [tooLong('f', 262144), 'Too long: may not be more than 262144 bytes'],
    [tooMany('f', 5, 1), 'Too many: 5: must have at most 1 item'],
    [
      invalidValue('f', -1, 'must be greater than or equal to 0'),
      'Invalid value: -1: must be greater than or equal to 0',
    ],
    [invalidValue('f', { a: 1 }, 'field is immutable'), 'Invalid value: {"a":1}: field is immutable'],
    [notSupported('f', 'x', []), 'Unsupported value: "x"'],
  ])('%j', (fault, message) => {
    expect(fault.message).toBe(message)
  })

  test('an error survives being a Status', () => {
    const error = invalid(pods, 'a', [required('spec.containers')])
    expect(ApiError.fromStatus(error.toStatus()).toStatus()).toEqual(error.toStatus())
  })
})
