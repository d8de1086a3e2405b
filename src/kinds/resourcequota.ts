// ResourceQuotas: how much there may be in a namespace, and how much there is. The plugin ResourceQuota
// (apiserver/admission/resource-quota.ts) refuses what is too much; controllers/resource-quota.ts counts again what went.

import type { ResourceQuota, ResourceQuotaSpec } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { defineKind } from './kind.ts'
import {
  amountRule,
  canonicalResources,
  isStandardQuotaResource,
  quotaResourceName,
  type ResourceList,
} from './resources.ts'
import { specPath, statusPath } from './workload-rules.ts'

type Quota = Frozen<ResourceQuota>
type Spec = Frozen<ResourceQuotaSpec>

/** Kind `ResourceQuota` of `v1`: `resourcequotas`, in namespaces. */
export const ResourceQuotas = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  shortNames: ['quota'],
  namespaced: true,
  subresources: ['status'],
  hasGeneration: false,
  columns: [
    nameColumn,
    {
      name: 'Request',
      type: 'string',
      description: 'What is in use, of what there may be.',
      value: quota => usageText(quota, false),
    },
    {
      name: 'Limit',
      type: 'string',
      description: 'The same of the limits of containers.',
      value: quota => usageText(quota, true),
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    draft.status ??= {}
    for (const list of [draft.spec.hard, draft.status.hard, draft.status.used]) if (list) canonicalResources(list)
  },
  prepare(draft, old) {
    if (!old) draft.status = {}
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') {
      amountRules(next.status.hard, statusPath.child('hard'), faults)
      amountRules(next.status.used, statusPath.child('used'), faults)
      return faults.list
    }
    amountRules(next.spec.hard, specPath.child('hard'), faults)
    scopeRules(next.spec, specPath.child('scopes'), faults)
    selectorRules(next.spec, specPath.child('scopeSelector'), faults)
    const sorted = ({ spec }: Quota): string[] => [...new Set(spec.scopes)].sort()
    if (old && !jsonEqual(sorted(next), sorted(old))) {
      faults.invalid(specPath.child('scopes'), next.spec.scopes ?? null, 'field is immutable')
    }
    return faults.list
  },
})

/** `pods: 1/3, requests.cpu: 500m/1`; of the limits apart from the rest. */
function usageText({ status }: Quota, ofLimits: boolean): string {
  return Object.keys(status.hard ?? {})
    .sort()
    .filter(name => name.startsWith('limits.') === ofLimits)
    .map(name => `${name}: ${status.used?.[name] ?? '0'}/${status.hard![name]}`)
    .join(', ')
}

function amountRules(list: Readonly<ResourceList> | undefined, path: FieldPath, faults: Faults): void {
  for (const name in list) {
    const at = path.key(name)
    quotaResourceName(name, at, faults)
    amountRule(name, list[name]!, at, faults)
  }
}

const ofPods = ['pods', 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
const ofClaims = ['persistentvolumeclaims', 'requests.storage']

/** What each scope can count (IsResourceQuotaScopeValidForResource in pkg/apis/core/helper/helpers.go). */
const scopes: Readonly<Record<string, readonly string[]>> = {
  Terminating: ofPods,
  NotTerminating: ofPods,
  NotBestEffort: ofPods,
  PriorityClass: ofPods,
  CrossNamespacePodAffinity: ofPods,
  BestEffort: ['pods'],
  VolumeAttributesClass: ofClaims,
}

const conflicting = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const

function scopeRules(spec: Spec, path: FieldPath, faults: Faults): void {
  if (!spec.scopes?.length) return
  for (const scope of spec.scopes) {
    if (!Object.hasOwn(scopes, scope)) faults.invalid(path, spec.scopes, 'unsupported scope')
    resourcesOfScope(scope, spec, spec.scopes, path, faults)
  }
  conflictRules(spec.scopes, spec, path, faults)
}

function resourcesOfScope(scope: string, { hard }: Spec, value: unknown, path: FieldPath, faults: Faults): void {
  const counted = Object.hasOwn(scopes, scope) ? scopes[scope]! : undefined
  for (const name of Object.keys(hard ?? {}).sort()) {
    if (!isStandardQuotaResource(name) || !counted || counted.includes(name)) continue
    faults.invalid(path, value, 'unsupported scope applied to resource')
  }
}

function conflictRules(given: readonly string[], spec: Spec, path: FieldPath, faults: Faults): void {
  for (const pair of conflicting) {
    if (pair.every(scope => given.includes(scope))) faults.invalid(path, spec.scopes ?? null, 'conflicting scopes')
  }
}

const mustExist =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"

function selectorRules(spec: Spec, selectorPath: FieldPath, faults: Faults): void {
  if (!spec.scopeSelector) return
  // Upstream does not say which of the expressions.
  const path = selectorPath.child('matchExpressions')
  const expressions = spec.scopeSelector.matchExpressions ?? []
  for (const { scopeName = '', operator = '', values = [] } of expressions) {
    if (!Object.hasOwn(scopes, scopeName)) faults.invalid(path.child('scopeName'), scopeName, 'unsupported scope')
    resourcesOfScope(scopeName, spec, spec.scopeSelector, path, faults)
    const takesValues = scopeName === 'PriorityClass' || scopeName === 'VolumeAttributesClass'
    if (Object.hasOwn(scopes, scopeName) && !takesValues && operator !== 'Exists') {
      faults.invalid(path.child('operator'), operator, mustExist)
    }
    if (operator === 'In' || operator === 'NotIn') {
      const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
      if (values.length === 0) faults.required(path.child('values'), detail)
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
      if (values.length > 0) faults.invalid(path.child('values'), values, detail)
    } else faults.invalid(path.child('operator'), operator, 'not a valid selector operator')
  }
  const names = expressions.map(({ scopeName }) => scopeName)
  conflictRules(names, spec, path, faults)
}
