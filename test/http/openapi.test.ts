// OpenAPI of the built-in kinds: whole in itself, as kubectl needs it, and the same in protobuf as in JSON.

import { describe, expect, test } from 'vitest'
import type { Document } from '../../apiserver/http/discovery.ts'
import { openapiRoutes } from '../../apiserver/http/openapi.ts'
import { documentType } from '../../apiserver/http/openapi-v2-protobuf.ts'
import { builtinKinds, Pods } from '../../src/kinds/index.ts'

const route = openapiRoutes(builtinKinds)

async function get(path: string, accept?: string, search?: string): Promise<Document> {
  const document = await route(path, accept, search)
  if (document === undefined) throw new Error(`nothing at ${path}`)
  return document
}

async function read(path: string): Promise<any> {
  return JSON.parse((await get(path)).bytes.toString())
}

describe('/openapi/v3', () => {
  test('the index leads to a document for each group and version, each whole in itself', async () => {
    const { paths } = await read('/openapi/v3')
    const versions = builtinKinds.map(({ group, apiVersion }) =>
      group === '' ? `api/${apiVersion}` : `apis/${apiVersion}`,
    )
    expect(Object.keys(paths).sort()).toEqual([...new Set(versions)].sort())
    for (const { serverRelativeURL } of Object.values<{ serverRelativeURL: string }>(paths)) {
      const [path, search] = serverRelativeURL.split('?')
      const document = await get(path!, 'application/json', search)
      expect(document).toMatchObject({ status: 200, headers: { 'Cache-Control': 'public, immutable' } })
      const text = document.bytes.toString()
      const schemas = JSON.parse(text).components.schemas
      const refs = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(match => match[1]!)
      expect(refs.length).toBeGreaterThan(10)
      expect(refs.filter(name => schemas[name] === undefined)).toEqual([])
    }
  })

  test('a hash of before leads to the document of now', async () => {
    expect(await get('/openapi/v3/apis/apps/v1', 'application/json', 'hash=OLD')).toMatchObject({
      status: 301,
      headers: { Location: expect.stringMatching(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{64}$/) },
    })
  })

  test('the hash changes with the kinds', async () => {
    const one = JSON.parse((await openapiRoutes([Pods])('/openapi/v3'))!.bytes.toString())
    const all = await read('/openapi/v3')
    expect(one.paths['api/v1'].serverRelativeURL).not.toBe(all.paths['api/v1'].serverRelativeURL)
  })

  test('every kind can be patched with fieldValidation, as kubectl wants to see before it applies', async () => {
    const { paths } = await read('/openapi/v3')
    const patches: any[] = []
    for (const name of Object.keys(paths)) {
      for (const item of Object.values<any>((await read(`/openapi/v3/${name}`)).paths))
        if (item.patch) patches.push(item.patch)
    }
    for (const { group, version, kind } of builtinKinds) {
      const own = patches.filter(
        ({ 'x-kubernetes-group-version-kind': gvk }) =>
          gvk.kind === kind && gvk.group === group && gvk.version === version,
      )
      expect(own.length, kind).toBeGreaterThan(0)
      for (const { parameters } of own) expect(parameters.map((each: any) => each.name)).toContain('fieldValidation')
    }
  })

  test('what explain prints is there: descriptions, required fields, references under allOf, alternatives', async () => {
    const { paths, components } = await read('/openapi/v3/apis/apps/v1')
    expect(paths['/apis/apps/v1/namespaces/{namespace}/deployments'].get['x-kubernetes-group-version-kind']).toEqual({
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
    })
    expect(
      paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale'].patch['x-kubernetes-group-version-kind']
        .kind,
    ).toBe('Scale')
    const spec = components.schemas['io.k8s.api.apps.v1.DeploymentSpec']
    expect(spec.required).toEqual(['selector', 'template'])
    expect(spec.properties.replicas).toMatchObject({
      type: 'integer',
      format: 'int32',
      description: expect.stringContaining('Number of desired pods'),
    })
    expect(spec.properties.strategy).toMatchObject({
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy' }],
      'x-kubernetes-patch-strategy': 'retainKeys',
    })
    const containers = components.schemas['io.k8s.api.core.v1.PodSpec'].properties.containers
    expect(containers).toMatchObject({
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    })
    expect(components.schemas['io.k8s.apimachinery.pkg.util.intstr.IntOrString'].oneOf).toHaveLength(2)
  })

  test('what is not served has no document, and a form that is not had is refused', async () => {
    expect(route('/openapi/v3/apis/example.com/v1')).toBeUndefined()
    expect(await get('/openapi/v3/api/v1', 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf')).toMatchObject(
      { status: 406 },
    )
  })
})

describe('/openapi/v2', () => {
  test('is whole in itself, and no operation is named twice', async () => {
    const document = await read('/openapi/v2')
    const refs = [...JSON.stringify(document).matchAll(/"#\/definitions\/([^"]+)"/g)].map(match => match[1]!)
    expect(refs.filter(name => document.definitions[name] === undefined)).toEqual([])
    const ids = Object.values<any>(document.paths).flatMap(({ parameters: _parameters, ...methods }) =>
      Object.values<any>(methods).map(({ operationId }) => operationId),
    )
    expect(ids).toContain('patchAppsV1NamespacedDeploymentScale')
    expect(new Set(ids).size).toBe(ids.length)
  })

  test.each([
    'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
    'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  ])('is the same document in protobuf, asked for as %s', async accept => {
    const { contentType, bytes } = await get('/openapi/v2', `${accept},application/json;q=0.5`)
    expect(contentType).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf')
    const type = documentType()
    const decoded = type.toObject(type.decode(bytes))
    expect(fromDocument(decoded)).toEqual(await read('/openapi/v2'))
  })
})

// ---- the way back from gnostic's messages, written apart from the way there

function fromDocument(document: any): unknown {
  return {
    swagger: document.swagger,
    info: document.info,
    paths: table(document.paths.path, ({ parameters, ...methods }) => ({
      ...Object.fromEntries(Object.entries(methods).map(([method, each]) => [method, fromOperation(each)])),
      parameters: parameters.map(fromParameter),
    })),
    definitions: table(document.definitions.additionalProperties, fromSchema),
    securityDefinitions: table(
      document.securityDefinitions.additionalProperties,
      ({ apiKeySecurity }) => apiKeySecurity,
    ),
    security: document.security.map((each: any) => table(each.additionalProperties, ({ value }) => value ?? [])),
  }
}

function fromOperation({ parameters, responses, vendorExtension, ...rest }: any): unknown {
  return {
    ...rest,
    ...(parameters ? { parameters: parameters.map(fromParameter) } : {}),
    responses: table(responses.responseCode, ({ response: { description, schema } }) => ({
      description,
      ...(schema ? { schema: fromSchema(schema.schema) } : {}),
    })),
    ...extensions(vendorExtension),
  }
}

function fromParameter({ parameter: { bodyParameter, nonBodyParameter } }: any): unknown {
  if (bodyParameter) return { ...bodyParameter, schema: fromSchema(bodyParameter.schema) }
  return nonBodyParameter.pathParameterSubSchema ?? nonBodyParameter.queryParameterSubSchema
}

function fromSchema({ Ref, type, items, properties, additionalProperties, vendorExtension, ...rest }: any): any {
  return {
    ...rest,
    ...(Ref === undefined ? {} : { $ref: Ref }),
    ...(type ? { type: type.value[0] } : {}),
    ...(items ? { items: fromSchema(items.schema[0]) } : {}),
    ...(properties ? { properties: table(properties.additionalProperties ?? [], fromSchema) } : {}),
    ...(additionalProperties ? { additionalProperties: fromSchema(additionalProperties.schema) } : {}),
    ...extensions(vendorExtension),
  }
}

function extensions(list: any[] = []): object {
  return Object.fromEntries(list.map(({ name, value }) => [name, JSON.parse(value.yaml)]))
}

function table(list: any[], convert: (value: any) => unknown): object {
  return Object.fromEntries(list.map(({ name, value }) => [name, convert(value ?? {})]))
}
