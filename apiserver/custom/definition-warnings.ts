// What a user is told of a definition that is taken all the same: formats that nobody knows, sets of objects
// (apiextensions-apiserver pkg/registry/customresourcedefinition/strategy.go). An update is only told what is new in it.

import type { CustomResourceDefinition } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { formatOf } from './formats.ts'
import { itemsOf, type Schema, valuesOf } from './schema-parts.ts'

type Crd = Frozen<CustomResourceDefinition>

export function definitionWarnings(next: Crd, old: Crd | undefined): string[] {
  const before = old === undefined ? [] : warningsOf(old)
  return warningsOf(next).filter(warning => !before.includes(warning))
}

function warningsOf({ spec }: Crd): string[] {
  const formats: string[] = []
  const sets = new Set<string>()
  for (const { schema } of spec.versions) {
    if (schema?.openAPIV3Schema) visit(schema.openAPIV3Schema, formats, sets)
  }
  return [...formats, ...[...sets].sort()]
}

function visit(schema: Schema, formats: string[], sets: Set<string>): void {
  const { type, format } = schema
  if (format && formatOf(type, format) === undefined) formats.push(`unrecognized format ${JSON.stringify(format)}`)
  const items = itemsOf(schema)
  if (schema['x-kubernetes-list-type'] === 'set' && (items?.type === 'object' || items?.type === 'array')) {
    sets.add(
      `x-kubernetes-list-type: set for items of type ${JSON.stringify(items.type)} is not supported by server-side apply or CEL validation rules`,
    )
  }
  const inner = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.allOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
  ]
  for (const each of [...inner, items, valuesOf(schema), schema.not]) {
    if (each !== undefined) visit(each, formats, sets)
  }
}
