// Roles: what may be done in one namespace, by whom bindings say.

import type { Role } from '../../generated/types.ts'
import { pathSegmentFaults } from '../api/names.ts'
import { createdColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'
import { policyRuleRules, rbacGroup } from './rbac-rules.ts'

/** Kind `Role` of `rbac.authorization.k8s.io/v1`: `roles`, in namespaces. */
export const Roles = defineKind<Role>({
  group: rbacGroup,
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  singular: 'role',
  namespaced: true,
  hasGeneration: false,
  nameRule: pathSegmentFaults,
  columns: [nameColumn, createdColumn],
  validate({ rules = [] }) {
    const faults = new Faults()
    policyRuleRules(rules, true, faults)
    return faults.list
  },
})
