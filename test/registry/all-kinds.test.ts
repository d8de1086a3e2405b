// The registry's contract, over every kind that is served: what holds for one holds for all.

import { describe, expect, test } from 'vitest'
import { wholeObject } from '../../apiserver/registry/collection.ts'
import { APIServices, builtinKinds, CustomResourceDefinitions, FlowSchemas } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { refusal, type TestServer, Told, testServer } from './harness.ts'
import { leastName, leastObject } from './least-objects.ts'

const where = { namespace: 'default' }

// Definitions have names that follow from what they define, and a status that moves by itself: custom-resources.test.ts;
// so has the name of an APIService, and the status of a FlowSchema: http/aggregation.test.ts and http/fairness.test.ts.
const ofTheirOwn: readonly Kind<any>[] = [CustomResourceDefinitions, APIServices, FlowSchemas]
const kinds = builtinKinds.filter(kind => !ofTheirOwn.includes(kind))

describe.each(kinds.map(kind => [kind.resource, kind] as const))('%s', (_, kind) => {
  /** A namespace until it is empty, a volume or a claim until its controller says that nobody uses it. */
  const beginsToEnd = ['Namespace', 'PersistentVolume', 'PersistentVolumeClaim', 'VolumeAttributesClass'].includes(
    kind.kind,
  )
  const web = leastName(kind, 'web')
  const ref = kind.namespaced ? { name: web, namespace: 'default' } : { name: web }
  const create = ({ of, info }: TestServer, name = 'web') =>
    of(kind).create(leastObject(kind, name), kind.namespaced ? where : {}, {}, info)

  test('a created object is read back as it was answered, with what the server gives it', async () => {
    const server = await testServer()
    const { reading, code } = await create(server)
    expect(code).toBe(201)
    expect(server.of(kind).get(ref).object).toBe(reading.object)
    expect(JSON.parse(reading.bytes.toString())).toEqual(wholeObject(reading))
    expect(reading.object).toMatchObject({ apiVersion: kind.apiVersion, kind: kind.kind })
    const { metadata } = reading.object
    expect(metadata.uid).toBeTruthy()
    expect(metadata.creationTimestamp).toBe('2024-01-01T00:00:00Z')
    expect(metadata.resourceVersion).toBe(String(server.storage.revision))
    expect(metadata.generation).toBe(kind.hasGeneration === false ? undefined : 1)
    expect(Object.isFrozen(reading.object)).toBe(true)
  })

  test('a second of the same name is refused', async () => {
    const server = await testServer()
    await create(server)
    const error = await refusal(create(server))
    expect(error).toMatchObject({ reason: 'AlreadyExists', code: 409 })
    expect(error.message).toBe(`${kind.resource} "${web}" already exists`)
    const { group, plural } = kind
    expect(error.details).toEqual({ name: web, ...(group ? { group } : {}), kind: plural })
  })

  test('what is not there is not found, by get, update, patch and delete', async () => {
    const { of, info } = await testServer()
    const body = leastObject(kind, 'web')
    const works = [
      () => of(kind).get(ref),
      ...(kind.createOnUpdate ? [] : [() => of(kind).update(ref, body, {}, info)]),
      () => of(kind).patch(ref, { type: 'merge', body: {} }, {}, info),
      () => of(kind).delete(ref, {}, info),
    ]
    for (const work of works) {
      const error = await refusal(work)
      expect(error).toMatchObject({ reason: 'NotFound', code: 404, message: `${kind.resource} "${web}" not found` })
    }
  })

  test.runIf(kind.createOnUpdate)(
    'an update of what is not there creates it, but none that somebody had before',
    async () => {
      const { of, info } = await testServer()
      const body = leastObject(kind, 'web')
      const { metadata } = body
      const other = await refusal(of(kind).update(ref, { ...body, metadata: { ...metadata, uid: 'gone' } }, {}, info))
      expect(other).toMatchObject({ reason: 'Conflict', code: 409 })
      expect(other.message).toContain('Precondition failed: UID in precondition: gone, UID in object meta: ')
      const { reading, code } = await of(kind).update(ref, leastObject(kind, 'web'), {}, info)
      expect(code).toBe(201)
      expect(reading.object.metadata).toMatchObject({ name: web, uid: expect.any(String) })
      expect(of(kind).get(ref).object).toBe(reading.object)
    },
  )

  test('an update with what was read writes nothing and keeps the revision', async () => {
    const server = await testServer()
    const { reading } = await create(server)
    const before = server.storage.revision
    const again = await server.of(kind).update(ref, JSON.parse(reading.bytes.toString()), {}, server.info)
    expect(again.reading.object).toEqual(reading.object)
    expect(server.storage.revision).toBe(before)
  })

  test('an update from an old revision conflicts', async () => {
    const server = await testServer()
    const { reading } = await create(server)
    const { of, info } = server
    await of(kind).patch(ref, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } }, {}, info)
    const error = await refusal(of(kind).update(ref, JSON.parse(reading.bytes.toString()), {}, info))
    expect(error).toMatchObject({ reason: 'Conflict', code: 409 })
    expect(error.message).toBe(
      `Operation cannot be fulfilled on ${kind.resource} "${web}": the object has been modified; please apply your changes to the latest version and try again`,
    )
  })

  test('each of the three patches labels it, and metadata alone counts no generation', async () => {
    const server = await testServer()
    const { reading } = await create(server)
    const { of, info } = server
    const merge = (labels: object) => ({ metadata: { labels } })
    await of(kind).patch(ref, { type: 'merge', body: merge({ one: '1' }) }, {}, info)
    await of(kind).patch(ref, { type: 'strategic', body: merge({ two: '2' }) }, {}, info)
    const operations = [{ op: 'add', path: '/metadata/labels/three', value: '3' }]
    const { reading: last } = await of(kind).patch(ref, { type: 'json', body: operations }, {}, info)
    expect(last.object.metadata.labels).toMatchObject({ one: '1', two: '2', three: '3' })
    // Labels of a slice are part of what it says (pkg/registry/discovery/endpointslice/strategy.go).
    const counted = kind.kind === 'EndpointSlice' ? 4 : reading.object.metadata.generation
    expect(last.object.metadata.generation).toBe(counted)
    expect(of(kind).list({ labelSelector: 'two=2,three' }).items).toHaveLength(1)
    expect(of(kind).list({ labelSelector: 'two=3' }).items).toHaveLength(0)
  })

  test('a dry run answers as if, and does nothing', async () => {
    const server = await testServer()
    const { of, info } = server
    const before = server.storage.revision
    const wrote = await of(kind).create(leastObject(kind, 'web'), kind.namespaced ? where : {}, { dryRun: true }, info)
    expect(wrote.reading.object.metadata).toMatchObject({ name: web, uid: expect.any(String) })
    expect(server.storage.revision).toBe(before)
    await refusal(() => of(kind).get(ref))
    await create(server)
    const patch = { type: 'merge', body: { metadata: { labels: { a: 'b' } } } } as const
    const patched = await of(kind).patch(ref, patch, { dryRun: true }, info)
    expect(patched.reading.object.metadata.labels).toMatchObject({ a: 'b' })
    expect(of(kind).get(ref).object.metadata.labels?.a).toBeUndefined()
    await of(kind).delete(ref, { dryRun: true }, info)
    expect(of(kind).get(ref).object.metadata.deletionTimestamp).toBeUndefined()
  })

  test('a watch is told of its coming, its change and its going', async () => {
    const server = await testServer()
    const { of, info, storage } = server
    const told = new Told()
    const resourceVersion = String(storage.revision)
    const stop = of(kind).watch({ namespace: 'default', resourceVersion }, told.reader)
    await create(server)
    await of(kind).patch(ref, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } }, {}, info)
    await of(kind).delete(ref, { gracePeriodSeconds: 0, propagationPolicy: 'Background' }, info)
    expect(told.lines().slice(0, 2)).toEqual([`ADDED ${web}`, `MODIFIED ${web}`])
    expect(told.lines()[2]).toBe(beginsToEnd ? `MODIFIED ${web}` : `DELETED ${web}`)
    stop()
    await create(server, 'other')
    expect(told.signals).toHaveLength(3)
  })

  test('a held object stays until its last finalizer is taken off', async () => {
    const server = await testServer()
    const { of, info } = server
    await create(server)
    const finalizers = ['example.com/hold']
    await of(kind).patch(ref, { type: 'merge', body: { metadata: { finalizers } } }, {}, info)
    const { reading, gone } = await of(kind).delete(ref, { propagationPolicy: 'Background' }, info)
    expect(gone).toBe(false)
    expect(reading.object.kind).toBe(kind.kind)
    expect(of(kind).get(ref).object.metadata.deletionTimestamp).toBe('2024-01-01T00:00:00Z')
    await of(kind).patch(ref, { type: 'merge', body: { metadata: { finalizers: null } } }, {}, info)
    if (kind.kind !== 'Namespace') expect((await refusal(() => of(kind).get(ref))).reason).toBe('NotFound')
    else expect(of(kind).get(ref).object.metadata.finalizers).toBeUndefined()
  })

  test('a collection is deleted by selector, and the rest stays', async () => {
    const server = await testServer()
    const { of, info } = server
    await create(server, 'one')
    await create(server, 'two')
    const two = { ...ref, name: leastName(kind, 'two') }
    await of(kind).patch(two, { type: 'merge', body: { metadata: { labels: { pick: 'me' } } } }, {}, info)
    const work = of(kind).deleteCollection(
      { ...where, labelSelector: 'pick=me' },
      { propagationPolicy: 'Background' },
      info,
    )
    if (kind.withoutVerbs?.includes('deletecollection')) {
      const error = await refusal(work)
      expect(error.message).toBe(`deletecollection is not supported on resources of kind "${kind.resource}"`)
      return
    }
    expect((await work).items.map(({ object }) => object.metadata.name)).toEqual([leastName(kind, 'two')])
    if (beginsToEnd) expect(of(kind).get(two).object.metadata.deletionTimestamp).toBeDefined()
    else expect((await refusal(() => of(kind).get(two))).reason).toBe('NotFound')
    expect(of(kind).get({ ...ref, name: leastName(kind, 'one') }).object.metadata.name).toBe(leastName(kind, 'one'))
  })
})
