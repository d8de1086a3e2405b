// Who stands in the way of nodes' leases: faults of the API, webhooks and policies that may refuse or change a renewal. While
// there is one every renewal is really asked for, so that it meets what it would. Called by cluster.ts.

import { prefixOf } from '../../apiserver/storage/keys.ts'
import type { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { RuleWithOperations } from '../../generated/types.ts'
import { leaseNamespace } from '../../kubelet-sim/heartbeat.ts'
import type { Renewals } from '../../kubelet-sim/renewals.ts'
import type { Cancel } from '../env/clock.ts'
import {
  MutatingAdmissionPolicies,
  MutatingWebhookConfigurations,
  ValidatingAdmissionPolicies,
  ValidatingWebhookConfigurations,
} from '../kinds/index.ts'
import type { ApiFaults } from './api-faults.ts'

type Rules = readonly Pick<RuleWithOperations, 'apiGroups' | 'resources' | 'operations'>[]

const prefixes = [
  MutatingAdmissionPolicies,
  MutatingWebhookConfigurations,
  ValidatingAdmissionPolicies,
  ValidatingWebhookConfigurations,
].map(kind => prefixOf(kind))

export function mindRenewals(storage: RevisionStore, faults: ApiFaults, renewals: Renewals): Cancel {
  let leave: Cancel | undefined
  const look = (): void => {
    const isMet =
      faultsConcern(faults) || prefixes.some(prefix => storage.list(prefix).some(({ object }) => concerns(object)))
    if (isMet === (leave !== undefined)) return
    if (isMet) leave = renewals.follow()
    else {
      leave!()
      leave = undefined
    }
  }
  faults.onChange(look)
  const stops = prefixes.map(prefix => storage.subscribe(prefix, storage.revision, look))
  look()
  return () => {
    for (const stop of stops) stop()
  }
}

function faultsConcern(faults: ApiFaults): boolean {
  const lease = { user: 'system:node-heartbeat', resource: 'leases.coordination.k8s.io', namespace: leaseNamespace }
  return ['patch', 'create'].some(verb => faults.concerns({ ...lease, verb, name: '' }))
}

function concerns(object: unknown): boolean {
  const { webhooks = [], spec } = object as {
    webhooks?: readonly { rules?: Rules }[]
    spec?: { matchConstraints?: { resourceRules?: Rules } }
  }
  const rules = [...webhooks.flatMap(webhook => webhook.rules ?? []), ...(spec?.matchConstraints?.resourceRules ?? [])]
  const has = (words: readonly string[] | undefined, ...wanted: string[]): boolean =>
    words?.some(word => word === '*' || wanted.includes(word)) ?? false
  return rules.some(
    ({ apiGroups, resources, operations }) =>
      has(apiGroups, 'coordination.k8s.io') && has(resources, 'leases', '*/*') && has(operations, 'UPDATE', 'CREATE'),
  )
}
