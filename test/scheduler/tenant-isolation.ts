// TenantIsolation: pods of one tenant never share a node with those of another, and rather join their own.

import { normalizeToHighest, type Plugin } from '../../scheduler/plugin.ts'
import { parseLabelSelector } from '../../src/api/labels.ts'
import { Pods } from '../../src/kinds/pod.ts'

export const tenantIsolation: Plugin = {
  name: 'TenantIsolation',
  weight: 2,
  wakes: [Pods],
  helps: (_, { now, before }) => now === undefined && before?.metadata.labels?.tenant !== undefined,
  prepare: (pod, snapshot) => {
    const { namespace = '', labels } = pod.metadata
    const tenant = labels?.tenant
    if (tenant === undefined) return {}
    const strangers = snapshot.tally(namespace, parseLabelSelector(`tenant,tenant!=${tenant}`))
    const friends = snapshot.tally(namespace, parseLabelSelector(`tenant=${tenant}`))
    return {
      filter: node => (strangers.counts[node.slot]! > 0 ? 'node(s) had pods of another tenant' : undefined),
      score: node => friends.counts[node.slot]!,
      normalize: scores => normalizeToHighest(scores, false),
    }
  },
}
