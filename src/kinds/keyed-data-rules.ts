// The rules of data by key: ConfigMaps and Secrets (ValidateConfigMap, ValidateSecret in
// pkg/apis/core/validation/validation.go).

import { jsonEqual } from '../api/json-equal.ts'
import { configKeyFaults } from '../api/names.ts'
import { type Faults, type FieldPath, root } from './field-path.ts'

type Data = Readonly<Record<string, string>>

export const dataLimit = 1024 * 1024

/** The bytes of all values. */
export function dataRules(
  data: Data | undefined,
  field: string,
  size: (value: string) => number,
  faults: Faults,
): number {
  let total = 0
  for (const key in data) {
    const sentences = configKeyFaults(key)
    if (sentences.length > 0) faults.invalids(sentences, key, root.child(field).key(key))
    total += size(data[key]!)
  }
  return total
}

/** The bytes that a text of base64 stands for; line breaks count for nothing. */
export function base64Size(text: string): number {
  const length = text.includes('\n') ? text.replaceAll(/[\r\n]/g, '').length : text.length
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return Math.floor((length * 3) / 4) - padding
}

/** The bytes of a text in UTF-8, counted only where a longer text could matter. */
export function textSize(text: string): number {
  return text.length * 3 <= 1024 ? text.length : new TextEncoder().encode(text).length
}

interface Keyed {
  readonly immutable?: boolean
  readonly data?: Data
  readonly binaryData?: Data
}

export function immutableDataRules(next: Keyed, old: Keyed, faults: Faults): void {
  if (!old.immutable) return
  const detail = 'field is immutable when `immutable` is set'
  const check = (isSame: boolean, path: FieldPath): void => {
    if (!isSame) faults.forbidden(path, detail)
  }
  check(next.immutable === true, root.child('immutable'))
  check(jsonEqual(next.data ?? {}, old.data ?? {}), root.child('data'))
  check(jsonEqual(next.binaryData ?? {}, old.binaryData ?? {}), root.child('binaryData'))
}
