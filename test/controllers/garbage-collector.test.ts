import fc from 'fast-check'
import { expect, test } from 'vitest'
import { garbageCollector } from '../../controllers/garbage-collector.ts'
import type { Frozen, KubeObject, OwnerReference } from '../../src/api/meta.ts'
import { builtinKinds, ConfigMaps, Namespaces, Secrets } from '../../src/kinds/index.ts'
import { createManager } from '../../src/runtime/manager.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'
import { runs } from '../support/over-http.ts'

const collector = () => garbageCollector(builtinKinds)

const refTo = (owner: Frozen<KubeObject>, blockOwnerDeletion = true): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid!,
  blockOwnerDeletion,
})

function map(
  plane: ControlPlane,
  name: string,
  owners: OwnerReference[] = [],
  namespace = 'default',
  finalizers?: string[],
) {
  return plane.create(ConfigMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, ownerReferences: owners, ...(finalizers ? { finalizers } : {}) },
  })
}

const names = (plane: ControlPlane): string[] => plane.list(ConfigMaps, 'default').map(({ metadata }) => metadata.name)
const remove = (plane: ControlPlane, name: string, propagationPolicy?: 'Foreground' | 'Background' | 'Orphan') =>
  plane.client.of(ConfigMaps).delete({ namespace: 'default', name }, propagationPolicy ? { propagationPolicy } : {})

/** a owns b owns c; d is a stranger. */
async function chain(plane: ControlPlane) {
  const a = await map(plane, 'a')
  const b = await map(plane, 'b', [refTo(a)])
  await map(plane, 'c', [refTo(b)])
  await map(plane, 'd')
  await plane.settle()
}

test('in the background, the owner goes at once and its dependents after it', async () => {
  await using plane = await controlPlane([collector()])
  await chain(plane)
  await remove(plane, 'a')
  expect(names(plane)).not.toContain('a')
  await plane.settle()
  expect(names(plane)).toEqual(['d'])
})

test('in the foreground, the owner goes last', async () => {
  await using plane = await controlPlane([collector()])
  await chain(plane)
  const order: string[] = []
  plane.storage.subscribe('/registry/core/configmaps/default/', plane.storage.revision, events => {
    for (const { type, key } of events) if (type === 'DELETED') order.push(key.split('/').at(-1)!)
  })
  await remove(plane, 'a', 'Foreground')
  await plane.settle()
  expect(names(plane)).toEqual(['d'])
  expect(order).toEqual(['c', 'b', 'a'])
})

test('in the foreground, only those that block are waited for', async () => {
  await using plane = await controlPlane([collector()])
  const a = await map(plane, 'a')
  await map(plane, 'slow', [refTo(a, false)], 'default', ['test/keep'])
  await map(plane, 'blocking', [refTo(a, true)], 'default', ['test/keep'])
  await plane.settle()
  await remove(plane, 'a', 'Foreground')
  await plane.settle()
  expect(names(plane)).toEqual(['a', 'blocking', 'slow'])
  await plane.patch(ConfigMaps, 'blocking', { metadata: { finalizers: null } })
  await plane.settle()
  expect(names(plane)).toEqual(['slow'])
})

test('orphaned, the dependents stay and forget their owner', async () => {
  await using plane = await controlPlane([collector()])
  await chain(plane)
  await remove(plane, 'a', 'Orphan')
  await plane.settle()
  expect(names(plane)).toEqual(['b', 'c', 'd'])
  expect(plane.get(ConfigMaps, 'b').metadata.ownerReferences ?? []).toEqual([])
  expect(plane.get(ConfigMaps, 'c').metadata.ownerReferences).toHaveLength(1)
})

test('with one owner left it stays, and forgets the one that is gone', async () => {
  await using plane = await controlPlane([collector()])
  const [a, b] = [await map(plane, 'a'), await map(plane, 'b')]
  await map(plane, 'child', [refTo(a), refTo(b)])
  await plane.settle()
  await remove(plane, 'a')
  await plane.settle()
  expect(plane.get(ConfigMaps, 'child').metadata.ownerReferences!.map(({ name }) => name)).toEqual(['b'])
  await remove(plane, 'b')
  await plane.settle()
  expect(names(plane)).toEqual([])
})

test('what names an owner that never was goes; so does what an owner of the same name but another uid left behind', async () => {
  await using plane = await controlPlane([collector()])
  const gone = { apiVersion: 'v1', kind: 'Secret', name: 'ghost', uid: '00000000-0000-4000-8000-000000000000' }
  await map(plane, 'haunted', [gone])
  const reborn = await map(plane, 'reborn')
  await map(plane, 'stale', [{ ...refTo(reborn), uid: '00000000-0000-4000-8000-000000000001' }])
  await plane.settle()
  expect(names(plane)).toEqual(['reborn'])
})

test('an owner of a kind that is not served is left alone with its dependents', async () => {
  await using plane = await controlPlane([collector()])
  await map(plane, 'child', [{ apiVersion: 'example.org/v1', kind: 'Widget', name: 'w', uid: 'some-uid' }])
  await plane.seconds(600)
  expect(names(plane)).toEqual(['child'])
})

test('an owner in another namespace does not count: an Event says so, and the dependent goes', async () => {
  await using plane = await controlPlane([collector()])
  const elsewhere = await map(plane, 'owner', [], 'kube-system')
  await plane.settle()
  await map(plane, 'child', [refTo(elsewhere)])
  await plane.settle()
  expect(names(plane)).toEqual([])
  const who = `[v1/ConfigMap, namespace: default, name: owner, uid: ${elsewhere.metadata.uid}]`
  expect(plane.events('child')).toEqual([
    `OwnerRefInvalidNamespace: ownerRef ${who} does not exist in namespace "default"`,
  ])
})

test('an object without a namespace may own one with a namespace, but not the other way round', async () => {
  await using plane = await controlPlane([collector()])
  const owner = await plane.create(Namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'owner' } })
  await map(plane, 'child', [refTo(owner)])
  const secret = await plane.create(Secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'default' },
  })
  await plane.create(Namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'wrong', ownerReferences: [refTo(secret)] },
  })
  await plane.client.of(Secrets).delete(secret.metadata)
  await plane.seconds(600)
  expect(names(plane)).toEqual(['child'])
  expect(plane.find(Namespaces, 'wrong')).toBeDefined()
})

test('a circle of owners deleted in the foreground goes, all of it', async () => {
  await using plane = await controlPlane([collector()])
  const a = await map(plane, 'a')
  const b = await map(plane, 'b', [refTo(a)])
  await plane.patch(ConfigMaps, 'a', { metadata: { ownerReferences: [refTo(b)] } })
  await plane.settle()
  expect(names(plane)).toEqual(['a', 'b'])
  await remove(plane, 'a', 'Foreground')
  await plane.seconds(60)
  expect(names(plane)).toEqual([])
})

test('what was deleted while no collector ran is collected when one starts', async () => {
  await using plane = await controlPlane([])
  await chain(plane)
  await remove(plane, 'b')
  await remove(plane, 'a', 'Foreground')
  const manager = createManager(plane.env, plane.client, [collector()])
  await manager.start()
  await plane.settle()
  expect(names(plane)).toEqual(['d'])
  await manager.close()
})

test('an owner that the cache does not have yet is asked for, and its dependents stay', async () => {
  const faults = new Faults()
  await using plane = await controlPlane([collector()], { through: client => faults.wrap(client) })
  faults.hold(Secrets)
  const owner = await plane.client
    .of(Secrets)
    .create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' } })
  await plane.client.of(ConfigMaps).create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'child', namespace: 'default', ownerReferences: [refTo(owner)] },
  })
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
  expect(faults.counts.get('get secrets')).toBeGreaterThanOrEqual(1)
  faults.letGo(Secrets)
  await plane.settle()
  expect(names(plane)).toEqual(['child'])
})

test('of a forest at random, exactly what has lost all its owners goes', async () => {
  const forest = fc.array(fc.array(fc.nat(20), { maxLength: 3 }), { minLength: 2, maxLength: 20 })
  const policy = fc.constantFrom('Foreground' as const, 'Background' as const)
  await fc.assert(
    fc.asyncProperty(forest, fc.nat(20), policy, async (owners, victim, how) => {
      await using plane = await controlPlane([collector()])
      const made: Frozen<KubeObject>[] = []
      const parents = owners.map((list, at) => (at === 0 ? [] : [...new Set(list.map(number => number % at))]))
      for (const [at, list] of parents.entries()) {
        const references = list.map(parent => refTo(made[parent]!))
        made.push(await map(plane, `m-${String(at).padStart(2, '0')}`, references))
      }
      const root = victim % made.length
      // Foreground deletion is as transitive as background deletion: what counts is who is left to own what.
      const dead = new Set([root])
      for (const [at, list] of parents.entries()) {
        if (list.length > 0 && list.every(parent => dead.has(parent))) dead.add(at)
      }
      await plane.settle()
      await remove(plane, made[root]!.metadata.name, how)
      await plane.seconds(120)
      const expected = made.filter((_, at) => !dead.has(at)).map(({ metadata }) => metadata.name)
      expect(names(plane)).toEqual(expected)
    }),
    { numRuns: runs(40) },
  )
})
