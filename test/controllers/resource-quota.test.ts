// The counting of quota, where upstream's conformance items do not look: kinds that users have defined, devices, and the
// attributes classes that are in use (pkg/controller/resourcequota, pkg/quota/v1/evaluator/core/resource_claims.go,
// pkg/controller/volume/vacprotection).

import { expect, test } from 'vitest'
import { resourceQuotaController } from '../../controllers/resource-quota.ts'
import type { ResourceQuota } from '../../generated/types.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { definedKind } from '../../src/kinds/customresourcedefinition.ts'
import {
  builtinKinds,
  CustomResourceDefinitions,
  PersistentVolumeClaims,
  ResourceClaims,
  ResourceQuotas,
  VolumeAttributesClasses,
} from '../../src/kinds/index.ts'
import { evaluatorOf } from '../../src/kinds/quota-usage.ts'
import { refusal } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'
import { testCluster } from '../support/cluster.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'

const definition = (name: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
})

const quota = (hard: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'quota', namespace: 'default' },
  spec: { hard },
})

const used = (plane: ControlPlane) => (plane.get(ResourceQuotas, 'quota') as unknown as ResourceQuota).status.used

test('custom objects are counted, from before the quota and after, and given back', async () => {
  await using plane = await controlPlane([resourceQuotaController(builtinKinds)])
  await plane.create(ResourceQuotas, quota({ 'count/widgets.example.com': '2' }))
  await plane.settle()
  // Nobody knows yet what that is.
  expect(used(plane)).toBeUndefined()
  await plane.create(CustomResourceDefinitions, definition('widgets.example.com'))
  await plane.settle()
  const Widgets = definedKind(plane.get(CustomResourceDefinitions, 'widgets.example.com', ''))!
  expect(used(plane)).toEqual({ 'count/widgets.example.com': '0' })
  const widget = (name: string) =>
    plane.create(Widgets, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name, namespace: 'default' } })
  await widget('a')
  await widget('b')
  expect(used(plane)).toEqual({ 'count/widgets.example.com': '2' })
  expect((await refusal(widget('c'))).message).toBe(
    'widgets.example.com "c" is forbidden: exceeded quota: quota, requested: count/widgets.example.com=1, used: count/widgets.example.com=2, limited: count/widgets.example.com=2',
  )
  await plane.client.of(Widgets).delete({ name: 'a', namespace: 'default' })
  await plane.settle()
  expect(used(plane)).toEqual({ 'count/widgets.example.com': '1' })
})

test('devices are counted by their class, at worst', () => {
  const usage = (...requests: object[]) => {
    const claim = { spec: { devices: { requests } } } as unknown as KubeObject
    const amounts = evaluatorOf(ResourceClaims)!.usage(claim as never, 0)
    return Object.fromEntries(
      [...amounts].map(([name, amount]) => [name.replace('.deviceclass.resource.k8s.io/devices', ''), `${amount}`]),
    )
  }
  const exact = (deviceClassName: string, count: number) => ({ deviceClassName, allocationMode: 'ExactCount', count })
  const all = { deviceClassName: 'gpu', allocationMode: 'All' }
  const own = { 'count/resourceclaims.resource.k8s.io': '1' }
  expect(usage({ name: 'a', exactly: exact('gpu', 2) }, { name: 'b', exactly: exact('gpu', 3) })).toEqual({
    ...own,
    gpu: '5',
  })
  expect(usage({ name: 'old', ...exact('gpu', 2) })).toEqual({ ...own, gpu: '2' })
  expect(usage({ name: 'a', exactly: all })).toEqual({ ...own, gpu: '32' })
  expect(usage({ name: 'a', firstAvailable: [exact('gpu', 1), exact('gpu', 4), exact('cpu', 9)] })).toEqual({
    ...own,
    gpu: '4',
    cpu: '9',
  })
})

test('an attributes class that is deleted goes when no claim names it any more', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const claim = leastObject(PersistentVolumeClaims, 'data')
  claim.spec.volumeAttributesClassName = 'gold'
  await cluster.apply(leastObject(VolumeAttributesClasses, 'gold') as never, claim as never)
  await cluster.client.of(VolumeAttributesClasses).delete({ name: 'gold' })
  await cluster.advance('1s')
  expect(cluster.get(VolumeAttributesClasses, 'gold').metadata.finalizers).toEqual(['kubernetes.io/vac-protection'])
  await cluster.client.of(PersistentVolumeClaims).delete({ name: 'data', namespace: 'default' })
  await cluster.advance('1s')
  expect(cluster.list(VolumeAttributesClasses)).toEqual([])
})
