// Namespaces: the scope of names. A new one carries the finalizer `kubernetes`, which the namespace controller takes off
// through the `finalize` subresource once nothing is left inside.

import type { Namespace } from '../../generated/types.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, FieldPath } from './field-path.ts'
import { defineKind } from './kind.ts'
import { finalizerNameRules } from './object-meta.ts'

/** Kind `Namespace` of `v1`: `namespaces`, without a namespace. */
export const Namespaces = defineKind<Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  subresources: ['status', 'finalize'],
  hasGeneration: false,
  nameRule: dns1123LabelFaults,
  // pkg/registry/core/namespace/storage/storage.go serves no deletion of collections.
  withoutVerbs: ['deletecollection'],
  columns: [
    nameColumn,
    {
      name: 'Status',
      type: 'string',
      description: 'Active, or Terminating while its contents go.',
      value: namespace => namespace.status.phase ?? '',
    },
    ageColumn,
  ],
  fields: { 'status.phase': namespace => namespace.status.phase },
  defaults(draft) {
    draft.spec ??= {}
    draft.status ??= {}
    draft.status.phase ??= 'Active'
    if (draft.metadata.name) {
      draft.metadata.labels ??= {}
      draft.metadata.labels['kubernetes.io/metadata.name'] = draft.metadata.name
    }
  },
  prepare(draft, old, { operation, subresource }) {
    if (operation === 'create') {
      draft.status = { phase: 'Active' }
      draft.spec.finalizers ??= []
      if (!draft.spec.finalizers.includes('kubernetes')) draft.spec.finalizers.push('kubernetes')
    } else if (subresource !== 'finalize') {
      if (old?.spec.finalizers) draft.spec.finalizers = [...old.spec.finalizers]
      else delete draft.spec.finalizers
    }
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (subresource === 'finalize') {
      const path = new FieldPath('spec').child('finalizers')
      for (const [index, name] of (next.spec.finalizers ?? []).entries()) {
        finalizerNameRules(name, path.index(index), faults)
      }
    } else if (old && subresource === 'status') {
      const { phase } = next.status
      const path = new FieldPath('status').child('Phase')
      const isEnding = next.metadata.deletionTimestamp !== undefined
      if (!isEnding && phase !== 'Active') {
        faults.invalid(path, phase ?? '', "may only be 'Active' if `deletionTimestamp` is empty")
      } else if (isEnding && phase !== 'Terminating') {
        faults.invalid(path, phase ?? '', "may only be 'Terminating' if `deletionTimestamp` is not empty")
      }
    }
    return faults.list
  },
})
