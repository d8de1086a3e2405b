// create, update and patch: what the server gives, keeps and refuses. Messages: k8s.io/apiserver pkg/registry/rest,
// pkg/registry/generic/registry/store.go, pkg/endpoints/handlers.

import { describe, expect, test } from 'vitest'
import { wholeObject } from '../../apiserver/registry/collection.ts'
import type { Deployment, Pod } from '../../generated/types.ts'
import {
  ConfigMaps,
  Deployments,
  EndpointSlices,
  EndpointsKind,
  Events,
  EventsV1,
  Namespaces,
  Nodes,
  Pods,
  Services,
} from '../../src/kinds/index.ts'
import { inDefault, refusal, testServer } from './harness.ts'
import { leastObject } from './least-objects.ts'

const where = { namespace: 'default' }

test('what an update leaves as it was is not kept twice', async () => {
  const { of, info } = await testServer()
  const pods = of(Pods)
  const { reading } = await pods.create(leastObject(Pods, 'a'), where, {}, info)
  const patch = { type: 'merge', body: { metadata: { labels: { a: 'b' } } } } as const
  const after = await pods.patch(inDefault('a'), patch, {}, info)
  const { spec, status } = after.reading.object as unknown as Pod
  expect(spec).toBe((reading.object as unknown as Pod).spec)
  expect(status).toBe((reading.object as unknown as Pod).status)
})

describe('create', () => {
  test('a generated name is the base and five letters, cut to 63 in all', async () => {
    const { of, info } = await testServer()
    const body = { ...leastObject(ConfigMaps, ''), metadata: { generateName: `${'a'.repeat(70)}-` } }
    const { reading } = await of(ConfigMaps).create(body, where, {}, info)
    expect(reading.object.metadata.name).toMatch(/^a{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  })

  test('a generated name that is taken is drawn again', async () => {
    const { of, info, env } = await testServer()
    const drawn = ['taken', 'taken', 'fresh']
    const { suffix } = env.random
    env.random.suffix = () => drawn.shift() ?? suffix.call(env.random, 5)
    const body = () => ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { generateName: 'web-' } })
    await of(ConfigMaps).create(body(), where, {}, info)
    const { reading } = await of(ConfigMaps).create(body(), where, {}, info)
    expect(reading.object.metadata.name).toBe('web-fresh')
  })

  test('after eight taken names the server gives up', async () => {
    const { of, info, env } = await testServer()
    env.random.suffix = () => 'taken'
    const body = () => ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { generateName: 'web-' } })
    await of(ConfigMaps).create(body(), where, {}, info)
    const error = await refusal(of(ConfigMaps).create(body(), where, {}, info))
    expect(error).toMatchObject({ reason: 'AlreadyExists', details: { retryAfterSeconds: 1 } })
    expect(error.message).toBe(
      'configmaps "web-taken" already exists, the server was not able to generate a unique name for the object',
    )
  })

  const refused: [string, Record<string, unknown>, { namespace?: string }, string, string][] = [
    [
      'another namespace',
      { name: 'a', namespace: 'other' },
      where,
      'BadRequest',
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    ['no namespace at all', { name: 'a' }, {}, 'BadRequest', 'an empty namespace may not be set during creation'],
    [
      'a resourceVersion',
      { name: 'a', resourceVersion: '7' },
      where,
      'InternalError',
      'resourceVersion should not be set on objects to be created',
    ],
    [
      'no name',
      {},
      where,
      'Invalid',
      'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    ],
    [
      'a missing namespace',
      { name: 'a', namespace: 'nowhere' },
      { namespace: 'nowhere' },
      'NotFound',
      'namespaces "nowhere" not found',
    ],
  ]
  test.each(refused)('%s is refused', async (_, metadata, place, reason, message) => {
    const { of, info } = await testServer()
    const error = await refusal(
      of(ConfigMaps).create({ kind: 'ConfigMap', apiVersion: 'v1', metadata }, place, {}, info),
    )
    expect(error).toMatchObject({ reason, message })
  })

  test('what only the server writes is not taken from the client', async () => {
    const { of, info } = await testServer()
    const metadata = {
      name: 'web',
      uid: 'mine',
      creationTimestamp: '1999-01-01T00:00:00Z',
      deletionTimestamp: '1999-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 5,
      selfLink: '/x',
      generation: 9,
      managedFields: [{ manager: 'me', operation: 'Update' }],
    }
    const { reading } = await of(Deployments).create({ ...leastObject(Deployments, 'web'), metadata }, where, {}, info)
    const got = reading.object.metadata
    expect(got.uid).not.toBe('mine')
    expect(got).toMatchObject({ creationTimestamp: '2024-01-01T00:00:00Z', generation: 1 })
    for (const key of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'managedFields']) {
      expect(got).not.toHaveProperty(key)
    }
  })

  test('a node brings its status with it; no other kind does', async () => {
    const { of, info } = await testServer()
    const status = { capacity: { cpu: '4' } }
    const node = await of(Nodes).create({ ...leastObject(Nodes, 'node-1'), status }, {}, {}, info)
    expect(node.reading.object).toMatchObject({ status })
    const web = { ...leastObject(Deployments, 'web'), status: { replicas: 7 } }
    const deployment = await of(Deployments).create(web, where, {}, info)
    expect((deployment.reading.object as unknown as Deployment).status.replicas).toBeUndefined()
  })

  test('an object of the same name that is on its way out is said to be', async () => {
    const { of, info } = await testServer()
    const body = () => ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', finalizers: ['example.com/x'] } })
    await of(ConfigMaps).create(body(), where, {}, info)
    await of(ConfigMaps).delete(inDefault('a'), {}, info)
    const error = await refusal(of(ConfigMaps).create(body(), where, {}, info))
    expect(error.message).toBe('object is being deleted: configmaps "a" already exists')
  })

  test('owners named twice count once, and the user is told', async () => {
    const { of, info } = await testServer()
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' }
    const metadata = { name: 'a', ownerReferences: [owner, { ...owner }, { ...owner, uid: 'v' }] }
    const { reading } = await of(ConfigMaps).create({ kind: 'ConfigMap', apiVersion: 'v1', metadata }, where, {}, info)
    expect(reading.object.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual(['u', 'v'])
    expect(info.warnings).toHaveLength(1)
    expect(info.warnings[0]).toContain('duplicate UID(s) observed: u')
  })
})

describe('update', () => {
  const body = (metadata: object) => ({ kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { a: '1' } })

  test('without a resourceVersion it is unconditional', async () => {
    const { of, info } = await testServer()
    await of(ConfigMaps).create(body({ name: 'a' }), where, {}, info)
    const { reading, code } = await of(ConfigMaps).update(
      inDefault('a'),
      { ...body({ name: 'a' }), data: { a: '2' } },
      {},
      info,
    )
    expect(code).toBe(200)
    expect(reading.object).toMatchObject({ data: { a: '2' } })
  })

  const refused: [string, Record<string, unknown>, string, string][] = [
    ['another name', { name: 'b' }, 'BadRequest', 'the name of the object (b) does not match the name on the URL (a)'],
    ['no name', {}, 'BadRequest', 'the name of the object (a based on URL) was undeterminable: name must be provided'],
    [
      'another namespace',
      { name: 'a', namespace: 'other' },
      'BadRequest',
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
  ]
  test.each(refused)('%s is refused', async (_, metadata, reason, message) => {
    const { of, info } = await testServer()
    await of(ConfigMaps).create(body({ name: 'a' }), where, {}, info)
    const error = await refusal(of(ConfigMaps).update(inDefault('a'), body(metadata), {}, info))
    expect(error).toMatchObject({ reason, message })
  })

  test('a uid is a precondition', async () => {
    const { of, info } = await testServer()
    const { reading } = await of(ConfigMaps).create(body({ name: 'a' }), where, {}, info)
    const error = await refusal(of(ConfigMaps).update(inDefault('a'), body({ name: 'a', uid: 'other' }), {}, info))
    expect(error.reason).toBe('Conflict')
    expect(error.message).toContain(
      `Key: /registry/configmaps/default/a, ResourceVersion: 0, AdditionalErrorMsg: ` +
        `Precondition failed: UID in precondition: other, UID in object meta: ${reading.object.metadata.uid}`,
    )
  })

  test('the generation counts changes of the spec, and of nothing else', async () => {
    const { of, info } = await testServer()
    await of(Deployments).create(leastObject(Deployments, 'web'), where, {}, info)
    const patch = async (change: object, subresource?: 'status') => {
      const wrote = await of(Deployments).patch(
        inDefault('web'),
        { type: 'merge', body: change },
        {},
        info,
        subresource,
      )
      return wrote.reading.object.metadata.generation
    }
    expect(await patch({ metadata: { labels: { a: 'b' } } })).toBe(1)
    expect(await patch({ spec: { replicas: 3 } })).toBe(2)
    expect(await patch({ spec: { replicas: 3 } })).toBe(2)
    expect(await patch({ status: { replicas: 3 } }, 'status')).toBe(2)
    expect(await patch({ spec: { minReadySeconds: 5 } })).toBe(3)
  })

  test('the main resource leaves the status alone, the status subresource the spec, owners and finalizers', async () => {
    const { of, info } = await testServer()
    await of(Deployments).create(leastObject(Deployments, 'web'), where, {}, info)
    const change = { spec: { replicas: 5 }, status: { replicas: 2 } }
    const main = await of(Deployments).patch(inDefault('web'), { type: 'merge', body: change }, {}, info)
    expect(main.reading.object).toMatchObject({ spec: { replicas: 5 } })
    expect((main.reading.object as unknown as Deployment).status.replicas).toBeUndefined()
    const metadata = { finalizers: ['example.com/x'], annotations: { a: 'b' } }
    const body = { metadata, spec: { replicas: 9 }, status: { replicas: 2 } }
    const status = await of(Deployments).patch(inDefault('web'), { type: 'merge', body }, {}, info, 'status')
    expect(status.reading.object).toMatchObject({
      spec: { replicas: 5 },
      status: { replicas: 2 },
      metadata: { annotations: { a: 'b' } },
    })
    expect(status.reading.object.metadata.finalizers).toBeUndefined()
  })

  test('a subresource that a kind does not have is a path that is not there', async () => {
    const { of, info } = await testServer()
    const error = await refusal(of(ConfigMaps).update(inDefault('a'), body({ name: 'a' }), {}, info, 'status'))
    expect(error).toMatchObject({ code: 404, message: 'the server could not find the requested resource' })
  })

  test('two concurrent updates from one revision: one is written, one conflicts', async () => {
    const { of, info } = await testServer()
    const { reading } = await of(ConfigMaps).create(body({ name: 'a' }), where, {}, info)
    const { resourceVersion } = reading.object.metadata
    const outcomes = await Promise.allSettled(
      ['2', '3'].map(a =>
        of(ConfigMaps).update(inDefault('a'), { ...body({ name: 'a', resourceVersion }), data: { a } }, {}, info),
      ),
    )
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(of(ConfigMaps).get(inDefault('a')).object).toMatchObject({ data: { a: '2' } })
  })
})

describe('patch', () => {
  test('a patch may not rename, nor move, nor give another uid', async () => {
    const { of, info } = await testServer()
    await of(ConfigMaps).create(leastObject(ConfigMaps, 'a'), where, {}, info)
    const patch = (metadata: object) =>
      refusal(of(ConfigMaps).patch(inDefault('a'), { type: 'merge', body: { metadata } }, {}, info))
    expect((await patch({ name: 'b' })).message).toBe(
      'the name of the object (b) does not match the name on the URL (a)',
    )
    expect((await patch({ namespace: 'b' })).message).toBe(
      'the namespace of the provided object does not match the namespace sent on the request',
    )
    expect((await patch({ uid: 'b' })).message).toContain('metadata.uid: Invalid value: "b": field is immutable')
    expect((await patch({ resourceVersion: '1' })).reason).toBe('Conflict')
  })

  test('containers merge by name in a strategic patch, and are replaced in a merge patch', async () => {
    const { of, info } = await testServer()
    await of(Deployments).create(leastObject(Deployments, 'web'), where, {}, info)
    const containers = [{ name: 'side', image: 'busybox' }]
    const body = { spec: { template: { spec: { containers } } } }
    const names = async (type: 'strategic' | 'merge') => {
      const { reading } = await of(Deployments).patch(inDefault('web'), { type, body }, {}, info)
      const { template } = (reading.object as unknown as Deployment).spec
      return template.spec?.containers.map(({ name }) => name).sort()
    }
    expect(await names('strategic')).toEqual(['main', 'side'])
    expect(await names('merge')).toEqual(['side'])
  })
})

describe('finalizers', () => {
  test('an object that is ending takes no new ones', async () => {
    const { of, info } = await testServer()
    const metadata = { name: 'a', finalizers: ['example.com/x'] }
    await of(ConfigMaps).create({ kind: 'ConfigMap', apiVersion: 'v1', metadata }, where, {}, info)
    await of(ConfigMaps).delete(inDefault('a'), {}, info)
    const body = { metadata: { finalizers: ['example.com/x', 'example.com/y'] } }
    const error = await refusal(of(ConfigMaps).patch(inDefault('a'), { type: 'merge', body }, {}, info))
    expect(error.message).toBe(
      'ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/y"}',
    )
  })
})

describe('two versions of one stored kind', () => {
  test('what is written as either is read as both, under one revision', async () => {
    const { of, info } = await testServer()
    const { reading } = await of(EventsV1).create(leastObject(EventsV1, 'e'), where, {}, info)
    expect(reading.object).toMatchObject({ apiVersion: 'events.k8s.io/v1', regarding: { name: 'e' } })
    const core = of(Events).get(inDefault('e')).object
    expect(core).toMatchObject({ apiVersion: 'v1', involvedObject: { name: 'e' } })
    expect(core.metadata.resourceVersion).toBe(reading.object.metadata.resourceVersion)
    const read = of(EventsV1).get(inDefault('e'))
    expect(JSON.parse(read.bytes.toString())).toEqual(wholeObject(read))
    expect(of(EventsV1).get(inDefault('e')).bytes).toBe(read.bytes)
    expect(of(Events).list({ fieldSelector: 'involvedObject.uid=u1' }).items).toHaveLength(1)
    expect(of(EventsV1).list({ fieldSelector: 'regarding.uid=u1' }).items).toHaveLength(1)
    expect(of(EventsV1).list({ fieldSelector: 'regarding.uid=u2' }).items).toHaveLength(0)
  })
})

test('a read gives out the very bytes that are stored', async () => {
  const { of, info, storage } = await testServer()
  await of(Pods).create(leastObject(Pods, 'web'), where, {}, info)
  expect(of(Pods).get(inDefault('web'))).toBe(storage.get('/registry/core/pods/default/web'))
  expect(of(Pods).list({}).items[0]).toBe(storage.get('/registry/core/pods/default/web'))
  expect((of(Pods).get(inDefault('web')).object as unknown as Pod).status.phase).toBe('Pending')
})

test('the endpoints of the Service kubernetes are where the server is reached, on loopback too', async () => {
  const { server, of } = await testServer()
  for (const address of ['127.0.0.1', '192.168.1.2', '::1']) {
    await server.bootstrap({ address, port: 6443 })
    const addresses = [{ ip: address }]
    expect(of(EndpointsKind).get(inDefault('kubernetes')).object).toMatchObject({ subsets: [{ addresses }] })
    expect(of(EndpointSlices).get(inDefault('kubernetes')).object).toMatchObject({
      endpoints: [{ addresses: [address] }],
    })
  }
})

test('a second start finds what the first made, and corrects where the Service kubernetes leads', async () => {
  const { server, of, storage } = await testServer()
  const before = storage.revision
  await server.bootstrap({ address: '192.168.49.2', port: 6443 })
  expect(storage.revision).toBe(before)
  await server.bootstrap({ address: '192.168.49.2', port: 7000 })
  expect(of(Services).get(inDefault('kubernetes')).object).toMatchObject({
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 443, targetPort: 7000 }] },
  })
  expect(
    of(Namespaces)
      .list({})
      .items.map(({ object }) => object.metadata.name),
  ).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system'])
})
