// Ingresses: hosts and paths on the outside, services on the inside.

import type { Ingress } from '../../generated/types.ts'
import { addressesText, ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { ingressRules, ingressStatusRules } from './ingress-rules.ts'
import { defineKind } from './kind.ts'

/** Kind `Ingress` of `networking.k8s.io/v1`: `ingresses`, in namespaces. */
export const Ingresses = defineKind<Ingress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  shortNames: ['ing'],
  namespaced: true,
  subresources: ['status'],
  columns: [
    nameColumn,
    {
      name: 'Class',
      type: 'string',
      description: 'The IngressClass that serves it.',
      value: ({ spec }) => spec.ingressClassName ?? '<none>',
    },
    {
      name: 'Hosts',
      type: 'string',
      description: 'Hosts that requests are matched by, before any path.',
      value: ({ spec }) => hostsText(spec.rules?.map(rule => rule.host ?? '') ?? []),
    },
    {
      name: 'Address',
      type: 'string',
      description: 'Where it can be reached from outside.',
      value: ({ status }) => addressesText(status.loadBalancer?.ingress),
    },
    {
      name: 'Ports',
      type: 'string',
      description: 'Open ports; 443 where there is TLS.',
      value: ({ spec }) => (spec.tls?.length ? '80, 443' : '80'),
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    draft.status ??= {}
    draft.status.loadBalancer ??= {}
  },
  prepare(draft, old) {
    if (!old) draft.status = { loadBalancer: {} }
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') ingressStatusRules(next, old, faults)
    else ingressRules(next, old, faults)
    return faults.list
  },
  warnings(next, old) {
    if (old || next.metadata.annotations?.['kubernetes.io/ingress.class'] === undefined) return []
    return ['annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead']
  },
})

/** As printIngress counts: a rule beyond the third named host makes the rest "more", which is all rules but three. */
function hostsText(hosts: readonly string[]): string {
  const shown: string[] = []
  let more = false
  for (const host of hosts) {
    if (shown.length === 3) more = true
    if (!more && host !== '') shown.push(host)
  }
  if (shown.length === 0) return '*'
  return more ? `${shown.join(',')} + ${hosts.length - 3} more...` : shown.join(',')
}
