// The columns of a custom kind, from its definition's additionalPrinterColumns; without any, its age
// (apiextensions-apiserver pkg/registry/customresource/tableconvertor/tableconvertor.go).

import type { CustomResourceColumnDefinition } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { humanDuration, isTime, parseTime } from '../../src/api/time.ts'
import type { Millis } from '../../src/env/clock.ts'
import { nameColumn } from '../../src/kinds/columns.ts'
import type { Column } from '../../src/kinds/kind.ts'
import { compileJsonPath, goText } from './json-path.ts'

const age: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since the object was created.',
}

export function printerColumns(declared: readonly Frozen<CustomResourceColumnDefinition>[] = []): Column<any>[] {
  const columns: Column<any>[] = [nameColumn]
  for (const column of declared.length > 0 ? declared : [age]) {
    const made = columnOf(column)
    // Upstream takes those before a path that it cannot read, and none after it.
    if (made === undefined) break
    columns.push(made)
  }
  return columns
}

type Cell = string | number | boolean | null

function columnOf({
  name,
  type,
  format,
  description,
  priority,
  jsonPath,
}: Frozen<CustomResourceColumnDefinition>): Column<any> | undefined {
  const path = compileJsonPath(jsonPath)
  if (path === undefined) return undefined
  const cell = cells[type] ?? (() => null)
  return {
    name,
    type: type as Column<any>['type'],
    ...(format ? { format } : {}),
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority: priority ?? 0,
    value: (object, now) => {
      const [value] = path(object)
      return value === undefined || value === null ? null : cell(value, now)
    },
  }
}

const cells: Readonly<Record<string, (value: unknown, now: Millis) => Cell>> = {
  string: goText,
  integer: value => (typeof value === 'number' ? Math.trunc(value) : null),
  number: value => (typeof value === 'number' ? value : null),
  boolean: value => (typeof value === 'boolean' ? value : null),
  date: (value, now) => {
    if (typeof value !== 'string') return null
    return isTime(value) ? humanDuration(now - parseTime(value)) : '<invalid>'
  },
}
