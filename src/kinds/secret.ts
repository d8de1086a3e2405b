// Secrets: bytes by key (base64 in JSON), of a type that may ask for certain keys.

import type { Secret } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, root } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { base64Size, dataLimit, dataRules, immutableDataRules } from './keyed-data-rules.ts'
import { defineKind } from './kind.ts'

/** Kind `Secret` of `v1`: `secrets`, in namespaces. */
export const Secrets = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  hasGeneration: false,
  columns: [
    nameColumn,
    { name: 'Type', type: 'string', description: 'What the secret is for.', value: secret => secret.type ?? '' },
    {
      name: 'Data',
      type: 'string',
      description: 'Number of keys.',
      // A number though the column says string: as printSecret has it.
      value: secret => Object.keys(secret.data ?? {}).length,
    },
    ageColumn,
  ],
  fields: { type: secret => secret.type },
  defaults(draft) {
    // stringData is write-only: it is merged into data on the way in (pkg/apis/core/v1/conversion.go).
    if (draft.stringData) {
      draft.data ??= {}
      for (const [key, text] of Object.entries(draft.stringData)) {
        draft.data[key] = base64Of(text)
      }
      delete draft.stringData
    }
    draft.type ||= 'Opaque'
  },
  validate(next, old) {
    const faults = new Faults()
    if (old) {
      unchanged(next.type, old.type, root.child('type'), faults)
      immutableDataRules(next, old, faults)
    }
    if (dataRules(next.data, 'data', base64Size, faults) > dataLimit) faults.tooLong(root.child('data'), dataLimit)
    typeRules(next, faults)
    return faults.list
  },
})

function base64Of(text: string): string {
  let binary = ''
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte)
  return btoa(binary)
}

function typeRules({ type, data, metadata: { annotations } }: Frozen<Secret>, faults: Faults): void {
  const path = root.child('data')
  const needs = (key: string): void => {
    if (data?.[key] === undefined) faults.required(path.key(key))
  }
  switch (type) {
    case 'kubernetes.io/service-account-token': {
      const key = 'kubernetes.io/service-account.name'
      if (!annotations?.[key]) faults.required(root.child('metadata', 'annotations').key(key))
      return
    }
    case 'kubernetes.io/dockercfg':
      needs('.dockercfg')
      jsonRule('.dockercfg', data?.['.dockercfg'], faults)
      return
    case 'kubernetes.io/dockerconfigjson':
      needs('.dockerconfigjson')
      jsonRule('.dockerconfigjson', data?.['.dockerconfigjson'], faults)
      return
    case 'kubernetes.io/basic-auth':
      if (data?.username === undefined && data?.password === undefined) {
        needs('username')
        needs('password')
      }
      return
    case 'kubernetes.io/ssh-auth':
      if (!data?.['ssh-privatekey']) faults.required(path.key('ssh-privatekey'))
      return
    case 'kubernetes.io/tls':
      needs('tls.crt')
      needs('tls.key')
  }
}

function jsonRule(key: string, base64: string | undefined, faults: Faults): void {
  if (base64 === undefined) return
  const wrong = (why: string): void => faults.invalid(root.child('data').key(key), '<secret contents redacted>', why)
  const text = new TextDecoder().decode(Uint8Array.from(atob(base64), character => character.charCodeAt(0)))
  if (text.trim() === '') {
    wrong('unexpected end of JSON input')
    return
  }
  try {
    const value: unknown = JSON.parse(text)
    const isMap = value === null || (typeof value === 'object' && !Array.isArray(value))
    if (!isMap) wrong(`json: cannot unmarshal ${goTypeOf(value)} into Go value of type map[string]interface {}`)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    wrong(error.message)
  }
}

function goTypeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
}
