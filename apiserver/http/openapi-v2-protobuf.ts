// OpenAPI version 2 as protobuf, for clients that ask for it: the messages of gnostic's OpenAPIv2.proto, as far as our own
// documents use them, and the way from the JSON document into them. Called by openapi.ts, once a document.

import protobuf from 'protobufjs/light.js'

type Json = Readonly<Record<string, unknown>>

/** A document of openapi.ts, not any OpenAPI document: what has no place in the messages below would be left out. */
export function encodeVersion2(document: object): Uint8Array {
  const Document = documentType()
  return Document.encode(Document.fromObject(toDocument(document as Json))).finish()
}

/** The root of the messages; exported so that what was written can be read back. */
export function documentType(): protobuf.Type {
  return protobuf.Root.fromJSON({ nested: messages }).lookupType('Document')
}

function toDocument({ swagger, info, paths, definitions, securityDefinitions, security }: Json): Json {
  return {
    swagger,
    info,
    paths: { path: named(paths as Json, toPathItem) },
    definitions: { additionalProperties: named(definitions as Json, toSchema) },
    securityDefinitions: {
      additionalProperties: named(securityDefinitions as Json, apiKeySecurity => ({ apiKeySecurity })),
    },
    security: (security as Json[]).map(each => ({
      additionalProperties: Object.entries(each).map(([name, value]) => ({ name, value: { value } })),
    })),
  }
}

function toPathItem({ parameters, ...methods }: Json): Json {
  const operations = Object.entries(methods).map(([method, operation]) => [method, toOperation(operation as Json)])
  return { ...Object.fromEntries(operations), parameters: (parameters as Json[]).map(toParameter) }
}

function toOperation(operation: Json): Json {
  const [{ parameters, responses, ...rest }, vendorExtension] = split(operation)
  return {
    ...rest,
    ...(parameters === undefined ? {} : { parameters: (parameters as Json[]).map(toParameter) }),
    responses: {
      responseCode: named(responses as Json, ({ description, schema }) => ({
        response: { description, ...(schema === undefined ? {} : { schema: { schema: toSchema(schema as Json) } }) },
      })),
    },
    vendorExtension,
  }
}

function toParameter(parameter: Json): Json {
  if (parameter.in === 'body') {
    const { schema, ...rest } = parameter
    return { parameter: { bodyParameter: { ...rest, schema: toSchema(schema as Json) } } }
  }
  const form = parameter.in === 'path' ? 'pathParameterSubSchema' : 'queryParameterSubSchema'
  return { parameter: { nonBodyParameter: { [form]: parameter } } }
}

function toSchema(schema: Json): Json {
  const [{ $ref, type, items, properties, additionalProperties, ...rest }, vendorExtension] = split(schema)
  return {
    ...rest,
    ...($ref === undefined ? {} : { Ref: $ref }),
    ...(type === undefined ? {} : { type: { value: [type] } }),
    ...(items === undefined ? {} : { items: { schema: [toSchema(items as Json)] } }),
    ...(properties === undefined ? {} : { properties: { additionalProperties: named(properties as Json, toSchema) } }),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: { schema: toSchema(additionalProperties as Json) } }),
    vendorExtension,
  }
}

function named(members: Json, convert: (value: Json) => Json): Json[] {
  return Object.entries(members).map(([name, value]) => ({ name, value: convert(value as Json) }))
}

/** Extensions go as YAML, of which JSON is a part. */
function split(members: Json): [Json, Json[]] {
  const own: [string, unknown][] = []
  const extensions: Json[] = []
  for (const [name, value] of Object.entries(members)) {
    if (name.startsWith('x-')) extensions.push({ name, value: { yaml: `${JSON.stringify(value)}\n` } })
    else own.push([name, value])
  }
  return [Object.fromEntries(own), extensions]
}

/** `type name = number` lines, `*` for repeated; numbers as in OpenAPIv2.proto. */
function message(...lines: string[]): protobuf.IType {
  const fields: Record<string, protobuf.IField> = {}
  for (const line of lines) {
    const [, star, type, name, id] = /^(\*?)(\w+) (\w+) (\d+)$/.exec(line)!
    fields[name!] = { type: type!, id: Number(id), ...(star ? { rule: 'repeated' } : {}) }
  }
  return { fields }
}

const messages: Readonly<Record<string, protobuf.IType>> = {
  AdditionalPropertiesItem: message('Schema schema 1', 'bool boolean 2'),
  Any: message('string yaml 2'),
  ApiKeySecurity: message('string type 1', 'string name 2', 'string in 3', 'string description 4'),
  BodyParameter: message('string description 1', 'string name 2', 'string in 3', 'bool required 4', 'Schema schema 5'),
  Definitions: message('*NamedSchema additionalProperties 1'),
  Document: message(
    'string swagger 1',
    'Info info 2',
    'Paths paths 8',
    'Definitions definitions 9',
    '*SecurityRequirement security 12',
    'SecurityDefinitions securityDefinitions 13',
  ),
  Info: message('string title 1', 'string version 2'),
  ItemsItem: message('*Schema schema 1'),
  NamedAny: message('string name 1', 'Any value 2'),
  NamedPathItem: message('string name 1', 'PathItem value 2'),
  NamedResponseValue: message('string name 1', 'ResponseValue value 2'),
  NamedSchema: message('string name 1', 'Schema value 2'),
  NamedSecurityDefinitionsItem: message('string name 1', 'SecurityDefinitionsItem value 2'),
  NamedStringArray: message('string name 1', 'StringArray value 2'),
  NonBodyParameter: message(
    'QueryParameterSubSchema queryParameterSubSchema 3',
    'PathParameterSubSchema pathParameterSubSchema 4',
  ),
  Operation: message(
    '*string tags 1',
    'string description 3',
    'string operationId 5',
    '*string produces 6',
    '*string consumes 7',
    '*ParametersItem parameters 8',
    'Responses responses 9',
    '*string schemes 10',
    '*NamedAny vendorExtension 13',
  ),
  Parameter: message('BodyParameter bodyParameter 1', 'NonBodyParameter nonBodyParameter 2'),
  ParametersItem: message('Parameter parameter 1'),
  PathItem: message(
    'Operation get 2',
    'Operation put 3',
    'Operation post 4',
    'Operation delete 5',
    'Operation patch 8',
    '*ParametersItem parameters 9',
  ),
  PathParameterSubSchema: message(
    'bool required 1',
    'string in 2',
    'string description 3',
    'string name 4',
    'string type 5',
    'bool uniqueItems 19',
  ),
  Paths: message('*NamedPathItem path 2'),
  Properties: message('*NamedSchema additionalProperties 1'),
  QueryParameterSubSchema: message(
    'bool required 1',
    'string in 2',
    'string description 3',
    'string name 4',
    'string type 6',
    'bool uniqueItems 20',
  ),
  Response: message('string description 1', 'SchemaItem schema 2'),
  ResponseValue: message('Response response 1'),
  Responses: message('*NamedResponseValue responseCode 1'),
  Schema: message(
    'string Ref 1',
    'string format 2',
    'string description 4',
    '*string required 19',
    'AdditionalPropertiesItem additionalProperties 21',
    'TypeItem type 22',
    'ItemsItem items 23',
    'Properties properties 25',
    '*NamedAny vendorExtension 31',
  ),
  SchemaItem: message('Schema schema 1'),
  SecurityDefinitions: message('*NamedSecurityDefinitionsItem additionalProperties 1'),
  SecurityDefinitionsItem: message('ApiKeySecurity apiKeySecurity 2'),
  SecurityRequirement: message('*NamedStringArray additionalProperties 1'),
  StringArray: message('*string value 1'),
  TypeItem: message('*string value 1'),
}
