// FlowSchemas: which requests belong together, and at which priority level they are served. The API server goes by them
// (apiserver/flowcontrol/). Upstream: pkg/apis/flowcontrol, pkg/registry/flowcontrol/flowschema.

import type {
  FlowcontrolV1Subject,
  FlowSchema,
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults, dns1123SubdomainFaults } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { mandatorySchemas } from './flow-bootstrap.ts'
import { defineKind } from './kind.ts'
import { specPath, statusPath } from './workload-rules.ts'

/** Kind `FlowSchema` of `flowcontrol.apiserver.k8s.io/v1`: `flowschemas`, without a namespace. */
export const FlowSchemas = defineKind<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  singular: 'flowschema',
  namespaced: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    {
      name: 'PriorityLevel',
      type: 'string',
      description: 'The level at which its requests are served.',
      value: ({ spec }) => spec.priorityLevelConfiguration?.name ?? '',
    },
    {
      name: 'MatchingPrecedence',
      type: 'integer',
      description: 'Of those that match, the one with the lowest number is taken.',
      value: ({ spec }) => spec.matchingPrecedence ?? 0,
    },
    {
      name: 'DistinguisherMethod',
      type: 'string',
      description: 'By what its requests are told apart: the user, the namespace, or nothing.',
      value: ({ spec }) => spec.distinguisherMethod?.type ?? '<none>',
    },
    ageColumn,
    {
      name: 'MissingPL',
      type: 'string',
      description: 'Whether its level is missing.',
      value: ({ status }) => status.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
    },
  ],
  defaults(draft) {
    draft.spec ??= { priorityLevelConfiguration: { name: '' } }
    draft.spec.matchingPrecedence ||= 1000
    draft.status ??= {}
  },
  prepare(draft, old) {
    if (!old) draft.status = {}
  },
  validate(next, _old, { subresource }) {
    const faults = new Faults()
    if (subresource !== 'status') {
      specRules(next.metadata.name ?? '', next.spec, specPath, faults)
      const fixed = mandatorySchemas.find(({ metadata }) => metadata.name === next.metadata.name)
      if (fixed && !jsonEqual(next.spec, fixed.spec)) {
        faults.invalid(specPath, next.spec, `spec of '${next.metadata.name}' must equal the fixed value`)
      }
    }
    flowConditionRules(next.status.conditions ?? [], faults)
    return faults.list
  },
})

const highestPrecedence = 10_000

function specRules(name: string, spec: Frozen<FlowSchemaSpec>, path: FieldPath, faults: Faults): void {
  const { matchingPrecedence: precedence = 0, distinguisherMethod, rules = [] } = spec
  const at = path.child('matchingPrecedence')
  if (precedence <= 0) faults.invalid(at, precedence, 'must be a positive value')
  if (precedence > highestPrecedence) {
    faults.invalid(at, precedence, `must not be greater than ${highestPrecedence}`)
  }
  if (precedence === 1 && name !== 'exempt') {
    faults.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")
  }
  if (distinguisherMethod && !['ByNamespace', 'ByUser'].includes(distinguisherMethod.type)) {
    faults.notSupported(path.child('distinguisherMethod', 'type'), distinguisherMethod, ['ByNamespace', 'ByUser'])
  }
  const level = path.child('priorityLevelConfiguration', 'name')
  const named = spec.priorityLevelConfiguration?.name
  if (!named) faults.required(level, 'must reference a priority level')
  else faults.invalids(dns1123SubdomainFaults(named), named, level)
  rules.forEach((rule, index) => {
    ruleRules(rule, path.child('rules').index(index), faults)
  })
}

function ruleRules(rule: Frozen<PolicyRulesWithSubjects>, path: FieldPath, faults: Faults): void {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule
  if (subjects.length === 0) faults.required(path.child('subjects'), 'subjects must contain at least one value')
  subjects.forEach((subject, index) => {
    subjectRules(subject, path.child('subjects').index(index), faults)
  })
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    faults.required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty')
  }
  resourceRules.forEach((each, index) => {
    resourceRuleRules(each, path.child('resourceRules').index(index), faults)
  })
  nonResourceRules.forEach((each, index) => {
    nonResourceRuleRules(each, path.child('nonResourceRules').index(index), faults)
  })
}

const parts = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const
type SubjectKind = keyof typeof parts

function subjectRules(subject: Frozen<FlowcontrolV1Subject>, path: FieldPath, faults: Faults): void {
  const kind = subject.kind as SubjectKind
  const own = parts[kind]
  if (own === undefined) {
    faults.notSupported(path.child('kind'), subject.kind, ['Group', 'ServiceAccount', 'User'])
    return
  }
  if (kind === 'ServiceAccount') accountRules(subject.serviceAccount, path.child(own), faults)
  else if (!subject[own]) faults.required(path.child(own), `${own} is required when subject kind is '${kind}'`)
  else if (!subject[own].name) faults.required(path.child(own, 'name'))
  for (const [other, part] of forbiddenBeside[kind]) {
    if (subject[part]) faults.forbidden(path.child(part), `${part} is forbidden when subject kind is not '${other}'`)
  }
}

/** In the order in which upstream asks. */
const forbiddenBeside: Readonly<Record<SubjectKind, readonly (readonly [SubjectKind, (typeof parts)[SubjectKind]])[]>> =
  {
    ServiceAccount: [
      ['User', 'user'],
      ['Group', 'group'],
    ],
    User: [
      ['ServiceAccount', 'serviceAccount'],
      ['Group', 'group'],
    ],
    Group: [
      ['ServiceAccount', 'serviceAccount'],
      ['User', 'user'],
    ],
  }

function accountRules(
  account: Frozen<NonNullable<FlowcontrolV1Subject['serviceAccount']>> | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  if (!account) {
    faults.required(path, "serviceAccount is required when subject kind is 'ServiceAccount'")
    return
  }
  if (!account.name) faults.required(path.child('name'))
  else if (account.name !== '*') faults.invalids(dns1123SubdomainFaults(account.name), account.name, path, 'name')
  if (!account.namespace) faults.required(path.child('namespace'), 'must specify namespace for service account')
  else faults.invalids(dns1123LabelFaults(account.namespace), account.namespace, path, 'namespace')
}

const supportedVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch']

function verbRules(verbs: readonly string[], path: FieldPath, faults: Faults): void {
  if (verbs.length === 0) faults.required(path, 'verbs must contain at least one value')
  else if (verbs.includes('*')) alone(verbs, path, 'verbs', faults)
  else if (!verbs.every(verb => supportedVerbs.includes(verb))) faults.notSupported(path, verbs, supportedVerbs)
}

function alone(list: readonly string[], path: FieldPath, what: string, faults: Faults): void {
  if (list.length > 1 && list.includes('*')) {
    faults.invalid(path, list, `if '*' is present, must not specify other ${what}`)
  }
}

function resourceRuleRules(rule: Frozen<ResourcePolicyRule>, path: FieldPath, faults: Faults): void {
  const { verbs = [], apiGroups = [], resources = [], namespaces = [], clusterScope } = rule
  verbRules(verbs, path.child('verbs'), faults)
  if (apiGroups.length === 0) {
    faults.required(path.child('apiGroups'), 'resource rules must supply at least one api group')
  } else alone(apiGroups, path.child('apiGroups'), 'api groups', faults)
  if (resources.length === 0) {
    faults.required(path.child('resources'), 'resource rules must supply at least one resource')
  } else alone(resources, path.child('resources'), 'resources', faults)
  const at = path.child('namespaces')
  if (namespaces.length === 0 && !clusterScope) {
    faults.required(at, 'resource rules that are not cluster scoped must supply at least one namespace')
  } else if (namespaces.includes('*')) alone(namespaces, at, 'namespaces', faults)
  else {
    namespaces.forEach((namespace, index) => {
      for (const why of dns1123LabelFaults(namespace)) {
        faults.invalid(at.index(index), namespace, `each member of this list must be '*' or a DNS-1123 label; ${why}`)
      }
    })
  }
}

function nonResourceRuleRules(rule: Frozen<NonResourcePolicyRule>, path: FieldPath, faults: Faults): void {
  const { verbs = [], nonResourceURLs: urls = [] } = rule
  verbRules(verbs, path.child('verbs'), faults)
  const at = path.child('nonResourceURLs')
  if (urls.length === 0) faults.required(at, 'nonResourceURLs must contain at least one value')
  else if (urls.includes('*')) alone(urls, at, 'non-resource URLs', faults)
  else {
    urls.forEach((url, index) => {
      const why = urlFault(url)
      if (why !== undefined) faults.invalid(at.index(index), url, why)
    })
  }
}

function urlFault(url: string): string | undefined {
  if (url === '') return 'must not be empty'
  if (url === '/') return undefined
  if (!url.startsWith('/')) return 'must start with slash'
  if (url.includes(' ')) return 'must not contain white-space'
  if (url.includes('//')) return 'must not contain double slash'
  const stars = url.split('*').length - 1
  return stars > 1 || (stars === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined
}

/** Of a FlowSchema, and of a level. */
export function flowConditionRules(conditions: readonly Frozen<{ type?: string }>[], faults: Faults): void {
  const seen = new Set<string>()
  conditions.forEach(({ type = '' }, index) => {
    const path = statusPath.child('conditions').index(index).child('type')
    if (seen.has(type)) faults.duplicate(path, type)
    seen.add(type)
    if (type === '') faults.required(path, 'must not be empty')
  })
}
