// Nobody gives what he does not have: who writes a role must hold its rules, who writes a binding those of its role, unless he
// may `escalate` the one or `bind` the other. Upstream has this in the stores of roles and bindings:
// pkg/registry/rbac/clusterrole/policybased/storage.go and its like, pkg/registry/rbac/escalation_check.go.

import type { ClusterRole, PolicyRule, RoleBinding } from '../../generated/types.ts'
import { forbidden, notFound } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Authorizer } from '../auth/authorization.ts'
import { keyOf } from '../storage/keys.ts'
import type { Admission, AdmissionRequest } from './admission.ts'

const group = 'rbac.authorization.k8s.io'
const kinds: ReadonlySet<string> = new Set(['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'])

export function roleEscalation(authorizer: Pick<Authorizer, 'authorize' | 'escalation'>): Admission {
  /** Whether the user may do it to this role, whatever it holds. */
  const may = (request: AdmissionRequest, verb: string, resource: string, name: string): boolean => {
    const namespace = request.namespace ?? ''
    const asked = { verb, group, version: 'v1', resource, name, namespace }
    return authorizer.authorize(request.user, { resource: asked }).allowed
  }

  const requireHeld = (request: AdmissionRequest, rules: readonly Frozen<PolicyRule>[]): void => {
    const why = authorizer.escalation(request.user, request.namespace ?? '', rules)
    if (why !== undefined) throw forbidden(request.kind, request.name, why)
  }

  function checkRole(role: Frozen<ClusterRole>, request: AdmissionRequest): void {
    const old = request.old as unknown as Frozen<ClusterRole> | undefined
    const { plural } = request.kind
    const { rules = [], aggregationRule } = role
    if (old && jsonEqual(old.rules ?? [], rules ?? []) && jsonEqual(old.aggregationRule, aggregationRule)) return
    if (may(request, 'escalate', plural, role.metadata.name!)) return
    if (aggregationRule && authorizer.escalation(request.user, '', everything) !== undefined) {
      throw forbidden(request.kind, request.name, 'must have cluster-admin privileges to use an aggregationRule')
    }
    requireHeld(request, rules ?? [])
  }

  function checkBinding(binding: Frozen<RoleBinding>, request: AdmissionRequest): void {
    const old = request.old as unknown as Frozen<RoleBinding> | undefined
    const { roleRef, subjects } = binding
    if (old && jsonEqual(old.roleRef, roleRef) && jsonEqual(old.subjects, subjects)) return
    const plural = roleRef.kind === 'Role' ? 'roles' : 'clusterroles'
    if (may(request, 'bind', plural, roleRef.name)) return
    const where = { group, plural, namespaced: plural === 'roles' }
    const key = keyOf(where, { name: roleRef.name, namespace: request.namespace })
    const role = request.present.get(key)?.object as unknown as Frozen<ClusterRole> | undefined
    if (role === undefined) {
      throw notThere(plural, roleRef.name)
    }
    requireHeld(request, role.rules ?? [])
  }

  return {
    name: 'RoleEscalation',
    concerns: kind => kind.group === group && kinds.has(kind.plural),
    check(next: Frozen<KubeObject>, request: AdmissionRequest) {
      if (request.operation === 'DELETE' || request.user.groups.includes('system:masters')) return
      if ('roleRef' in next) checkBinding(next as unknown as Frozen<RoleBinding>, request)
      else checkRole(next as unknown as Frozen<ClusterRole>, request)
    },
  }
}

const everything: readonly Frozen<PolicyRule>[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** As its lister words it, in the singular: `clusterrole.rbac.authorization.k8s.io "x" not found`. */
function notThere(plural: string, name: string) {
  return notFound({ group, plural: plural.slice(0, -1), kind: '' }, name)
}
