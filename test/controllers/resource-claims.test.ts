// Claims of pods for devices: made of templates, reserved, given back. Upstream: pkg/controller/resourceclaim/controller_test.go.

import { expect, test } from 'vitest'
import { podResourceClaimsController } from '../../controllers/pod-resource-claims.ts'
import { resourceClaimReservationsController } from '../../controllers/resource-claim-reservations.ts'
import { Pods, ResourceClaims, ResourceClaimTemplates } from '../../src/kinds/index.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'
import { pod } from '../support/objects.ts'

const finalizer = 'resource.kubernetes.io/delete-protection'
const devices = { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] }
const template = {
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaimTemplate',
  metadata: { name: 'gpus', namespace: 'default' },
  spec: { metadata: { labels: { made: 'yes' }, annotations: { note: 'x' } }, spec: { devices } },
}
const claim = (name: string) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { name, namespace: 'default' },
  spec: { devices },
})
const claiming = (name: string, ...resourceClaims: object[]) => {
  const object = pod(name)
  return { ...object, spec: { ...object.spec, resourceClaims } }
}

const plane = () => controlPlane([podResourceClaimsController(), resourceClaimReservationsController()])

/** As the scheduler leaves it. */
async function allocate(it: ControlPlane, name: string, ...pods: string[]): Promise<void> {
  await it.patch(ResourceClaims, name, { metadata: { finalizers: [finalizer] } })
  const results = [{ request: 'gpu', driver: 'gpu.example.com', pool: 'pool', device: 'gpu-0' }]
  const reservedFor = pods.map(each => ({ resource: 'pods', name: each, uid: it.get(Pods, each).metadata.uid }))
  await it.patch(ResourceClaims, name, { status: { allocation: { devices: { results } }, reservedFor } }, 'status')
  await it.settle()
}

test('a claim is made of its template, belongs to the pod and stands in its status', async () => {
  await using it = await plane()
  await it.create(ResourceClaimTemplates, template)
  await it.create(Pods, claiming('web', { name: 'gpu', resourceClaimTemplateName: 'gpus' }))
  await it.settle()
  const [made] = it.list(ResourceClaims)
  expect(made).toMatchObject({
    metadata: {
      name: expect.stringMatching(/^web-gpu-.{5}$/),
      labels: { made: 'yes' },
      annotations: { note: 'x', 'resource.kubernetes.io/pod-claim-name': 'gpu' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'web', controller: true, blockOwnerDeletion: true }],
    },
    spec: { devices },
  })
  const statuses = [{ name: 'gpu', resourceClaimName: made!.metadata.name }]
  expect(it.get(Pods, 'web').status.resourceClaimStatuses).toEqual(statuses)

  // What was deleted is made again; what was made before the status could be written is found.
  await it.client.of(ResourceClaims).delete(made!.metadata)
  await it.settle()
  expect(it.list(ResourceClaims)).toHaveLength(1)
  await it.patch(Pods, 'web', { status: { resourceClaimStatuses: null } }, 'status')
  await it.settle()
  expect(it.list(ResourceClaims)).toHaveLength(1)
})

test('a template that is not there is told, and waited for', async () => {
  await using it = await plane()
  await it.create(Pods, claiming('web', { name: 'gpu', resourceClaimTemplateName: 'gpus' }))
  await it.settle()
  expect(it.events('web')).toContain(
    'FailedResourceClaimCreation: PodResourceClaim gpu: resource claim template "gpus": resourceclaimtemplate.resource.k8s.io "gpus" not found',
  )
  await it.create(ResourceClaimTemplates, template)
  await it.settle()
  expect(it.list(ResourceClaims)).toHaveLength(1)
})

test('a pod that got its node from somebody else than the scheduler has its claim reserved', async () => {
  await using it = await plane()
  await it.create(ResourceClaims, claim('shared'))
  const wanted = claiming('web', { name: 'gpu', resourceClaimName: 'shared' })
  await it.create(Pods, { ...wanted, spec: { ...wanted.spec, nodeName: 'node-1' } })
  await it.settle()
  expect(it.get(ResourceClaims, 'shared').status?.reservedFor).toBeUndefined()
  await allocate(it, 'shared')
  expect(it.get(ResourceClaims, 'shared').status?.reservedFor).toEqual([
    { resource: 'pods', name: 'web', uid: it.get(Pods, 'web').metadata.uid },
  ])
})

test('who has ended gives it back; who is the last, its devices too', async () => {
  await using it = await plane()
  await it.create(ResourceClaims, claim('shared'))
  const entry = { name: 'gpu', resourceClaimName: 'shared' }
  for (const name of ['one', 'two']) {
    const wanted = claiming(name, entry)
    await it.create(Pods, { ...wanted, spec: { ...wanted.spec, nodeName: 'node-1' } })
  }
  await allocate(it, 'shared', 'one', 'two')
  await it.patch(Pods, 'one', { status: { phase: 'Succeeded' } }, 'status')
  await it.settle()
  expect(it.get(ResourceClaims, 'shared').status).toMatchObject({ reservedFor: [{ name: 'two' }], allocation: {} })
  await it.client.of(Pods).delete({ name: 'two', namespace: 'default' }, { gracePeriodSeconds: 0 })
  await it.settle()
  const { status, metadata } = it.get(ResourceClaims, 'shared')
  expect([status?.reservedFor, status?.allocation, metadata.finalizers]).toEqual([undefined, undefined, undefined])
})

test('a claim that was made for a pod goes when that has ended, though the pod stays', async () => {
  await using it = await plane()
  await it.create(ResourceClaimTemplates, template)
  await it.create(Pods, claiming('job', { name: 'gpu', resourceClaimTemplateName: 'gpus' }))
  await it.settle()
  await allocate(it, it.list(ResourceClaims)[0]!.metadata.name!, 'job')
  await it.patch(Pods, 'job', { status: { phase: 'Failed' } }, 'status')
  await it.settle()
  expect(it.list(ResourceClaims)).toEqual([])
})

test('a deleted claim stays as long as somebody uses it', async () => {
  await using it = await plane()
  await it.create(ResourceClaims, claim('shared'))
  await it.create(Pods, claiming('web', { name: 'gpu', resourceClaimName: 'shared' }))
  await allocate(it, 'shared', 'web')
  await it.client.of(ResourceClaims).delete({ name: 'shared', namespace: 'default' })
  await it.settle()
  expect(it.get(ResourceClaims, 'shared').metadata.deletionTimestamp).toBeDefined()
  await it.client.of(Pods).delete({ name: 'web', namespace: 'default' }, { gracePeriodSeconds: 0 })
  await it.settle()
  expect(it.find(ResourceClaims, 'shared')).toBeUndefined()
})
