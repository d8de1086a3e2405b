// ResourceQuota, the last of all: nothing is written that exceeds what a quota of its namespace leaves. What is used is
// written in the same turn as the object that uses it, so that two requests are never given the same rest
// (apiserver/pkg/admission/plugin/resourcequota/controller.go, CheckRequest). What goes, controllers/resource-quota.ts gives back.

import type { ResourceQuota } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Clock } from '../../src/env/clock.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { type Amounts, addAmounts, amountsOf, increaseOf, listOf } from '../../src/kinds/quota-amounts.ts'
import { type Evaluator, evaluatorOf, matchesScopes } from '../../src/kinds/quota-usage.ts'
import { ResourceQuotas } from '../../src/kinds/resourcequota.ts'
import { prefixOf } from '../storage/keys.ts'
import type { AlsoPut } from '../storage/storage.ts'
import type { Admission, AdmissionRequest } from './admission.ts'

const quotas = prefixOf(ResourceQuotas)

export function resourceQuota(clock: Clock): Admission {
  const evaluators = new WeakMap<Kind<any>, Evaluator>()
  return {
    name: 'ResourceQuota',
    concerns: kind => evaluatorOf(kind) !== undefined,
    charge(next, request) {
      if (!isCounted(request)) return undefined
      let also: AlsoPut[] | undefined
      for (const { key, object } of request.present.list(`${quotas}${request.namespace}/`)) {
        let evaluator = evaluators.get(request.kind)
        if (evaluator === undefined) {
          evaluator = evaluatorOf(request.kind)!
          evaluators.set(request.kind, evaluator)
        }
        const quota = object as Frozen<ResourceQuota>
        const used = usedAfter(quota, next, request, evaluator, clock)
        if (used === undefined) continue
        also ??= []
        also.push({ key, put: { ...quota, status: { ...quota.status, used } } as unknown as KubeObject })
      }
      return also
    },
  }
}

/** Most things count when they come; claims and services also when they grow, pods when they are resized. */
function isCounted({ kind, operation, subresource }: AdmissionRequest): boolean {
  if (operation === 'CREATE') return subresource === undefined
  if (operation !== 'UPDATE') return false
  switch (kind.resource) {
    case 'services':
      return subresource === undefined
    case 'persistentvolumeclaims':
      return subresource === undefined || subresource === 'status'
    case 'pods':
      return subresource === 'resize'
    default:
      return false
  }
}

/** What the quota has in use with the object; undefined when that is no more than before. Throws when it is too much. */
function usedAfter(
  quota: Frozen<ResourceQuota>,
  next: Frozen<KubeObject>,
  request: AdmissionRequest,
  evaluator: Evaluator,
  clock: Clock,
): Record<string, string> | undefined {
  const { hard = {}, used = {} } = quota.status
  const names = Object.keys(hard).filter(name => evaluator.counts(name))
  if (names.length === 0 || !matchesScopes(quota, next, evaluator)) return undefined
  const { kind, name, old } = request
  const quotaName = quota.metadata.name
  const missing = evaluator.missing?.(next, names)
  if (missing !== undefined) throw forbidden(kind, name, `failed quota: ${quotaName}: ${missing}`)
  if (names.some(each => used[each] === undefined)) {
    const resources = [...names].sort().join(',')
    throw forbidden(kind, name, `status unknown for quota: ${quotaName}, resources: ${resources}`)
  }
  const now = clock.now()
  const usage = evaluator.usage(next, now)
  refuseNegative(usage, request)
  const before: Amounts =
    old !== undefined && matchesScopes(quota, old, evaluator) ? evaluator.usage(old, now) : new Map()
  const requested = new Map([...increaseOf(usage, before)].filter(([each]) => hard[each] !== undefined))
  if (requested.size === 0) return undefined
  const after = amountsOf(used)
  addAmounts(after, requested)
  if (request.subresource !== 'status') refuseExcess(quota, requested, after, request)
  return listOf(after)
}

function refuseNegative(usage: Amounts, { kind, name }: AdmissionRequest): void {
  const negative = [...usage].filter(([, amount]) => amount.sign < 0).map(([each]) => each)
  if (negative.length === 0) return
  throw forbidden(kind, name, `quota usage is negative for resource(s): ${negative.sort().join(',')}`)
}

function refuseExcess(
  { metadata, status }: Frozen<ResourceQuota>,
  requested: Amounts,
  after: Amounts,
  { kind, name }: AdmissionRequest,
): void {
  const limits = amountsOf(status.hard)
  const exceeded = [...requested.keys()].filter(each => after.get(each)!.compare(limits.get(each)!) > 0).sort()
  if (exceeded.length === 0) return
  const shown = (amounts: Amounts): string => exceeded.map(each => `${each}=${amounts.get(each)}`).join(',')
  const [asked, used, limited] = [requested, amountsOf(status.used), limits].map(shown)
  const why = `exceeded quota: ${metadata.name}, requested: ${asked}, used: ${used}, limited: ${limited}`
  throw forbidden(kind, name, why)
}
