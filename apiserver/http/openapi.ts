// OpenAPI of the kinds that are served: /openapi/v3 with a document a group and version, and /openapi/v2 in JSON and in the
// protobuf form that older clients ask for. Pure: the door mounts what `openapiRoutes` returns and calls it again when kinds
// come or go. Each document is made once, when first asked for; the index costs none of them.

import { createHash } from 'node:crypto'
import type { Kind } from '../../src/kinds/kind.ts'
import { definitionOf, kubernetesVersion, schemasDigest } from '../../src/kinds/schemas.ts'
import type { RemoteApi } from '../aggregation/aggregation.ts'
import { type Document, type DocumentRoute, notAcceptable } from './discovery.ts'
import { chooseForm } from './media-type.ts'
import { customDefinitions } from './openapi-custom.ts'
import { listDefinition, type Operation, type Parameter, type Path, pathsOf } from './openapi-operations.ts'
import { asVersion3, type Definitions, reached, readDefinitions, schemaRef } from './openapi-schemas.ts'
import { byGroupVersion } from './resource-list.ts'

const json = 'application/json'
const protobuf = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** A promise only where something has to be loaded first. */
export type OpenapiRoute = (...request: Parameters<DocumentRoute>) => Document | Promise<Document> | undefined

/** Reads the file of definitions when it is first needed, and remembers it: nothing in it changes with the kinds. */
export function definitionReader(): () => Definitions {
  return once(readDefinitions)
}

export function openapiRoutes(
  kinds: readonly Kind<any>[],
  definitions = definitionReader(),
  remote: readonly RemoteApi[] = [],
): OpenapiRoute {
  const groups = new Map(
    [...byGroupVersion(kinds)].map(([apiVersion, list]) => [
      apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`,
      list,
    ]),
  )
  const made = new Map<string, Buffer>()
  const bytesOf = (key: string, make: () => Uint8Array | object): Buffer => {
    const known = made.get(key)
    if (known !== undefined) return known
    const document = make()
    const bytes = document instanceof Uint8Array ? Buffer.from(document) : Buffer.from(JSON.stringify(document))
    made.set(key, bytes)
    return bytes
  }
  const version2 = () => documentVersion2(kinds, definitions())

  return (path, accept, search = '') => {
    if (path === '/openapi/v2') {
      const form = chooseForm(accept, version2Forms)
      if (form === undefined) return notAcceptable([json, protobuf])
      const headers = { Vary: 'Accept' }
      if (form.contentType === json) return answer(bytesOf('v2', version2), json, true, headers)
      const known = made.get('v2 protobuf')
      if (known !== undefined) return answer(known, protobuf, true, headers)
      // Few clients ask for it, so protobufjs is loaded by the first that does.
      return import('./openapi-v2-protobuf.ts').then(({ encodeVersion2 }) =>
        answer(
          bytesOf('v2 protobuf', () => encodeVersion2(version2())),
          protobuf,
          true,
          headers,
        ),
      )
    }
    if (path === '/openapi/v3' || path === '/openapi/v3/')
      return answer(
        bytesOf('v3', () => index(groups, remote)),
        json,
        true,
      )
    if (!path.startsWith('/openapi/v3/')) return undefined
    const name = path.slice('/openapi/v3/'.length)
    const list = groups.get(name)
    if (list === undefined) return undefined
    if (chooseForm(accept, [{ type: json }]) === undefined) return notAcceptable([json])
    const asked = new URLSearchParams(search).get('hash') || undefined
    const etag = hashOf(list)
    if (asked !== undefined && asked !== etag) {
      return { status: 301, contentType: json, bytes: Buffer.alloc(0), headers: { Location: urlOf(name, list) }, etag }
    }
    const isFixed = asked !== undefined
    return answer(
      bytesOf(`v3 ${name}`, () => documentVersion3(list, definitions())),
      json,
      etag,
      { Vary: 'Accept', ...(isFixed ? { 'Cache-Control': 'public, immutable' } : {}) },
    )
  }
}

const version2Forms = [
  { type: json, contentType: json },
  { type: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf', contentType: protobuf },
  { type: protobuf, contentType: protobuf },
]

function answer(
  bytes: Buffer,
  contentType: string,
  etag: string | true,
  headers: Record<string, string> = {},
): Document {
  return { status: 200, contentType, bytes, headers, etag }
}

/** Documents of other servers are theirs: where they lead is asked there. */
function index(groups: ReadonlyMap<string, readonly Kind<any>[]>, remote: readonly RemoteApi[]): object {
  const elsewhere = remote
    .filter(({ isAvailable, openapi }) => isAvailable && openapi !== undefined)
    .map(({ group, version, openapi }) => [`apis/${group}/${version}`, { serverRelativeURL: openapi }])
  return {
    paths: Object.fromEntries([
      ...[...groups].map(([name, list]) => [name, { serverRelativeURL: urlOf(name, list) }]),
      ...elsewhere,
    ]),
  }
}

function urlOf(name: string, kinds: readonly Kind<any>[]): string {
  return `/openapi/v3/${name}?hash=${hashOf(kinds)}`
}

/** Of all that the document is made of, so that it need not be made to know it. */
function hashOf(kinds: readonly Kind<any>[]): string {
  const hash = createHash('sha256').update(schemasDigest())
  for (const kind of kinds) {
    const { custom } = kind
    hash.update(JSON.stringify([kind.kind, pathsOf(kind), custom?.schema, custom?.listKind, custom?.selectableFields]))
  }
  return hash.digest('hex').toUpperCase()
}

function documentVersion3(kinds: readonly Kind<any>[], builtIn: Definitions): object {
  const definitions = { ...builtIn, ...customDefinitions(kinds, 3, builtIn) }
  const paths = kinds.flatMap(pathsOf)
  return {
    openapi: '3.0.0',
    info: info(),
    paths: Object.fromEntries(paths.map(path => [path.path, pathVersion3(path)])),
    components: {
      schemas: asVersion3(reached(definitions, namedBy(kinds, paths))),
      securitySchemes: { BearerToken: bearerToken },
    },
  }
}

function pathVersion3({ parameters, operations }: Path): object {
  return {
    parameters: parameters.map(parameterVersion3),
    ...Object.fromEntries(operations.map(each => [each.method, operationVersion3(each)])),
  }
}

function operationVersion3({ body, parameters, responses, ...operation }: Operation): object {
  const content = (definition: string, types: readonly string[]) =>
    Object.fromEntries(types.map(type => [type, { schema: { $ref: schemaRef(definition) } }]))
  return {
    ...operationWords(operation),
    ...(parameters.length > 0 ? { parameters: parameters.map(parameterVersion3) } : {}),
    ...(body
      ? {
          requestBody: {
            content: content(body.definition, body.consumes),
            ...(body.required ? { required: true } : {}),
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(
        responses.map(([code, definition]) => [
          code,
          { description: responseWords[code], ...(definition ? { content: content(definition, produces) } : {}) },
        ]),
      ),
      401: { description: 'Unauthorized' },
    },
  }
}

function parameterVersion3({ name, in: where, type, description }: Parameter): object {
  return {
    name,
    in: where,
    description,
    ...(where === 'path' ? { required: true } : {}),
    schema: { type, uniqueItems: true },
  }
}

function documentVersion2(kinds: readonly Kind<any>[], builtIn: Definitions): object {
  const definitions = { ...builtIn, ...customDefinitions(kinds, 2, builtIn) }
  const paths = kinds.flatMap(pathsOf)
  return {
    swagger: '2.0',
    info: info(),
    paths: Object.fromEntries(paths.map(path => [path.path, pathVersion2(path)])),
    definitions: reached(definitions, namedBy(kinds, paths)),
    securityDefinitions: { BearerToken: bearerToken },
    security: [{ BearerToken: [] }],
  }
}

function pathVersion2({ parameters, operations }: Path): object {
  return {
    ...Object.fromEntries(operations.map(each => [each.method, operationVersion2(each)])),
    parameters: parameters.map(parameterVersion2),
  }
}

function operationVersion2({ body, parameters, responses, ...operation }: Operation): object {
  const bodyParameter = body && {
    name: 'body',
    in: 'body',
    ...(body.required ? { required: true } : {}),
    schema: { $ref: `#/definitions/${body.definition}` },
  }
  return {
    ...operationWords(operation),
    ...(body ? { consumes: body.consumes } : {}),
    produces,
    schemes: ['https'],
    ...(body || parameters.length > 0
      ? { parameters: [...(bodyParameter ? [bodyParameter] : []), ...parameters.map(parameterVersion2)] }
      : {}),
    responses: {
      ...Object.fromEntries(
        responses.map(([code, definition]) => [
          code,
          {
            description: responseWords[code],
            schema: definition ? { $ref: `#/definitions/${definition}` } : { type: 'string' },
          },
        ]),
      ),
      401: { description: 'Unauthorized' },
    },
  }
}

function parameterVersion2({ name, in: where, type, description }: Parameter): object {
  return { uniqueItems: true, type, description, name, in: where, ...(where === 'path' ? { required: true } : {}) }
}

function operationWords({
  tag,
  description,
  id,
  action,
  gvk,
}: Omit<Operation, 'body' | 'parameters' | 'responses'>): object {
  return {
    tags: [tag],
    description,
    operationId: id,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
  }
}

const produces = [json, 'application/yaml']
const responseWords: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' }
const bearerToken = { type: 'apiKey', name: 'authorization', in: 'header', description: 'Bearer token' }

function info() {
  return { title: 'Kubernetes', version: `v${kubernetesVersion()}.0` }
}

/** The definitions that a document names: the kinds, their lists, and what their operations take and give. */
function namedBy(kinds: readonly Kind<any>[], paths: readonly Path[]): Set<string> {
  const names = new Set<string>()
  const add = (name: string | undefined) => name !== undefined && names.add(name)
  for (const kind of kinds) {
    add(definitionOf(kind))
    add(listDefinition(kind))
  }
  for (const { operations } of paths) {
    for (const { body, responses } of operations) {
      add(body?.definition)
      for (const [, definition] of responses) add(definition)
    }
  }
  return names
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
