import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endpointsController } from '../../controllers/endpoints.ts'
import { endpointSliceController, planSlices } from '../../controllers/endpointslice.ts'
import { garbageCollector } from '../../controllers/garbage-collector.ts'
import { replicaSetController } from '../../controllers/replicaset.ts'
import type { Endpoint, EndpointSlice, Service } from '../../generated/types.ts'
import { controllerOf } from '../../src/api/owners.ts'
import { builtinKinds, EndpointSlices, EndpointsKind, Pods, ReplicaSets, Services } from '../../src/kinds/index.ts'
import { type ControlPlane, type ControlPlaneOptions, controlPlane, podStarter } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'
import { pod, replicaSet, service } from '../support/objects.ts'

async function world(options: ControlPlaneOptions & { batchPeriod?: number; maxPerSlice?: number } = {}) {
  const plane = await controlPlane(
    [
      endpointsController(options),
      endpointSliceController(options),
      replicaSetController(),
      podStarter({ isSick: ({ metadata }) => metadata.labels?.sick === 'yes' }),
    ],
    options,
  )
  return plane
}

const slicesOf = (plane: ControlPlane, name: string) =>
  plane.list(EndpointSlices).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
const addressesIn = (slices: readonly { endpoints?: readonly { addresses: readonly string[] }[] }[]): string[] =>
  slices.flatMap(({ endpoints = [] }) => endpoints.flatMap(({ addresses }) => addresses)).sort()
const podIPs = (plane: ControlPlane) =>
  plane
    .list(Pods)
    .map(({ status }) => status.podIP!)
    .sort()

test('a Service leads to its ready pods, in Endpoints and in a slice', async () => {
  await using plane = await world()
  await plane.create(Services, service('web', 'web', { ports: [{ name: 'http', port: 80, targetPort: 8080 }] }))
  await plane.create(Pods, pod('web-1', {}, { app: 'web' }))
  await plane.create(Pods, pod('sick', {}, { app: 'web', sick: 'yes' }))
  await plane.create(Pods, pod('other', {}, { app: 'other' }))
  await plane.seconds(5)
  const [slice, ...more] = slicesOf(plane, 'web')
  expect(more).toEqual([])
  expect(slice!.metadata).toMatchObject({
    name: expect.stringMatching(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/),
    labels: {
      'kubernetes.io/service-name': 'web',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    },
  })
  expect(controllerOf(slice!)).toMatchObject({ kind: 'Service', name: 'web' })
  expect(slice!.addressType).toBe('IPv4')
  expect(slice!.ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }])
  const { status, metadata } = plane.get(Pods, 'web-1')
  expect(slice!.endpoints).toHaveLength(2)
  expect(slice!.endpoints).toContainEqual({
    addresses: [status.podIP],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', namespace: 'default', name: 'web-1', uid: metadata.uid },
  })
  const sick = plane.get(Pods, 'sick').status.podIP
  expect(slice!.endpoints!.find(({ addresses }) => addresses[0] === sick)!.conditions).toEqual({
    ready: false,
    serving: false,
    terminating: false,
  })
  expect(plane.get(EndpointsKind, 'web').subsets).toMatchObject([
    {
      addresses: [{ ip: status.podIP }],
      notReadyAddresses: [{ ip: sick }],
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    },
  ])
})

test('a port named by the pods has the number each of them gives it', async () => {
  await using plane = await world()
  await plane.create(Services, service('web', 'web', { ports: [{ port: 80, targetPort: 'http' }] }))
  const container = (containerPort: number) => ({
    containers: [{ name: 'main', image: 'nginx', ports: [{ name: 'http', containerPort }] }],
  })
  await plane.create(Pods, pod('old', container(8080), { app: 'web' }))
  await plane.create(Pods, pod('new', container(9090), { app: 'web' }))
  await plane.seconds(5)
  expect(
    slicesOf(plane, 'web')
      .map(({ ports }) => ports![0]!.port)
      .sort(),
  ).toEqual([8080, 9090])
  const subsets = plane.get(EndpointsKind, 'web').subsets!
  expect(subsets.map(({ ports }) => ports![0]!.port).sort()).toEqual([8080, 9090])
})

test('a pod on its way out is terminating, then gone; one that ended is not there', async () => {
  await using plane = await world()
  await plane.create(Services, service('web', 'web'))
  for (const name of ['a', 'b']) await plane.create(Pods, pod(name, { nodeName: '' }, { app: 'web' }))
  await plane.seconds(5)
  await plane.manager.stop('pod-starter')
  await plane.patch(Pods, 'b', { status: { phase: 'Succeeded' } }, 'status')
  await plane.patch(Pods, 'a', { metadata: { finalizers: ['test/keep'] } })
  await plane.client.of(Pods).delete({ namespace: 'default', name: 'a' })
  await plane.settle()
  const [slice] = slicesOf(plane, 'web')
  expect(slice!.endpoints!.map(({ conditions }) => conditions)).toEqual([
    { ready: false, serving: true, terminating: true },
  ])
  expect(plane.get(EndpointsKind, 'web').subsets).toBeUndefined()
  await plane.patch(Pods, 'a', { metadata: { finalizers: null } })
  await plane.settle()
  expect(slicesOf(plane, 'web').map(({ endpoints }) => endpoints)).toEqual([[]])
})

test('publishNotReadyAddresses lists every pod as ready; a headless Service carries the label', async () => {
  await using plane = await world()
  await plane.create(Services, service('db', 'db', { clusterIP: 'None', publishNotReadyAddresses: true }))
  await plane.create(Pods, pod('db-0', { hostname: 'db-0', subdomain: 'db' }, { app: 'db', sick: 'yes' }))
  await plane.seconds(5)
  const [slice] = slicesOf(plane, 'db')
  expect(slice!.metadata.labels).toHaveProperty(['service.kubernetes.io/headless'], '')
  expect(slice!.endpoints).toMatchObject([
    { conditions: { ready: true, serving: false, terminating: false }, hostname: 'db-0' },
  ])
  expect(plane.get(EndpointsKind, 'db').subsets).toMatchObject([{ addresses: [{ hostname: 'db-0' }] }])
})

test('a Service without a selector, or of another name only, is left to its owner', async () => {
  await using plane = await world()
  const bare = service('bare', 'x')
  delete (bare.spec as Service['spec']).selector
  await plane.create(Services, bare)
  await plane.create(Services, service('alias', 'web', { type: 'ExternalName', externalName: 'example.org' }))
  await plane.create(Pods, pod('web-1', {}, { app: 'web' }))
  await plane.seconds(5)
  expect([...slicesOf(plane, 'bare'), ...slicesOf(plane, 'alias')]).toEqual([])
  expect(plane.find(EndpointsKind, 'bare') ?? plane.find(EndpointsKind, 'alias')).toBeUndefined()
})

test('a selector that changes leads elsewhere; a pod whose labels change comes and goes', async () => {
  await using plane = await world()
  await plane.create(Services, service('web', 'blue'))
  await plane.create(Pods, pod('blue', {}, { app: 'blue' }))
  await plane.create(Pods, pod('green', {}, { app: 'green' }))
  await plane.seconds(5)
  const ip = (name: string): string => plane.get(Pods, name).status.podIP!
  expect(addressesIn(slicesOf(plane, 'web'))).toEqual([ip('blue')])
  await plane.patch(Services, 'web', { spec: { selector: { app: 'green' } } })
  await plane.settle()
  expect(addressesIn(slicesOf(plane, 'web'))).toEqual([ip('green')])
  await plane.patch(Pods, 'blue', { metadata: { labels: { app: 'green' } } })
  await plane.patch(Pods, 'green', { metadata: { labels: { app: 'red' } } })
  await plane.settle()
  expect(addressesIn(slicesOf(plane, 'web'))).toEqual([ip('blue')])
})

test('the time of the change that a write answers stands beside it', async () => {
  await using plane = await world()
  await plane.create(Services, service('web', 'web'))
  await plane.seconds(60)
  await plane.create(Pods, pod('web-1', {}, { app: 'web' }))
  await plane.seconds(30)
  const annotation = 'endpoints.kubernetes.io/last-change-trigger-time'
  const becameReady = '2024-01-01T00:01:01Z'
  expect(slicesOf(plane, 'web')[0]!.metadata.annotations![annotation]).toBe(becameReady)
  expect(plane.get(EndpointsKind, 'web').metadata.annotations![annotation]).toBe(becameReady)
})

test('what somebody deletes or spoils is put right, and what a Service leaves behind goes', async () => {
  await using plane = await controlPlane([
    endpointsController(),
    endpointSliceController(),
    garbageCollector(builtinKinds),
    podStarter(),
  ])
  await plane.create(Services, service('web', 'web'))
  await plane.create(Pods, pod('web-1', {}, { app: 'web' }))
  await plane.seconds(5)
  const { podIP } = plane.get(Pods, 'web-1').status
  await plane.client.of(EndpointSlices).delete(slicesOf(plane, 'web')[0]!.metadata)
  await plane.client.of(EndpointsKind).delete({ namespace: 'default', name: 'web' })
  await plane.settle()
  expect(addressesIn(slicesOf(plane, 'web'))).toEqual([podIP])
  expect(plane.get(EndpointsKind, 'web').subsets).toMatchObject([{ addresses: [{ ip: podIP }] }])
  await plane.patch(EndpointSlices, slicesOf(plane, 'web')[0]!.metadata.name, { endpoints: [] })
  await plane.settle()
  expect(addressesIn(slicesOf(plane, 'web'))).toEqual([podIP])
  await plane.client.of(Services).delete({ namespace: 'default', name: 'web' })
  await plane.settle()
  expect(slicesOf(plane, 'web')).toEqual([])
  expect(plane.find(EndpointsKind, 'web')).toBeUndefined()
})

test('250 pods are three slices of at most a hundred; one pod more or less is one write', async () => {
  const faults = new Faults()
  await using plane = await world({ batchPeriod: 100, through: client => faults.wrap(client) })
  await plane.create(Services, service('web', 'web'))
  await plane.create(ReplicaSets, replicaSet('web', 250))
  await plane.seconds(10)
  expect(slicesOf(plane, 'web').length).toBeLessThanOrEqual(4)
  for (const { endpoints } of slicesOf(plane, 'web')) expect(endpoints!.length).toBeLessThanOrEqual(100)
  expect(addressesIn(slicesOf(plane, 'web'))).toEqual(podIPs(plane))
  const writes = () =>
    ['create', 'update', 'patch', 'delete'].reduce(
      (sum, verb) => sum + (faults.counts.get(`${verb} endpointslices`) ?? 0),
      0,
    )
  // So many pods became ready in few moments; the slices were not written for each.
  expect(writes()).toBeLessThan(20)
  const before = writes()
  await plane.patch(Pods, plane.list(Pods)[7]!.metadata.name, { metadata: { labels: { sick: 'yes' } } })
  await plane.seconds(5)
  expect(writes() - before).toBeLessThanOrEqual(2)
  expect(plane.list(Pods).length).toBe(250)
})

test('with a batch period the changes of a while are one write', async () => {
  const faults = new Faults()
  await using plane = await world({ batchPeriod: 1_000, through: client => faults.wrap(client) })
  await plane.create(Services, service('web', 'web'))
  await plane.seconds(5)
  faults.counts.clear()
  for (let at = 0; at < 5; at++) await plane.create(Pods, pod(`web-${at}`, {}, { app: 'web' }))
  await plane.seconds(10)
  expect(addressesIn(slicesOf(plane, 'web'))).toHaveLength(5)
  expect(faults.counts.get('update endpointslices')).toBeLessThanOrEqual(2)
})

describe('the plan of writes', () => {
  const ports = [{ name: '', port: 80, protocol: 'TCP' }]
  const labels = { 'kubernetes.io/service-name': 'web' }
  const endpoint = (number: number): Endpoint => ({ addresses: [`10.0.${number >> 8}.${number & 255}`] })
  const groupOf = (numbers: readonly number[]) =>
    new Map(
      numbers.length === 0
        ? []
        : [
            [
              '/80/TCP/',
              { ports, endpoints: new Map(numbers.map(number => [endpoint(number).addresses[0]!, endpoint(number)])) },
            ],
          ],
    )

  let made = 0
  function apply(present: readonly EndpointSlice[], plan: ReturnType<typeof planSlices>): EndpointSlice[] {
    const written = plan.writes.map(
      (draft): EndpointSlice => ({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: draft.slice?.metadata.name ?? `new-${made++}`, labels: { ...plan.labels } },
        addressType: 'IPv4',
        ports: [...draft.ports] as NonNullable<EndpointSlice['ports']>,
        endpoints: draft.endpoints,
      }),
    )
    const replaced = new Set(written.map(({ metadata }) => metadata.name))
    const deleted = new Set(plan.deletes.map(({ metadata }) => metadata.name))
    return [
      ...present.filter(({ metadata }) => !replaced.has(metadata.name) && !deleted.has(metadata.name)),
      ...written,
    ]
  }

  test('makes true whatever is desired, in slices that are not too large, and then has nothing more to do', () => {
    const sets = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 40 }), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(sets, fc.integer({ min: 1, max: 10 }), (stages, maxPerSlice) => {
        let slices: EndpointSlice[] = []
        for (const numbers of stages) {
          const plan = planSlices(slices, groupOf(numbers), labels, maxPerSlice)
          slices = apply(slices, plan)
          expect(addressesIn(slices)).toEqual(addressesIn([{ endpoints: numbers.map(endpoint) }]))
          for (const { endpoints } of slices) expect(endpoints!.length).toBeLessThanOrEqual(maxPerSlice)
          expect(slices.length).toBeGreaterThanOrEqual(1)
          const again = planSlices(slices, groupOf(numbers), labels, maxPerSlice)
          expect([again.writes, again.deletes]).toEqual([[], []])
        }
      }),
    )
  })
})
