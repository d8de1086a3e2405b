// Upstream's conformance items in which kubectl deals with custom resources, by their names, with the real one
// (test/e2e/apimachinery/crd_publish_openapi.go). Definitions that go away, several versions and groups are in
// custom-resources.test.ts.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noKubectl } from '../support/kubectl.ts'
import { type Server, startServer } from '../support/server.ts'

const definition = (plural: string, kind: string, schema: string) => `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ${plural}.crd.example.com}
spec:
  group: crd.example.com
  scope: Namespaced
  names: {plural: ${plural}, kind: ${kind}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: ${schema}}
`

const foo = `{
  description: Foo CRD for Testing, type: object, properties: {
    spec: {type: object, description: Specification of Foo, properties: {
      bars: {description: List of Bars and their specs., type: array, items: {type: object, required: [name], properties: {
        name: {description: Name of Bar., type: string},
        age: {description: Age of Bar., type: string},
        feeling: {description: Whether Bar is feeling great., type: string, enum: [Great, Down]},
        bazs: {description: List of Bazs., type: array, items: {type: string}}}}}}},
    status: {description: Status of Foo, type: object, properties: {
      bars: {description: List of Bars and their statuses., type: array, items: {type: object, properties: {
        name: {description: Name of Bar., type: string}, available: {type: boolean}}}}}}}}`

const open = 'x-kubernetes-preserve-unknown-fields: true'

describe.skipIf(noKubectl)(`kubectl${noKubectl ? ` (skipped: ${noKubectl})` : ''}`, () => {
  let server: Server
  const kubectl = (...words: string[]) => server.kubectl(...words)
  const given = (object: object, ...words: string[]) =>
    server.kubectl.run([...words, '-f', '-'], { stdin: JSON.stringify(object) })

  async function define(plural: string, kind: string, schema: string) {
    const made = await server.kubectl.run(['apply', '-f', '-'], { stdin: definition(plural, kind, schema) })
    expect(made).toMatchObject({ code: 0, stderr: '' })
    await kubectl('wait', '--for=condition=established', `crd/${plural}.crd.example.com`, '--timeout=10s')
    const of = (more: object) => ({ kind, apiVersion: 'crd.example.com/v1', metadata: { name: 'test-cr' }, ...more })
    return {
      of,
      taken: async (more: object) => {
        for (const verb of ['create', 'apply']) {
          expect(await given(of(more), verb)).toMatchObject({ code: 0, stderr: '' })
          await kubectl('delete', plural, 'test-cr')
        }
      },
      refused: async (more: object, why: string) => {
        for (const verb of ['create', 'apply']) {
          const { code, stderr } = await given(of(more), verb)
          expect(code).toBe(1)
          expect(stderr).toContain(why)
        }
      },
    }
  }

  beforeAll(async () => {
    server = await startServer({ words: ['--memory'] })
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  test('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD with validation schema', async () => {
    const { taken, refused } = await define('foos', 'Foo', foo)
    await taken({ spec: { bars: [{ name: 'test-bar' }] } })
    await refused(
      { spec: { bars: [{ name: 'test-bar', feeling: 'NonExistentValue' }] } },
      'Unsupported value: "NonExistentValue": supported values: "Great", "Down"',
    )
    await refused({ spec: { foo: true } }, 'unknown field "spec.foo"')
    await refused({ spec: { bars: [{ age: '10' }] } }, 'spec.bars[0].name: Required value')
    expect(await kubectl('explain', 'foos')).toMatch(
      /DESCRIPTION:.*Foo CRD for Testing.*FIELDS:.*apiVersion.*<string>.*APIVersion defines.*spec.*<Object>.*Specification of Foo/s,
    )
    expect(await kubectl('explain', 'foos.metadata')).toMatch(
      /DESCRIPTION:.*Standard object's metadata.*FIELDS:.*creationTimestamp.*<string>.*CreationTimestamp is a timestamp/s,
    )
    expect(await kubectl('explain', 'foos.spec')).toMatch(
      /DESCRIPTION:.*Specification of Foo.*FIELDS:.*bars.*<\[\]Object>.*List of Bars and their specs/s,
    )
    expect(await kubectl('explain', 'foos.spec.bars')).toMatch(
      /bars.*<\[\]Object>.*DESCRIPTION:.*List of Bars and their specs.*FIELDS:.*bazs.*<\[\]string>.*List of Bazs.*name.*<string>.*Name of Bar/s,
    )
    const { code, stderr } = await server.kubectl.run(['explain', 'foos.spec.bars2'])
    expect(code).toBe(1)
    expect(stderr).toContain('field "bars2" does not exist')
  })

  test('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD without validation schema', async () => {
    const { taken } = await define('empties', 'Empty', `{type: object, ${open}}`)
    await taken({ a: { b: [{ c: 'd' }] } })
    expect(await kubectl('explain', 'empties')).toMatch(/DESCRIPTION:\n\s+<empty>/)
  })

  test('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields at the schema root', async () => {
    const schema = `{description: preserve-unknown-properties at root for Testing, ${open}, type: object, properties: {spec: {type: object, ${open}}, status: {type: object, ${open}}}}`
    const { taken } = await define('roots', 'Root', schema)
    await taken({ a: { b: [{ c: 'd' }] } })
    expect(await kubectl('explain', 'roots')).toMatch(/KIND:\s+Root/)
  })

  test('[sig-api-machinery] CustomResourcePublishOpenAPI [Privileged:ClusterAdmin] works for CRD preserving unknown fields in an embedded object', async () => {
    const schema = `{description: preserve-unknown-properties in nested field for Testing, type: object, properties: {spec: {type: object, ${open}}, status: {type: object, ${open}}}}`
    const { taken } = await define('nesteds', 'Nested', schema)
    await taken({ spec: { a: null, b: [{ c: 'd' }] } })
    expect(await kubectl('explain', 'nesteds')).toMatch(
      /DESCRIPTION:.*preserve-unknown-properties in nested field for Testing/s,
    )
  })

  test('a definition whose group nobody had is found by a kubectl that looked before', async () => {
    const missing = await server.kubectl.run(['get', 'lates'])
    expect(missing.stderr).toContain('the server doesn\'t have a resource type "lates"')
    await define('lates', 'Late', `{type: object, ${open}}`)
    expect(await server.kubectl.run(['get', 'lates'])).toMatchObject({
      code: 0,
      stderr: 'No resources found in default namespace.\n',
    })
    await kubectl('delete', 'crd', 'lates.crd.example.com')
    expect((await server.kubectl.run(['get', 'crd', 'lates.crd.example.com'])).stderr).toContain(
      'customresourcedefinitions.apiextensions.k8s.io "lates.crd.example.com" not found',
    )
  })
})
