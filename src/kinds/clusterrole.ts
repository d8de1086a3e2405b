// ClusterRoles: what may be done anywhere, or, given by a RoleBinding, in its namespace. One with an aggregation rule gets its
// rules from others (controllers/clusterrole-aggregation.ts).

import type { ClusterRole } from '../../generated/types.ts'
import { pathSegmentFaults } from '../api/names.ts'
import { createdColumn, nameColumn } from './columns.ts'
import { Faults, root } from './field-path.ts'
import { defineKind } from './kind.ts'
import { labelSelectorRules } from './label-selector-rules.ts'
import { policyRuleRules, rbacGroup } from './rbac-rules.ts'

/** Kind `ClusterRole` of `rbac.authorization.k8s.io/v1`: `clusterroles`, without a namespace. */
export const ClusterRoles = defineKind<ClusterRole>({
  group: rbacGroup,
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  singular: 'clusterrole',
  namespaced: false,
  hasGeneration: false,
  nameRule: pathSegmentFaults,
  columns: [nameColumn, createdColumn],
  validate({ rules = [], aggregationRule }) {
    const faults = new Faults()
    policyRuleRules(rules ?? [], false, faults)
    if (aggregationRule) {
      const { clusterRoleSelectors = [] } = aggregationRule
      const at = root.child('aggregationRule', 'clusterRoleSelectors')
      if (clusterRoleSelectors.length === 0) {
        faults.required(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil')
      }
      for (const [index, selector] of clusterRoleSelectors.entries())
        labelSelectorRules(selector, at.index(index), faults)
    }
    return faults.list
  },
})
