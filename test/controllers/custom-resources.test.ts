// Controllers and kinds that users have defined: custom objects own and are owned, and go with their namespace.

import { expect, test } from 'vitest'
import { garbageCollector } from '../../controllers/garbage-collector.ts'
import { namespaceController } from '../../controllers/namespace.ts'
import type { Namespace } from '../../generated/types.ts'
import type { Frozen, KubeObject, OwnerReference } from '../../src/api/meta.ts'
import { definedKind } from '../../src/kinds/customresourcedefinition.ts'
import { builtinKinds, ConfigMaps, CustomResourceDefinitions, Namespaces } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'

const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }

async function define(plane: ControlPlane, plural = 'widgets'): Promise<Kind<KubeObject>> {
  const name = `${plural}.example.com`
  const kind = plural[0]!.toUpperCase() + plural.slice(1, -1)
  await plane.create(CustomResourceDefinitions, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  await plane.settle()
  return definedKind(plane.get(CustomResourceDefinitions, name, ''))!
}

const refTo = ({ apiVersion, kind, metadata }: Frozen<KubeObject>) => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid!,
  blockOwnerDeletion: true,
})

const widget = (name: string, owners: OwnerReference[] = [], namespace = 'default') => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name, namespace, ownerReferences: owners },
})

const map = (name: string, owners: OwnerReference[] = []) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', ownerReferences: owners },
})

test('[sig-api-machinery] Garbage collector should support cascading deletion of custom resources', async () => {
  await using plane = await controlPlane([garbageCollector(builtinKinds)])
  const Widgets = await define(plane)
  const owner = await plane.create(Widgets, widget('owner'))
  const middle = await plane.create(Widgets, widget('middle', [refTo(owner)]))
  await plane.create(ConfigMaps, map('leaf', [refTo(middle)]))
  await plane.create(Widgets, widget('stranger'))
  await plane.settle()
  await plane.client.of(Widgets).delete({ name: 'owner', namespace: 'default' })
  await plane.settle()
  expect(plane.list(Widgets, 'default').map(({ metadata }) => metadata.name)).toEqual(['stranger'])
  expect(plane.find(ConfigMaps, 'leaf')).toBeUndefined()
})

test('[sig-api-machinery] Garbage collector should support orphan deletion of custom resources', async () => {
  await using plane = await controlPlane([garbageCollector(builtinKinds)])
  const Widgets = await define(plane)
  const owner = await plane.create(Widgets, widget('owner'))
  await plane.create(Widgets, widget('dependent', [refTo(owner)]))
  await plane.settle()
  await plane.client.of(Widgets).delete({ name: 'owner', namespace: 'default' }, { propagationPolicy: 'Orphan' })
  await plane.settle()
  const [left, ...more] = plane.list(Widgets, 'default')
  expect(more).toEqual([])
  expect(left!.metadata.name).toBe('dependent')
  expect(left!.metadata.ownerReferences).toBeUndefined()
})

test('what is owned by an object of a kind that goes, goes with it; of a kind that is not there yet, it stays', async () => {
  await using plane = await controlPlane([garbageCollector(builtinKinds)])
  const Widgets = await define(plane)
  const owner = await plane.create(Widgets, widget('owner'))
  await plane.create(ConfigMaps, map('owned', [refTo(owner)]))
  const unknown = { apiVersion: 'example.com/v1', kind: 'Gadget', name: 'nobody', uid: 'not-there' }
  await plane.create(ConfigMaps, map('waiting', [unknown]))
  await plane.settle()
  await plane.client.of(CustomResourceDefinitions).delete({ name: 'widgets.example.com' })
  await plane.settle()
  expect(plane.find(ConfigMaps, 'owned')).toBeUndefined()
  expect(plane.find(ConfigMaps, 'waiting')).toBeDefined()
  await define(plane, 'gadgets')
  await plane.settle()
  expect(plane.find(ConfigMaps, 'waiting')).toBeUndefined()
})

test('a namespace takes its custom objects along, and says which are still held', async () => {
  await using plane = await controlPlane([namespaceController(builtinKinds)])
  const Widgets = await define(plane)
  await plane.create(Namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } } as never)
  await plane.create(Widgets, widget('free', [], 'team'))
  const held = widget('held', [], 'team')
  await plane.create(Widgets, { ...held, metadata: { ...held.metadata, finalizers: ['example.com/hold'] } })
  await plane.client.of(Namespaces).delete({ name: 'team' })
  await plane.settle()
  expect(plane.list(Widgets, 'team').map(({ metadata }) => metadata.name)).toEqual(['held'])
  const { status } = plane.get<Namespace>(Namespaces, 'team', '')
  expect(status.conditions?.find(({ type }) => type === 'NamespaceContentRemaining')).toMatchObject({
    status: 'True',
    message: 'Some resources are remaining: widgets.example.com has 1 resource instances',
  })
  await plane.client
    .of(Widgets)
    .patch({ name: 'held', namespace: 'team' }, { type: 'merge', body: { metadata: { finalizers: null } } })
  await plane.seconds(20)
  expect(plane.find(Namespaces, 'team', '')).toBeUndefined()
})
