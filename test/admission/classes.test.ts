// What classes do to the objects that name them, or name none: Priority, RuntimeClass, DefaultStorageClass,
// PersistentVolumeClaimResize (plugin/pkg/admission/…).

import { describe, expect, test } from 'vitest'
import type { PersistentVolumeClaim, Pod } from '../../generated/types.ts'
import { PersistentVolumeClaims, Pods, PriorityClasses, RuntimeClasses, StorageClasses } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { inDefault, refusal, type TestServer, testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'

const where = { namespace: 'default' }

async function make<T>({ of, info }: TestServer, kind: Kind<any>, name: string, parts: object = {}): Promise<T> {
  const object: Record<string, any> = leastObject(kind, name)
  const merged: Record<string, any> = {
    ...object,
    ...parts,
    metadata: { ...object.metadata, ...(parts as any).metadata },
  }
  if (object.spec && (parts as any).spec) merged.spec = { ...object.spec, ...(parts as any).spec }
  const { reading } = await of(kind).create(merged, kind.namespaced ? where : {}, {}, info)
  return reading.object as T
}

const why = async (work: Promise<unknown>): Promise<string> => {
  const { message, code } = await refusal(work)
  expect(code).toBe(403)
  return message
}

describe('priority', () => {
  test('a pod gets its class s number and policy', async () => {
    const server = await testServer()
    await make(server, PriorityClasses, 'high', { value: 1000, preemptionPolicy: 'Never' })
    const { spec } = await make<Pod>(server, Pods, 'web', { spec: { priorityClassName: 'high' } })
    expect(spec).toMatchObject({ priority: 1000, preemptionPolicy: 'Never', priorityClassName: 'high' })
  })

  test('without a class, the default class is it; there is one', async () => {
    const server = await testServer()
    await make(server, PriorityClasses, 'usual', { value: 7, globalDefault: true })
    expect((await make<Pod>(server, Pods, 'web')).spec).toMatchObject({ priority: 7, priorityClassName: 'usual' })
    expect(await why(make(server, PriorityClasses, 'other', { globalDefault: true }))).toBe(
      'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
    )
    await make(server, PriorityClasses, 'other')
    const patch = (name: string, globalDefault: boolean) =>
      server.of(PriorityClasses).patch({ name }, { type: 'merge', body: { globalDefault } }, {}, server.info)
    expect(await why(patch('other', true))).toContain('already marked as default')
    await patch('usual', false)
    await patch('other', true)
  })

  test('the system s classes are there, and stay', async () => {
    const server = await testServer()
    const { items } = server.of(PriorityClasses).list({})
    expect(items.map(({ object }) => [object.metadata.name, (object as any).value])).toEqual([
      ['system-cluster-critical', 2000000000],
      ['system-node-critical', 2000001000],
    ])
    const gone = server.of(PriorityClasses).delete({ name: 'system-node-critical' }, {}, server.info)
    expect(await why(gone)).toBe(
      'priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: this is a system priority class and cannot be deleted',
    )
  })

  test('who sends a pod again without its number keeps it', async () => {
    const server = await testServer()
    await make(server, PriorityClasses, 'high', { value: 1000 })
    const pod = structuredClone(await make<Pod>(server, Pods, 'web', { spec: { priorityClassName: 'high' } }))
    delete pod.spec.priority
    delete pod.spec.preemptionPolicy
    const { reading } = await server.of(Pods).update(inDefault('web'), pod, {}, server.info)
    expect((reading.object as unknown as Pod).spec.priority).toBe(1000)
  })
})

test('[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods', async () => {
  const server = await testServer()
  const { client } = server
  await make(server, PriorityClasses, 'p1', { value: 1 })
  const classes = client.of(PriorityClasses)
  expect((await classes.list()).items.map(({ metadata }) => metadata.name)).toContain('p1')
  expect((await classes.get({ name: 'p1' })).value).toBe(1)
  const patched = await classes.patch({ name: 'p1' }, { type: 'merge', body: { description: 'mutable' } })
  expect([patched.description, patched.metadata.generation]).toEqual(['mutable', 1])
  expect((await classes.update({ ...patched, description: 'again' } as never)).description).toBe('again')
  const error = await refusal(classes.patch({ name: 'p1' }, { type: 'merge', body: { value: 2 } }))
  expect([error.code, error.message]).toEqual([
    422,
    'PriorityClass.scheduling.k8s.io "p1" is invalid: value: Forbidden: may not be changed in an update.',
  ])
})

describe('runtime class', () => {
  const overhead = { podFixed: { cpu: '250m', memory: '120Mi' } }

  test('[sig-node] RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance]', async () => {
    const work = make(await testServer(), Pods, 'web', { spec: { runtimeClassName: 'none' } })
    expect(await why(work)).toBe('pods "web" is forbidden: pod rejected: RuntimeClass "none" not found')
  })

  test('[sig-node] RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance]', async () => {
    const server = await testServer()
    await make(server, RuntimeClasses, 'gone')
    await server.of(RuntimeClasses).delete({ name: 'gone' }, {}, server.info)
    const work = make(server, Pods, 'web', { spec: { runtimeClassName: 'gone' } })
    expect(await why(work)).toContain('RuntimeClass "gone" not found')
  })

  test('[sig-node] RuntimeClass  should support RuntimeClasses API operations ', async () => {
    const server = await testServer()
    const classes = server.client.of(RuntimeClasses)
    for (const name of ['one', 'two', 'three'])
      await make(server, RuntimeClasses, name, { metadata: { labels: { t: 'x' } } })
    expect((await classes.list({ labelSelector: 't=x' })).items).toHaveLength(3)
    const patched = await classes.patch(
      { name: 'one' },
      { type: 'merge', body: { metadata: { annotations: { a: 'b' } } } },
    )
    expect(patched.metadata.annotations).toEqual({ a: 'b' })
    const updated = await classes.update({
      ...patched,
      metadata: { ...patched.metadata, annotations: { c: 'd' } },
    } as never)
    expect(updated.metadata.annotations).toEqual({ c: 'd' })
    await classes.delete({ name: 'one' })
    await classes.deleteCollection({ labelSelector: 't=x' })
    expect((await classes.list({ labelSelector: 't=x' })).items).toEqual([])
  })

  test('gives its overhead and its nodes; a pod that says otherwise is refused', async () => {
    const server = await testServer()
    const tolerations = [{ key: 'dedicated', operator: 'Exists' }]
    await make(server, RuntimeClasses, 'kata', { overhead, scheduling: { nodeSelector: { kata: 'yes' }, tolerations } })
    const own = [{ key: 'dedicated', operator: 'Equal', value: 'kata', effect: 'NoSchedule' }]
    const { spec } = await make<Pod>(server, Pods, 'web', {
      spec: { runtimeClassName: 'kata', nodeSelector: { disk: 'ssd' }, tolerations: own },
    })
    expect(spec.overhead).toEqual(overhead.podFixed)
    expect(spec.nodeSelector).toEqual({ disk: 'ssd', kata: 'yes' })
    // The class tolerates all that the pod does, and more.
    expect(spec.tolerations!.map(({ key }) => key)).toEqual([
      'node.kubernetes.io/not-ready',
      'node.kubernetes.io/unreachable',
      'dedicated',
    ])
    const selector = make(server, Pods, 'b', { spec: { runtimeClassName: 'kata', nodeSelector: { kata: 'no' } } })
    expect(await why(selector)).toBe(
      'pods "b" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[kata] = yes; pod.spec.nodeSelector[kata] = no',
    )
    const other = make(server, Pods, 'b', { spec: { runtimeClassName: 'kata', overhead: { cpu: '1' } } })
    expect(await why(other)).toBe(
      `pods "b" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead`,
    )
    const without = make(server, Pods, 'b', { spec: { overhead: { cpu: '1' } } })
    expect(await why(without)).toBe(
      'pods "b" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
    )
  })
})

describe('storage class', () => {
  test('a claim without a class gets the default, the newest of several; an empty name is none', async () => {
    const server = await testServer()
    const claim = async (name: string, spec: object = {}) =>
      (await make<PersistentVolumeClaim>(server, PersistentVolumeClaims, name, { spec })).spec.storageClassName
    expect(await claim('a')).toBe('standard')
    expect(await claim('b', { storageClassName: '' })).toBe('')
    await server.env.clock.advance(1000)
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    await make(server, StorageClasses, 'newer', { metadata: { annotations } })
    expect(await claim('c')).toBe('newer')
    for (const name of ['newer', 'standard']) await server.of(StorageClasses).delete({ name }, {}, server.info)
    expect(await claim('d')).toBeUndefined()
  })

  test('a claim grows once it is bound, if its class lets it', async () => {
    const server = await testServer()
    const claims = server.of(PersistentVolumeClaims)
    await make(server, StorageClasses, 'elastic', { allowVolumeExpansion: true })
    for (const [name, storageClassName] of Object.entries({ a: 'standard', b: 'elastic' })) {
      await make(server, PersistentVolumeClaims, name, { spec: { storageClassName } })
    }
    const grow = (name: string) => {
      const body = { spec: { resources: { requests: { storage: '2Gi' } } } }
      return claims.patch(inDefault(name), { type: 'merge', body }, {}, server.info)
    }
    const bind = (name: string) => {
      const body = { status: { phase: 'Bound', capacity: { storage: '1Gi' } } }
      return claims.patch(inDefault(name), { type: 'merge', body }, {}, server.info, 'status')
    }
    // A claim that has no volume yet does not change at all.
    expect((await refusal(grow('b'))).code).toBe(422)
    await bind('a')
    await bind('b')
    expect(await why(grow('a'))).toBe(
      'persistentvolumeclaims "a" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    )
    await grow('b')
  })
})

test('[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass', async () => {
  const server = await testServer()
  const classes = server.client.of(StorageClasses)
  await make(server, StorageClasses, 'sc', { metadata: { labels: { e2e: 'sc' } } })
  expect((await classes.get({ name: 'sc' })).provisioner).toBe('example.com/disks')
  const patched = await classes.patch(
    { name: 'sc' },
    { type: 'merge', body: { metadata: { labels: { sc: 'patched' } } } },
  )
  expect(patched.metadata.labels).toEqual({ e2e: 'sc', sc: 'patched' })
  const updated = await classes.update({
    ...patched,
    metadata: { ...patched.metadata, labels: { e2e: 'sc' } },
  } as never)
  expect(updated.metadata.labels).toEqual({ e2e: 'sc' })
  expect((await classes.list({ labelSelector: 'e2e=sc' })).items).toHaveLength(1)
  await classes.delete({ name: 'sc' })
  await make(server, StorageClasses, 'sc', { metadata: { labels: { e2e: 'sc' } } })
  await classes.deleteCollection({ labelSelector: 'e2e=sc' })
  expect((await classes.list({ labelSelector: 'e2e=sc' })).items).toEqual([])
})
