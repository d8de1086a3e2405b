// NamespaceLifecycle, beyond what test/registry/delete.test.ts sees of ending namespaces.

import { expect, test } from 'vitest'
import { ConfigMaps, Namespaces } from '../../src/kinds/index.ts'
import { refusal, testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'

test('what is in an ending namespace can still be changed and deleted', async () => {
  const { of, info } = await testServer()
  await of(Namespaces).create(leastObject(Namespaces, 'team'), {}, {}, info)
  await of(ConfigMaps).create(leastObject(ConfigMaps, 'a', 'team'), { namespace: 'team' }, {}, info)
  await of(Namespaces).delete({ name: 'team' }, {}, info)
  const ref = { name: 'a', namespace: 'team' }
  await of(ConfigMaps).patch(ref, { type: 'merge', body: { data: { a: 'b' } } }, {}, info)
  expect((await of(ConfigMaps).delete(ref, {}, info)).gone).toBe(true)
})

test('a name that is to be generated is told by its base', async () => {
  const { of, info } = await testServer()
  await of(Namespaces).create(leastObject(Namespaces, 'team'), {}, {}, info)
  await of(Namespaces).delete({ name: 'team' }, {}, info)
  const body = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { generateName: 'web-' } }
  const error = await refusal(of(ConfigMaps).create(body, { namespace: 'team' }, {}, info))
  expect(error.message).toBe(
    'configmaps "web-" is forbidden: unable to create new content in namespace team because it is being terminated',
  )
})

test('in the turn in which its namespace begins to end, nothing more is created', async () => {
  const { of, info } = await testServer()
  await of(Namespaces).create(leastObject(Namespaces, 'team'), {}, {}, info)
  const [, created] = await Promise.allSettled([
    of(Namespaces).delete({ name: 'team' }, {}, info),
    of(ConfigMaps).create(leastObject(ConfigMaps, 'a', 'team'), { namespace: 'team' }, {}, info),
  ])
  expect(created).toMatchObject({ status: 'rejected', reason: { reason: 'Forbidden' } })
})
