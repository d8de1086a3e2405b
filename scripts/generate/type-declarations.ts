// Writes generated/types.ts: an interface per model, named without a leading `V1`; top-level kinds with what the server
// always writes (apiVersion, kind, metadata, spec, status) required.

import type { Model, ModelField } from './client-models.ts'
import { modelsIn } from './definition-names.ts'
import { anyFields } from './special-fields.ts'

/** Written by hand in src/api/meta.ts, because every room speaks of them. */
const byHand = new Set(['V1ObjectMeta', 'V1OwnerReference', 'V1ManagedFieldsEntry'])

export function typeName(model: string): string {
  return model.replace(/^V1(?=[A-Z])/, '')
}

export function typeDeclarations(models: readonly Model[], version: string): string {
  const names = new Set(models.map(model => typeName(model.name)))
  if (names.size !== models.length) throw new Error('two models would have the same type name')
  return [
    `// Generated from the models of @kubernetes/client-node (Kubernetes ${version}) by scripts/generate-openapi.ts. Not to be edited.`,
    '',
    "import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from '../src/api/meta.ts'",
    '',
    'export type { ManagedFieldsEntry, ObjectMeta, OwnerReference }',
    '',
    ...models.filter(model => !byHand.has(model.name)).map(declaration),
  ].join('\n')
}

function declaration(model: Model): string {
  const type = (name: string) => model.fields.find(field => field.name === name)?.type
  const isKind = type('apiVersion') === 'string' && type('kind') === 'string'
  const isObject = isKind && type('metadata') === 'V1ObjectMeta'
  const isList = isKind && type('metadata') === 'V1ListMeta' && type('items') !== undefined
  const always = isObject
    ? ['apiVersion', 'kind', 'metadata', 'spec', 'status']
    : isList
      ? ['apiVersion', 'kind', 'metadata', 'items']
      : []
  const members = model.fields.map(field => {
    const isRequired = field.isRequired || always.includes(field.name)
    const key = /^[A-Za-z_]\w*$/.test(field.name) ? field.name : JSON.stringify(field.name)
    // An embedded template's metadata names nothing.
    const isTemplateMeta = field.type === 'V1ObjectMeta' && !isObject
    const type = isTemplateMeta ? 'Partial<ObjectMeta>' : typeOf(model, field)
    return `${comment(field.description, '  ')}  ${key}${isRequired ? '' : '?'}: ${type}\n`
  })
  return `${comment(model.description, '')}export interface ${typeName(model.name)} {\n${members.join('')}}\n`
}

function typeOf(model: Model, field: ModelField): string {
  const isJson = anyFields[model.name]?.[field.name] === 'json'
  const any = isJson ? 'unknown' : 'Record<string, unknown>'
  let type = field.type
  type = type.replace(/\{ \[key: string\]: (.*); \}/, 'Record<string, $1>').replace(/Array<(\w+)>/, '$1[]')
  type = type.replace(/\bany\b/, any).replace(/\bDate\b|\bV1MicroTime\b/, 'string')
  if (type === 'IntOrString') return 'number | string'
  for (const name of modelsIn(field.type)) type = type.replace(new RegExp(`\\b${name}\\b`), typeName(name))
  return type
}

/** The first sentence, when it is short enough to be a help. */
function comment(description: string, indent: string): string {
  const [sentence] = description.replace(/\s+/g, ' ').split(/(?<=[^.]\.) /)
  if (!sentence || sentence.length > 120) return ''
  return `${indent}/** ${sentence.replaceAll('*/', '*\\/')} */\n`
}
