// PodDisruptionBudgets, NetworkPolicies, IPAddresses and ServiceCIDRs (pkg/apis/policy/validation/validation.go,
// pkg/apis/networking/validation/validation.go, pkg/apis/networking/v1/defaults.go).

import { expect, test } from 'vitest'
import { IPAddresses, NetworkPolicies, PodDisruptionBudgets, ServiceCIDRs } from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const named = (name: string, spec: object) => ({ metadata: { name }, spec })

test('a budget counts from nothing and says N/A of what it does not ask', () => {
  const { object, faults } = create(PodDisruptionBudgets, {
    ...named('web', { minAvailable: '50%' }),
    status: { currentHealthy: 3 },
  })
  expect(faults).toEqual([])
  expect(object.status).toEqual({ currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 })
  expect(cell(PodDisruptionBudgets, object, 'Min Available')).toBe('50%')
  expect(cell(PodDisruptionBudgets, object, 'Max Unavailable')).toBe('N/A')
})

test.each<[string, object, string[]]>([
  [
    'both bounds',
    { minAvailable: 1, maxUnavailable: 1 },
    ['spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set'],
  ],
  [
    'a negative bound and a policy that is none',
    { minAvailable: -1, unhealthyPodEvictionPolicy: 'Never' },
    [
      'spec.minAvailable: Invalid value: -1: must be greater than or equal to 0',
      'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
    ],
  ],
  [
    'more than all',
    { maxUnavailable: '110%' },
    ['spec.maxUnavailable: Invalid value: "110%": must not be greater than 100%'],
  ],
])('a budget with %s', (_name, spec, faults) => {
  expect(create(PodDisruptionBudgets, named('web', spec)).faults).toEqual(faults)
})

test('what is written to the status of a budget is judged too', () => {
  const { object } = create(PodDisruptionBudgets, named('web', { minAvailable: 1 }))
  const edit = update(
    PodDisruptionBudgets,
    object,
    next => {
      next.status.disruptionsAllowed = -1
      next.status.conditions = [{ type: 'A', status: 'Maybe', reason: '', message: '', lastTransitionTime: '' }]
    },
    'status',
  )
  expect(edit.faults).toEqual([
    'status.conditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"',
    'status.conditions[0].lastTransitionTime: Required value',
    'status.conditions[0].reason: Required value',
    'status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0',
  ])
})

test('a policy is filled up by what it says of egress', () => {
  const ingress = [{ ports: [{ port: 80 }] }]
  const { object } = create(NetworkPolicies, named('web', { podSelector: {}, ingress }))
  expect(object.spec).toEqual({
    podSelector: {},
    ingress: [{ ports: [{ port: 80, protocol: 'TCP' }] }],
    policyTypes: ['Ingress'],
  })
  const both = create(NetworkPolicies, named('web', { podSelector: { matchLabels: { a: 'b' } }, egress: [{}] })).object
  expect(both.spec.policyTypes).toEqual(['Ingress', 'Egress'])
  expect(cell(NetworkPolicies, both, 'Pod-Selector')).toBe('a=b')
  expect(cell(NetworkPolicies, object, 'Pod-Selector')).toBe('<none>')
})

test.each<[string, object, string[]]>([
  [
    'ports',
    {
      ingress: [
        {
          ports: [
            { protocol: 'ICMP', port: 0 },
            { port: 80, endPort: 70 },
            { port: 'web', endPort: 90 },
            { endPort: 90 },
          ],
        },
      ],
    },
    [
      'spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"',
      'spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ingress[0].ports[1].endPort: Invalid value: 70: must be greater than or equal to `port`',
      'spec.ingress[0].ports[2].endPort: Invalid value: 90: may not be specified when `port` is non-numeric',
      'spec.ingress[0].ports[3].endPort: Invalid value: 90: may not be specified when `port` is not specified',
    ],
  ],
  [
    'peers',
    {
      egress: [
        {
          to: [
            {},
            { podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } },
            { ipBlock: {} },
            { ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8', '10.1.0.0/16', '11.0.0.0/16'] } },
            { ipBlock: { cidr: '10.0.0.1/8' } },
          ],
        },
      ],
    },
    [
      'spec.egress[0].to[0]: Required value: must specify a peer',
      'spec.egress[0].to[1]: Forbidden: may not specify both ipBlock and another peer',
      'spec.egress[0].to[2].ipBlock.cidr: Required value',
      'spec.egress[0].to[3].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
      'spec.egress[0].to[3].ipBlock.except[2]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
      'spec.egress[0].to[4].ipBlock.cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
    ],
  ],
  [
    'types',
    { policyTypes: ['Egress', 'Up'] },
    ['spec.policyTypes[1]: Unsupported value: "Up": supported values: "Ingress", "Egress"'],
  ],
])('a policy with %s that are none', (_name, spec, faults) => {
  expect(create(NetworkPolicies, named('web', { podSelector: {}, ...spec })).faults).toEqual(faults)
})

test('a range that stood in a policy before may stay', () => {
  const { object } = create(
    NetworkPolicies,
    named('web', { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.1/8' } }] }] }),
  )
  expect(update(NetworkPolicies, object, () => {}).faults).toEqual([])
})

test('an address is named by itself, in its one form, and never changes hands', () => {
  const parentRef = { resource: 'services', namespace: 'default', name: 'web' }
  const { object, faults } = create(IPAddresses, named('10.0.0.7', { parentRef }))
  expect(faults).toEqual([])
  expect(cell(IPAddresses, object, 'ParentRef')).toBe('services/default/web')
  expect(create(IPAddresses, named('2001:DB8::1', { parentRef })).faults).toEqual([
    'metadata.name: Invalid value: "2001:DB8::1": must be in canonical form ("2001:db8::1")',
  ])
  expect(create(IPAddresses, named('web', {})).faults).toEqual([
    'metadata.name: Invalid value: "web": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    'spec.parentRef: Required value',
  ])
  const moved = update(IPAddresses, object, next => {
    next.spec.parentRef = { ...parentRef, name: 'other' }
  })
  expect(moved.faults).toEqual([
    'spec.parentRef: Invalid value: {"resource":"services","namespace":"default","name":"other"}: field is immutable',
  ])
})

test('a range of Services is one of each family, and may only grow by the other', () => {
  const { object, faults } = create(ServiceCIDRs, named('more', { cidrs: ['10.0.0.0/16'] }))
  expect(faults).toEqual([])
  const set = (cidrs: string[]) => (next: { spec: { cidrs?: string[] } }) => {
    next.spec.cidrs = cidrs
  }
  expect(update(ServiceCIDRs, object, set(['10.0.0.0/16', 'fd00::/64'])).faults).toEqual([])
  expect(update(ServiceCIDRs, object, set(['10.1.0.0/16'])).faults).toEqual([
    'spec.cidrs[0]: Invalid value: "10.1.0.0/16": field is immutable',
  ])
  expect(update(ServiceCIDRs, object, set([])).faults).toEqual(['spec.cidrs: Invalid value: []: field is immutable'])
  expect(create(ServiceCIDRs, named('two', { cidrs: ['10.0.0.0/16', '10.1.0.0/16'] })).faults).toEqual([
    'spec.cidrs: Invalid value: ["10.0.0.0/16","10.1.0.0/16"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
  ])
  expect(create(ServiceCIDRs, named('none', {})).faults).toEqual([
    'spec.cidrs: Required value: at least one CIDR required',
  ])
})
