// What a webhook or an admission policy is asked about: operations on resources, conditions, parameters. The rules and
// defaults that the admissionregistration kinds share (pkg/apis/admissionregistration/validation/validation.go and
// v1/defaults.go). Whether a CEL expression compiles is not judged here: kinds know no CEL.

import type {
  MatchCondition,
  MatchResources,
  NamedRuleWithOperations,
  ParamKind,
  ParamRef,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1035LabelFaults, dns1123SubdomainFaults, pathSegmentFaults, qualifiedNameFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { labelSelectorRules } from './label-selector-rules.ts'

export const failurePolicies = ['Fail', 'Ignore']
export const matchPolicies = ['Equivalent', 'Exact']
export const reinvocationPolicies = ['IfNeeded', 'Never']
const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const mutatingOperations = ['*', 'CONNECT', 'CREATE', 'UPDATE']
const scopes = ['*', 'Cluster', 'Namespaced']

type Rule = Frozen<Omit<NamedRuleWithOperations, 'resourceNames'>>

export function defaultMatchResources(match: MatchResources | undefined): void {
  if (!match) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  for (const rule of match.resourceRules ?? []) rule.scope ??= '*'
  for (const rule of match.excludeResourceRules ?? []) rule.scope ??= '*'
}

export function ruleWithOperationsRules(rule: Rule, path: FieldPath, faults: Faults): void {
  const asked = rule.operations ?? []
  if (asked.length === 0) faults.required(path.child('operations'))
  if (asked.length > 1 && asked.includes('*')) {
    faults.invalid(path.child('operations'), asked, "if '*' is present, must not specify other operations")
  }
  for (const [index, operation] of asked.entries()) {
    if (!operations.includes(operation)) {
      faults.notSupported(path.child('operations').index(index), operation, operations)
    }
  }
  const { apiGroups = [], apiVersions = [], resources = [], scope } = rule
  if (apiGroups.length === 0) faults.required(path.child('apiGroups'))
  if (apiGroups.length > 1 && apiGroups.includes('*')) {
    faults.invalid(path.child('apiGroups'), apiGroups, "if '*' is present, must not specify other API groups")
  }
  if (apiVersions.length === 0) faults.required(path.child('apiVersions'))
  if (apiVersions.length > 1 && apiVersions.includes('*')) {
    faults.invalid(path.child('apiVersions'), apiVersions, "if '*' is present, must not specify other API versions")
  }
  for (const [index, version] of apiVersions.entries()) {
    if (version === '') faults.required(path.child('apiVersions').index(index))
  }
  resourcesRules(resources, path.child('resources'), faults)
  if (scope !== undefined && !scopes.includes(scope)) faults.notSupported(path.child('scope'), scope, scopes)
}

function resourcesRules(resources: readonly string[], path: FieldPath, faults: Faults): void {
  if (resources.length === 0) faults.required(path)
  const withAllSubresources = new Set<string>()
  const ofAllResources = new Set<string>()
  let hasPlain = false
  for (const [index, resource] of resources.entries()) {
    if (resource === '') {
      faults.required(path.index(index))
      continue
    }
    const slash = resource.indexOf('/')
    if (slash < 0) {
      // Only the last one without a slash counts: as upstream has it.
      hasPlain = resource !== '*'
      continue
    }
    const [main, part] = [resource.slice(0, slash), resource.slice(slash + 1)]
    if (withAllSubresources.has(main)) {
      faults.invalid(path.index(index), resource, `if '${main}/*' is present, must not specify ${resource}`)
    }
    if (ofAllResources.has(part)) {
      faults.invalid(path.index(index), resource, `if '*/${part}' is present, must not specify ${resource}`)
    }
    if (part === '*') withAllSubresources.add(main)
    if (main === '*') ofAllResources.add(part)
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    faults.invalid(path, resources, "if '*/*' is present, must not specify other resources")
  }
  if (hasPlain && resources.includes('*')) {
    faults.invalid(path, resources, "if '*' is present, must not specify other resources without subresources")
  }
}

export function matchResourcesRules(match: Frozen<MatchResources> | undefined, path: FieldPath, faults: Faults): void {
  if (!match) return
  if (match.matchPolicy === undefined) faults.required(path.child('matchPolicy'))
  else if (!matchPolicies.includes(match.matchPolicy)) {
    faults.notSupported(path.child('matchPolicy'), match.matchPolicy, matchPolicies)
  }
  for (const selector of ['namespaceSelector', 'objectSelector'] as const) {
    if (match[selector] === undefined) faults.required(path.child(selector))
    else labelSelectorRules(match[selector], path.child(selector), faults)
  }
  for (const list of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [index, rule] of (match[list] ?? []).entries()) {
      const at = path.child(list).index(index)
      const seen = new Set<string>()
      for (const [position, name] of (rule.resourceNames ?? []).entries()) {
        faults.invalids(pathSegmentFaults(name), name, at.child('resourceNames').index(position))
        if (seen.has(name)) faults.duplicate(at.child('resourceNames').index(position), name)
        seen.add(name)
      }
      ruleWithOperationsRules(rule, at, faults)
    }
  }
}

/** What is deleted cannot be mutated. */
export function mutatingOperationsRules(match: Frozen<MatchResources>, path: FieldPath, faults: Faults): void {
  for (const rule of match.resourceRules ?? []) {
    for (const operation of rule.operations ?? []) {
      if (mutatingOperations.includes(operation)) continue
      faults.notSupported(path.child('resourceRules', 'operations'), operation, mutatingOperations)
    }
  }
}

export function matchConditionsRules(
  conditions: readonly Frozen<MatchCondition>[] = [],
  path: FieldPath,
  faults: Faults,
): void {
  if (conditions.length > 64) faults.tooMany(path, conditions.length, 64)
  const seen = new Set<string>()
  for (const [index, { name, expression }] of conditions.entries()) {
    const at = path.index(index)
    if (!expression?.trim()) faults.required(at.child('expression'))
    if (!name) {
      faults.required(at.child('name'))
      continue
    }
    faults.invalids(qualifiedNameFaults(name), name, at, 'name')
    if (seen.has(name)) faults.duplicate(at.child('name'), name)
    seen.add(name)
  }
}

export function paramKindRules({ apiVersion, kind }: Frozen<ParamKind>, path: FieldPath, faults: Faults): void {
  if (!apiVersion) faults.required(path.child('apiVersion'))
  else {
    const parts = apiVersion === '/' ? [''] : apiVersion.split('/')
    const [group, version] = parts.length === 1 ? ['', parts[0]!] : [parts[0]!, parts[1]!]
    const at = path.child('apiVersion')
    if (parts.length > 2) faults.invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)
    else {
      joined(group === '' ? [] : dns1123SubdomainFaults(group), group, at, faults)
      if (version === '') faults.invalid(at, apiVersion, 'version must be specified')
      else joined(dns1035LabelFaults(version), version, at, faults)
    }
  }
  if (!kind) faults.required(path.child('kind'))
  else {
    const wrong = dns1035LabelFaults(kind.toLowerCase())
    const what = 'may have mixed case, but should otherwise match: '
    if (wrong.length > 0) faults.invalid(path.child('kind'), kind, `${what}${wrong.join(',')}`)
  }
}

function joined(sentences: readonly string[], value: string, path: FieldPath, faults: Faults): void {
  if (sentences.length > 0) faults.invalid(path, value, sentences.join(','))
}

export function paramRefRules(ref: Frozen<ParamRef> | undefined, path: FieldPath, faults: Faults): void {
  if (!ref) return
  const { name, selector, parameterNotFoundAction: action } = ref
  const exclusive = 'name and selector are mutually exclusive'
  if (name) {
    faults.invalids(pathSegmentFaults(name), name, path, 'name')
    if (selector) faults.forbidden(path.child('name'), exclusive)
  }
  if (selector) {
    labelSelectorRules(selector, path.child('selector'), faults)
    if (name) faults.forbidden(path.child('selector'), exclusive)
  }
  if (!name && !selector) faults.required(path, 'one of name or selector must be specified')
  if (!action) faults.required(path.child('parameterNotFoundAction'))
  else if (action !== 'Deny' && action !== 'Allow') {
    faults.notSupported(path.child('parameterNotFoundAction'), action, ['Deny', 'Allow'])
  }
}

/** Names kept for policies and webhooks that come from files, should the server ever read such (static_suffix.go). */
export function staticSuffixWarnings(name: string): string[] {
  if (!name.endsWith('.static.k8s.io')) return []
  const why = 'are reserved for static manifest-based configurations and cannot be managed via the API'
  return [`metadata.name: names ending with ".static.k8s.io" ${why}`]
}
