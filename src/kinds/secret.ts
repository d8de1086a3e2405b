// Secrets: bytes by key (base64 in JSON), of a type that may ask for certain keys.

import type { Secret } from '../../generated/types.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'

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
      value: secret => String(Object.keys(secret.data ?? {}).length),
    },
    ageColumn,
  ],
  fields: { type: secret => secret.type },
  defaults(draft) {
    // stringData is write-only: it is merged into data on the way in (pkg/apis/core/v1/conversion.go).
    if (draft.stringData) {
      draft.data ??= {}
      for (const [key, text] of Object.entries(draft.stringData)) {
        draft.data[key] = Buffer.from(text, 'utf8').toString('base64')
      }
      delete draft.stringData
    }
    draft.type ||= 'Opaque'
  },
})
