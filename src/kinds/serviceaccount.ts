// ServiceAccounts: the identity of pods. Secret references keep nothing but the name.

import type { ServiceAccount } from '../../generated/types.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'

/** Kind `ServiceAccount` of `v1`: `serviceaccounts`, in namespaces. */
export const ServiceAccounts = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  namespaced: true,
  hasGeneration: false,
  columns: [nameColumn, ageColumn],
  subresources: ['token'],
  prepare(draft) {
    if (draft.secrets) draft.secrets = draft.secrets.map(({ name }) => (name === undefined ? {} : { name }))
  },
})
