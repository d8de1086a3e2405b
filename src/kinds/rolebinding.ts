// RoleBindings: who has a role in one namespace.

import type { RoleBinding } from '../../generated/types.ts'
import { pathSegmentFaults } from '../api/names.ts'
import { defineKind } from './kind.ts'
import { bindingColumns, bindingDefaults, bindingRules, rbacGroup } from './rbac-rules.ts'

/** Kind `RoleBinding` of `rbac.authorization.k8s.io/v1`: `rolebindings`, in namespaces. */
export const RoleBindings = defineKind<RoleBinding>({
  group: rbacGroup,
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  singular: 'rolebinding',
  namespaced: true,
  hasGeneration: false,
  nameRule: pathSegmentFaults,
  columns: bindingColumns,
  defaults: bindingDefaults,
  validate: (next, old) => bindingRules(next, old, ['Role', 'ClusterRole']).list,
})
