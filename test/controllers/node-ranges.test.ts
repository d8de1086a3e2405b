// pkg/controller/nodeipam and pkg/controller/ttl.

import { expect, test } from 'vitest'
import { nodeIpamController } from '../../controllers/node-ipam.ts'
import { nodeTtlController } from '../../controllers/node-ttl.ts'
import { Nodes } from '../../src/kinds/index.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'

const add = (plane: ControlPlane, name: string, spec = {}) =>
  plane.create(Nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec })
const ranges = (plane: ControlPlane) =>
  Object.fromEntries(plane.list(Nodes).map(({ metadata, spec }) => [metadata.name, spec.podCIDR]))

test('each node has a range of its own, and what is given back is given again', async () => {
  await using plane = await controlPlane([nodeIpamController()])
  await add(plane, 'own', { podCIDR: '10.244.2.0/24', podCIDRs: ['10.244.2.0/24'] })
  for (const name of ['a', 'b']) await add(plane, name)
  await plane.create(Nodes, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'fake', annotations: { 'kubesim.dev/node': 'simulated' } },
  })
  await plane.settle()
  expect(ranges(plane)).toEqual({ a: '10.244.1.0/24', b: '10.244.3.0/24', fake: undefined, own: '10.244.2.0/24' })
  await plane.client.of(Nodes).delete({ name: 'a' })
  await add(plane, 'c')
  await plane.settle()
  expect(ranges(plane).c).toBe('10.244.1.0/24')
  expect(plane.get(Nodes, 'c').spec.podCIDRs).toEqual(['10.244.1.0/24'])
})

test('when there are no more it says so, and waits for one', async () => {
  await using plane = await controlPlane([nodeIpamController()])
  for (let at = 0; at < 256; at++) await add(plane, `node-${at}`)
  await plane.settle()
  const without = plane.list(Nodes).filter(({ spec }) => !spec.podCIDR)
  expect(without).toHaveLength(1)
  const { name } = without[0]!.metadata
  expect(plane.events(name)).toEqual([`CIDRNotAvailable: Node ${name} status is now: CIDRNotAvailable`])
  await plane.client.of(Nodes).delete({ name: 'node-7' })
  await plane.settle()
  expect(new Set(Object.values(ranges(plane))).size).toBe(255)
})

test('the more nodes, the longer may each keep what it read; it does not swing', async () => {
  await using plane = await controlPlane([nodeTtlController()])
  const seconds = () =>
    new Set(plane.list(Nodes).map(({ metadata }) => metadata.annotations!['node.alpha.kubernetes.io/ttl']))
  for (let at = 0; at < 100; at++) await add(plane, `node-${at}`)
  await plane.settle()
  expect([...seconds()]).toEqual(['0'])
  await add(plane, 'last')
  await plane.settle()
  expect(plane.get(Nodes, 'last').metadata.annotations!['node.alpha.kubernetes.io/ttl']).toBe('15')
  const touch = async (label: string) => {
    for (const { metadata } of plane.list(Nodes))
      await plane.patch(Nodes, metadata.name, { metadata: { labels: { label } } })
    await plane.settle()
  }
  await touch('a')
  expect([...seconds()]).toEqual(['15'])
  for (let at = 0; at < 5; at++) await plane.client.of(Nodes).delete({ name: `node-${at}` })
  await touch('b')
  expect([...seconds()]).toEqual(['15'])
  for (let at = 5; at < 20; at++) await plane.client.of(Nodes).delete({ name: `node-${at}` })
  await touch('c')
  expect([...seconds()]).toEqual(['0'])
})
