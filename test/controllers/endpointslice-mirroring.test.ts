// pkg/controller/endpointslicemirroring: Endpoints that are kept by hand are seen in slices.

import { expect, test } from 'vitest'
import { endpointsController } from '../../controllers/endpoints.ts'
import { endpointSliceController } from '../../controllers/endpointslice.ts'
import { endpointSliceMirroringController } from '../../controllers/endpointslice-mirroring.ts'
import type { EndpointSubset, Endpoints } from '../../generated/types.ts'
import { ApiError } from '../../src/api/errors.ts'
import { controllerOf } from '../../src/api/owners.ts'
import { EndpointSlices, EndpointsKind, Nodes, Pods, Services } from '../../src/kinds/index.ts'
import { type ControlPlane, type ControlPlaneOptions, controlPlane, podStarter } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'
import { pod, service } from '../support/objects.ts'

const world = (options: ControlPlaneOptions = {}) =>
  controlPlane(
    [endpointSliceMirroringController(), endpointsController(), endpointSliceController(), podStarter()],
    options,
  )
const endpoints = (name: string, subsets: EndpointSubset[], metadata: Partial<Endpoints['metadata']> = {}) => ({
  apiVersion: 'v1',
  kind: 'Endpoints',
  metadata: { name, namespace: 'default', ...metadata },
  subsets,
})
const headless = (name: string) => service(name, name, { selector: undefined as never })
const http = { name: 'http', port: 80 }
const slices = (plane: ControlPlane, name: string) =>
  plane.list(EndpointSlices).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
const summary = (plane: ControlPlane, name: string) =>
  slices(plane, name)
    .map(({ addressType, ports = [], endpoints: all = [] }) => {
      const words = all.map(({ addresses, conditions }) => `${addresses[0]}${conditions?.ready ? '' : ' not ready'}`)
      return `${addressType} ${ports.map(({ port }) => port).join()}: ${words.join(', ')}`
    })
    .sort()

test('a slice for each family and each set of ports, with the labels and annotations of the Endpoints', async () => {
  await using plane = await world()
  await plane.create(Services, headless('db'))
  const metadata = {
    labels: { team: 'a' },
    annotations: { note: 'b', 'endpoints.kubernetes.io/last-change-trigger-time': 'x' },
  }
  const subsets = [
    { addresses: [{ ip: '1.2.3.4', hostname: 'one', nodeName: 'n' }, { ip: 'fd00::1' }], ports: [http] },
    { notReadyAddresses: [{ ip: '1.2.3.5' }], ports: [http] },
    { addresses: [{ ip: '1.2.3.4' }], ports: [{ port: 9090 }] },
  ]
  await plane.create(EndpointsKind, endpoints('db', subsets, metadata))
  await plane.settle()
  expect(summary(plane, 'db')).toEqual([
    'IPv4 80: 1.2.3.4, 1.2.3.5 not ready',
    'IPv4 9090: 1.2.3.4',
    'IPv6 80: fd00::1',
  ])
  const slice = slices(plane, 'db').find(({ ports }) => ports![0]!.port === 80 && true)!
  expect(slice.metadata.labels).toEqual({
    team: 'a',
    'kubernetes.io/service-name': 'db',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  })
  expect(slice.metadata.annotations).toEqual({ note: 'b' })
  expect(slice.metadata.generateName).toBe('db-')
  expect(controllerOf(slice)).toMatchObject({ kind: 'Endpoints', name: 'db' })
})

test('it follows the Endpoints, and mends what others did to a slice', async () => {
  await using plane = await world()
  await plane.create(Services, headless('db'))
  await plane.create(EndpointsKind, endpoints('db', [{ addresses: [{ ip: '1.1.1.1' }], ports: [http] }]))
  await plane.settle()
  const [{ metadata }] = slices(plane, 'db') as [any]
  await plane.patch(EndpointsKind, 'db', { subsets: [{ addresses: [{ ip: '2.2.2.2' }], ports: [{ port: 81 }] }] })
  await plane.settle()
  expect(summary(plane, 'db')).toEqual(['IPv4 81: 2.2.2.2'])
  // The one has become the other.
  expect(slices(plane, 'db')[0]!.metadata.uid).toBe(metadata.uid)
  await plane.patch(EndpointSlices, metadata.name, { endpoints: [] })
  await plane.settle()
  expect(summary(plane, 'db')).toEqual(['IPv4 81: 2.2.2.2'])
  await plane.client.of(EndpointSlices).delete({ name: metadata.name, namespace: 'default' })
  await plane.settle()
  expect(summary(plane, 'db')).toEqual(['IPv4 81: 2.2.2.2'])
  await plane.patch(EndpointsKind, 'db', { subsets: null })
  await plane.settle()
  expect(summary(plane, 'db')).toEqual([])
})

test('only for a Service that has no selector, and not where it is not wanted', async () => {
  await using plane = await world()
  const subsets = [{ addresses: [{ ip: '1.1.1.1' }], ports: [http] }]
  const skip = { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }
  const leader = { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }
  for (const name of ['skipped', 'leader', 'late']) await plane.create(Services, headless(name))
  await plane.create(Services, service('selecting', 'app'))
  await plane.create(EndpointsKind, endpoints('skipped', subsets, skip))
  await plane.create(EndpointsKind, endpoints('leader', subsets, leader))
  await plane.create(EndpointsKind, endpoints('serviceless', subsets))
  await plane.create(EndpointsKind, endpoints('late', subsets))
  await plane.create(Pods, pod('app', {}, { app: 'app' }))
  await plane.seconds(5)
  expect(summary(plane, 'late')).toEqual(['IPv4 80: 1.1.1.1'])
  for (const name of ['skipped', 'leader', 'serviceless']) expect(slices(plane, name)).toEqual([])
  expect(
    slices(plane, 'selecting').map(({ metadata }) => metadata.labels!['endpointslice.kubernetes.io/managed-by']),
  ).toEqual(['endpointslice-controller.k8s.io'])
  await plane.create(Services, headless('serviceless'))
  await plane.patch(Services, 'late', { spec: { selector: { app: 'nobody' } } })
  await plane.patch(EndpointsKind, 'skipped', { metadata: { labels: null } })
  await plane.settle()
  expect([summary(plane, 'serviceless'), summary(plane, 'skipped')]).toEqual([
    ['IPv4 80: 1.1.1.1'],
    ['IPv4 80: 1.1.1.1'],
  ])
  const owners = slices(plane, 'late').map(({ metadata }) => metadata.labels!['endpointslice.kubernetes.io/managed-by'])
  expect(owners).toEqual(['endpointslice-controller.k8s.io'])
  await plane.client.of(Services).delete({ name: 'serviceless', namespace: 'default' })
  await plane.settle()
  expect(slices(plane, 'serviceless')).toEqual([])
})

test('of a subset a thousand addresses are mirrored, and the rest is told of', async () => {
  await using plane = await world()
  await plane.create(Services, headless('big'))
  const addresses = Array.from({ length: 1002 }, (_, at) => ({ ip: `10.0.${at >> 8}.${at & 255}` }))
  await plane.create(EndpointsKind, endpoints('big', [{ addresses, ports: [http] }]))
  await plane.settle()
  expect(slices(plane, 'big')[0]!.endpoints).toHaveLength(1000)
  expect(plane.events('big')).toEqual([
    'TooManyAddressesToMirror: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 2 addresses were skipped',
  ])
})

test('whatever write fails, the slices come to be what they should', async () => {
  const faults = new Faults()
  let calls = 0
  faults.refuse = (verb, kind) => {
    if (kind !== EndpointSlices || !['create', 'update', 'delete'].includes(verb)) return
    if (++calls % 2 === 1) throw new ApiError('InternalError', 'the server is tired')
  }
  await using plane = await world({ through: client => faults.wrap(client) })
  await plane.create(Services, headless('db'))
  const ports = [80, 81, 82].map(port => ({ addresses: [{ ip: '1.1.1.1' }], ports: [{ port }] }))
  await plane.create(EndpointsKind, endpoints('db', ports))
  await plane.seconds(60)
  expect(summary(plane, 'db')).toHaveLength(3)
  await plane.patch(EndpointsKind, 'db', { subsets: ports.slice(1, 2) })
  await plane.seconds(60)
  expect(summary(plane, 'db')).toEqual(['IPv4 81: 1.1.1.1'])
})

test('where traffic is to stay near, the endpoints say for whom they are', async () => {
  await using plane = await world()
  for (const zone of ['a', 'b']) {
    const labels = { 'topology.kubernetes.io/zone': zone }
    await plane.create(Nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: `node-${zone}`, labels } })
    await plane.create(Pods, pod(`web-${zone}`, { nodeName: `node-${zone}` }, { app: 'web' }))
  }
  for (const near of ['PreferSameZone', 'PreferSameNode', undefined]) {
    const name = near?.toLowerCase() ?? 'anywhere'
    await plane.create(Services, service(name, 'web', near ? { trafficDistribution: near } : {}))
  }
  await plane.seconds(5)
  const hints = (name: string) =>
    slices(plane, name)[0]!
      .endpoints!.map(each => each.hints)
      .sort()
  expect(hints('prefersamezone')).toEqual([{ forZones: [{ name: 'a' }] }, { forZones: [{ name: 'b' }] }])
  expect(hints('prefersamenode')).toEqual(
    ['a', 'b'].map(zone => ({ forZones: [{ name: zone }], forNodes: [{ name: `node-${zone}` }] })),
  )
  expect(hints('anywhere')).toEqual([undefined, undefined])
})
