// Kinds that are served in several versions, at the door: whatever is written in one is read, listed, watched, patched,
// applied and shown as a table in the others (apiserver/pkg/endpoints/installer.go).

import { expect, test } from 'vitest'
import { readProtobuf } from '../../apiserver/http/protobuf-reading.ts'
import { eventsOf, openDoor } from './door.ts'

const group = '/apis/resource.k8s.io'
const at = (version: string) => `${group}/${version}/namespaces/default/resourceclaims`
const post = (body: object) => ({ method: 'POST', body: JSON.stringify(body), type: 'application/json' })

const older = (name: string, deviceClassName = 'gpu') => ({
  apiVersion: 'resource.k8s.io/v1beta1',
  kind: 'ResourceClaim',
  metadata: { name },
  spec: { devices: { requests: [{ name: 'one', deviceClassName }] } },
})
const newer = (name: string, deviceClassName = 'gpu') => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { name },
  spec: { devices: { requests: [{ name: 'one', exactly: { deviceClassName } }] } },
})

test('what is created in one version is read and listed in each', async () => {
  await using door = await openDoor()
  const { code, json } = await door.ask(at('v1beta1'), post(older('it')))
  expect(code).toBe(201)
  expect(json).toMatchObject({
    apiVersion: 'resource.k8s.io/v1beta1',
    spec: { devices: { requests: [{ name: 'one', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 }] } },
  })
  const exactly = { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 }
  for (const version of ['v1', 'v1beta2']) {
    const read = (await door.ask(`${at(version)}/it`)).json
    expect(read).toMatchObject({
      apiVersion: `resource.k8s.io/${version}`,
      metadata: { uid: json.metadata.uid, resourceVersion: json.metadata.resourceVersion },
      spec: { devices: { requests: [{ name: 'one', exactly }] } },
    })
    const list = (await door.ask(at(version))).json
    expect(list).toMatchObject({ apiVersion: `resource.k8s.io/${version}`, kind: 'ResourceClaimList' })
    expect(list.items).toHaveLength(1)
  }
  const twice = await door.refused(at('v1'), post(newer('it')))
  expect(twice).toMatchObject({
    reason: 'AlreadyExists',
    message: 'resourceclaims.resource.k8s.io "it" already exists',
  })
})

test('each version is watched in its own form, as a table too', async () => {
  await using door = await openDoor()
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const plain = eventsOf(await door.open(`${at('v1beta1')}?watch=true&timeoutSeconds=30`))
  const table = eventsOf(await door.open(`${at('v1beta2')}?watch=true&timeoutSeconds=30`, { accept }))
  await door.ask(at('v1'), post(newer('it')))
  const { value: added } = await plain.next()
  expect(added).toMatchObject({
    type: 'ADDED',
    object: { apiVersion: 'resource.k8s.io/v1beta1', spec: { devices: { requests: [{ deviceClassName: 'gpu' }] } } },
  })
  const { value: row } = await table.next()
  expect(row.object).toMatchObject({ kind: 'Table', rows: [{ cells: ['it', 'pending', expect.any(String)] }] })
  await door.ask(`${at('v1beta2')}/it`, { method: 'DELETE' })
  expect((await plain.next()).value).toMatchObject({
    type: 'DELETED',
    object: { apiVersion: 'resource.k8s.io/v1beta1' },
  })
  await plain.return(undefined)
  await table.return(undefined)
})

test('a patch speaks of the fields of the version it is sent to', async () => {
  await using door = await openDoor()
  const slices = (version: string) => `${group}/${version}/resourceslices`
  const slice = {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name: 'it' },
    spec: { driver: 'a.b', allNodes: true, pool: { name: 'p', resourceSliceCount: 1 }, devices: [{ name: 'd' }] },
  }
  await door.ask(slices('v1'), post(slice))
  const operations = [{ op: 'add', path: '/spec/devices/0/basic/attributes', value: { model: { string: 'x' } } }]
  const patched = await door.ask(`${slices('v1beta1')}/it`, {
    method: 'PATCH',
    body: JSON.stringify(operations),
    type: 'application/json-patch+json',
  })
  expect(patched.code).toBe(200)
  const read = (await door.ask(`${slices('v1')}/it`)).json
  expect(read.spec.devices).toEqual([{ name: 'd', attributes: { model: { string: 'x' } } }])
  expect(read.metadata.generation).toBe(2)
  const found = async (version: string, selector: string) =>
    (await door.ask(`${slices(version)}?fieldSelector=${encodeURIComponent(selector)}`)).json.items.length
  expect(await found('v1beta1', 'spec.driver=a.b')).toBe(1)
  expect(await found('v1beta2', 'spec.driver!=a.b')).toBe(0)
})

test('each version has a form in protobuf', async () => {
  await using door = await openDoor()
  await door.ask(at('v1'), post(newer('it')))
  for (const version of ['v1', 'v1beta1', 'v1beta2']) {
    const response = await door.open(`${at(version)}/it`, {
      headers: { accept: 'application/vnd.kubernetes.protobuf' },
    })
    expect(response.headers['content-type']).toBe('application/vnd.kubernetes.protobuf')
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    const { json } = await door.ask(`${at(version)}/it`)
    expect(readProtobuf(Buffer.concat(chunks), 'ResourceClaim')).toEqual(json)
  }
})

test('who owns a field in one version owns it in the others', async () => {
  await using door = await openDoor()
  const apply = (body: { apiVersion: string }, manager: string, more = '') =>
    door.ask(`${at(body.apiVersion.split('/')[1]!)}/it?fieldManager=${manager}${more}`, {
      method: 'PATCH',
      body: JSON.stringify(body),
      type: 'application/apply-patch+yaml',
    })
  expect((await apply(older('it'), 'one')).code).toBe(201)
  // The list is one value, and now has its defaults: who wants it without them wants another.
  const conflict = await apply(newer('it'), 'two')
  expect(conflict.json.message).toBe('Apply failed with 1 conflict: conflict with "one": .spec.devices.requests')
  const whole = newer('it')
  Object.assign(whole.spec.devices.requests[0]!.exactly, { allocationMode: 'ExactCount', count: 1 })
  const same = await apply(whole, 'two')
  expect(same.code, same.text).toBe(200)
  const owners = same.json.metadata.managedFields.map((entry: any) => [entry.manager, entry.apiVersion, entry.fieldsV1])
  const requests = { 'f:spec': { 'f:devices': { 'f:requests': {} } } }
  expect(owners).toEqual([
    ['two', 'resource.k8s.io/v1', requests],
    ['one', 'resource.k8s.io/v1beta1', requests],
  ])
})
