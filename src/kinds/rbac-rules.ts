// What roles and bindings share: their rules, their subjects, and the role that a binding is to. Called by the four kinds of
// rbac.authorization.k8s.io. Upstream: pkg/apis/rbac/validation/validation.go and pkg/apis/rbac/v1/defaults.go.

import type { PolicyRule, RbacV1Subject, RoleBinding } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen, KubeObject } from '../api/meta.ts'
import { dns1123SubdomainFaults, pathSegmentFaults } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, type FieldPath, root } from './field-path.ts'
import type { Column } from './kind.ts'

export const rbacGroup = 'rbac.authorization.k8s.io'

export function policyRuleRules(rules: readonly Frozen<PolicyRule>[], namespaced: boolean, faults: Faults): void {
  for (const [index, rule] of rules.entries()) {
    const at = root.child('rules').index(index)
    const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
    if (!verbs?.length) faults.required(at.child('verbs'), 'verbs must contain at least one value')
    if (nonResourceURLs.length > 0) {
      const path = at.child('nonResourceURLs')
      if (namespaced) faults.invalid(path, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs')
      if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0) {
        faults.invalid(path, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs')
      }
      continue
    }
    if (apiGroups.length === 0) {
      faults.required(at.child('apiGroups'), 'resource rules must supply at least one api group')
    }
    if (resources.length === 0) {
      faults.required(at.child('resources'), 'resource rules must supply at least one resource')
    }
  }
}

/** Users and groups are of the group of RBAC unless they say otherwise. */
export function bindingDefaults(draft: Pick<RoleBinding, 'roleRef' | 'subjects'>): void {
  if (draft.roleRef) draft.roleRef.apiGroup ||= rbacGroup
  for (const subject of draft.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup
  }
}

export function bindingRules(
  next: Frozen<Pick<RoleBinding, 'roleRef' | 'subjects'>>,
  old: Frozen<Pick<RoleBinding, 'roleRef'>> | undefined,
  roleKinds: readonly string[],
): Faults {
  const faults = new Faults()
  const { apiGroup = '', kind = '', name = '' } = next.roleRef ?? {}
  const at = root.child('roleRef')
  if (apiGroup !== rbacGroup) faults.notSupported(at.child('apiGroup'), apiGroup, [rbacGroup])
  if (!roleKinds.includes(kind)) faults.notSupported(at.child('kind'), kind, roleKinds)
  if (name === '') faults.required(at.child('name'))
  else faults.invalids(pathSegmentFaults(name), name, at, 'name')
  for (const [index, subject] of (next.subjects ?? []).entries()) {
    subjectRules(subject, roleKinds.length > 1, root.child('subjects').index(index), faults)
  }
  if (old && !jsonEqual(old.roleRef, next.roleRef)) faults.invalid(at, next.roleRef, 'cannot change roleRef')
  return faults
}

const subjectKinds = ['ServiceAccount', 'User', 'Group']

function subjectRules(subject: Frozen<RbacV1Subject>, namespaced: boolean, at: FieldPath, faults: Faults): void {
  const { kind = '', name = '', apiGroup = '', namespace = '' } = subject
  if (name === '') faults.required(at.child('name'))
  switch (kind) {
    case 'ServiceAccount':
      if (name !== '') faults.invalids(dns1123SubdomainFaults(name), name, at, 'name')
      if (apiGroup !== '') faults.notSupported(at.child('apiGroup'), apiGroup, [''])
      if (!namespaced && namespace === '') faults.required(at.child('namespace'))
      break
    case 'User':
    case 'Group':
      if (name === '') faults.invalid(at.child('name'), name, `${kind.toLowerCase()} name cannot be empty`)
      if (apiGroup !== rbacGroup) faults.notSupported(at.child('apiGroup'), apiGroup, [rbacGroup])
      break
    default:
      faults.notSupported(at.child('kind'), kind, subjectKinds)
  }
}

type Binding = KubeObject & Pick<RoleBinding, 'roleRef' | 'subjects'>

/** pkg/printers/internalversion/printers.go, printRoleBinding. */
export const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  {
    name: 'Role',
    type: 'string',
    description: 'The role that is given.',
    value: ({ roleRef }) => `${roleRef?.kind ?? ''}/${roleRef?.name ?? ''}`,
  },
  ageColumn,
  { name: 'Users', type: 'string', priority: 1, description: 'Users who get it.', value: named('User') },
  { name: 'Groups', type: 'string', priority: 1, description: 'Groups that get it.', value: named('Group') },
  {
    name: 'ServiceAccounts',
    type: 'string',
    priority: 1,
    description: 'Service accounts that get it.',
    value: ({ subjects = [] }) =>
      subjects
        .filter(({ kind }) => kind === 'ServiceAccount')
        .map(({ namespace, name }) => (namespace ? `${namespace}/${name}` : `/${name}`))
        .join(', '),
  },
]

function named(wanted: string) {
  return ({ subjects = [] }: Frozen<Binding>): string =>
    subjects
      .filter(({ kind }) => kind === wanted)
      .map(({ name }) => name)
      .join(', ')
}
