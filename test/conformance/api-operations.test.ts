// Upstream's conformance items that walk through every verb of a kind, by their names (test/e2e/auth/certificates.go,
// test/e2e/apimachinery/{validating,mutating}admissionpolicy.go, test/e2e/dra/dra.go, test/e2e/instrumentation/events.go).

import { expect, test } from 'vitest'
import {
  CertificateSigningRequests,
  DeviceClasses,
  DeviceTaintRules,
  Events,
  EventsV1,
  MutatingAdmissionPolicies,
  MutatingAdmissionPolicyBindings,
  MutatingWebhookConfigurations,
  PodCertificateRequests,
  ResourceClaims,
  ResourceClaimTemplates,
  ResourceSlices,
  StorageVersionMigrations,
  ValidatingAdmissionPolicies,
  ValidatingAdmissionPolicyBindings,
  ValidatingWebhookConfigurations,
} from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { openDoor } from '../http/door.ts'
import { leastObject } from '../registry/least-objects.ts'
import { isDiscovered, json, mergePatch, walkThrough } from './walk-through.ts'

test('[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, CertificateSigningRequests)
  const path = CertificateSigningRequests.path({ name: 'own' })
  const body = JSON.stringify(leastObject(CertificateSigningRequests, 'own'))
  const { json: made } = await door.ask(CertificateSigningRequests.path(), { method: 'POST', body, type: json })
  expect(made.spec.username).toBeTruthy()
  const put = (subresource: string, status: object) =>
    door.ask(`${path}/${subresource}`, {
      method: 'PUT',
      body: JSON.stringify({ ...made, metadata: { name: 'own' }, status }),
      type: json,
    })
  const condition = { type: 'ApprovalPatch', status: 'True', reason: 'e2e' }
  const approved = await put('approval', { conditions: [condition] })
  expect(approved.json.status.conditions).toMatchObject([condition])
  const stated = await put('status', {
    conditions: [...approved.json.status.conditions, { type: 'StatusUpdate', status: 'True', reason: 'e2e' }],
  })
  expect(stated.json.status.conditions.map((each: { type: string }) => each.type)).toEqual([
    'ApprovalPatch',
    'StatusUpdate',
  ])
})

test('[sig-auth] PodCertificateRequest API [Privileged:ClusterAdmin] should support PodCertificateRequest API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, PodCertificateRequests)
})

test('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, ValidatingAdmissionPolicies)
})

test('[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicyBinding API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, ValidatingAdmissionPolicyBindings)
})

test('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicy API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, MutatingAdmissionPolicies)
})

test('[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicyBinding API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, MutatingAdmissionPolicyBindings)
})

test('[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin] should include webhook resources in discovery documents', async () => {
  await using door = await openDoor()
  await isDiscovered(door, MutatingWebhookConfigurations)
  await isDiscovered(door, ValidatingWebhookConfigurations)
})

test('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 DeviceClass', async () => {
  await using door = await openDoor()
  await walkThrough(door, DeviceClasses)
})

test('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim', async () => {
  await using door = await openDoor()
  await walkThrough(door, ResourceClaims)
})

test('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate', async () => {
  await using door = await openDoor()
  await walkThrough(door, ResourceClaimTemplates)
})

test('[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice', async () => {
  await using door = await openDoor()
  await walkThrough(door, ResourceSlices)
})

// Its name says v1, where 1.36 serves the rule as v1beta2: it is walked through there.
test('a DeviceTaintRule is walked through in the version it is served in', async () => {
  await using door = await openDoor()
  await walkThrough(door, DeviceTaintRules)
})

// Likewise: v1 comes with 1.37.
test('a StorageVersionMigration is walked through in the version it is served in', async () => {
  await using door = await openDoor()
  await walkThrough(door, StorageVersionMigrations)
})

test('[sig-instrumentation] Events should manage the lifecycle of an event', async () => {
  await using door = await openDoor()
  await walkThrough(door, Events)
})

test('[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed', async () => {
  await using door = await openDoor()
  await walkThrough(door, EventsV1)
  const root = EventsV1.path({ namespace: 'default' })
  const post = await door.ask(root, { method: 'POST', body: JSON.stringify(leastObject(EventsV1, 'it')), type: json })
  expect(post.code).toBe(201)
  const series = { count: 2, lastObservedTime: '2024-05-01T12:00:00.000000Z' }
  const ask = { method: 'PATCH', body: JSON.stringify({ series }), type: mergePatch }
  expect((await door.ask(`${root}/it`, ask)).json.series).toEqual(series)
  // Both versions are the same events.
  expect((await door.ask(Events.path({ namespace: 'default', name: 'it' }))).json.series).toEqual(series)
  const found = async (kind: Kind<any>, fieldSelector: string) =>
    (await door.ask(`${kind.path()}?fieldSelector=${encodeURIComponent(fieldSelector)}`)).json.items.length
  expect(await found(EventsV1, 'reportingController=example.com/test')).toBe(1)
  expect(await found(EventsV1, 'regarding.kind=Pod')).toBe(1)
  expect(await found(Events, 'involvedObject.kind=Pod,reportingComponent=example.com/test')).toBe(1)
})

async function deletesCollection(kind: Kind<any>): Promise<void> {
  await using door = await openDoor()
  const root = kind.path({ namespace: 'default' })
  for (const name of ['one', 'two', 'three']) {
    const least = leastObject(kind, name)
    const body = { ...least, metadata: { ...least.metadata, labels: { set: name === 'three' ? 'other' : 'mine' } } }
    await door.ask(root, { method: 'POST', body: JSON.stringify(body), type: json })
  }
  await door.ask(`${root}?labelSelector=set%3Dmine`, { method: 'DELETE' })
  const left = (await door.ask(root)).json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)
  expect(left).toEqual(['three'])
}

test('[sig-instrumentation] Events should delete a collection of events', () => deletesCollection(Events))

test('[sig-instrumentation] Events API should delete a collection of events', () => deletesCollection(EventsV1))
