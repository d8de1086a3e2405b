// staging/src/k8s.io/endpointslice/topologycache: tables worked out by its formulas, what holds of every outcome, and a
// Service whose zones come and go.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endpointSliceController } from '../../controllers/endpointslice.ts'
import { hintsFor, zoneShares } from '../../controllers/shared/topology-hints.ts'
import type { Endpoint, Node } from '../../generated/types.ts'
import { EndpointSlices, Nodes, Pods, Services } from '../../src/kinds/index.ts'
import { type ControlPlane, controlPlane, podStarter } from '../support/control-plane.ts'
import { pod, service } from '../support/objects.ts'

const none = (): undefined => undefined
/** `aab`: endpoints in zones a, a and b. */
const endpoints = (zones: string): Endpoint[] =>
  [...zones].map((zone, at) => ({ addresses: [`10.0.0.${at}`], conditions: { ready: true }, zone }))
const shares = (cpu: Record<string, number>) => {
  const total = Object.values(cpu).reduce((sum, each) => sum + each, 0)
  return new Map(Object.entries(cpu).map(([zone, each]) => [zone, each / total]))
}
const outcome = (zones: string, cpu: Record<string, number> | undefined) => {
  const hints = hintsFor(endpoints(zones), cpu && shares(cpu), none)
  return 'fault' in hints ? hints.fault : [...hints.values()].join('')
}

test.each([
  ['aabb', { a: 1, b: 1 }, 'aabb'],
  ['aaab', { a: 1, b: 1 }, 'baab'],
  ['aaaabbb', { a: 1, b: 1 }, 'aaaabbb'],
  ['aaaa', { a: 1, b: 1 }, 'bbaa'],
  ['aaaaaa', { a: 1, b: 1, c: 1 }, 'bbccaa'],
  ['aabbb', { a: 4, b: 1 }, 'aaaab'],
  ['aa', { a: 1, b: 1, c: 1 }, 'Insufficient number of endpoints (2 endpoints, 3 zones)'],
  [
    'ab',
    { a: 9, b: 1 },
    'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (2 endpoints, 2 zones)',
  ],
  ['aaa', undefined, 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'],
])('endpoints %s with shares %o are for %s', (zones, cpu, expected) => {
  expect(outcome(zones, cpu)).toBe(expected)
})

test('every ready endpoint is for one zone; nobody gives or gets too much; asked again, nothing changes', () => {
  const zones = ['a', 'b', 'c']
  const world = fc.record({
    at: fc.array(fc.constantFrom(...zones), { minLength: 1, maxLength: 30 }),
    cpu: fc.record({
      a: fc.integer({ min: 1, max: 9 }),
      b: fc.integer({ min: 1, max: 9 }),
      c: fc.integer({ min: 1, max: 9 }),
    }),
  })
  fc.assert(
    fc.property(world, ({ at, cpu }) => {
      const all = endpoints(at.join(''))
      const share = shares(cpu)
      const hints = hintsFor(all, share, none)
      if ('fault' in hints) return
      expect(hints.size).toBe(all.length)
      const count = (zone: string) => [...hints.values()].filter(each => each === zone).length
      for (const zone of zones) {
        const had = at.filter(each => each === zone).length
        const target = Math.max(share.get(zone)! * all.length, Math.ceil((share.get(zone)! * all.length) / 1.2))
        if (had > target) expect(count(zone)).toBeGreaterThanOrEqual(target - 0.5)
        else expect(count(zone)).toBeLessThanOrEqual(Math.max(had, target + 0.5))
      }
      const before = new Map([...hints].map(([endpoint, zone]) => [endpoint.addresses[0]!, zone]))
      const again = hintsFor(all, share, address => before.get(address))
      expect('fault' in again ? again : [...again.values()]).toEqual([...hints.values()])
    }),
  )
})

const node = (name: string, zone: string | undefined, ready = 'True', cpu = '4') =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, ...(zone ? { labels: { 'topology.kubernetes.io/zone': zone } } : {}) },
    status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: ready }] },
  }) as unknown as Node

test('the shares are of the ready nodes, and of none when one does not say where it is', () => {
  const shared = zoneShares([node('1', 'a'), node('2', 'b', 'True', '12'), node('3', 'c', 'False')] as never)
  expect([...shared!]).toEqual([
    ['a', 0.25],
    ['b', 0.75],
  ])
  expect(zoneShares([node('1', 'a'), node('2', undefined)] as never)).toBeUndefined()
  expect(zoneShares([node('1', 'a'), node('2', 'a')] as never)).toBeUndefined()
})

const hints = (plane: ControlPlane) =>
  plane
    .list(EndpointSlices)
    .filter(({ metadata }) => metadata.name.startsWith('web-'))
    .flatMap(({ endpoints: all = [] }) => all.map(each => each.hints?.forZones?.[0]?.name))
    .sort()

test('a Service asks for hints by its annotation, and is told when there can be none', async () => {
  await using plane = await controlPlane([endpointSliceController(), podStarter()])
  for (const zone of ['a', 'b']) {
    await plane.create(Nodes, node(`node-${zone}`, zone))
    for (const at of [1, 2]) {
      await plane.create(Pods, pod(`web-${zone}-${at}`, { nodeName: `node-${zone}` }, { app: 'web' }))
    }
  }
  const asks = service('web', 'web')
  const annotations = { 'service.kubernetes.io/topology-mode': 'Auto' }
  await plane.create(Services, { ...asks, metadata: { ...asks.metadata, annotations } })
  await plane.seconds(10)
  expect(hints(plane)).toEqual(['a', 'a', 'b', 'b'])
  expect(plane.events('web').join()).toContain(
    'TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4',
  )
  await plane.patch(Nodes, 'node-b', { status: { conditions: [{ type: 'Ready', status: 'False' }] } }, 'status')
  await plane.settle()
  expect(hints(plane)).toEqual([undefined, undefined, undefined, undefined])
  expect(plane.events('web').join()).toContain(
    'TopologyAwareHintsDisabled: Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
  )
  await plane.patch(Nodes, 'node-b', { status: { conditions: [{ type: 'Ready', status: 'True' }] } }, 'status')
  await plane.settle()
  expect(hints(plane)).toEqual(['a', 'a', 'b', 'b'])
  await plane.patch(Services, 'web', { metadata: { annotations: null } })
  await plane.settle()
  expect(hints(plane)).toEqual([undefined, undefined, undefined, undefined])
  expect(plane.events('web').join()).toContain(
    'TopologyAwareHintsDisabled: Topology Aware Hints has been disabled, addressType: IPv4',
  )
})
