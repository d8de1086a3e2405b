// RBAC: what roles and bindings in the store allow. Bindings are kept by their subjects from the first question on, so that a
// decision looks only at those of the user and of his groups; roles are looked up when asked. Made by authorization.ts.
// Upstream: plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/registry/rbac/validation/rule.go.

import type { ClusterRole, RoleBinding } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Cancel } from '../../src/env/clock.ts'
import type { User } from '../registry/registry.ts'
import { keyOf, prefixOf } from '../storage/keys.ts'
import type { Storage, Stored } from '../storage/storage.ts'
import type { Asked, Decision } from './authorization.ts'
import { type Rule, ruleAllows } from './policy-rules.ts'

const group = 'rbac.authorization.k8s.io'
const roles = { group, plural: 'roles', namespaced: true }
const clusterRoles = { group, plural: 'clusterroles' }
const bindings = { group, plural: 'rolebindings', namespaced: true }
const clusterBindings = { group, plural: 'clusterrolebindings' }

/** What one binding gives to one of its subjects. */
interface Grant {
  readonly roleKey: string
  readonly roleKind: string
  readonly roleName: string
  /** `ClusterRoleBinding "x"`, or with its namespace: `RoleBinding "x/default"`. */
  readonly binding: string
  /** `User "jane"`. */
  readonly subject: string
}

const none: ReadonlyMap<string, Grant> = new Map()

export class Rbac {
  readonly #storage: Storage
  /** By namespace ('' for bindings of the cluster), then by subject, then by the binding's key. */
  readonly #grants = new Map<string, Map<string, Map<string, Grant>>>()
  #stop: Cancel | undefined
  #isClosed = false

  constructor(storage: Storage) {
    this.#storage = storage
  }

  decide(user: User, asked: Asked): Decision {
    this.#follow()
    const errors: string[] = []
    for (const grant of this.#grantsOf(user, asked.isResource ? asked.namespace : '')) {
      const rules = this.#rules(grant, errors)
      if (!rules?.some(rule => ruleAllows(rule, asked))) continue
      const role = `${grant.roleKind} ${JSON.stringify(grant.roleName)}`
      return { allowed: true, reason: `RBAC: allowed by ${grant.binding} of ${role} to ${grant.subject}` }
    }
    const said = [...new Set(errors)]
    if (said.length === 0) return { allowed: false }
    return { allowed: false, reason: `RBAC: ${said.length === 1 ? said[0] : `[${said.join(', ')}]`}` }
  }

  rulesOf(user: User, namespace: string): Rule[] {
    this.#follow()
    return [...this.#grantsOf(user, namespace)].flatMap(grant => this.#rules(grant, []) ?? [])
  }

  close(): void {
    this.#isClosed = true
    this.#stop?.()
  }

  *#grantsOf({ name, groups }: User, namespace: string): Generator<Grant> {
    for (const place of namespace === '' ? [''] : ['', namespace]) {
      const here = this.#grants.get(place)
      if (here === undefined) continue
      yield* (here.get(`User ${name}`) ?? none).values()
      for (const each of groups) yield* (here.get(`Group ${each}`) ?? none).values()
    }
  }

  #rules({ roleKey, roleKind, roleName }: Grant, errors: string[]): readonly Rule[] | undefined {
    const role = this.#storage.get(roleKey)?.object as unknown as Frozen<ClusterRole> | undefined
    if (role === undefined) {
      errors.push(`${roleKind.toLowerCase()}.${group} ${JSON.stringify(roleName)} not found`)
      return undefined
    }
    return role.rules
  }

  /** From now on, when nobody has asked before. */
  #follow(): void {
    if (this.#stop !== undefined || this.#isClosed) return
    for (const kind of [clusterBindings, bindings]) {
      for (const stored of this.#storage.list(prefixOf(kind))) this.#put(stored)
    }
    const stops = [clusterBindings, bindings].map(kind =>
      this.#storage.subscribe(prefixOf(kind), this.#storage.revision, events => {
        for (const { type, stored, previous } of events) {
          if (previous !== undefined) this.#drop(previous)
          if (type !== 'DELETED') this.#put(stored)
        }
      }),
    )
    this.#stop = () => {
      for (const stop of stops) stop()
    }
  }

  #put(stored: Stored): void {
    const binding = stored.object as unknown as Frozen<RoleBinding>
    const { namespace = '', name } = binding.metadata
    const { kind, name: roleName } = binding.roleRef
    const roleKey =
      kind === 'Role' ? keyOf(roles, { namespace, name: roleName }) : keyOf(clusterRoles, { name: roleName })
    const shownBinding = namespace
      ? `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}`
      : `ClusterRoleBinding ${JSON.stringify(name)}`
    for (const [key, subject] of subjectsOf(binding)) {
      const here = getOrMake(this.#grants, namespace, () => new Map<string, Map<string, Grant>>())
      const grants = getOrMake(here, key, () => new Map<string, Grant>())
      if (grants.has(stored.key)) continue
      grants.set(stored.key, { roleKey, roleKind: kind, roleName, binding: shownBinding, subject })
    }
  }

  #drop(stored: Stored): void {
    const binding = stored.object as unknown as Frozen<RoleBinding>
    const here = this.#grants.get(binding.metadata.namespace ?? '')
    for (const [key] of subjectsOf(binding)) {
      const grants = here?.get(key)
      grants?.delete(stored.key)
      if (grants?.size === 0) here!.delete(key)
    }
    if (here?.size === 0) this.#grants.delete(binding.metadata.namespace ?? '')
  }
}

/** By whom it is found, and how it is shown. */
function* subjectsOf({ metadata, subjects = [] }: Frozen<RoleBinding>): Generator<[key: string, shown: string]> {
  for (const { kind, name, namespace = metadata.namespace ?? '' } of subjects) {
    if (kind === 'ServiceAccount') {
      const user = `system:serviceaccount:${namespace}:${name}`
      yield [`User ${user}`, `ServiceAccount ${JSON.stringify(`${name}/${namespace}`)}`]
    } else if (kind === 'User' || kind === 'Group') {
      yield [`${kind} ${name}`, `${kind} ${JSON.stringify(name)}`]
    }
  }
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
