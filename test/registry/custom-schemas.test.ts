// Schemas of custom kinds: what a definition may not say, what becomes of objects that do not fit, in upstream's words
// (apiextensions-apiserver pkg/apis/apiextensions/validation, pkg/apiserver/{schema,validation}, pkg/registry/customresource).

import { describe, expect, test } from 'vitest'
import { CustomResourceDefinitions } from '../../src/kinds/index.ts'
import { refusal, type TestServer, testServer } from './harness.ts'

const definition = (schema: object, version: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }],
  },
})

const spec = (properties: object, more: object = {}) => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, ...more } },
})

async function served(schema: object, version: object = {}) {
  const server = await testServer()
  await server.of(CustomResourceDefinitions).create(definition(schema, version), {}, {}, server.info)
  await server.env.activity.idle()
  return { ...server, widgets: server.server.registry.find('example.com', 'v1', 'widgets')! }
}

type Served = Awaited<ReturnType<typeof served>>

const widget = (more: object) => ({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'it' }, ...more })
const ref = { name: 'it', namespace: 'default' }

const create = ({ widgets, info }: Served, more: object, options = {}) =>
  widgets.create(widget(more), { namespace: 'default' }, options, info)

/** The causes of a refusal, as `field: message`. */
async function faults(work: Promise<unknown>): Promise<string[]> {
  const error = await refusal(work)
  expect(error.reason).toBe('Invalid')
  return (error.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`)
}

async function faultsOf(schema: object, version: object = {}): Promise<string[]> {
  const { of, info }: TestServer = await testServer()
  return faults(of(CustomResourceDefinitions).create(definition(schema, version), {}, {}, info))
}

describe('values', () => {
  test.each([
    [
      'a number for a text',
      { a: 1 },
      'spec.a: Invalid value: "integer": spec.a in body must be of type string: "integer"',
    ],
    ['a null', { n: null, a: 'x' }, undefined],
    ['too large', { n: 11 }, 'spec.n: Invalid value: 11: spec.n in body should be less than or equal to 10'],
    ['too small', { n: 0 }, 'spec.n: Invalid value: 0: spec.n in body should be greater than or equal to 1'],
    ['not of the choice', { e: 'c' }, 'spec.e: Unsupported value: "c": supported values: "a", "b"'],
    ['against a pattern', { p: 'A' }, 'spec.p: Invalid value: "A": spec.p in body should match \'^[a-z]+$\''],
    ['too long', { p: 'abcdef' }, 'spec.p: Too long: may not be more than 5 bytes'],
    ['too many', { l: ['a', 'b', 'c'] }, 'spec.l: Too many: 3: must have at most 2 items'],
    [
      'of another form',
      { d: 'soon' },
      'spec.d: Invalid value: "soon": spec.d in body must be of type date-time: "soon"',
    ],
    ['twice in a set', { s: ['x', 'x'] }, 'spec.s[1]: Duplicate value: "x"'],
    ['twice in a map', { m: [{ k: 'x' }, { k: 'x' }] }, 'spec.m[1]: Duplicate value: {"k":"x"}'],
    [
      'in a list',
      { l: [1] },
      'spec.l[0]: Invalid value: "integer": spec.l[0] in body must be of type string: "integer"',
    ],
    [
      'in a map',
      { o: { x: 1 } },
      'spec.o.x: Invalid value: "integer": spec.o.x in body must be of type string: "integer"',
    ],
  ])('%s', async (_, values, fault) => {
    const schema = spec({
      a: { type: 'string' },
      n: { type: 'integer', minimum: 1, maximum: 10 },
      e: { type: 'string', enum: ['a', 'b'] },
      p: { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
      l: { type: 'array', maxItems: 2, items: { type: 'string' } },
      d: { type: 'string', format: 'date-time' },
      s: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      m: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: { type: 'object', required: ['k'], properties: { k: { type: 'string' } } },
      },
      o: { type: 'object', additionalProperties: { type: 'string' } },
    })
    const server = await served(schema)
    const work = create(server, { spec: values })
    if (fault === undefined) expect((await work).code).toBe(201)
    else expect(await faults(work)).toEqual([fault])
  })

  test('what is required, and alternatives', async () => {
    const alternatives = { oneOf: [{ required: ['a'] }, { required: ['b'] }] }
    const server = await served(
      spec(
        { a: { type: 'string' }, b: { type: 'string' }, c: { type: 'string' } },
        { required: ['c'], ...alternatives },
      ),
    )
    expect(await faults(create(server, { spec: { a: 'x', b: 'y' } }))).toEqual([
      '<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      'spec.c: Required value',
    ])
  })

  test('a status is judged by itself, and told of from there', async () => {
    const schema = {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { a: { type: 'string' } } },
        status: { type: 'object', properties: { n: { type: 'integer', maximum: 3 } }, required: ['n'] },
      },
    }
    const server = await served(schema, { subresources: { status: {} } })
    await create(server, { spec: { a: 'x' } })
    const change = (status: object) =>
      server.widgets.patch(ref, { type: 'merge', body: { status } }, {}, server.info, 'status')
    expect(await faults(change({ n: 4 }))).toEqual([
      'status.n: Invalid value: 4: n in body should be less than or equal to 3',
    ])
    expect(await faults(change({ n: null }))).toEqual(['status.n: Required value'])
    expect((await change({ n: 1 })).code).toBe(200)
  })

  test('what an update leaves as it was is not held against it', async () => {
    const server = await served(spec({ a: { type: 'string' }, b: { type: 'string' } }))
    const { of, info, env } = server
    await create(server, { spec: { a: 'long', b: 'x' } })
    const stricter = definition(spec({ a: { type: 'string', maxLength: 1 }, b: { type: 'string' } }))
    const body = { spec: { versions: stricter.spec.versions } }
    await of(CustomResourceDefinitions).patch({ name: 'widgets.example.com' }, { type: 'merge', body }, {}, info)
    await env.activity.idle()
    const widgets = server.server.registry.find('example.com', 'v1', 'widgets')!
    const { reading } = await widgets.patch(ref, { type: 'merge', body: { spec: { b: 'y' } } }, {}, info)
    expect(reading.object).toMatchObject({ spec: { a: 'long', b: 'y' } })
    const work = widgets.patch(ref, { type: 'merge', body: { spec: { a: 'other' } } }, {}, info)
    expect(await faults(work)).toEqual(['spec.a: Too long: may not be more than 1 byte'])
  })
})

describe('fields that the schema does not have', () => {
  const schema = spec({ a: { type: 'string' }, open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } })

  test('are refused, told of, or only dropped, as is asked', async () => {
    const server = await served(schema)
    const more = { spec: { a: 'x', b: 'y', open: { c: { d: 1 } } }, other: 1 }
    const error = await refusal(create(server, structuredClone(more), { fieldValidation: 'Strict' }))
    expect(error.message).toBe(
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.b", unknown field "other"',
    )
    const { reading } = await create(server, more)
    expect(reading.object).toMatchObject({ spec: { a: 'x', open: { c: { d: 1 } } } })
    expect(reading.object).not.toHaveProperty('spec.b')
    expect(server.info.warnings).toEqual(['unknown field "spec.b"', 'unknown field "other"'])
  })

  test('`__proto__` and its like are data', async () => {
    const server = await served(schema)
    const body = JSON.parse(
      '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"it"},"spec":{"__proto__":{"x":1},"constructor":{"y":1},"open":{"__proto__":{"z":1}}}}',
    )
    const { reading } = await server.widgets.create(body, { namespace: 'default' }, {}, server.info)
    expect(JSON.parse(reading.bytes.toString()).spec).toEqual(JSON.parse('{"open":{"__proto__":{"z":1}}}'))
    expect(server.info.warnings).toEqual(['unknown field "spec.__proto__"', 'unknown field "spec.constructor"'])
    expect(({} as { x?: number }).x).toBeUndefined()
  })
})

test('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] custom resource defaulting for requests and from storage works', async () => {
  const server = await served(spec({ a: { type: 'string', default: 'A' }, b: { type: 'string' } }))
  const { reading } = await create(server, { spec: {} })
  expect(reading.object).toMatchObject({ spec: { a: 'A' } })
  const later = definition(spec({ a: { type: 'string' }, b: { type: 'string', default: 'B' } }))
  const body = { spec: { versions: later.spec.versions } }
  const name = 'widgets.example.com'
  await server.of(CustomResourceDefinitions).patch({ name }, { type: 'merge', body }, {}, server.info)
  await server.env.activity.idle()
  const widgets = server.server.registry.find('example.com', 'v1', 'widgets')!
  expect(widgets.get(ref).object).toMatchObject({ spec: { a: 'A', b: 'B' } })
  expect(widgets.list({}).items[0]!.object).toMatchObject({ spec: { a: 'A', b: 'B' } })
})

describe('rules', () => {
  const rule = (rule: string, more: object = {}) => ({ 'x-kubernetes-validations': [{ rule, ...more }] })

  test('hold for what is created and for what becomes of it', async () => {
    const server = await served(
      spec(
        { min: { type: 'integer' }, max: { type: 'integer' }, name: { type: 'string', ...rule('self == oldSelf') } },
        rule('self.min <= self.max', { message: 'min must not exceed max', fieldPath: '.min' }),
      ),
    )
    expect(await faults(create(server, { spec: { min: 3, max: 2, name: 'x' } }))).toEqual([
      'spec.min: Invalid value: min must not exceed max',
    ])
    await create(server, { spec: { min: 1, max: 2, name: 'x' } })
    const change = (body: object) => server.widgets.patch(ref, { type: 'merge', body: { spec: body } }, {}, server.info)
    expect((await change({ max: 5 })).code).toBe(200)
    expect(await faults(change({ name: 'y' }))).toEqual(['spec.name: Invalid value: "y": failed rule: self == oldSelf'])
  })

  test('say what they find, by reason and message', async () => {
    const more = { messageExpression: '"got " + self.a', reason: 'FieldValueForbidden' }
    const server = await served(spec({ a: { type: 'string' } }, rule('self.a != "x"', more)))
    expect(await faults(create(server, { spec: { a: 'x' } }))).toEqual(['spec: Forbidden: got x'])
  })

  test('speak of fields by names that are escaped, of times, and of metadata.name', async () => {
    const server = await served({
      ...spec(
        { 'a-b': { type: 'string' }, at: { type: 'string', format: 'date-time' } },
        rule('self.a__dash__b == "x" && self.at > timestamp("2020-01-01T00:00:00Z")'),
      ),
      ...rule('self.metadata.name.startsWith("i")'),
    })
    expect((await create(server, { spec: { 'a-b': 'x', at: '2024-01-01T00:00:00Z' } })).code).toBe(201)
    const work = create(server, { metadata: { name: 'other' }, spec: { 'a-b': 'x', at: '2019-01-01T00:00:00Z' } })
    expect(await faults(work)).toEqual([
      '<nil>: Invalid value: failed rule: self.metadata.name.startsWith("i")',
      'spec: Invalid value: failed rule: self.a__dash__b == "x" && self.at > timestamp("2020-01-01T00:00:00Z")',
    ])
  })

  // schema/cel/validation_test.go
  const value = (type: object, ok: unknown, rule: string, wrong: unknown) => [rule, type, ok, wrong] as const
  test.each([
    value({ type: 'number' }, 1, 'self < 1.5 && self + 0.5 == 1.5', 2),
    value({ type: 'integer' }, 1, 'self + 1 == 2', 2),
    value({ type: 'string', format: 'duration' }, '90m', 'self == duration("1h30m")', '2h'),
    value({ type: 'string', format: 'duration' }, '2 days', 'self > duration("47h")', '1 day'),
    value({ type: 'string', format: 'byte' }, 'AAE=', 'self == b"\\x00\\x01"', 'AAA='),
    value({ type: 'string', format: 'date' }, '2024-02-29', 'self.getMonth() == 1', '2024-03-01'),
    value({ 'x-kubernetes-int-or-string': true }, '5%', 'type(self) == string ? self == "5%" : self == 5', 6),
    value({ type: 'array', items: { type: 'integer' } }, [1, 2], 'self.sum() == 3 && self.all(each, each > 0)', [3, 0]),
    value({ type: 'object', additionalProperties: { type: 'string' } }, { a: 'x' }, 'self.all(key, self[key] == "x")', {
      a: 'y',
    }),
    value({ type: 'string', nullable: true }, null, 'self == "x"', 'y'),
    value({ type: 'boolean' }, true, 'self', false),
    value(
      { type: 'string', maxLength: 63 },
      'k8s',
      'self.matches("^[a-z0-9]+$") && !format.dns1123Label().validate(self).hasValue()',
      'K_',
    ),
    value({ type: 'string' }, '1Gi', 'quantity(self).isGreaterThan(quantity("1G"))', '1M'),
    value({ type: 'string' }, '10.0.0.1', 'cidr("10.0.0.0/8").containsIP(self)', '11.0.0.1'),
  ])('%s', async (text, type, right, wrong) => {
    const server = await served(spec({ v: { ...type, ...rule(text) } }))
    expect((await create(server, { spec: { v: right } })).code).toBe(201)
    const [fault] = await faults(create(server, { metadata: { name: 'other' }, spec: { v: wrong } }))
    expect(fault).toMatch(/^spec\.v: Invalid value: .*failed rule: /)
  })

  test('that fail for what was so before are only told of', async () => {
    const server = await served(spec({ a: { type: 'string' }, b: { type: 'string' } }))
    const { of, info, env } = server
    await create(server, { spec: { a: 'old', b: 'x' } })
    const stricter = definition(spec({ a: { type: 'string', ...rule('self == "new"') }, b: { type: 'string' } }))
    const body = { spec: { versions: stricter.spec.versions } }
    await of(CustomResourceDefinitions).patch({ name: 'widgets.example.com' }, { type: 'merge', body }, {}, info)
    await env.activity.idle()
    const widgets = server.server.registry.find('example.com', 'v1', 'widgets')!
    await widgets.patch(ref, { type: 'merge', body: { spec: { b: 'y' } } }, {}, info)
    expect(info.warnings).toEqual(['spec.a: Invalid value: "old": failed rule: self == "new"'])
    const work = widgets.patch(ref, { type: 'merge', body: { spec: { a: 'other' } } }, {}, info)
    expect(await faults(work)).toEqual(['spec.a: Invalid value: "other": failed rule: self == "new"'])
  })

  test('may look at what was before though there need be nothing', async () => {
    const optional = rule('oldSelf.orValue("none") != self', { optionalOldSelf: true })
    const server = await served(spec({ a: { type: 'string', ...optional }, b: { type: 'string' } }))
    expect(await faults(create(server, { spec: { a: 'none' } }))).toHaveLength(1)
    await create(server, { spec: { a: 'x' } })
    const change = (a: string) => server.widgets.patch(ref, { type: 'merge', body: { spec: { a } } }, {}, server.info)
    expect((await change('y')).code).toBe(200)
    const touch = server.widgets.patch(ref, { type: 'merge', body: { spec: { b: 'z' } } }, {}, server.info)
    expect(await faults(touch)).toHaveLength(1)
  })

  test('hold for defaults', async () => {
    const wrong = { type: 'string', default: 'x', ...rule('self != "x"') }
    expect(await faultsOf(spec({ a: wrong }))).toEqual([
      'spec.validation.openAPIV3Schema.properties[spec].properties[a].default: Invalid value: "x": failed rule: self != "x"',
    ])
  })

  test('that do not compile are refused with the definition', async () => {
    const [fault, ...more] = await faultsOf(spec({ a: { type: 'string' } }, rule('self.b == "x"')))
    expect(more).toEqual([])
    expect(fault).toContain(
      'spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self.b == \\"x\\"",',
    )
    expect(fault).toContain("compilation failed: ERROR: <input>:1:5: undefined field 'b'")
    expect(await faultsOf(spec({ a: { type: 'string' } }, rule('self.a')))).toEqual([
      expect.stringMatching(/: cel expression must evaluate to a bool$/),
    ])
    const items = { type: 'object', properties: { a: { type: 'string' } }, ...rule('self == oldSelf') }
    expect(await faultsOf(spec({ l: { type: 'array', items } }))).toEqual([
      expect.stringContaining(
        'oldSelf cannot be used on the uncorrelatable portion of the schema within spec.validation.openAPIV3Schema.properties[spec].properties[l]',
      ),
    ])
  })
})

describe('definitions', () => {
  const at = 'spec.validation.openAPIV3Schema'
  test.each([
    ['no type', {}, [`${at}.type: Required value: must not be empty at the root`]],
    [
      'a field without one',
      { type: 'object', properties: { spec: {} } },
      [`${at}.properties[spec].type: Required value: must not be empty for specified object fields`],
    ],
    [
      'a list of nothing',
      spec({ l: { type: 'array' } }),
      [`${at}.properties[spec].properties[l].items: Required value: must be specified`],
    ],
    [
      'metadata',
      { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } },
      [
        `${at}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
      ],
    ],
    [
      'a default that does not fit',
      spec({ n: { type: 'integer', default: 'x' } }),
      [
        `${at}.properties[spec].properties[n].default: Invalid value: "string":  in body must be of type integer: "string"`,
      ],
    ],
    [
      'what is restricted but not declared',
      { ...spec({}), anyOf: [{ properties: { spec: { properties: { a: { minLength: 1 } } } } }] },
      [
        `${at}.properties[spec].properties[a]: Required value: because it is defined in ${at}.anyOf[0].properties[spec].properties[a]`,
      ],
    ],
    [
      'a map without keys',
      spec({ l: { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } } }),
      [
        `${at}.properties[spec].properties[l].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
      ],
    ],
    [
      'uniqueItems',
      spec({ l: { type: 'array', uniqueItems: true, items: { type: 'string' } } }),
      [
        `${at}.properties[spec].properties[l].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
      ],
    ],
  ])('%s', async (_, schema, expected) => {
    expect(await faultsOf(schema)).toEqual(expected)
  })

  test('names, versions, columns, scale and conversion', async () => {
    const { of, info } = await testServer()
    const wrong = definition({ type: 'object' }) as any
    wrong.metadata.name = 'gadgets.example.com'
    wrong.spec.scope = 'Global'
    wrong.spec.versions.push({ ...wrong.spec.versions[0], name: 'V2' })
    for (const version of wrong.spec.versions) {
      version.subresources = { scale: { specReplicasPath: '.status.n', statusReplicasPath: 'n' } }
      version.additionalPrinterColumns = [{ name: 'A', type: 'text', jsonPath: 'spec' }]
    }
    wrong.spec.conversion = { strategy: 'Webhook' }
    const found = await faults(of(CustomResourceDefinitions).create(wrong, {}, {}, info))
    expect(found.map(fault => fault.replace(/Invalid value: \[\{.*\}\]/, 'Invalid value: […]'))).toEqual([
      'metadata.name: Invalid value: "gadgets.example.com": must be spec.names.plural+"."+spec.group',
      'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"',
      expect.stringMatching(/^spec.versions\[1\].name: Invalid value: "V2": a DNS-1035 label must consist of/),
      'spec.versions: Invalid value: […]: must have exactly one version marked as storage version',
      'spec.subresources.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec',
      'spec.subresources.scale.statusReplicasPath: Invalid value: "n": must be a simple json path starting with .',
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
      'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "spec": must be a simple json path starting with .',
      'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
      'spec.conversion.conversionReviewVersions: Required value',
      'status.storedVersions: Invalid value: ["v1"]: must have the storage version V2',
    ])
  })

  test('an unknown format is told of, and taken', async () => {
    const server = await served(spec({ a: { type: 'string', format: 'cron' } }))
    expect(server.info.warnings).toEqual(['unrecognized format "cron"'])
  })
})
