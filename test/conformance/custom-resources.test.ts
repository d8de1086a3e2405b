// Upstream's conformance items about custom resources, by their names, over HTTP (test/e2e/apimachinery:
// custom_resource_definition.go, crd_watch.go, crd_publish_openapi.go, field_validation.go, aggregated_discovery.go). Those
// that call kubectl are in custom-resources-kubectl.test.ts.

import { expect, test } from 'vitest'
import { type Answer, type Door, eventsOf, openDoor } from '../http/door.ts'

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const json = 'application/json'
const jsonPatch = 'application/json-patch+json'
const applied = 'application/apply-patch+yaml'

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

interface Wanted {
  readonly group?: string
  readonly plural?: string
  readonly kind?: string
  readonly labels?: object
  readonly versions?: readonly string[]
}

function definition(schema: object, wanted: Wanted = {}) {
  const { group = 'mygroup.example.com', plural = 'noxus', kind = 'Noxu', labels = {}, versions = ['v1'] } = wanted
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels },
    spec: {
      group,
      scope: 'Cluster',
      names: { plural, kind },
      versions: versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        schema: { openAPIV3Schema: schema },
      })),
    },
  }
}

const ok = (answer: Answer, code = 200): any => {
  expect(answer.code, answer.text).toBe(code)
  return answer.json
}

const post = (door: Door, path: string, body: object) =>
  door.ask(path, { method: 'POST', type: json, body: JSON.stringify(body) })
const patch = (door: Door, path: string, type: string, body: unknown) =>
  door.ask(path, { method: 'PATCH', type, body: typeof body === 'string' ? body : JSON.stringify(body) })

/** Makes a definition and comes back when what it defines is served. */
async function define(door: Door, body: ReturnType<typeof definition>): Promise<string> {
  ok(await post(door, definitions, body), 201)
  await door.server.env.activity.idle()
  const { group, names, versions } = body.spec
  return `/apis/${group}/${versions[0]!.name}/${names.plural}`
}

const noxu = (name: string, more: object = {}) => ({
  apiVersion: 'mygroup.example.com/v1',
  kind: 'Noxu',
  metadata: { name },
  ...more,
})

test('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition creating/deleting custom resource definition objects works', async () => {
  await using door = await openDoor()
  const path = await define(door, definition(anything))
  ok(await door.ask(path))
  ok(await door.ask(`${definitions}/noxus.mygroup.example.com`, { method: 'DELETE' }))
  await door.server.env.activity.idle()
  ok(await door.ask(`${definitions}/noxus.mygroup.example.com`), 404)
  expect((await door.ask('/apis/mygroup.example.com/v1')).code).toBe(404)
})

test('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition listing custom resource definition objects works', async () => {
  await using door = await openDoor()
  const labels = { 'e2e-list-test-uuid': 'some' }
  const made = []
  for (let index = 0; index < 10; index++) {
    const body = definition(anything, { plural: `noxu${index}s`, kind: `Noxu${index}`, labels })
    made.push(ok(await post(door, definitions, body), 201))
  }
  await define(door, definition(anything))
  const selected = `${definitions}?labelSelector=e2e-list-test-uuid%3Dsome`
  const { items } = ok(await door.ask(selected))
  expect(items.map(({ spec }: any) => spec)).toEqual(made.map(({ spec }) => spec))
  ok(await door.ask(selected, { method: 'DELETE' }))
  await door.server.env.activity.idle()
  expect(ok(await door.ask(selected)).items).toEqual([])
  ok(await door.ask(`${definitions}/noxus.mygroup.example.com`))
})

test('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works', async () => {
  await using door = await openDoor()
  await define(door, definition(anything))
  const status = `${definitions}/noxus.mygroup.example.com/status`
  const read = ok(await door.ask(status))
  read.status.conditions.push({ type: '', status: '', message: 'updated' })
  const updated = ok(await door.ask(status, { method: 'PUT', type: json, body: JSON.stringify(read) }))
  expect(updated.status.conditions).toContainEqual(expect.objectContaining({ message: 'updated' }))
  const body = [{ op: 'add', path: '/status/conditions', value: [{ message: 'patched' }] }]
  const patched = ok(await patch(door, status, jsonPatch, body))
  expect(patched.status.conditions).toEqual([expect.objectContaining({ message: 'patched' })])
  expect(patched.spec).toEqual(read.spec)
})

test('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] should include custom resource definition resources in discovery documents', async () => {
  await using door = await openDoor()
  const { groups } = ok(await door.ask('/apis'))
  const group = groups.find(({ name }: any) => name === 'apiextensions.k8s.io')
  expect(group.versions).toContainEqual({ groupVersion: 'apiextensions.k8s.io/v1', version: 'v1' })
  expect(ok(await door.ask('/apis/apiextensions.k8s.io'))).toMatchObject(group)
  const { groupVersion, resources } = ok(await door.ask('/apis/apiextensions.k8s.io/v1'))
  expect(groupVersion).toBe('apiextensions.k8s.io/v1')
  expect(resources.map(({ name }: any) => name)).toContain('customresourcedefinitions')
})

test('[sig-api-machinery] CustomResourceDefinition resources [Privileged:ClusterAdmin] custom resource defaulting for requests and from storage works', async () => {
  await using door = await openDoor()
  const text = { type: 'string' }
  const path = await define(door, definition({ type: 'object', properties: { a: text, b: text } }))
  ok(await post(door, path, noxu('cr-1')), 201)
  const change = async (...body: object[]) => {
    ok(await patch(door, `${definitions}/noxus.mygroup.example.com`, jsonPatch, body))
    await door.server.env.activity.idle()
  }
  const at = (field: string) => `/spec/versions/0/schema/openAPIV3Schema/properties/${field}/default`
  await change({ op: 'add', path: at('a'), value: 'A' })
  expect(ok(await door.ask(`${path}/cr-1`)).a).toBe('A')
  expect(ok(await post(door, path, noxu('cr-2')), 201).a).toBe('A')
  await change({ op: 'remove', path: at('a') }, { op: 'add', path: at('b'), value: 'B' })
  const [one, two] = ok(await door.ask(path)).items
  expect(one).toMatchObject({ b: 'B' })
  expect(one).not.toHaveProperty('a')
  expect(two).toMatchObject({ a: 'A', b: 'B' })
})

test('[sig-api-machinery] CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch watch on custom resource definition objects', async () => {
  await using door = await openDoor()
  const path = await define(door, definition(anything))
  const watch = async (name: string) => {
    const events = eventsOf(
      await door.open(`${path}?watch=true&fieldSelector=metadata.name%3D${name}&timeoutSeconds=600`),
    )
    return async () => {
      const { type, object } = (await events.next()).value
      return `${type} ${object.metadata.name}`
    }
  }
  const [a, b] = [await watch('name1'), await watch('name2')]
  for (const [name, next] of [
    ['name1', a],
    ['name2', b],
  ] as const) {
    expect(ok(await post(door, path, noxu(name)), 201).metadata.uid).toBeTruthy()
    expect(await next()).toBe(`ADDED ${name}`)
  }
  for (const [name, next] of [
    ['name1', a],
    ['name2', b],
  ] as const) {
    ok(await patch(door, `${path}/${name}`, jsonPatch, [{ op: 'add', path: '/dummy', value: 'test' }]))
    expect(await next()).toBe(`MODIFIED ${name}`)
    ok(await door.ask(`${path}/${name}`, { method: 'DELETE' }))
    expect(await next()).toBe(`DELETED ${name}`)
  }
})

/** The definition that OpenAPI has, without what the server adds; undefined when there is none. */
async function published(door: Door, name: string): Promise<any> {
  const found = ok(await door.ask('/openapi/v2')).definitions[name]
  if (found === undefined) return undefined
  const { 'x-kubernetes-group-version-kind': _, ...schema } = found
  const { metadata: __, apiVersion: ___, kind: ____, ...properties } = schema.properties ?? {}
  return Object.keys(properties).length > 0 ? { ...schema, properties } : { ...schema, properties: undefined }
}

const foo = {
  description: 'Foo CRD for Testing',
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      description: 'Specification of Foo',
      properties: {
        bars: {
          description: 'List of Bars and their specs.',
          type: 'array',
          items: {
            type: 'object',
            required: ['name'],
            properties: {
              name: { description: 'Name of Bar.', type: 'string' },
              age: { description: 'Age of Bar.', type: 'string' },
              bazs: { description: 'List of Bazs.', type: 'array', items: { type: 'string' } },
            },
          },
        },
      },
    },
    status: { description: 'Status of Foo', type: 'object' },
  },
}
const waldo = {
  description: 'Waldo CRD for Testing',
  type: 'object',
  properties: { spec: { description: 'Specification of Waldo', type: 'object' } },
}

test('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of different groups', async () => {
  await using door = await openDoor()
  await define(door, definition(foo, { group: 'foo.example.com' }))
  await define(door, definition(waldo, { group: 'waldo.example.com', versions: ['v1beta1'] }))
  expect(await published(door, 'com.example.foo.v1.Noxu')).toEqual(foo)
  expect(await published(door, 'com.example.waldo.v1beta1.Noxu')).toEqual(waldo)
})

test('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group but different versions', async () => {
  await using door = await openDoor()
  await define(door, definition(foo, { versions: ['v2', 'v3'] }))
  await define(door, definition(foo, { group: 'common.example.com', plural: 'foos', kind: 'Foo', versions: ['v4'] }))
  await define(door, definition(waldo, { group: 'common.example.com', plural: 'ws', kind: 'W', versions: ['v5'] }))
  expect(await published(door, 'com.example.mygroup.v2.Noxu')).toEqual(foo)
  expect(await published(door, 'com.example.mygroup.v3.Noxu')).toEqual(foo)
  expect(await published(door, 'com.example.common.v4.Foo')).toEqual(foo)
  expect(await published(door, 'com.example.common.v5.W')).toEqual(waldo)
})

test('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for multiple CRDs of same group and version but different kinds', async () => {
  await using door = await openDoor()
  await define(door, definition(foo, { plural: 'foos', kind: 'Foo', versions: ['v6'] }))
  await define(door, definition(waldo, { plural: 'waldos', kind: 'Waldo', versions: ['v6'] }))
  expect(await published(door, 'com.example.mygroup.v6.Foo')).toEqual(foo)
  expect(await published(door, 'com.example.mygroup.v6.Waldo')).toEqual(waldo)
})

test('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] updates the published spec when one version gets renamed', async () => {
  await using door = await openDoor()
  await define(door, definition(foo, { versions: ['v2', 'v3'] }))
  const before = (await door.ask('/openapi/v2')).headers.etag
  const body = [
    { op: 'test', path: '/spec/versions/1/name', value: 'v3' },
    { op: 'replace', path: '/spec/versions/1/name', value: 'v4' },
  ]
  ok(await patch(door, `${definitions}/noxus.mygroup.example.com`, jsonPatch, body))
  await door.server.env.activity.idle()
  expect(await published(door, 'com.example.mygroup.v4.Noxu')).toEqual(foo)
  expect(await published(door, 'com.example.mygroup.v3.Noxu')).toBeUndefined()
  expect(await published(door, 'com.example.mygroup.v2.Noxu')).toEqual(foo)
  expect((await door.ask('/openapi/v2', { headers: { 'if-none-match': before! } })).code).toBe(200)
})

test('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] removes definition from spec when one version gets changed to not be served', async () => {
  await using door = await openDoor()
  await define(door, definition(foo, { versions: ['v5', 'v6alpha1'] }))
  const path = `${definitions}/noxus.mygroup.example.com`
  const crd = ok(await door.ask(path))
  crd.spec.versions[1].served = false
  ok(await door.ask(path, { method: 'PUT', type: json, body: JSON.stringify(crd) }))
  await door.server.env.activity.idle()
  expect(await published(door, 'com.example.mygroup.v6alpha1.Noxu')).toBeUndefined()
  expect(await published(door, 'com.example.mygroup.v5.Noxu')).toEqual(foo)
  expect((await door.ask('/apis/mygroup.example.com/v6alpha1/noxus')).code).toBe(404)
})

/** The schema of upstream's field validation tests. */
const cron = (more: object = {}) => ({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        foo: { type: 'string' },
        cronSpec: { type: 'string', pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$' },
        ports: {
          type: 'array',
          'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
          'x-kubernetes-list-type': 'map',
          items: {
            type: 'object',
            required: ['containerPort', 'protocol'],
            properties: {
              containerPort: { format: 'int32', type: 'integer' },
              hostPort: { format: 'int32', type: 'integer' },
              hostIP: { type: 'string' },
              name: { type: 'string' },
              protocol: { type: 'string' },
            },
          },
        },
        ...more,
      },
    },
  },
})

const strictly = (door: Door, path: string, more: string, spec = '') =>
  patch(
    door,
    `${path}/mytest?fieldManager=field_validation_mgr&fieldValidation=Strict`,
    applied,
    `
apiVersion: mygroup.example.com/v1
kind: Noxu
metadata:
  name: mytest
  finalizers:
  - test-finalizer
${more}spec:
${spec}  foo: foo1
  cronSpec: "* * * * */5"
  ports:
  - name: x
    containerPort: 80
    protocol: TCP`,
  )

test('[sig-api-machinery] FieldValidation should create/apply a valid CR for CRD with validation schema', async () => {
  await using door = await openDoor()
  const path = await define(door, definition(cron()))
  expect(ok(await strictly(door, path, ''), 201).spec.ports).toHaveLength(1)
})

test('[sig-api-machinery] FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema', async () => {
  await using door = await openDoor()
  const path = await define(door, definition(anything))
  expect(ok(await strictly(door, path, 'other: 1\n', '  unknown: uk1\n'), 201).spec.unknown).toBe('uk1')
})

test('[sig-api-machinery] FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema', async () => {
  await using door = await openDoor()
  const path = await define(door, definition(cron()))
  const { text } = await strictly(door, path, 'unknownField: unknown\n')
  expect(text).toContain('.unknownField: field not declared in schema')
})

test('[sig-api-machinery] FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR', async () => {
  await using door = await openDoor()
  const template = {
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    properties: {
      metadata: { type: 'object', properties: { name: { type: 'string' } } },
      spec: { type: 'object' },
    },
  }
  const path = await define(door, definition(cron({ template })))
  const embedded =
    '  template:\n    apiVersion: foo/v1\n    kind: Sub\n    metadata:\n      unknownSubMeta: unknown\n      name: sub\n'
  const { text } = await strictly(door, path, '', embedded)
  expect(text).toContain('.spec.template.metadata.unknownSubMeta: field not declared in schema')
  const body = noxu('mytest', { metadata: { name: 'mytest', unknownMeta: 'unknown' } })
  const answer = await post(door, `${path}?fieldValidation=Strict`, body)
  expect(answer.code).toBe(400)
  expect(answer.json.message).toContain('strict decoding error: unknown field "metadata.unknownMeta"')
})

test('[sig-api-machinery] FieldValidation should detect duplicates in a CR when preserving unknown fields', async () => {
  await using door = await openDoor()
  const path = await define(door, definition(anything))
  const { text } = await strictly(door, path, '', '  unknown: uk1\n  foo: foo0\n')
  expect(text).toContain('line 11: key \\"foo\\" already set in map')
})

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

for (const name of [
  '[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery request for CRDs',
  '[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface for CRDs',
]) {
  test(name, async () => {
    await using door = await openDoor()
    await define(door, definition(anything, { group: 'group.example.com', plural: 'testcrds', kind: 'testcrd' }))
    const { items } = ok(await door.ask('/apis', { accept: aggregated }))
    const group = items.find(({ metadata }: any) => metadata.name === 'group.example.com')
    expect(group.versions).toEqual([
      expect.objectContaining({
        version: 'v1',
        resources: [expect.objectContaining({ resource: 'testcrds', singularResource: 'testcrd', scope: 'Cluster' })],
      }),
    ])
  })
}
