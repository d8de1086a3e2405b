// Which FlowSchema a request belongs to. Pure; called by flow-control.ts for every request, so it makes nothing.
// Upstream: k8s.io/apiserver/pkg/util/flowcontrol/rule.go.

import type {
  FlowcontrolV1Subject,
  FlowSchema,
  NonResourcePolicyRule,
  ResourcePolicyRule,
} from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { User } from '../registry/registry.ts'

/** What a request asks for; http/request-attributes.ts makes them. */
export interface Asked {
  readonly isResource: boolean
  readonly path: string
  readonly verb: string
  readonly group: string
  readonly namespace: string
  readonly resource: string
  readonly subresource: string
}

export function matches({ spec }: Frozen<FlowSchema>, asked: Asked, user: User): boolean {
  for (const { subjects, resourceRules, nonResourceRules } of spec.rules ?? []) {
    if (!subjects.some(subject => isSubject(subject, user))) continue
    const isMatch = asked.isResource
      ? resourceRules?.some(rule => isResourceMatch(rule, asked))
      : nonResourceRules?.some(rule => isPathMatch(rule, asked))
    if (isMatch) return true
  }
  return false
}

const accountPrefix = 'system:serviceaccount:'

function isSubject({ kind, user, group, serviceAccount }: Frozen<FlowcontrolV1Subject>, who: User): boolean {
  if (kind === 'Group') return group !== undefined && (group.name === '*' || who.groups.includes(group.name))
  if (kind === 'User') return user !== undefined && (user.name === '*' || user.name === who.name)
  if (serviceAccount === undefined || !who.name.startsWith(accountPrefix)) return false
  const { name, namespace } = serviceAccount
  if (name !== '*') return who.name === `${accountPrefix}${namespace}:${name}`
  return who.name.startsWith(`${accountPrefix}${namespace}:`)
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && ((list.length === 1 && list[0] === '*') || list.includes(value))

function isResourceMatch(rule: Frozen<ResourcePolicyRule>, asked: Asked): boolean {
  const resource = asked.subresource === '' ? asked.resource : `${asked.resource}/${asked.subresource}`
  if (!has(rule.verbs, asked.verb) || !has(rule.resources, resource) || !has(rule.apiGroups, asked.group)) return false
  return asked.namespace === '' ? rule.clusterScope === true : has(rule.namespaces, asked.namespace)
}

function isPathMatch({ verbs, nonResourceURLs }: Frozen<NonResourcePolicyRule>, { verb, path }: Asked): boolean {
  if (!has(verbs, verb)) return false
  return nonResourceURLs.some(url => {
    if (url === '*' || url === path) return true
    const prefix = url.endsWith('*') ? url.slice(0, -1) : url
    return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
  })
}
