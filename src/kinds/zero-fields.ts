// Which fields Go leaves out of JSON when they are zero – empty texts, lists and maps, 0 and false that are no pointers: what a
// client sends so is not there when it is read again. Read off the marks in protobuf-fields.ts. Called by the decoder, and by
// the script that writes the validators.

import { protobufFields } from './protobuf-fields.ts'

/** By definition (`io.k8s.api.core.v1.PodSpec`): the fields that are left out when they are zero. */
export function zeroFieldsOf(definition: string): ReadonlySet<string> | undefined {
  const text = protobufFields[definition.split('.').slice(-3).join('.')]
  if (text === undefined) return undefined
  // An empty list of managers says something: that all of them are to be forgotten.
  const names = text.split(' ').flatMap(word => /^(\w+):[\d.]+$/.exec(word)?.[1] ?? [])
  return new Set(names.filter(name => name !== 'managedFields'))
}

export function isZero(value: unknown): boolean {
  if (value === '' || value === 0 || value === false) return true
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}
