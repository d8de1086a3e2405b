// May they? Asked once a request by http/answering.ts, and by whoever has to know more: reviews, impersonation, admission plugins,
// policies. Upstream's order: the masters may everything, then nodes (node-authorizer.ts), then RBAC (rbac.ts).

import type {
  NonResourceAttributes,
  PolicyRule,
  ResourceAttributes,
  SubjectRulesReviewStatus,
} from '../../generated/types.ts'
import { ApiError } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { User } from '../registry/registry.ts'
import type { Storage } from '../storage/storage.ts'
import { isNode, NodeAuthorizer } from './node-authorizer.ts'
import { missingRules, quotedList, shownRule } from './policy-rules.ts'
import { Rbac } from './rbac.ts'

/** What somebody would do, as reviews put it: to a resource, or to a path that is none. */
export type Attributes =
  | { readonly resource: Frozen<ResourceAttributes> }
  | { readonly path: Frozen<NonResourceAttributes> }

/** The same, as requests have it: every word is there, '' where it says nothing. */
export interface Asked {
  readonly isResource: boolean
  readonly path: string
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly namespace: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
}

/** What a list's field selector demands a field to be; undefined when it leaves that open. */
export type Selected = (field: string) => string | undefined

export interface Decision {
  readonly allowed: boolean
  /** For people; absent where there is nothing to say. */
  readonly reason?: string
}

export interface Authorizer {
  /** Of a request. */
  decide(user: User, asked: Asked, selected?: Selected): Decision
  /** Of a review. */
  authorize(user: User, attributes: Attributes): Decision
  /** All that it would say yes to in a namespace, as far as that can be told. */
  rulesFor(user: User, namespace: string): SubjectRulesReviewStatus
  /** Undefined when the user holds all of these rules in the namespace ('': everywhere); else the sentence that says so. */
  escalation(user: User, namespace: string, rules: readonly Frozen<PolicyRule>[]): string | undefined
  close(): void
}

const allowed: Decision = { allowed: true }
const masters = 'system:masters'

export const isMaster = ({ groups }: Pick<User, 'groups'>): boolean => groups.includes(masters)

export function createAuthorizer(storage: Storage): Authorizer {
  const rbac = new Rbac(storage)
  const nodes = new NodeAuthorizer(storage)

  function decide(user: User, asked: Asked, selected?: Selected): Decision {
    if (isMaster(user)) return allowed
    const node = isNode(user) ? nodes.decide(user, asked, selected) : undefined
    if (node?.allowed) return node
    const decision = rbac.decide(user, asked)
    if (decision.allowed || !node?.reason) return decision
    return { allowed: false, reason: [node.reason, decision.reason].filter(Boolean).join(', ') }
  }

  return {
    decide,
    authorize: (user, attributes) => decide(user, askedOf(attributes), selectedOf(attributes)),
    rulesFor(user, namespace) {
      // As upstream, the masters' short cut names no rules: those of cluster-admin say it.
      const rules = rbac.rulesOf(user, namespace)
      const resources = rules.filter(({ resources }) => resources?.length)
      const paths = rules.filter(({ nonResourceURLs }) => nonResourceURLs?.length)
      return {
        resourceRules: resources.map(({ verbs, apiGroups = [], resources = [], resourceNames }) => ({
          verbs: [...verbs],
          apiGroups: [...apiGroups],
          resources: [...resources],
          ...(resourceNames?.length ? { resourceNames: [...resourceNames] } : {}),
        })),
        nonResourceRules: paths.map(({ verbs, nonResourceURLs = [] }) => ({
          verbs: [...verbs],
          nonResourceURLs: [...nonResourceURLs],
        })),
        incomplete: isNode(user),
        ...(isNode(user) ? { evaluationError: 'node authorizer does not support user rule resolution' } : {}),
      }
    },
    escalation(user, namespace, rules) {
      if (isMaster(user)) return undefined
      const missing = missingRules(rbac.rulesOf(user, namespace), rules)
      if (missing.length === 0) return undefined
      const who = `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)})`
      const what = [...new Set(missing.map(shownRule))].sort().join('\n')
      return `${who} is attempting to grant RBAC permissions not currently held:\n${what}`
    },
    close: () => rbac.close(),
  }
}

export function askedOf(attributes: Attributes): Asked {
  if ('path' in attributes) {
    const { path = '', verb = '' } = attributes.path
    return { ...nothing, isResource: false, path, verb }
  }
  const { verb = '', group = '', version = '', resource = '', subresource = '', namespace = '' } = attributes.resource
  const { name = '' } = attributes.resource
  return { isResource: true, path: '', verb, group, version, namespace, resource, subresource, name }
}

const nothing = { group: '', version: '', namespace: '', resource: '', subresource: '', name: '' }

function selectedOf(attributes: Attributes): Selected | undefined {
  if ('path' in attributes) return undefined
  const { requirements } = attributes.resource.fieldSelector ?? {}
  return field => requirements?.find(({ key, operator }) => key === field && operator === 'In')?.values?.[0]
}

/** 403 in upstream's words (apiserver/pkg/endpoints/handlers/responsewriters/errors.go, Forbidden). */
export function refused(user: User, asked: Asked, reason: string | undefined): ApiError {
  const { isResource, verb, path, group, resource, subresource, namespace, name } = asked
  const tail = reason ? `: ${reason}` : ''
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`
  if (!isResource) return new ApiError('Forbidden', `forbidden: ${who} path ${JSON.stringify(path)}${tail}`, {})
  const part = subresource ? `${resource}/${subresource}` : resource
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope'
  const why = `${who} resource ${JSON.stringify(part)} in API group ${JSON.stringify(group)} ${where}${tail}`
  const about = (group ? `${resource}.${group}` : resource) + (name ? ` ${JSON.stringify(name)}` : '')
  const details = { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: resource }
  return new ApiError('Forbidden', `${about} is forbidden: ${why}`, details)
}
