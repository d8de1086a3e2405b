// LimitRanger (plugin/pkg/admission/limitranger/admission.go), and the documentation's tasks "Configure Default CPU Requests
// and Limits", "… Minimum and Maximum CPU Constraints", "Limit Storage Consumption", with their manifests.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import type { LimitRangeItem, PersistentVolumeClaim, Pod } from '../../generated/types.ts'
import { LimitRanges, PersistentVolumeClaims, Pods } from '../../src/kinds/index.ts'
import { inDefault, refusal, type TestServer, testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'

const where = { namespace: 'default' }

async function limited(...items: LimitRangeItem[]): Promise<TestServer> {
  const server = await testServer()
  await addRange(server, 'limits', ...items)
  return server
}

async function addRange({ of, info }: TestServer, name: string, ...limits: LimitRangeItem[]): Promise<void> {
  await of(LimitRanges).create(
    { ...leastObject(LimitRanges, name), spec: { limits: structuredClone(limits) } },
    where,
    {},
    info,
  )
}

async function create({ of, info }: TestServer, spec: object = {}, name = 'web'): Promise<Pod> {
  const pod = leastObject(Pods, name)
  Object.assign(pod.spec, spec)
  const { reading } = await of(Pods).create(pod, where, {}, info)
  return reading.object as unknown as Pod
}

const container = (requests: object, limits: object = {}, name = 'main') => ({
  name,
  image: 'nginx',
  resources: { requests, limits },
})

const why = async (work: Promise<unknown>): Promise<string> => {
  const { message, code } = await refusal(work)
  expect(code).toBe(403)
  return message.slice(message.indexOf('forbidden: ') + 'forbidden: '.length)
}

describe('what a container does not say', () => {
  test('comes from the range, and the pod is told so; its quality of service follows', async () => {
    const server = await limited({
      type: 'Container',
      default: { cpu: '1', memory: '512Mi' },
      defaultRequest: { cpu: '500m', memory: '256Mi' },
    })
    const { metadata, spec, status } = await create(server, {
      initContainers: [{ name: 'init', image: 'busybox' }],
      containers: [container({ cpu: '750m' }, { cpu: '1' }), { name: 'side', image: 'nginx' }],
    })
    expect(spec.containers.map(({ resources }) => resources)).toEqual([
      { requests: { cpu: '750m', memory: '256Mi' }, limits: { cpu: '1', memory: '512Mi' } },
      { requests: { cpu: '500m', memory: '256Mi' }, limits: { cpu: '1', memory: '512Mi' } },
    ])
    expect(metadata.annotations).toEqual({
      'kubernetes.io/limit-ranger':
        'LimitRanger plugin set: memory request for container main; memory limit for container main; cpu, memory request for container side; cpu, memory limit for container side; cpu, memory request for init container init; cpu, memory limit for init container init',
    })
    expect(status.qosClass).toBe('Burstable')
  })

  test('a pod that says everything is left alone', async () => {
    const server = await limited({ type: 'Container', default: { cpu: '1' } })
    const { metadata } = await create(server, { containers: [container({ cpu: '1' }, { cpu: '1' })] })
    expect(metadata.annotations).toBeUndefined()
  })

  test('an update gives nothing anew', async () => {
    const server = await testServer()
    await create(server)
    await addRange(server, 'late', { type: 'Container', default: { cpu: '1' } })
    const body = { metadata: { labels: { a: 'b' } } }
    const { reading } = await server.of(Pods).patch(inDefault('web'), { type: 'merge', body }, {}, server.info)
    expect((reading.object as unknown as Pod).spec.containers[0]!.resources).toEqual({})
  })
})

describe('what is out of bounds is refused', () => {
  const bounds: LimitRangeItem = {
    type: 'Container',
    min: { cpu: '200m' },
    max: { cpu: '800m' },
    maxLimitRequestRatio: { cpu: '2' },
  }

  test.each<[string, LimitRangeItem, object[], string]>([
    [
      'too little',
      bounds,
      [container({ cpu: '100m' }, { cpu: '150m' })],
      'minimum cpu usage per Container is 200m, but request is 100m',
    ],
    [
      'too much, and out of proportion',
      bounds,
      [container({ cpu: '200m' }, { cpu: '1500m' })],
      '[maximum cpu usage per Container is 800m, but limit is 1500m, cpu max limit to request ratio per Container is 2, but provided ratio is 7.500000]',
    ],
    [
      'nothing said of what is bounded',
      { type: 'Pod', min: { memory: '1Gi' }, max: { memory: '2Gi' }, maxLimitRequestRatio: { memory: '2' } },
      [container({})],
      '[minimum memory usage per Pod is 1Gi.  No request is specified, maximum memory usage per Pod is 2Gi.  No limit is specified, memory max limit to request ratio per Pod is 2, but no request is specified or request is 0]',
    ],
    [
      'all containers together',
      { type: 'Pod', max: { cpu: '2' } },
      [container({ cpu: '1' }, { cpu: '1' }), container({ cpu: '1' }, { cpu: '1500m' }, 'side')],
      'maximum cpu usage per Pod is 2, but limit is 2500m',
    ],
  ])('%s', async (_, item, containers, message) => {
    expect(await why(create(await limited(item), { containers }))).toBe(message)
  })

  test('a claim is held too, when it comes and when it grows', async () => {
    const server = await limited({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } })
    const claims = server.of(PersistentVolumeClaims)
    const claim = (storage: string) => {
      const object = leastObject(PersistentVolumeClaims, 'data')
      object.spec.resources.requests.storage = storage
      return claims.create(object, where, {}, server.info)
    }
    expect(await why(claim('5Gi'))).toBe('maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi')
    expect(await why(claim('500Mi'))).toBe(
      'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi',
    )
    await claim('2Gi')
    const status = { status: { phase: 'Bound', capacity: { storage: '2Gi' } } }
    await claims.patch(inDefault('data'), { type: 'merge', body: status }, {}, server.info, 'status')
    const body = { spec: { resources: { requests: { storage: '3Gi' } } } }
    expect(await why(claims.patch(inDefault('data'), { type: 'merge', body }, {}, server.info))).toBe(
      'maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
    )
  })
})

const folder = fileURLToPath(new URL('../../../shared/manifests/docs/admin/resource/', import.meta.url))

function manifest(file: string): any {
  const [document] = parseAllDocuments(readFileSync(`${folder}${file}.yaml`, 'utf8'))
  return (document as { toJS(): object }).toJS()
}

describe.skipIf(!existsSync(folder))("the documentation's manifests", () => {
  const apply = (server: TestServer, file: string) => {
    const object = manifest(file)
    const kind = [Pods, LimitRanges, PersistentVolumeClaims].find(each => each.kind === object.kind)!
    return server.of(kind).create(object, where, {}, server.info)
  }
  const cpu: LimitRangeItem = { type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '500m' } }

  test.each([
    ['cpu-defaults-pod', cpu, { limits: { cpu: '1' }, requests: { cpu: '500m' } }],
    ['cpu-defaults-pod-2', cpu, { limits: { cpu: '1' }, requests: { cpu: '1' } }],
    [
      'memory-defaults-pod',
      { type: 'Container', default: { memory: '512Mi' }, defaultRequest: { memory: '256Mi' } },
      { limits: { memory: '512Mi' }, requests: { memory: '256Mi' } },
    ],
    [
      'memory-constraints-pod-4',
      { type: 'Container', max: { memory: '1Gi' }, min: { memory: '500Mi' } },
      { limits: { memory: '1Gi' }, requests: { memory: '1Gi' } },
    ],
  ])('%s gets its defaults', async (file, item, resources) => {
    const { reading } = await apply(await limited(item as LimitRangeItem), file)
    expect((reading.object as unknown as Pod).spec.containers[0]!.resources).toEqual(resources)
  })

  test.each([
    [
      'memory-constraints-pod-2',
      { type: 'Container', max: { memory: '1Gi' }, min: { memory: '500Mi' } },
      'maximum memory usage per Container is 1Gi, but limit is 1536Mi',
    ],
    [
      'pvc-limit-greater',
      { type: 'PersistentVolumeClaim', max: { storage: '2Gi' }, min: { storage: '1Gi' } },
      'maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi',
    ],
    [
      'pvc-limit-lower',
      { type: 'PersistentVolumeClaim', max: { storage: '2Gi' }, min: { storage: '1Gi' } },
      'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi',
    ],
    [
      'limit-range-pod-3',
      { type: 'Pod', maxLimitRequestRatio: { memory: '2' } },
      'memory max limit to request ratio per Pod is 2, but provided ratio is 3.000000',
    ],
  ])('%s is refused', async (file, item, message) => {
    expect(await why(apply(await limited(item as LimitRangeItem), file))).toBe(message)
  })

  test('limit-range-pod-1 fits its containers range, and limit-range-pod-2 not that of its pod', async () => {
    const server = await testServer()
    await apply(server, 'limit-mem-cpu-container')
    const { reading } = await apply(server, 'limit-range-pod-1')
    expect((reading.object as unknown as Pod).spec.containers.map(({ resources }) => resources)).toEqual([
      { requests: { cpu: '100m', memory: '100Mi' }, limits: { cpu: '500m', memory: '200Mi' } },
      { requests: { cpu: '100m', memory: '100Mi' }, limits: { cpu: '700m', memory: '900Mi' } },
      { requests: { cpu: '500m', memory: '200Mi' }, limits: { cpu: '500m', memory: '200Mi' } },
      { requests: { cpu: '110m', memory: '111Mi' }, limits: { cpu: '700m', memory: '900Mi' } },
    ])
    await apply(server, 'limit-mem-cpu-pod')
    expect(await why(apply(server, 'limit-range-pod-2'))).toBe(
      '[maximum cpu usage per Pod is 2, but limit is 2400m, maximum memory usage per Pod is 2Gi, but limit is 2200Mi]',
    )
  })
})

test('[sig-scheduling] LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied.', async () => {
  const server = await limited({
    type: 'Container',
    min: { cpu: '50m', memory: '100Mi', 'ephemeral-storage': '100Gi' },
    max: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
    default: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
    defaultRequest: { cpu: '100m', memory: '200Mi', 'ephemeral-storage': '200Gi' },
  })
  const { spec } = await create(server)
  expect(spec.containers[0]!.resources).toEqual({
    requests: { cpu: '100m', memory: '200Mi', 'ephemeral-storage': '200Gi' },
    limits: { cpu: '500m', memory: '500Mi', 'ephemeral-storage': '500Gi' },
  })
  const partial = container({ cpu: '150m', 'ephemeral-storage': '150Gi' }, { cpu: '300m', memory: '300Mi' })
  const merged = await create(server, { containers: [partial] }, 'partial')
  expect(merged.spec.containers[0]!.resources).toEqual({
    requests: { cpu: '150m', memory: '300Mi', 'ephemeral-storage': '150Gi' },
    limits: { cpu: '300m', memory: '300Mi', 'ephemeral-storage': '500Gi' },
  })
  await why(create(server, { containers: [container({ cpu: '10m', memory: '50Mi' })] }, 'small'))
  const large = { cpu: '600m', memory: '600Mi' }
  await why(create(server, { containers: [container(large, large)] }, 'large'))
  const body = { spec: { limits: [{ type: 'Container', min: { cpu: '9m', memory: '49Mi' } }] } }
  await server.of(LimitRanges).patch(inDefault('limits'), { type: 'merge', body }, {}, server.info)
  await create(server, { containers: [container({ cpu: '10m', memory: '50Mi' })] }, 'small')
})

test('[sig-scheduling] LimitRange should list, patch and delete a LimitRange by collection', async () => {
  const server = await testServer()
  const { client } = server
  await client.of(LimitRanges).create({
    ...leastObject(LimitRanges, 'one'),
    metadata: { name: 'one', namespace: 'default', labels: { e2e: 'lr' } },
  } as never)
  await client.of(LimitRanges).create({
    ...leastObject(LimitRanges, 'two'),
    metadata: { name: 'two', namespace: 'kube-public', labels: { e2e: 'lr' } },
  } as never)
  const all = () => client.of(LimitRanges).list({ labelSelector: 'e2e=lr' })
  expect((await all()).items).toHaveLength(2)
  const limits = [{ type: 'Container', max: { cpu: '2' } }]
  const patched = await client.of(LimitRanges).patch(inDefault('one'), { type: 'merge', body: { spec: { limits } } })
  expect(patched.spec!.limits[0]!.max).toEqual({ cpu: '2' })
  await client.of(LimitRanges).deleteCollection({ namespace: 'default', labelSelector: 'e2e=lr' })
  expect((await all()).items.map(({ metadata }) => metadata.name)).toEqual(['two'])
})

test('a claim that is being deleted is not held any more', async () => {
  const server = await testServer()
  const claims = server.of(PersistentVolumeClaims)
  await claims.create(leastObject(PersistentVolumeClaims, 'data'), where, {}, server.info)
  await claims.delete(inDefault('data'), {}, server.info)
  await addRange(server, 'late', { type: 'PersistentVolumeClaim', min: { storage: '9Gi' } })
  const body = { metadata: { labels: { a: 'b' } } }
  const { reading } = await claims.patch(inDefault('data'), { type: 'merge', body }, {}, server.info)
  expect((reading.object as unknown as PersistentVolumeClaim).metadata.labels).toEqual({ a: 'b' })
})
