// ClusterRoleBindings: who has a role everywhere.

import type { ClusterRoleBinding } from '../../generated/types.ts'
import { pathSegmentFaults } from '../api/names.ts'
import { defineKind } from './kind.ts'
import { bindingColumns, bindingDefaults, bindingRules, rbacGroup } from './rbac-rules.ts'

/** Kind `ClusterRoleBinding` of `rbac.authorization.k8s.io/v1`: `clusterrolebindings`, without a namespace. */
export const ClusterRoleBindings = defineKind<ClusterRoleBinding>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  namespaced: false,
  hasGeneration: false,
  nameRule: pathSegmentFaults,
  columns: bindingColumns,
  defaults: bindingDefaults,
  validate: (next, old) => bindingRules(next, old, ['ClusterRole']).list,
})
