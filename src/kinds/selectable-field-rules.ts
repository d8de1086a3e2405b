// Selectable fields of a custom kind: each is a simple path to a text, a number or a flag that the schema has
// (apiextensions-apiserver validation.go, ValidateCustomResourceSelectableFields; schema/cel/validation.go, ValidFieldPath).

import type {
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  JSONSchemaProps,
} from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import type { Faults, FieldPath } from './field-path.ts'

const most = 8

export function selectableFieldsRules(
  { name, selectableFields = [] }: Frozen<CustomResourceDefinitionVersion>,
  schema: Frozen<JSONSchemaProps>,
  old: Frozen<CustomResourceDefinition> | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  const seen = new Set<string>()
  for (const [index, { jsonPath }] of selectableFields.entries()) {
    const at = path.index(index).child('jsonPath')
    if (!jsonPath) {
      faults.required(at)
      continue
    }
    const found = fieldAt(jsonPath, schema)
    if (typeof found === 'string') {
      faults.invalid(at, jsonPath, `is an invalid path: ${found}`)
      continue
    }
    if (found.steps[0] === 'metadata') faults.invalid(at, jsonPath, 'must not point to fields in metadata')
    if (!['string', 'boolean', 'integer'].includes(found.schema.type ?? '')) {
      const why =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
      faults.invalid(at, jsonPath, why)
    }
    const place = found.steps.join('.')
    if (seen.has(place)) faults.duplicate(at, jsonPath)
    seen.add(place)
  }
  if (seen.size <= most) return
  const before = old?.spec.versions.find(each => each.name === name)?.selectableFields
  if ((before?.length ?? 0) > most && jsonEqual(before, selectableFields)) return
  faults.tooMany(path, seen.size, most)
}

interface Found {
  readonly steps: readonly string[]
  readonly schema: Frozen<JSONSchemaProps>
}

/** What a path leads to, or why to nothing. */
export function fieldAt(path: string, root: Frozen<JSONSchemaProps>, isBracketed = false): Found | string {
  if (isBracketed && path.includes('[')) {
    if (/^(?:\.[^.[\]]+|\['(?:[^'\\]|\\.)*'\])+$/.test(path)) return walked(bracketSteps(path), root)
    return 'unexpected end of JSON path'
  }
  if (!path.startsWith('.')) {
    return path.startsWith('[')
      ? 'array notation is not allowed'
      : `expected [ or . but got: ${path.split(/[.[\]]/, 1)[0]}`
  }
  const steps = path.slice(1).split('.')
  if (steps.includes('')) return 'unexpected end of JSON path'
  if (steps.some(step => /[[\]]/.test(step))) return 'array notation is not allowed'
  return walked(steps, root)
}

function bracketSteps(path: string): string[] {
  return [...path.matchAll(/\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\]/g)].map(
    ([, plain, quoted]) => plain ?? quoted!.replace(/\\(.)/g, '$1'),
  )
}

function walked(steps: readonly string[], root: Frozen<JSONSchemaProps>): Found | string {
  let schema = root
  for (const step of steps) {
    const { properties, additionalProperties } = schema
    const next = properties
      ? Object.hasOwn(properties, step)
        ? properties[step]
        : undefined
      : (additionalProperties as Frozen<JSONSchemaProps> | boolean | undefined)
    if (typeof next !== 'object') return 'does not refer to a valid field'
    schema = next
  }
  return { steps, schema }
}
