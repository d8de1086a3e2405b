// Bindings: the old way to give a pod its node. What is created is done to the pod of the same name and never stored; the
// newer way is the pod's own subresource of that name (apiserver/registry/subresources.ts).

import type { Binding } from '../../generated/types.ts'
import { createdColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'

/** Kind `Binding` of `v1`: `bindings`, in namespaces. */
export const Bindings = defineKind<Binding>({
  group: '',
  version: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  singular: 'binding',
  namespaced: true,
  hasGeneration: false,
  withoutVerbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  columns: [nameColumn, createdColumn],
})
