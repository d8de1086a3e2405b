// Completes YAML: the fields that may stand at the cursor and do not yet, and the values of those that have few. Where the cursor is
// follows from the indentation of the lines above, since what is being typed is not yet YAML.

import type { Completion, CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete'
import type { Schema, Schemas } from './schemas.ts'
import { pathAt, siblings, type YamlPath } from './yaml-path.ts'

const boost: Readonly<Record<string, number>> = { apiVersion: 9, kind: 8, metadata: 7, spec: 6, name: 5 }

export function completions(schemas: Schemas): CompletionSource {
  return context => {
    const line = context.state.doc.lineAt(context.pos)
    const before = line.text.slice(0, context.pos - line.from)
    const lines = context.state.doc.toString().split('\n')
    const value = /^(\s*(?:- )*)([\w.$/-]+):\s+("?)([\w./-]*)$/.exec(before)
    if (value)
      return valuesOf(schemas, [...pathAt(lines, line.number - 1, value[1]!.length), value[2]!], value[4]!, context)
    const key = /^(\s*(?:- )*)([\w.$/-]*)$/.exec(before)
    if (!key) return null
    if (key[2] === '' && !context.explicit) return null
    const indent = key[1]!.length
    const path = pathAt(lines, line.number - 1, indent)
    const taken = siblings(lines, line.number - 1, indent)
    const options = Object.entries(schemas.at(path)?.properties ?? {})
      .filter(([name]) => !taken.has(name))
      .map(([name, schema]) => fieldCompletion(name, schema, schemas.at([...path, name]), indent))
    return { from: context.pos - key[2]!.length, options, validFor: /^[\w.$/-]*$/ }
  }
}

function fieldCompletion(name: string, own: Schema, schema: Schema = own, indent: number): Completion {
  const deeper = `\n${' '.repeat(indent + 2)}`
  const opens =
    schema.type === 'array' ? `:${deeper}- ` : schema.properties || schema.type === 'object' ? `:${deeper}` : ': '
  return {
    label: name,
    type: 'property',
    detail: schema.type ?? '',
    apply: name + opens,
    boost: boost[name] ?? 0,
    ...(schema.description ? { info: schema.description } : {}),
  }
}

function valuesOf(
  schemas: Schemas,
  path: YamlPath,
  typed: string,
  { pos }: CompletionContext,
): CompletionResult | null {
  const schema = schemas.at(path)
  const values = schema?.type === 'boolean' ? ['true', 'false'] : (schema?.enum ?? []).map(String)
  if (values.length === 0) return null
  return { from: pos - typed.length, options: values.map(label => ({ label, type: 'enum' })), validFor: /^[\w./-]*$/ }
}
