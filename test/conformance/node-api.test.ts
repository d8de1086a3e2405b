// Upstream's [sig-node] conformance items that are about the API alone, by their names (test/e2e/common/node/{configmap,secrets,
// lease,podtemplates,runtimeclass}.go).

import { expect, test } from 'vitest'
import type { ConfigMap, PodTemplate, Secret } from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { ConfigMaps, Leases, PodTemplates, RuntimeClasses, Secrets } from '../../src/kinds/index.ts'
import { openDoor } from '../http/door.ts'
import { testCluster } from '../support/cluster.ts'
import { walkThrough } from './walk-through.ts'

const inDefault = (name: string) => ({ name, namespace: 'default' })

test('[sig-node] RuntimeClass  should support RuntimeClasses API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, RuntimeClasses)
})

test('[sig-node] Lease lease API should be available', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const client = cluster.client.of(Leases)
  const spec = {
    holderIdentity: 'holder',
    leaseDurationSeconds: 30,
    acquireTime: '2024-01-01T00:00:00.000000Z',
    renewTime: '2024-01-01T00:00:05.000000Z',
    leaseTransitions: 0,
  }
  const apiVersion = 'coordination.k8s.io/v1'
  const made = await client.create({ apiVersion, kind: 'Lease', metadata: inDefault('lease'), spec })
  expect((await client.get(inDefault('lease'))).spec).toEqual(spec)
  const next = { ...spec, holderIdentity: 'other', leaseTransitions: 1 }
  await client.update({ ...made, spec: next })
  expect((await client.get(inDefault('lease'))).spec).toEqual(next)
  await client.patch(inDefault('lease'), { type: 'strategic', body: { spec: { leaseDurationSeconds: 60 } } })
  expect((await client.get(inDefault('lease'))).spec.leaseDurationSeconds).toBe(60)
  const labels = { deletecollection: 'true' }
  await client.create({ apiVersion, kind: 'Lease', metadata: { ...inDefault('second'), labels }, spec })
  expect((await client.list({ namespace: 'default' })).items).toHaveLength(2)
  await client.deleteCollection({ namespace: 'default', labelSelector: 'deletecollection=true' })
  expect((await client.list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name)).toEqual(['lease'])
  await client.delete(inDefault('lease'))
  expect((await client.list({ namespace: 'default' })).items).toEqual([])
})

const template = (name: string, labels: Record<string, string> = {}): NewObject<PodTemplate> =>
  ({
    apiVersion: 'v1',
    kind: 'PodTemplate',
    metadata: { name, namespace: 'default', labels },
    template: { spec: { containers: [{ name: 'nginx', image: 'nginx' }] } },
  }) as NewObject<PodTemplate>

test('[sig-node] PodTemplates should run the lifecycle of PodTemplates', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const client = cluster.client.of(PodTemplates)
  await client.create(template('nginx', { podtemplate: 'empty' }))
  const patched = await client.patch(inDefault('nginx'), {
    type: 'strategic',
    body: { metadata: { labels: { podtemplate: 'patched' } } },
  })
  expect(patched.metadata.labels).toEqual({ podtemplate: 'patched' })
  expect((await client.get(inDefault('nginx'))).metadata.labels).toEqual({ podtemplate: 'patched' })
  await client.delete(inDefault('nginx'))
  expect((await client.list({ labelSelector: 'podtemplate=patched' })).items).toEqual([])
})

test('[sig-node] PodTemplates should delete a collection of pod templates', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const client = cluster.client.of(PodTemplates)
  for (const name of ['one', 'two', 'three']) await client.create(template(name, { 'podtemplate-set': 'true' }))
  const labelSelector = 'podtemplate-set=true'
  expect((await client.list({ namespace: 'default', labelSelector })).items).toHaveLength(3)
  await client.deleteCollection({ namespace: 'default', labelSelector })
  expect((await client.list({ namespace: 'default', labelSelector })).items).toEqual([])
})

test('[sig-node] PodTemplates should replace a pod template', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const client = cluster.client.of(PodTemplates)
  const made = await client.create(template('replaced'))
  const annotations = { updated: 'true' }
  await client.update({ ...made, metadata: { ...made.metadata, annotations } })
  expect((await client.get(inDefault('replaced'))).metadata.annotations).toEqual(annotations)
})

const configMap = (name: string, data: Record<string, string>, labels: Record<string, string> = {}) =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', labels },
    data,
  }) as NewObject<ConfigMap>

test('[sig-node] ConfigMap should fail to create ConfigMap with empty key', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  await expect(cluster.client.of(ConfigMaps).create(configMap('empty', { '': 'value' }))).rejects.toThrow(
    /ConfigMap "empty" is invalid: data\[\]: Invalid value: ""/,
  )
})

test('[sig-node] ConfigMap should update ConfigMap successfully [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const client = cluster.client.of(ConfigMaps)
  const made = await client.create(configMap('updated', { 'data-1': 'value-1' }))
  await client.update({ ...made, data: { ...made.data, data: 'value' } })
  expect((await client.get(inDefault('updated'))).data).toEqual({ 'data-1': 'value-1', data: 'value' })
})

test('[sig-node] ConfigMap should run through a ConfigMap lifecycle', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const client = cluster.client.of(ConfigMaps)
  const ending = new AbortController()
  const { resourceVersion } = await client.list({ namespace: 'default' })
  const types: string[] = []
  const watching = (async () => {
    const watch = client.watch({
      namespace: 'default',
      labelSelector: 'test=lifecycle',
      after: resourceVersion,
      signal: ending.signal,
    })
    for await (const { type } of watch) {
      types.push(type)
      if (type === 'DELETED') return
    }
  })()
  await client.create(configMap('lived', { value: 'x' }, { test: 'lifecycle' }))
  const patched = await client.patch(inDefault('lived'), { type: 'strategic', body: { data: { value: 'patched' } } })
  expect(patched.data).toEqual({ value: 'patched' })
  expect((await client.list({ labelSelector: 'test=lifecycle' })).items).toHaveLength(1)
  await client.deleteCollection({ namespace: 'default', labelSelector: 'test=lifecycle' })
  await watching
  ending.abort()
  expect(types).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
})

const secret = (name: string, data: Record<string, string>, labels: Record<string, string> = {}) =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default', labels }, data }) as NewObject<Secret>

test('[sig-node] Secrets should fail to create secret due to empty secret key', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  await expect(cluster.client.of(Secrets).create(secret('empty', { '': 'dmFsdWU=' }))).rejects.toThrow(
    /Secret "empty" is invalid: data\[\]: Invalid value: ""/,
  )
})

test('[sig-node] Secrets should patch a secret', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const client = cluster.client.of(Secrets)
  await client.create(secret('patched', { key: 'dmFsdWU=' }, { testsecret: 'true' }))
  const body = { metadata: { labels: { testsecret: 'patched' } }, data: { key: 'dmFsdWUtMg==' } }
  await client.patch(inDefault('patched'), { type: 'strategic', body })
  const [found] = (await client.list({ labelSelector: 'testsecret=patched' })).items
  expect(found?.data).toEqual({ key: 'dmFsdWUtMg==' })
  await client.deleteCollection({ namespace: 'default', labelSelector: 'testsecret=patched' })
  expect((await client.list({ labelSelector: 'testsecret=patched' })).items).toEqual([])
})
