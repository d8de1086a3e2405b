// Services: one stable address and its ports, for the pods that a selector finds. Addresses and node ports are given by
// admission (apiserver/admission/service-addresses.ts); here is what holds without knowing the others.

import type { Service } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import { addressesText, ageColumn, labelsText, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'
import { balancerStatusRules, serviceRules, serviceUpdateRules } from './service-rules.ts'
import { dropWhatNoLongerApplies, isExternallyAccessible, keepAllocated, normalizeClusterIps } from './service-shape.ts'
import { serviceWarnings } from './service-warnings.ts'

/** Kind `Service` of `v1`: `services`, in namespaces. */
export const Services = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  createOnUpdate: true,
  subresources: ['status', 'proxy'],
  hasGeneration: false,
  // Since 1.36 a name may begin with a digit (RelaxedServiceNameValidation).
  nameRule: dns1123LabelFaults,
  columns: [
    nameColumn,
    { name: 'Type', type: 'string', description: 'How it is exposed.', value: ({ spec }) => spec.type ?? '' },
    {
      name: 'Cluster-IP',
      type: 'string',
      description: 'Its address inside the cluster.',
      value: ({ spec }) => spec.clusterIPs?.[0] ?? '<none>',
    },
    {
      name: 'External-IP',
      type: 'string',
      description: 'Its addresses outside the cluster.',
      value: externalText,
    },
    {
      name: 'Port(s)',
      type: 'string',
      description: 'Ports, with the node port after a colon.',
      value: ({ spec }) =>
        spec.ports
          ?.map(({ port, nodePort, protocol }) => `${nodePort ? `${port}:${nodePort}` : port}/${protocol}`)
          .join(',') || '<none>',
    },
    ageColumn,
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'By which labels its pods are found.',
      value: ({ spec }) => labelsText(spec.selector),
    },
  ],
  fields: {
    'spec.clusterIP': ({ spec }) => spec.clusterIP,
    'spec.type': ({ spec }) => spec.type,
  },
  defaults(draft) {
    draft.spec ??= {}
    const { spec } = draft
    spec.sessionAffinity ||= 'None'
    if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
    if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
      spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: 10800 } }
    }
    spec.type ||= 'ClusterIP'
    for (const port of spec.ports ?? []) {
      port.protocol ||= 'TCP'
      if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port
    }
    const balanced = spec.type === 'LoadBalancer'
    if (isExternallyAccessible(draft)) spec.externalTrafficPolicy ||= 'Cluster'
    if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster'
    if (balanced) spec.allocateLoadBalancerNodePorts ??= true
    draft.status ??= {}
    draft.status.loadBalancer ??= {}
    if (balanced) {
      for (const point of draft.status.loadBalancer.ingress ?? []) if (point.ip) point.ipMode ??= 'VIP'
    }
  },
  prepare(draft, old, { subresource }) {
    if (!old) draft.status = { loadBalancer: {} }
    if (subresource) return
    normalizeClusterIps(draft, old)
    if (!old) return
    dropWhatNoLongerApplies(draft, old)
    keepAllocated(draft, old)
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') balancerStatusRules(next, old, faults)
    else {
      if (old) serviceUpdateRules(next, old, faults)
      serviceRules(next, old, faults)
    }
    return faults.list
  },
  warnings: serviceWarnings,
})

function externalText({ spec, status }: Frozen<Service>): string {
  const listed = spec.externalIPs?.length ? spec.externalIPs.join(',') : ''
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return listed || '<none>'
    case 'LoadBalancer': {
      const given = addressesText(status.loadBalancer?.ingress)
      return [given, listed].filter(Boolean).join(',') || '<pending>'
    }
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return '<unknown>'
  }
}
