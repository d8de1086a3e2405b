// delete: grace, propagation, preconditions, and what is answered. k8s.io/apiserver pkg/registry/rest/delete.go and
// pkg/registry/generic/registry/store.go; pods by pkg/registry/core/pod/strategy.go, CheckGracefulDelete.

import { describe, expect, test } from 'vitest'
import type { DeleteOptions } from '../../src/client/client.ts'
import { ConfigMaps, Deployments, Namespaces, Pods, ReplicationControllers } from '../../src/kinds/index.ts'
import { inDefault, refusal, testServer } from './harness.ts'
import { leastObject } from './least-objects.ts'

const where = { namespace: 'default' }

async function boundPod(phase = 'Running') {
  const server = await testServer()
  const { of, info } = server
  await of(Pods).create(leastObject(Pods, 'web'), where, {}, info)
  const binding = { metadata: { name: 'web' }, target: { kind: 'Node', name: 'node-1' } }
  await of(Pods).act(inDefault('web'), 'binding', binding, {}, info)
  await of(Pods).patch(inDefault('web'), { type: 'merge', body: { status: { phase } } }, {}, info, 'status')
  const remove = (options: DeleteOptions = {}) => of(Pods).delete(inDefault('web'), options, info)
  const metadata = () => of(Pods).get(inDefault('web')).object.metadata
  return { ...server, remove, metadata }
}

describe('grace', () => {
  test('a bound pod gets its thirty seconds, and the answer is the pod', async () => {
    const { remove, metadata } = await boundPod()
    const generation = metadata().generation!
    const { reading, code, gone } = await remove()
    expect({ code, gone }).toEqual({ code: 200, gone: false })
    expect(reading.object.kind).toBe('Pod')
    expect(metadata()).toMatchObject({
      deletionTimestamp: '2024-01-01T00:00:30Z',
      deletionGracePeriodSeconds: 30,
      generation: generation + 1,
    })
  })

  test.each([
    ['as many as are asked for', 5, '2024-01-01T00:00:05Z', 5],
    ['a negative number is one', -3, '2024-01-01T00:00:01Z', 1],
  ])('%s', async (_, gracePeriodSeconds, deletionTimestamp, deletionGracePeriodSeconds) => {
    const { remove, metadata } = await boundPod()
    await remove({ gracePeriodSeconds })
    expect(metadata()).toMatchObject({ deletionTimestamp, deletionGracePeriodSeconds })
  })

  test('none at all removes the pod at once', async () => {
    const { remove, metadata } = await boundPod()
    const { gone, reading } = await remove({ gracePeriodSeconds: 0 })
    expect(gone).toBe(true)
    expect(reading.object.kind).toBe('Pod')
    expect((await refusal(metadata)).reason).toBe('NotFound')
  })

  test.each(['Succeeded', 'Failed'])('a pod that has %s goes at once, whatever is asked', async phase => {
    const { remove } = await boundPod(phase)
    expect((await remove({ gracePeriodSeconds: 30 })).gone).toBe(true)
  })

  test('a pod on no node goes at once', async () => {
    const { of, info } = await testServer()
    await of(Pods).create(leastObject(Pods, 'web'), where, {}, info)
    expect((await of(Pods).delete(inDefault('web'), {}, info)).gone).toBe(true)
  })

  test('a second delete may only shorten it, counting from the first', async () => {
    const { remove, metadata, env, storage } = await boundPod()
    await remove()
    const before = storage.revision
    await remove({ gracePeriodSeconds: 60 })
    await remove()
    expect(storage.revision).toBe(before)
    await env.clock.advance(4000)
    await remove({ gracePeriodSeconds: 10 })
    expect(metadata()).toMatchObject({
      deletionTimestamp: '2024-01-01T00:00:10Z',
      deletionGracePeriodSeconds: 10,
    })
    await remove({ gracePeriodSeconds: 2 })
    // The end would be past: it is now, with the one second that leaves the kubelet the last word.
    expect(metadata()).toMatchObject({
      deletionTimestamp: '2024-01-01T00:00:04Z',
      deletionGracePeriodSeconds: 1,
    })
    expect((await remove({ gracePeriodSeconds: 0 })).gone).toBe(true)
  })

  test('a held pod whose grace is none stays, marked as ending now', async () => {
    const { remove, metadata, of, info } = await boundPod()
    const hold = { metadata: { finalizers: ['example.com/x'] } }
    await of(Pods).patch(inDefault('web'), { type: 'merge', body: hold }, {}, info)
    expect((await remove({ gracePeriodSeconds: 0 })).gone).toBe(false)
    expect(metadata()).toMatchObject({ deletionTimestamp: '2024-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 })
    const release = { metadata: { finalizers: null } }
    await of(Pods).patch(inDefault('web'), { type: 'merge', body: release }, {}, info)
    expect((await refusal(metadata)).reason).toBe('NotFound')
  })
})

describe('the answer', () => {
  test('of most kinds is a Status that tells what is gone', async () => {
    const { of, info } = await testServer()
    const { reading: created } = await of(Deployments).create(leastObject(Deployments, 'web'), where, {}, info)
    const { reading } = await of(Deployments).delete(inDefault('web'), {}, info)
    expect(JSON.parse(reading.bytes.toString())).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'web', group: 'apps', kind: 'deployments', uid: created.object.metadata.uid },
    })
  })
})

describe('propagation', () => {
  test.each([
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ] as const)('%s is a finalizer for the garbage collector', async (propagationPolicy, finalizer) => {
    const { of, info } = await testServer()
    await of(Deployments).create(leastObject(Deployments, 'web'), where, {}, info)
    const { gone, reading } = await of(Deployments).delete(inDefault('web'), { propagationPolicy }, info)
    expect(gone).toBe(false)
    expect(reading.object.metadata).toMatchObject({
      finalizers: [finalizer],
      deletionTimestamp: '2024-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 0,
      generation: 2,
    })
    const other = propagationPolicy === 'Orphan' ? 'Foreground' : 'Orphan'
    const again = await of(Deployments).delete(inDefault('web'), { propagationPolicy: other }, info)
    expect(again.reading.object.metadata.finalizers).toEqual([other === 'Orphan' ? 'orphan' : 'foregroundDeletion'])
    const last = await of(Deployments).delete(inDefault('web'), { propagationPolicy: 'Background' }, info)
    expect(last.gone).toBe(true)
  })

  test('a replication controller orphans its pods unless told otherwise, as it always did', async () => {
    const { of, info } = await testServer()
    await of(ReplicationControllers).create(leastObject(ReplicationControllers, 'web'), where, {}, info)
    const { reading } = await of(ReplicationControllers).delete(inDefault('web'), {}, info)
    expect(reading.object.metadata.finalizers).toEqual(['orphan'])
  })

  test('an unknown policy is refused', async () => {
    const { of, info } = await testServer()
    const options = { propagationPolicy: 'Sideways' } as unknown as DeleteOptions
    const error = await refusal(of(ConfigMaps).delete(inDefault('a'), options, info))
    expect(error.message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"',
    )
  })
})

describe('preconditions', () => {
  test.each([
    [
      { uid: 'other' },
      'the UID in the precondition (other) does not match the UID in record (UID). The object might have been deleted and then recreated',
    ],
    [
      { resourceVersion: '1' },
      'the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (RV). The object might have been modified',
    ],
  ])('%o must hold', async (preconditions, why) => {
    const { of, info } = await testServer()
    const { reading } = await of(ConfigMaps).create(leastObject(ConfigMaps, 'a'), where, {}, info)
    const { uid, resourceVersion } = reading.object.metadata
    const error = await refusal(of(ConfigMaps).delete(inDefault('a'), { preconditions }, info))
    const words = why.replace('UID)', `${uid})`).replace('RV', String(resourceVersion))
    expect(error).toMatchObject({
      reason: 'Conflict',
      message: `Operation cannot be fulfilled on ConfigMap "a": ${words}`,
    })
    const held = { uid, resourceVersion }
    expect((await of(ConfigMaps).delete(inDefault('a'), { preconditions: held }, info)).gone).toBe(true)
  })
})

describe('a namespace', () => {
  test('first ends for its contents, and goes when its own finalizer is taken off through finalize', async () => {
    const { of, info } = await testServer()
    await of(Namespaces).create(leastObject(Namespaces, 'team'), {}, {}, info)
    const { reading, gone } = await of(Namespaces).delete({ name: 'team' }, {}, info)
    expect(gone).toBe(false)
    expect(reading.object).toMatchObject({
      kind: 'Namespace',
      metadata: { deletionTimestamp: '2024-01-01T00:00:00Z' },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Terminating' },
    })
    const again = await of(Namespaces).delete({ name: 'team' }, {}, info)
    expect(again.reading.object).toEqual(reading.object)
    const error = await refusal(
      of(ConfigMaps).create(leastObject(ConfigMaps, 'a', 'team'), { namespace: 'team' }, {}, info),
    )
    expect(error).toMatchObject({ reason: 'Forbidden', code: 403 })
    expect(error.message).toBe(
      'configmaps "a" is forbidden: unable to create new content in namespace team because it is being terminated',
    )
    expect(error.details?.causes).toEqual([
      {
        reason: 'NamespaceTerminating',
        message: 'namespace team is being terminated',
        field: 'metadata.namespace',
      },
    ])
    // The main resource does not touch spec.finalizers.
    const body = { ...(structuredClone(reading.object) as object), spec: {} }
    await of(Namespaces).update({ name: 'team' }, structuredClone(body), {}, info)
    expect(of(Namespaces).get({ name: 'team' }).object).toMatchObject({ spec: { finalizers: ['kubernetes'] } })
    await of(Namespaces).update({ name: 'team' }, structuredClone(body), {}, info, 'finalize')
    expect((await refusal(() => of(Namespaces).get({ name: 'team' }))).reason).toBe('NotFound')
  })

  test.each(['default', 'kube-system', 'kube-public'])('%s does not end', async name => {
    const { of, info } = await testServer()
    const error = await refusal(of(Namespaces).delete({ name }, {}, info))
    expect(error).toMatchObject({
      reason: 'Forbidden',
      message: `namespaces "${name}" is forbidden: this namespace may not be deleted`,
    })
  })
})

test('a collection of many goes in one go, each with its own event', async () => {
  const { of, info, storage } = await testServer()
  for (let index = 0; index < 30; index++) {
    await of(ConfigMaps).create(leastObject(ConfigMaps, `c-${index}`), where, {}, info)
  }
  const before = storage.revision
  await of(ConfigMaps).deleteCollection(where, {}, info)
  expect(storage.revision).toBe(before + 30)
  expect(of(ConfigMaps).list(where).items).toEqual([])
})
