// Rules of RBAC: whether one allows something, and whether some allow all that others do. Pure; asked by rbac.ts and
// node-authorizer.ts. Upstream: pkg/apis/rbac/v1/evaluation_helpers.go, pkg/registry/rbac/validation/policy_comparator.go.

import type { PolicyRule } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Asked } from './authorization.ts'

export type Rule = Frozen<PolicyRule>

export function ruleAllows(rule: Rule, asked: Asked): boolean {
  if (!has(rule.verbs, asked.verb)) return false
  if (!asked.isResource) return rule.nonResourceURLs?.some(pattern => isUrlWithin(asked.path, pattern)) ?? false
  return (
    has(rule.apiGroups, asked.group) &&
    hasResource(rule.resources, asked.resource, asked.subresource) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(asked.name))
  )
}

function has(list: readonly string[] | undefined, wanted: string): boolean {
  if (list === undefined) return false
  for (const each of list) if (each === wanted || each === '*') return true
  return false
}

/** `pods`, `pods/log`, and for a part also what that part is of everything: any kind's `scale`. */
function hasResource(list: readonly string[] | undefined, resource: string, subresource: string): boolean {
  if (list === undefined) return false
  for (const each of list) {
    if (each === '*') return true
    if (subresource === '') {
      if (each === resource) return true
    } else if (each === `${resource}/${subresource}` || each === `*/${subresource}`) return true
  }
  return false
}

function isUrlWithin(path: string, pattern: string): boolean {
  if (pattern === '*' || pattern === path) return true
  return pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, ''))
}

/** What of `wanted` the owner of `held` does not have: broken down to rules of one verb, then put together again. */
export function missingRules(held: readonly Rule[], wanted: readonly Rule[]): PolicyRule[] {
  const missing = wanted.flatMap(brokenDown).filter(part => !held.some(rule => covers(rule, part)))
  return compacted(missing)
}

function brokenDown(rule: Rule): PolicyRule[] {
  const parts: PolicyRule[] = []
  for (const apiGroup of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        const part = { apiGroups: [apiGroup], resources: [resource], verbs: [verb] }
        if (!rule.resourceNames?.length) parts.push(part)
        else for (const name of rule.resourceNames) parts.push({ ...part, resourceNames: [name] })
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) {
    for (const verb of rule.verbs) parts.push({ nonResourceURLs: [url], verbs: [verb] })
  }
  return parts
}

function covers(owner: Rule, { verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): boolean {
  if (!has(owner.verbs, verbs[0]!)) return false
  if (nonResourceURLs) return owner.nonResourceURLs?.some(each => isUrlWithin(nonResourceURLs[0]!, each)) ?? false
  const [resource, subresource = ''] = resources![0]!.split('/') as [string, string?]
  if (!has(owner.apiGroups, apiGroups![0]!) || !hasResource(owner.resources, resource, subresource)) return false
  if (!owner.resourceNames?.length) return true
  return resourceNames !== undefined && owner.resourceNames.includes(resourceNames[0]!)
}

/** Rules of one resource that differ only in their verbs become one (pkg/registry/rbac/validation/policy_compact.go). */
export function compacted(rules: readonly PolicyRule[]): PolicyRule[] {
  const bySubject = new Map<string, PolicyRule>()
  const out: PolicyRule[] = []
  for (const rule of rules) {
    const isSimple = rule.resources?.length === 1 && rule.apiGroups?.length === 1 && !rule.nonResourceURLs?.length
    const key = `${rule.apiGroups?.[0]}/${rule.resources?.[0]} ${rule.resourceNames?.join() ?? ''}`
    const present = isSimple ? bySubject.get(key) : undefined
    if (present) {
      for (const verb of rule.verbs) if (!present.verbs.includes(verb)) present.verbs.push(verb)
      continue
    }
    const copy = { ...rule, verbs: [...rule.verbs] }
    if (isSimple) bySubject.set(key, copy)
    out.push(copy)
  }
  return out
}

/** As upstream shows a rule (CompactString): `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function shownRule({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts = [
    ['APIGroups', apiGroups],
    ['Resources', resources],
    ['NonResourceURLs', nonResourceURLs],
    ['ResourceNames', resourceNames],
    ['Verbs', verbs],
  ] as const
  const shown = parts.filter(([, list]) => list?.length).map(([name, list]) => `${name}:${quotedList(list!)}`)
  return `{${shown.join(', ')}}`
}

/** As Go's %q shows a slice. */
export function quotedList(list: readonly string[]): string {
  return `[${list.map(each => JSON.stringify(each)).join(' ')}]`
}
