// An audit policy: of which requests something is written, and how much of each. Read from the user's file when the server
// starts; audit.ts asks it once a request, and the first rule that fits counts.
// Upstream: k8s.io/apiserver/pkg/audit/policy/{reader,checker}.go, pkg/apis/audit/validation/validation.go.

import { aggregate, type FieldError, invalidValue, notSupported, required } from '../../src/api/errors.ts'
import { dns1123SubdomainFaults } from '../../src/api/names.ts'
import type { Asked } from '../auth/authorization.ts'
import type { User } from '../registry/registry.ts'

/** From least to most. */
export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export type Level = (typeof levels)[number]

export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
export type Stage = (typeof stages)[number]

/** What is to be written of one request. */
export interface Scope {
  readonly level: Level
  readonly omitStages: ReadonlySet<Stage>
  readonly omitManagedFields: boolean
}

export interface AuditPolicy {
  scopeOf(user: User | undefined, asked: Asked): Scope
  /** What stands in the file and means nothing. */
  readonly unknown: readonly string[]
}

/** The message is for who wrote the file. */
export class PolicyError extends Error {}

interface GroupResources {
  readonly group?: string
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
}

interface Rule {
  readonly level: string
  readonly users?: readonly string[]
  readonly userGroups?: readonly string[]
  readonly verbs?: readonly string[]
  readonly resources?: readonly GroupResources[]
  readonly namespaces?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
  readonly omitStages?: readonly string[]
  readonly omitManagedFields?: boolean
}

interface Policy {
  readonly rules: readonly Rule[]
  readonly omitStages?: readonly string[]
  readonly omitManagedFields?: boolean
}

/** `value`: the file as YAML reads it. Throws PolicyError. */
export function parsePolicy(value: unknown): AuditPolicy {
  const unknown: string[] = []
  const policy = decode(value, unknown)
  const faults = faultsOf(policy)
  if (faults.length > 0) throw new PolicyError(aggregate(faults))
  if (policy.rules.length === 0) throw new PolicyError('loaded illegal policy with 0 rules')
  const scoped = policy.rules.map(rule => ({ rule, scope: scopeFor(policy, rule) }))
  const silence = scopeFor(policy, { level: 'None' })
  return {
    scopeOf: (user, asked) => scoped.find(({ rule }) => fits(rule, user, asked))?.scope ?? silence,
    unknown,
  }
}

function scopeFor(policy: Policy, rule: Rule): Scope {
  return {
    level: rule.level as Level,
    omitStages: new Set([...(policy.omitStages ?? []), ...(rule.omitStages ?? [])] as Stage[]),
    omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields ?? false,
  }
}

// ---- which requests a rule is about

function fits(rule: Rule, user: User | undefined, asked: Asked): boolean {
  const { users, userGroups, verbs, namespaces, resources, nonResourceURLs } = rule
  if (users?.length && !(user && users.includes(user.name))) return false
  if (userGroups?.length && !user?.groups.some(group => userGroups.includes(group))) return false
  if (verbs?.length && !verbs.includes(asked.verb)) return false
  if (namespaces?.length || resources?.length) return fitsResource(rule, asked)
  if (nonResourceURLs?.length) return !asked.isResource && nonResourceURLs.some(spec => fitsPath(spec, asked.path))
  return true
}

function fitsPath(spec: string, path: string): boolean {
  return spec === path || (spec.endsWith('*') && path.startsWith(spec.replace(/\*+$/, '')))
}

function fitsResource({ namespaces, resources }: Rule, asked: Asked): boolean {
  const { isResource, group, resource, subresource, namespace, name } = asked
  if (!isResource || (namespaces?.length && !namespaces.includes(namespace))) return false
  if (!resources?.length) return true
  const whole = subresource ? `${resource}/${subresource}` : resource
  return resources.some(each => {
    if (each.group !== '*' && (each.group ?? '') !== group) return false
    if (!each.resources?.length) return true
    if (each.resourceNames?.length && !each.resourceNames.includes(name)) return false
    return each.resources.some(
      spec =>
        spec === whole ||
        spec === '*' ||
        (subresource !== '' && spec === `*/${subresource}`) ||
        (spec.endsWith('/*') && spec.slice(0, -2) === resource),
    )
  })
}

// ---- what may stand in the file

const group = 'audit.k8s.io'

function decode(value: unknown, unknown: string[]): Policy {
  if (!isMapping(value)) throw new PolicyError('failed decoding: the file holds no mapping')
  const { apiVersion, kind, metadata: _, ...spec } = value
  if (!kind) throw new PolicyError("failed decoding: Object 'Kind' is missing")
  if (!apiVersion) throw new PolicyError("failed decoding: Object 'apiVersion' is missing")
  if (kind !== 'Policy' || apiVersion !== `${group}/v1`) {
    throw new PolicyError(`failed decoding: no kind "${kind}" is registered for version "${apiVersion}"`)
  }
  shape(spec, policyShape, '', unknown)
  return { ...spec, rules: (spec.rules as readonly Rule[] | null | undefined) ?? [] }
}

type Shape = { readonly [field: string]: 'text' | 'truth' | 'texts' | Shape }

const policyShape: Shape = {
  rules: {
    level: 'text',
    users: 'texts',
    userGroups: 'texts',
    verbs: 'texts',
    resources: { group: 'text', resources: 'texts', resourceNames: 'texts' },
    namespaces: 'texts',
    nonResourceURLs: 'texts',
    omitStages: 'texts',
    omitManagedFields: 'truth',
  },
  omitStages: 'texts',
  omitManagedFields: 'truth',
}

/** Throws PolicyError for a value of another type; what is not known is noted. Nothing is as good as null. */
function shape(value: Record<string, unknown>, known: Shape, at: string, unknown: string[]): void {
  for (const [field, given] of Object.entries(value)) {
    const path = at === '' ? field : `${at}.${field}`
    const wanted = Object.hasOwn(known, field) ? known[field]! : undefined
    if (wanted === undefined) unknown.push(path)
    else if (given === null) delete value[field]
    else if (wanted === 'text') demand(typeof given === 'string', path, 'a string')
    else if (wanted === 'truth') demand(typeof given === 'boolean', path, 'true or false')
    else if (wanted === 'texts') {
      demand(Array.isArray(given) && given.every(each => typeof each === 'string'), path, 'a list of strings')
    } else {
      demand(Array.isArray(given) && given.every(isMapping), path, 'a list of mappings')
      for (const [index, each] of (given as Record<string, unknown>[]).entries()) {
        shape(each, wanted, `${path}[${index}]`, unknown)
      }
    }
  }
}

function demand(holds: boolean, path: string, what: string): void {
  if (!holds) throw new PolicyError(`failed decoding: ${path} must be ${what}`)
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function faultsOf(policy: Policy): FieldError[] {
  return [
    ...stageFaults(policy.omitStages, 'omitStages'),
    ...policy.rules.flatMap((rule, index) => ruleFaults(rule, `rules[${index}]`)),
  ]
}

function ruleFaults(rule: Rule, at: string): FieldError[] {
  const faults: FieldError[] = []
  if (!rule.level) faults.push(required(`${at}.level`))
  else if (!(levels as readonly string[]).includes(rule.level)) {
    faults.push(notSupported(`${at}.level`, rule.level, levels))
  }
  const paths = rule.nonResourceURLs ?? []
  for (const [index, path] of paths.entries()) {
    if (path === '*') continue
    const here = `${at}.nonResourceURLs[${index}]`
    if (!path.startsWith('/')) {
      faults.push(invalidValue(here, path, "non-resource URL rules must begin with a '/' character"))
    }
    if (path.slice(0, -1).includes('*')) {
      const why = "non-resource URL wildcards '*' must be the final character of the rule"
      faults.push(invalidValue(here, path, why))
    }
  }
  for (const { group, resources, resourceNames } of rule.resources ?? []) {
    const bad = group && group !== '*' ? dns1123SubdomainFaults(group) : []
    if (bad.length > 0) faults.push(invalidValue(`${at}.resources.group`, group, bad.join(',')))
    if (resourceNames?.length && !resources?.length) {
      const why = 'using resourceNames requires at least one resource'
      faults.push(invalidValue(`${at}.resources.resourceNames`, resourceNames, why))
    }
  }
  faults.push(...stageFaults(rule.omitStages, `${at}.omitStages`))
  if (paths.length > 0 && (rule.resources?.length || rule.namespaces?.length)) {
    const why = 'rules cannot apply to both regular resources and non-resource URLs'
    faults.push(invalidValue(`${at}.nonResourceURLs`, paths, why))
  }
  return faults
}

function stageFaults(given: readonly string[] | undefined, at: string): FieldError[] {
  return (given ?? []).flatMap((stage, index) =>
    (stages as readonly string[]).includes(stage)
      ? []
      : [invalidValue(`${at}[${index}]`, stage, `allowed stages are ${stages.join(',')}`)],
  )
}
