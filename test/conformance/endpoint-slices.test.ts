// Upstream's conformance items about EndpointSlices, Endpoints and the objects of the network's API, by their names
// (test/e2e/network/endpointslice.go, endpoints.go, ingress.go, ingressclass.go, service_cidrs.go).

import { expect, test } from 'vitest'
import type { EndpointSlice } from '../../generated/types.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import {
  EndpointSlices,
  EndpointsKind,
  IngressClasses,
  Ingresses,
  IPAddresses,
  ServiceCIDRs,
  Services,
} from '../../src/kinds/index.ts'
import { openDoor } from '../http/door.ts'
import { service } from '../support/objects.ts'
import { inDefault, serving, type Talking, talking } from './talking.ts'
import { isDiscovered, walkThrough } from './walk-through.ts'

const slicesOf = (net: Talking, name: string) =>
  net.list(EndpointSlices, { 'kubernetes.io/service-name': name }) as readonly Frozen<EndpointSlice>[]

test('[sig-network] EndpointSlice should have Endpoints and EndpointSlices pointing to API Server', async () => {
  await using door = await openDoor()
  await isDiscovered(door, EndpointSlices)
  await using net = await talking({ nodes: 0 })
  const [subset] = net.get(EndpointsKind, 'kubernetes').subsets ?? []
  const slices = slicesOf(net, 'kubernetes')
  expect(slices).toHaveLength(1)
  expect(slices[0]!.endpoints?.flatMap(({ addresses }) => addresses)).toEqual(subset?.addresses?.map(({ ip }) => ip))
  expect(slices[0]!.ports?.map(({ port, name }) => [port, name])).toEqual(
    subset?.ports?.map(({ port, name }) => [port, name]),
  )
})

test('[sig-network] EndpointSlice should create and delete Endpoints and EndpointSlices for a Service with a selector specified', async () => {
  await using net = await talking({ nodes: 0 })
  await net.apply(service('example-empty-selector', 'nobody'))
  expect(slicesOf(net, 'example-empty-selector')).toHaveLength(1)
  expect(net.get(EndpointsKind, 'example-empty-selector').subsets ?? []).toEqual([])
  await net.client.of(Services).delete(inDefault('example-empty-selector'))
  await net.advance('30s')
  expect(slicesOf(net, 'example-empty-selector')).toEqual([])
  expect(() => net.get(EndpointsKind, 'example-empty-selector')).toThrow('not found')
})

const twoPods = () => [
  serving(
    'pod1',
    { foo: 'bar' },
    {
      containers: [
        {
          name: 'container1',
          image: 'nginx',
          ports: [
            { name: 'example-name', containerPort: 3000 },
            { name: 'other-port', containerPort: 3001 },
          ],
        },
      ],
    },
  ),
  serving(
    'pod2',
    { foo: 'bar' },
    {
      containers: [
        {
          name: 'container1',
          image: 'nginx',
          ports: [
            { name: 'example-name', containerPort: 3001 },
            { name: 'other-port', containerPort: 3002 },
          ],
        },
      ],
    },
  ),
]

const named = (targetPort: string | number) => ({
  selector: { foo: 'bar' },
  ports: [{ name: 'example', port: 80, protocol: 'TCP', targetPort }],
})

/** `pod1:3000`, as the slices of a Service say. */
const placesIn = (net: Talking, name: string): string[] =>
  slicesOf(net, name)
    .flatMap(({ endpoints, ports }) =>
      (endpoints ?? []).flatMap(({ targetRef }) => (ports ?? []).map(({ port }) => `${targetRef?.name}:${port}`)),
    )
    .sort()

test('[sig-network] EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service', async () => {
  await using net = await talking()
  await net.apply(
    service('example-int-port', 'x', named(3000)),
    service('example-named-port', 'x', named('example-name')),
    service('example-no-match', 'x', { ...named('example-name'), selector: { foo: 'nothing' } }),
  )
  await net.run(...twoPods())
  expect(placesIn(net, 'example-int-port')).toEqual(['pod1:3000', 'pod2:3000'])
  // A name that stands for two numbers: a slice for each.
  expect(placesIn(net, 'example-named-port')).toEqual(['pod1:3000', 'pod2:3001'])
  expect(slicesOf(net, 'example-named-port')).toHaveLength(2)
  expect(placesIn(net, 'example-no-match')).toEqual([])
})

test('[sig-network] EndpointsController should create Endpoints for Pods matching a Service', async () => {
  await using net = await talking()
  await net.apply(
    service('example-int-port', 'x', named(3000)),
    service('example-named-port', 'x', named('example-name')),
  )
  await net.run(...twoPods())
  const subsetsOf = (name: string) =>
    (net.get(EndpointsKind, name).subsets ?? [])
      .map(
        ({ addresses, ports }) =>
          `${addresses?.map(({ targetRef }) => targetRef?.name).sort()}:${ports?.map(({ port }) => port)}`,
      )
      .sort()
  expect(subsetsOf('example-int-port')).toEqual(['pod1,pod2:3000'])
  expect(subsetsOf('example-named-port')).toEqual(['pod1:3000', 'pod2:3001'])
})

test('[sig-network] EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods', async () => {
  await using net = await talking({ nodes: 0 })
  await net.apply(service('example-empty-selector', 'nobody'))
  expect(net.get(EndpointsKind, 'example-empty-selector').subsets ?? []).toEqual([])
  await net.client.of(Services).delete(inDefault('example-empty-selector'))
  await net.advance('30s')
  expect(() => net.get(EndpointsKind, 'example-empty-selector')).toThrow('not found')
})

const slice = (
  name: string,
  owner: string,
  addresses: readonly string[],
  ports: EndpointSlice['ports'],
): NewObject<EndpointSlice> => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': owner } },
  addressType: 'IPv4',
  ports: ports!,
  endpoints: addresses.map(address => ({ addresses: [address], conditions: { ready: true } })),
})

const containers = (port: number) => ({
  containers: [
    {
      name: 'main',
      image: 'hashicorp/http-echo',
      args: [`-listen=:${port}`, '-text=x'],
      ports: [{ containerPort: port }],
    },
  ],
})

test('[sig-network] EndpointSlice should support a Service with multiple ports specified in multiple EndpointSlices', async () => {
  await using net = await talking()
  await net.run(serving('pod1', {}, containers(8090)), serving('pod2', {}, containers(9090)), 'client')
  const ports = [
    { name: 'port80', port: 80, protocol: 'TCP', targetPort: 8090 },
    { name: 'port81', port: 81, protocol: 'TCP', targetPort: 9090 },
  ]
  await net.apply(service('example-custom-endpoints', 'x', { selector: undefined as never, ports }))
  await net.apply(
    slice(
      'custom-1',
      'example-custom-endpoints',
      [net.addressOf('pod1')],
      [{ name: 'port80', port: 8090, protocol: 'TCP' }],
    ),
    slice(
      'custom-2',
      'example-custom-endpoints',
      [net.addressOf('pod2')],
      [{ name: 'port81', port: 9090, protocol: 'TCP' }],
    ),
  )
  expect(await net.answer('client', 'example-custom-endpoints', 80)).toBe('pod1')
  expect(await net.answer('client', 'example-custom-endpoints', 81)).toBe('pod2')
})

test('[sig-network] EndpointSlice should support a Service with multiple endpoint IPs specified in multiple EndpointSlices', async () => {
  await using net = await talking()
  await net.run('pod1', 'pod2', 'client')
  const ports = [{ name: 'port80', port: 80, protocol: 'TCP' }]
  await net.apply(service('example-custom-endpoints', 'x', { selector: undefined as never, ports }))
  await net.apply(
    slice('custom-1', 'example-custom-endpoints', [net.addressOf('pod1')], ports),
    slice('custom-2', 'example-custom-endpoints', [net.addressOf('pod2')], ports),
  )
  const answers = [1, 2, 3, 4].map(() => net.answer)
  const all = new Set<string>()
  for (const answer of answers) all.add(await answer('client', 'example-custom-endpoints'))
  expect([...all].sort()).toEqual(['pod1', 'pod2'])
})

test('[sig-network] EndpointSlice should support creating EndpointSlice API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, EndpointSlices)
})

test('[sig-network] Ingress API should support creating Ingress API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, Ingresses)
})

test('[sig-network] IngressClass API  should support creating IngressClass API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, IngressClasses)
})

test('[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, ServiceCIDRs)
})

test('[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations', async () => {
  await using door = await openDoor()
  await isDiscovered(door, IPAddresses)
  const path = IPAddresses.path()
  const parentRef = { resource: 'services', namespace: 'default', name: 'owner' }
  const address = (name: string) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name, labels: { 'ip-e2e': 'true' } },
    spec: { parentRef },
  })
  const send = (at: string, method: string, body: object, type = 'application/json') =>
    door.ask(at, { method, body: JSON.stringify(body), type })
  expect((await send(path, 'POST', address('10.111.1.1'))).code).toBe(201)
  expect((await send(path, 'POST', address('10.111.1.2'))).code).toBe(201)
  expect((await door.ask(`${path}/10.111.1.1`)).json.spec.parentRef).toEqual(parentRef)
  expect((await door.ask(`${path}?labelSelector=ip-e2e%3Dtrue`)).json.items).toHaveLength(2)
  const annotations = { metadata: { annotations: { patched: 'true' } } }
  const patched = await send(`${path}/10.111.1.1`, 'PATCH', annotations, 'application/merge-patch+json')
  expect(patched.json.metadata.annotations).toEqual({ patched: 'true' })
  const next = patched.json
  next.metadata.annotations.updated = 'true'
  const updated = await send(`${path}/10.111.1.1`, 'PUT', next)
  expect(updated.text).toContain('"updated":"true"')
  expect((await door.ask(`${path}/10.111.1.1`, { method: 'DELETE' })).code).toBe(200)
  expect((await door.ask(`${path}?labelSelector=ip-e2e%3Dtrue`, { method: 'DELETE' })).code).toBe(200)
  expect((await door.ask(`${path}?labelSelector=ip-e2e%3Dtrue`)).json.items).toEqual([])
})
