// Tables, as `kubectl get` asks for them: rows from the columns of a kind, or of a subresource. Pure; called by verbs.ts and watch-stream.ts.

import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Column } from '../../src/kinds/kind.ts'
import { wholeObject } from '../registry/collection.ts'
import type { Reading } from '../registry/registry.ts'

/** How much of each object a row carries. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

export interface ListMeta {
  readonly resourceVersion?: string
  readonly continue?: string
  readonly remainingItemCount?: number
}

export interface TableOptions {
  readonly version: 'v1' | 'v1beta1'
  readonly include: IncludeObject
  readonly now: Millis
  /** Left out of the later tables of a watch. */
  readonly withColumns: boolean
}

export function tableOf(
  columns: readonly Column<any>[],
  readings: readonly Reading[],
  metadata: ListMeta,
  options: TableOptions,
): object {
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata,
    columnDefinitions: options.withColumns ? columns.map(definition) : null,
    rows: readings.map(reading => ({
      cells: columns.map(column => cell(column, reading.object, options.now)),
      ...(options.include === 'None' ? {} : { object: shown(reading, options) }),
    })),
  }
}

function shown(reading: Reading, { include, version }: TableOptions): object {
  const object = wholeObject(reading)
  return include === 'Object' ? object : partialOf(object, version)
}

export function partialOf(object: Frozen<KubeObject>, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata }
}

function definition({ name, type, format, description = '', priority = 0 }: Column<any>): object {
  return { name, type, format: format ?? '', description, priority }
}

/** An absent value of a text column is shown as kubectl shows it; numbers and flags have their zero. */
function cell(column: Column<any>, object: Frozen<KubeObject>, now: Millis): string | number | boolean | null {
  const value = column.value(object, now)
  if (value !== undefined) return value
  return column.type === 'string' || column.type === 'date' ? '<none>' : column.type === 'boolean' ? false : 0
}
