// Sees to the roles and bindings that every cluster has: those that are missing are written, all in one batch, and those that are
// there get back what they have lost, unless they are told to be left alone. Called once a start, by server.ts. Upstream:
// pkg/registry/rbac/rest/storage_rbac.go and pkg/registry/rbac/reconciliation.

import type { ClusterRole, PolicyRule, RoleBinding } from '../../generated/types.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { Env } from '../../src/env/env.ts'
import { keyOf } from '../storage/keys.ts'
import type { AlsoPut, Storage } from '../storage/storage.ts'
import { type BootstrapObject, bootstrapPolicy } from './bootstrap-policy.ts'
import { missingRules } from './policy-rules.ts'

const autoupdate = 'rbac.authorization.kubernetes.io/autoupdate'

const places: Readonly<Record<string, { group: string; plural: string; namespaced: boolean }>> = {
  ClusterRole: { group: 'rbac.authorization.k8s.io', plural: 'clusterroles', namespaced: false },
  ClusterRoleBinding: { group: 'rbac.authorization.k8s.io', plural: 'clusterrolebindings', namespaced: false },
  Role: { group: 'rbac.authorization.k8s.io', plural: 'roles', namespaced: true },
  RoleBinding: { group: 'rbac.authorization.k8s.io', plural: 'rolebindings', namespaced: true },
}

export async function bootstrapRoles(env: Env, storage: Storage): Promise<void> {
  const random = env.random.fork('bootstrap-roles')
  const stamp = (object: BootstrapObject): KubeObject => {
    const metadata = { ...object.metadata, uid: random.uid(), creationTimestamp: rfc3339(env.clock.now()) }
    return { ...object, metadata } as unknown as KubeObject
  }
  const puts: AlsoPut[] = []
  for (const object of bootstrapPolicy()) {
    const key = keyOf(places[object.kind!]!, { ...object.metadata, name: object.metadata.name! })
    const present = storage.get(key)?.object
    const put = present === undefined ? stamp(object) : reconciled(object, present)
    if (put !== undefined) puts.push({ key, put })
  }
  const last = puts.pop()
  if (last !== undefined) await storage.write(last.key, () => ({ put: last.put, also: puts }), { by: 'kube-apiserver' })
}

/** Undefined when nothing of it is missing. A binding cannot change its role: one to another is replaced. */
function reconciled(wanted: BootstrapObject, present: Frozen<KubeObject>): KubeObject | undefined {
  const { labels, annotations, ...meta } = present.metadata
  if (annotations?.[autoupdate] === 'false') return undefined
  const metadata = {
    ...meta,
    labels: { ...wanted.metadata.labels, ...labels },
    annotations: { ...wanted.metadata.annotations, ...annotations },
  }
  const next = { ...present, metadata, ...partsOf(wanted, present) } as unknown as KubeObject
  return jsonEqual(next, present) ? undefined : next
}

function partsOf(wanted: BootstrapObject, present: Frozen<KubeObject>): object {
  if ('roleRef' in wanted) {
    const { subjects = [], roleRef } = present as unknown as Frozen<RoleBinding>
    const wantedRef = (wanted as RoleBinding).roleRef
    if (roleRef.kind !== wantedRef.kind || roleRef.name !== wantedRef.name) {
      return { roleRef: wantedRef, subjects: wanted.subjects ?? [] }
    }
    const lost = ((wanted as RoleBinding).subjects ?? []).filter(each => !subjects.some(own => jsonEqual(own, each)))
    return lost.length > 0 ? { subjects: [...subjects, ...lost] } : {}
  }
  const { aggregationRule } = wanted as ClusterRole
  const role = present as unknown as Frozen<ClusterRole>
  if (aggregationRule) {
    const lost = (aggregationRule.clusterRoleSelectors ?? []).filter(
      each => !role.aggregationRule?.clusterRoleSelectors?.some(own => jsonEqual(own, each)),
    )
    if (lost.length === 0) return {}
    return {
      aggregationRule: { clusterRoleSelectors: [...(role.aggregationRule?.clusterRoleSelectors ?? []), ...lost] },
    }
  }
  const rules = role.rules ?? []
  const lost = missingRules(rules, (wanted as { rules?: PolicyRule[] }).rules ?? [])
  return lost.length > 0 ? { rules: [...rules, ...lost] } : {}
}
