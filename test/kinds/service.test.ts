// Services: defaults (pkg/apis/core/v1/defaults.go), what a change carries over (pkg/registry/core/service/strategy.go and
// storage/storage.go), rules (validateService in pkg/apis/core/validation/validation.go), columns (printService).

import { expect, test } from 'vitest'
import type { Service } from '../../generated/types.ts'
import { Services } from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const service = (spec: object, metadata: object = {}) => ({ metadata: { name: 'web', ...metadata }, spec })
const http = { port: 80 }

test('a service of one port comes out as the real server shows it, but for its address', () => {
  const { object, faults } = create(Services, service({ selector: { app: 'web' }, ports: [http] }))
  expect(faults).toEqual([])
  expect(object.spec).toEqual({
    internalTrafficPolicy: 'Cluster',
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    selector: { app: 'web' },
    sessionAffinity: 'None',
    type: 'ClusterIP',
  })
  expect(object.status).toEqual({ loadBalancer: {} })
})

test.each<[string, object, object]>([
  ['NodePort', { type: 'NodePort', ports: [http] }, { externalTrafficPolicy: 'Cluster' }],
  [
    'LoadBalancer',
    { type: 'LoadBalancer', ports: [http] },
    { externalTrafficPolicy: 'Cluster', allocateLoadBalancerNodePorts: true },
  ],
  [
    'sticky',
    { sessionAffinity: 'ClientIP', ports: [http] },
    { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } },
  ],
  ['external addresses', { externalIPs: ['192.0.2.1'], ports: [http] }, { externalTrafficPolicy: 'Cluster' }],
  ['headless', { clusterIP: 'None' }, { clusterIPs: ['None'] }],
])('%s is filled up', (_name, spec, more) => {
  const { object, faults } = create(Services, service(spec))
  expect(faults).toEqual([])
  expect(object.spec).toMatchObject(more)
})

test.each<[string, object, string[]]>([
  ['no ports', {}, ['spec.ports: Required value']],
  [
    'ports without names, of one number, out of range',
    { ports: [http, { port: 80, name: 'a' }, { port: 0, name: 'a', protocol: 'ICMP', targetPort: 'Bad_Name' }] },
    [
      'spec.ports[0].name: Required value',
      'spec.ports[2].name: Duplicate value: "a"',
      'spec.ports[2].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[2].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
      'spec.ports[2].targetPort: Invalid value: "Bad_Name": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
  ],
  [
    'a node port inside',
    { ports: [{ port: 80, nodePort: 30000 }] },
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  [
    'one node port twice',
    {
      type: 'NodePort',
      ports: [
        { port: 80, name: 'a', nodePort: 30000 },
        { port: 81, name: 'b', nodePort: 30000 },
      ],
    },
    ['spec.ports[1].nodePort: Duplicate value: 30000'],
  ],
  [
    'headless, and open to the outside',
    { type: 'NodePort', clusterIP: 'None', ports: [http] },
    ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
  ],
  ['nothing to stand for', { type: 'ExternalName' }, ['spec.externalName: Required value']],
  [
    'an external name with an address',
    { type: 'ExternalName', externalName: 'example.com.', clusterIP: '10.0.0.1' },
    ['spec.clusterIPs: Forbidden: may not be set for ExternalName services'],
  ],
  [
    'an unknown type',
    { type: 'Magic', ports: [http] },
    [
      'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
  ],
  [
    'affinity',
    { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 90000 } }, ports: [http] },
    [
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater than 0 and less than 86400',
    ],
  ],
  [
    'addresses',
    {
      clusterIP: '10.0.0.300',
      ipFamilies: ['IPv5', 'IPv5'],
      externalIPs: ['127.0.0.1', '0.0.0.0', 'x'],
      ports: [http],
    },
    [
      'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
      'spec.ipFamilies[1]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
      'spec.ipFamilies[1]: Duplicate value: "IPv5"',
      'spec.clusterIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'spec.externalIPs[1]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
      'spec.externalIPs[2]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  ],
  [
    'families and addresses that disagree',
    { clusterIP: '10.0.0.1', ipFamilies: ['IPv6'], ports: [http] },
    ['spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`'],
  ],
  [
    'a balancer s fields without a balancer',
    {
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      allocateLoadBalancerNodePorts: true,
      loadBalancerClass: 'a/b',
      ports: [http],
    },
    [
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
  ],
  [
    'ranges that are none',
    { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.1/24', ' 10.0.0.0/33'], ports: [http] },
    [
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/24": must not have bits set beyond the prefix length',
      'spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  ],
  [
    'traffic policies',
    { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Far', trafficDistribution: 'Random', ports: [http] },
    [
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
      'spec.internalTrafficPolicy: Unsupported value: "Far": supported values: "Cluster", "Local"',
      'spec.trafficDistribution: Unsupported value: "Random": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
    ],
  ],
  [
    'local traffic before admission gave a health port',
    { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [http] },
    ['spec.healthCheckNodePort: Required value'],
  ],
])('%s', (_name, spec, faults) => {
  expect(create(Services, service(spec)).faults).toEqual(faults)
})

test('a name may begin with a digit since 1.36, but not be of two parts', () => {
  expect(create(Services, service({ ports: [http] }, { name: '1st' })).faults).toEqual([])
  expect(create(Services, service({ ports: [http] }, { name: 'a.b' })).faults).toEqual([
    'metadata.name: Invalid value: "a.b": must not contain dots',
  ])
})

const existing = (spec: object = {}): Service =>
  create(
    Services,
    service({
      type: 'NodePort',
      clusterIP: '10.96.0.7',
      clusterIPs: ['10.96.0.7'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [
        { name: 'http', port: 80, nodePort: 30080 },
        { name: 'https', port: 443, nodePort: 30443 },
      ],
      ...spec,
    }),
  ).object as Service

test('an apply that knows nothing of what was given keeps it', () => {
  const { object, faults } = update(Services, existing(), next => {
    next.spec = {
      type: 'NodePort',
      ports: [
        { name: 'http', port: 8080 },
        { name: 'admin', port: 9000 },
      ],
    }
  })
  expect(faults).toEqual([])
  expect(object.spec).toMatchObject({
    clusterIP: '10.96.0.7',
    clusterIPs: ['10.96.0.7'],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
  })
  expect(object.spec.ports?.map(port => port.nodePort)).toEqual([30080, undefined])
})

test('its address is its own for ever', () => {
  const { faults } = update(Services, existing(), next => {
    next.spec.clusterIP = '10.96.0.8'
  })
  expect(faults).toEqual(['spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set'])
})

test('from NodePort to ClusterIP the node ports go, to ExternalName the addresses too', () => {
  const inside = update(Services, existing(), next => {
    next.spec.type = 'ClusterIP'
  })
  expect(inside.faults).toEqual([])
  expect(inside.object.spec.ports?.some(port => 'nodePort' in port)).toBe(false)
  expect(inside.object.spec).not.toHaveProperty('externalTrafficPolicy')
  const named = update(Services, existing(), next => {
    next.spec.type = 'ExternalName'
    next.spec.externalName = 'example.com'
  })
  expect(named.faults).toEqual([])
  for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
    expect(named.object.spec).not.toHaveProperty(field)
  }
})

test('a second address may be released only in words', () => {
  const dual = existing({
    clusterIPs: ['10.96.0.7', 'fd00::7'],
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'PreferDualStack',
  })
  const { faults } = update(Services, dual, next => {
    next.spec.clusterIPs = ['10.96.0.7']
    next.spec.ipFamilies = ['IPv4']
  })
  expect(faults).toEqual([
    'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to \'SingleStack\' when releasing the secondary clusterIP',
    'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to \'SingleStack\' when releasing the secondary ipFamily',
  ])
})

test('only a load balancer has points of entry', () => {
  const point = { ip: '192.0.2.9', ipMode: 'VIP' }
  const inside = update(Services, existing(), next => (next.status.loadBalancer = { ingress: [point] }), 'status')
  expect(inside.faults).toEqual([
    "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
  ])
  const balanced = existing({ type: 'LoadBalancer' })
  const outside = update(
    Services,
    balanced,
    next => (next.status.loadBalancer = { ingress: [point, { hostname: '1.2.3.4' }, { ipMode: 'VIP' }] }),
    'status',
  )
  expect(outside.faults).toEqual([
    'status.loadBalancer.ingress[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    'status.loadBalancer.ingress[2].ipMode: Forbidden: may not be specified when `ip` is not set',
  ])
})

test.each<[string, object, object, readonly string[]]>([
  [
    'ClusterIP',
    { clusterIP: '10.96.0.1', ports: [http] },
    {},
    ['ClusterIP', '10.96.0.1', '<none>', '80/TCP', '<none>'],
  ],
  [
    'NodePort',
    { type: 'NodePort', clusterIP: '10.96.0.1', ports: [{ port: 80, nodePort: 30080 }], selector: { b: '2', a: '1' } },
    {},
    ['NodePort', '10.96.0.1', '<none>', '80:30080/TCP', 'a=1,b=2'],
  ],
  [
    'LoadBalancer, waiting',
    { type: 'LoadBalancer', clusterIP: '10.96.0.1', ports: [http] },
    {},
    ['LoadBalancer', '10.96.0.1', '<pending>', '80/TCP', '<none>'],
  ],
  [
    'LoadBalancer, reached',
    { type: 'LoadBalancer', clusterIP: '10.96.0.1', ports: [http], externalIPs: ['198.51.100.1'] },
    { loadBalancer: { ingress: [{ ip: '192.0.2.2' }, { hostname: 'a.example' }, { ip: '192.0.2.2' }] } },
    ['LoadBalancer', '10.96.0.1', '192.0.2.2,a.example,198.51.100.1', '80/TCP', '<none>'],
  ],
  [
    'ExternalName',
    { type: 'ExternalName', externalName: 'example.com' },
    {},
    ['ExternalName', '<none>', 'example.com', '<none>', '<none>'],
  ],
  ['headless', { clusterIP: 'None' }, {}, ['ClusterIP', 'None', '<none>', '<none>', '<none>']],
])('columns of %s', (_name, spec, status, cells) => {
  const { object } = create(Services, service(spec))
  const shown = { ...object, status: { ...object.status, ...status } } as Service
  const columns = ['Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Selector']
  expect(columns.map(column => cell(Services, shown, column))).toEqual(cells)
})

test('what does nothing is warned of (pkg/api/service/warnings.go)', () => {
  const spec = { clusterIP: 'None', externalIPs: ['192.0.2.1'], externalName: 'x', sessionAffinity: 'ClientIP' }
  expect(create(Services, service(spec)).warnings).toEqual([
    'spec.externalIPs is ignored for headless services',
    'spec.SessionAffinity is ignored for headless services',
    'spec.externalName is ignored when spec.type is not "ExternalName"',
  ])
})
