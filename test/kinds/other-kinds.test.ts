// The kinds with few rules: namespaces, nodes, data by key, leases, endpoints, ingresses, revisions, accounts, events.
// Files of upstream are named at each test.

import { expect, test } from 'vitest'
import type { CoreV1Event, Node } from '../../generated/types.ts'
import { coreEventOf, eventV1Of } from '../../src/kinds/event-v1.ts'
import {
  ConfigMaps,
  ControllerRevisions,
  EndpointSlices,
  EndpointsKind,
  Events,
  EventsV1,
  IngressClasses,
  Ingresses,
  Leases,
  Namespaces,
  Nodes,
  Secrets,
  ServiceAccounts,
} from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const named = (more: object = {}, metadata: object = {}) => ({ metadata: { name: 'it', ...metadata }, ...more })

test('a namespace is active, labelled with its name, and held by one finalizer (pkg/registry/core/namespace/strategy.go)', () => {
  const { object, faults } = create(
    Namespaces,
    named({ status: { phase: 'Terminating' }, spec: { finalizers: ['a/b'] } }),
  )
  expect(faults).toEqual([])
  expect(object.metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'it' })
  expect(object.spec.finalizers).toEqual(['a/b', 'kubernetes'])
  expect(object.status).toEqual({ phase: 'Active' })
  const kept = update(Namespaces, object, next => delete next.spec.finalizers)
  expect(kept.object.spec.finalizers).toEqual(['a/b', 'kubernetes'])
  const let_go = update(Namespaces, object, next => (next.spec.finalizers = ['own']), 'finalize')
  expect(let_go.object.spec.finalizers).toEqual(['own'])
  expect(let_go.faults).toEqual([
    'spec.finalizers[0]: Invalid value: "own": name is neither a standard finalizer name nor is it fully qualified',
  ])
  const ending = update(Namespaces, object, next => (next.status.phase = 'Terminating'), 'status')
  expect(ending.faults).toEqual([
    'status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty',
  ])
})

test('columns of nodes (printNode)', () => {
  const node = create(Nodes, named()).object
  const cells = (of: object) =>
    ['Status', 'Roles', 'Version', 'Internal-IP', 'External-IP', 'OS-Image'].map(column =>
      cell(Nodes, { ...node, ...of } as Node, column),
    )
  expect(cells({})).toEqual(['Unknown', '<none>', '', '<none>', '<none>', '<unknown>'])
  expect(
    cells({
      metadata: {
        name: 'it',
        labels: {
          'node-role.kubernetes.io/worker': '',
          'node-role.kubernetes.io/control-plane': '',
          'kubernetes.io/role': 'x',
        },
      },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: { kubeletVersion: 'v1.36.0', osImage: 'Simulated' },
      },
    }),
  ).toEqual(['Ready,SchedulingDisabled', 'control-plane,worker,x', 'v1.36.0', '10.0.0.1', '<none>', 'Simulated'])
})

test('nodes (ValidateNode, ValidateNodeUpdate)', () => {
  const { object, faults } = create(
    Nodes,
    named({
      spec: {
        podCIDRs: ['10.0.0.0/24', '10.0.1.0/24'],
        taints: [{ key: 'a', effect: 'NoSchedule' }, { key: 'a', effect: 'NoSchedule' }, { key: 'b' }],
      },
      status: { capacity: { cpu: '4000m', pods: '1.5' } },
    }),
  )
  expect(object.status.allocatable).toEqual({ cpu: '4', pods: '1500m' })
  expect(faults).toEqual([
    'status.capacity.pods: Invalid value: "1500m": must be an integer',
    'status.allocatable.pods: Invalid value: "1500m": must be an integer',
    'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one CIDR for each IP family',
    'metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoSchedule","TimeAdded":null}: taints must be unique by key and effect pair',
    'metadata.taints[2].effect: Required value',
  ])
  const node = create(Nodes, named({ spec: { podCIDRs: ['10.0.0.0/24'], providerID: 'a' } })).object
  const moved = update(Nodes, node, next => {
    next.spec.podCIDRs = ['10.0.1.0/24']
    next.spec.providerID = 'b'
  })
  expect(moved.faults).toEqual([
    'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
  ])
})

test('config maps (ValidateConfigMap)', () => {
  expect(create(ConfigMaps, named({ data: { 'a/b': '', x: '' }, binaryData: { x: '' } })).faults).toEqual([
    "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    'data[x]: Invalid value: "x": duplicate of key present in binaryData',
  ])
  const half = 'é'.repeat(256 * 1024)
  expect(create(ConfigMaps, named({ data: { a: half, b: half } })).faults).toEqual([])
  expect(create(ConfigMaps, named({ data: { a: half, b: half, c: 'x' } })).faults).toEqual([
    ': Too long: may not be more than 1048576 bytes',
  ])
  const fixed = create(ConfigMaps, named({ immutable: true, data: { a: '1' } })).object
  const changed = update(ConfigMaps, fixed, next => {
    next.immutable = false
    next.data = { a: '2' }
  })
  expect(changed.faults).toEqual([
    'immutable: Forbidden: field is immutable when `immutable` is set',
    'data: Forbidden: field is immutable when `immutable` is set',
  ])
})

test('secrets (ValidateSecret)', () => {
  const { object } = create(Secrets, named({ stringData: { a: 'grün' }, data: { a: 'eA==', b: 'eQ==' } }))
  expect(object).toMatchObject({ type: 'Opaque', data: { a: 'Z3LDvG4=', b: 'eQ==' } })
  expect(object).not.toHaveProperty('stringData')
  expect(update(Secrets, object, next => (next.type = 'example.com/x')).faults).toEqual([
    'type: Invalid value: "example.com/x": field is immutable',
  ])
  const big = btoa('x'.repeat(1024 * 1024))
  expect(create(Secrets, named({ data: { big } })).faults).toEqual([])
  expect(create(Secrets, named({ data: { big, more: 'eA==' } })).faults).toEqual([
    'data: Too long: may not be more than 1048576 bytes',
  ])
})

test.each<[string, object, (string | RegExp)[]]>([
  ['kubernetes.io/tls', {}, ['data[tls.crt]: Required value', 'data[tls.key]: Required value']],
  ['kubernetes.io/basic-auth', {}, ['data[username]: Required value', 'data[password]: Required value']],
  ['kubernetes.io/basic-auth', { username: 'eA==' }, []],
  ['kubernetes.io/ssh-auth', { 'ssh-privatekey': '' }, ['data[ssh-privatekey]: Required value']],
  ['kubernetes.io/dockerconfigjson', {}, ['data[.dockerconfigjson]: Required value']],
  ['kubernetes.io/dockerconfigjson', { '.dockerconfigjson': btoa('{"auths":{}}') }, []],
  [
    'kubernetes.io/dockerconfigjson',
    { '.dockerconfigjson': btoa('{') },
    [/^data\[.dockerconfigjson\]: Invalid value: "<secret contents redacted>": ./],
  ],
  [
    'kubernetes.io/dockercfg',
    { '.dockercfg': btoa('[1]') },
    [
      'data[.dockercfg]: Invalid value: "<secret contents redacted>": json: cannot unmarshal array into Go value of type map[string]interface {}',
    ],
  ],
  [
    'kubernetes.io/service-account-token',
    {},
    ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
  ],
])('a secret of type %s with %j', (type, data, faults) => {
  expect(create(Secrets, named({ type, data })).faults).toEqual(
    faults.map(fault => (fault instanceof RegExp ? expect.stringMatching(fault) : fault)),
  )
})

test('accounts keep the names of secrets only (pkg/registry/core/serviceaccount/strategy.go)', () => {
  const { object } = create(ServiceAccounts, named({ secrets: [{ name: 's', kind: 'Secret', namespace: 'x' }] }))
  expect(object.secrets).toEqual([{ name: 's' }])
})

test('leases (pkg/apis/coordination/validation/validation.go)', () => {
  const { object, faults } = create(
    Leases,
    named({
      spec: {
        holderIdentity: 'me',
        leaseDurationSeconds: 0,
        leaseTransitions: -1,
        strategy: 'X',
        preferredHolder: 'you',
      },
    }),
  )
  expect(object.spec).not.toHaveProperty('strategy')
  expect(faults).toEqual([
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
  ])
  expect(cell(Leases, object, 'Holder')).toBe('me')
})

test('revisions are for ever (pkg/apis/apps/validation/validation.go)', () => {
  expect(create(ControllerRevisions, named({ revision: -1 })).faults).toEqual([
    'revision: Invalid value: -1: must be greater than or equal to 0',
    'data: Required value: data is mandatory',
  ])
  const { object, faults } = create(
    ControllerRevisions,
    named(
      { revision: 3, data: { a: 1 } },
      { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true }] },
    ),
  )
  expect(faults).toEqual([])
  expect(cell(ControllerRevisions, object, 'Controller')).toBe('daemonset.apps/d')
  expect(cell(ControllerRevisions, object, 'Revision')).toBe('3')
  expect(update(ControllerRevisions, object, next => (next.data = { a: 2 })).faults).toEqual([
    'data: Invalid value: {"a":2}: field is immutable',
  ])
})

test('endpoints (validateEndpointSubsets) and their column (formatEndpoints)', () => {
  const { object, faults } = create(
    EndpointsKind,
    named({
      subsets: [
        { addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }], ports: [{ port: 80 }, { port: 443, name: 'https' }] },
        { notReadyAddresses: [{ ip: '169.254.1.1', hostname: 'A' }] },
        {},
      ],
    }),
  )
  expect(faults).toEqual([
    'subsets[0].ports[0].name: Required value',
    expect.stringMatching(
      /^subsets\[1\].notReadyAddresses\[0\].hostname: Invalid value: "A": a lowercase RFC 1123 label/,
    ),
    'subsets[1].notReadyAddresses[0].ip: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    'subsets[2]: Required value: must specify `addresses` or `notReadyAddresses`',
  ])
  expect(object.subsets?.[0]?.ports?.[0]?.protocol).toBe('TCP')
  expect(cell(EndpointsKind, object, 'Endpoints')).toBe('10.0.0.1:80,10.0.0.2:80,10.0.0.1:443 + 1 more...')
  expect(cell(EndpointsKind, create(EndpointsKind, named()).object, 'Endpoints')).toBe('<none>')
  // What was let in once may stay (ValidateEndpoints).
  expect(update(EndpointsKind, object, next => (next.metadata.labels = { a: 'b' })).faults).toEqual([])
})

test('endpoint slices (pkg/apis/discovery/validation/validation.go)', () => {
  const { object, faults } = create(
    EndpointSlices,
    named({
      addressType: 'IPv4',
      ports: [{ port: 80 }, { name: '', protocol: 'X' }],
      endpoints: [
        { addresses: ['::1'] },
        { addresses: [] },
        { addresses: ['10.0.0.1', '224.0.0.5'], hints: { forZones: [{ name: 'a' }, { name: 'a' }] } },
      ],
    }),
  )
  expect(faults).toEqual([
    'ports[1].name: Duplicate value: ""',
    'ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
    'endpoints[0].addresses: Invalid value: "::1": must be an IPv4 address',
    'endpoints[1].addresses: Required value: must contain at least 1 address',
    'endpoints[2].addresses[1]: Invalid value: "224.0.0.5": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
    'endpoints[2].hints.forZones[1].name: Duplicate value: "a"',
  ])
  expect(object.ports?.[0]).toEqual({ name: '', port: 80, protocol: 'TCP' })
  expect(cell(EndpointSlices, object, 'Ports')).toBe('80,')
  expect(cell(EndpointSlices, object, 'Endpoints')).toBe('::1,10.0.0.1,224.0.0.5')
  expect(update(EndpointSlices, object, next => (next.addressType = 'IPv6')).faults).toContain(
    'addressType: Invalid value: "IPv6": field is immutable',
  )
  const six = create(EndpointSlices, named({ addressType: 'IPv6', endpoints: [{ addresses: ['2001:DB8:0:0::1'] }] }))
  expect(six.faults).toEqual([
    'endpoints[0].addresses[0]: Invalid value: "2001:DB8:0:0::1": must be in canonical form ("2001:db8::1")',
  ])
  const full = create(
    EndpointSlices,
    named({ addressType: 'IPv4', endpoints: Array(1001).fill({ addresses: ['10.0.0.1'] }) }),
  )
  expect(full.faults).toEqual(['endpoints: Too many: 1001: must have at most 1000 items'])
})

const backend = { service: { name: 'web', port: { number: 80 } } }
const rule = (path: object, host = 'a.example') => ({ host, http: { paths: [path] } })

test.each<[string, object, (string | RegExp)[]]>([
  ['nothing', {}, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
  ['a backend', { defaultBackend: backend }, []],
  [
    'hosts',
    {
      rules: [
        rule({ path: '/', pathType: 'Prefix', backend }, '1.2.3.4'),
        rule({ path: '/', pathType: 'Prefix', backend }, '*.*.x'),
      ],
    },
    [
      'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
      /^spec.rules\[1\].host: Invalid value: "\*\.\*\.x": a wildcard DNS-1123 subdomain must start with/,
    ],
  ],
  [
    'paths',
    {
      rules: [
        rule({ path: '/', backend }),
        rule({ path: 'a//b/..', pathType: 'Exact', backend }),
        rule({ pathType: 'ImplementationSpecific', backend }),
        rule({ path: '/', pathType: 'Regex', backend }),
      ],
    },
    [
      'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
      'spec.rules[1].http.paths[0].path: Invalid value: "a//b/..": must be an absolute path',
      'spec.rules[1].http.paths[0].path: Invalid value: "a//b/..": must not contain \'//\'',
      'spec.rules[1].http.paths[0].path: Invalid value: "a//b/..": cannot end with \'/..\'',
      'spec.rules[3].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"',
    ],
  ],
  [
    'backends',
    {
      rules: [
        rule({ path: '/', pathType: 'Exact', backend: {} }),
        rule({ path: '/', pathType: 'Exact', backend: { service: { port: { number: 80, name: 'http' } } } }),
        rule({ path: '/', pathType: 'Exact', backend: { service: { name: 'web' } } }),
        rule({ path: '/', pathType: 'Exact', backend: { ...backend, resource: { kind: 'A', name: 'a' } } }),
        rule({ path: '/', pathType: 'Exact', backend: { resource: { kind: 'a/b' } } }),
      ],
    },
    [
      'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
      'spec.rules[1].http.paths[0].backend.service.name: Required value',
      'spec.rules[1].http.paths[0].backend: Invalid value: "": cannot set both port name & port number',
      'spec.rules[2].http.paths[0].backend: Required value: port name or number is required',
      'spec.rules[3].http.paths[0].backend: Invalid value: "": cannot set both resource and service backends',
      'spec.rules[4].http.paths[0].backend.resource.kind: Invalid value: "a/b": may not contain \'/\'',
      'spec.rules[4].http.paths[0].backend.resource.name: Required value',
    ],
  ],
  ['no paths', { rules: [{ http: {} }] }, ['spec.rules[0].http.paths: Required value']],
  [
    'certificates',
    { defaultBackend: backend, tls: [{ hosts: ['A'], secretName: 'A' }] },
    [/^spec.tls\[0\].hosts\[0\]: Invalid value: "A"/, /^spec.tls\[0\].secretName: Invalid value: "A"/],
  ],
])('ingress with %s (pkg/apis/networking/validation/validation.go)', (_name, spec, faults) => {
  expect(create(Ingresses, named({ spec })).faults).toEqual(
    faults.map(fault => (fault instanceof RegExp ? expect.stringMatching(fault) : fault)),
  )
})

test('an ingress has one class', () => {
  const annotated = (spec: object) =>
    create(Ingresses, named({ spec }, { annotations: { 'kubernetes.io/ingress.class': 'other' } }))
  expect(annotated({ defaultBackend: backend, ingressClassName: 'nginx' }).faults).toEqual([
    'annotations.kubernetes.io/ingress.class: Invalid value: "other": must match `ingressClassName` when both are specified',
  ])
  expect(annotated({ defaultBackend: backend }).warnings).toEqual([
    'annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead',
  ])
})

test('columns of ingresses (printIngress)', () => {
  const columns = ['Class', 'Hosts', 'Address', 'Ports']
  const bare = create(Ingresses, named({ spec: { defaultBackend: backend } })).object
  expect(columns.map(column => cell(Ingresses, bare, column))).toEqual(['<none>', '*', '', '80'])
  const hosts = ['a', 'b', 'c', 'd', 'e'].map(host =>
    rule({ path: '/', pathType: 'Exact', backend }, `${host}.example`),
  )
  const full = create(Ingresses, named({ spec: { ingressClassName: 'nginx', rules: hosts, tls: [{}] } })).object
  const reached = { ...full, status: { loadBalancer: { ingress: [{ ip: '10.0.0.9' }, { hostname: 'lb' }] } } }
  expect(columns.map(column => cell(Ingresses, reached, column))).toEqual([
    'nginx',
    'a.example,b.example,c.example + 2 more...',
    '10.0.0.9,lb',
    '80, 443',
  ])
})

test('ingress classes', () => {
  const parameters = { kind: 'Config', name: 'c', apiGroup: 'example.com' }
  const { object, faults } = create(IngressClasses, named({ spec: { controller: 'example.com/c', parameters } }))
  expect(faults).toEqual([])
  expect(object.spec.parameters?.scope).toBe('Cluster')
  expect(cell(IngressClasses, object, 'Parameters')).toBe('Config.example.com/c')
  expect(create(IngressClasses, named({ spec: {} })).faults).toEqual(['spec.controller: Required value'])
  expect(create(IngressClasses, named({ spec: { controller: 'nginx' } })).faults).toEqual([
    'spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")',
  ])
  const scoped = { ...parameters, scope: 'Namespace' }
  expect(create(IngressClasses, named({ spec: { controller: 'a.b/c', parameters: scoped } })).faults).toEqual([
    "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
  ])
  expect(update(IngressClasses, object, next => (next.spec.controller = 'a.b/c')).faults).toEqual([
    'spec.controller: Invalid value: "a.b/c": field is immutable',
  ])
})

const event = {
  metadata: { name: 'p.1', namespace: 'default', labels: { a: 'b' } },
  involvedObject: { kind: 'Pod', name: 'p', namespace: 'default', fieldPath: 'spec.containers{c}' },
  reason: 'Pulled',
  message: 'Pulled it\n',
  source: { component: 'kubelet', host: 'node-1' },
  firstTimestamp: '2024-05-01T11:50:00Z',
  lastTimestamp: '2024-05-01T11:59:00Z',
  count: 3,
  type: 'Normal',
}

test('an event reads the same in both versions, and nothing is lost between them (pkg/apis/events/v1/conversion.go)', () => {
  const core = create(Events, event).object as CoreV1Event
  const shown = eventV1Of(core)
  expect(shown).toMatchObject({
    apiVersion: 'events.k8s.io/v1',
    regarding: event.involvedObject,
    note: event.message,
    deprecatedSource: event.source,
    deprecatedFirstTimestamp: event.firstTimestamp,
    deprecatedLastTimestamp: event.lastTimestamp,
    deprecatedCount: 3,
    reportingController: '',
  })
  expect(coreEventOf(shown)).toEqual(core)
  const table = (kind: typeof Events, of: CoreV1Event) => kind.columns.map(column => cell(kind, of, column.name))
  expect(table(Events, core)).toEqual([
    '60s',
    'Normal',
    'Pulled',
    'pod/p',
    'spec.containers{c}',
    'kubelet, node-1',
    'Pulled it',
    '10m',
    '3',
    'p.1',
  ])
  expect(table(EventsV1 as unknown as typeof Events, shown as unknown as CoreV1Event)).toEqual(table(Events, core))
})

test('an event of the new kind is complete (pkg/apis/core/validation/events.go)', () => {
  const { faults } = create(EventsV1, {
    metadata: { name: 'e' },
    regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
    eventTime: '2024-05-01T11:50:00.000000Z',
    type: 'Loud',
    deprecatedCount: 2,
    series: { count: 1 },
  })
  expect(faults).toEqual([
    'reportingController: Required value',
    'reportingController: Invalid value: "": name part must be non-empty',
    expect.stringMatching(/^reportingController: Invalid value: "": name part must consist of/),
    'reportingInstance: Required value',
    'action: Required value',
    'reason: Required value',
    'series.count: Invalid value: "": should be at least 2',
    'series.lastObservedTime: Required value',
    'type: Invalid value: "": has invalid value: Loud',
    'count: Invalid value: "": needs to be unset',
  ])
})

test('an event lives where its object does', () => {
  const astray = { ...event, involvedObject: { ...event.involvedObject, namespace: 'other' } }
  expect(create(Events, astray).faults).toEqual([
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ])
})
