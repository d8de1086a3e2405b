// Administrative access to devices, by the namespace's label (pkg/registry/resource/utils.go).

import { expect, test } from 'vitest'
import { Namespaces, ResourceClaims, ResourceClaimsV1beta1, ResourceClaimTemplates } from '../../src/kinds/index.ts'
import { refusal, testServer } from '../registry/harness.ts'

const why =
  'Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace'
const admin = { deviceClassName: 'c', adminAccess: true }
const devices = {
  requests: [
    { name: 'a', exactly: { deviceClassName: 'c' } },
    { name: 'b', exactly: admin },
  ],
}
const claim = { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name: 'it' }, spec: { devices } }
const where = { namespace: 'default' }

test('is refused in any version of a claim or template, until the namespace is labelled', async () => {
  const { of, info } = await testServer()
  const older = {
    ...claim,
    apiVersion: 'resource.k8s.io/v1beta1',
    spec: { devices: { requests: [{ name: 'b', ...admin }] } },
  }
  const template = { ...claim, kind: 'ResourceClaimTemplate', spec: { spec: claim.spec } }
  expect((await refusal(of(ResourceClaims).create(claim, where, {}, info))).message).toBe(
    `ResourceClaim.resource.k8s.io "it" is invalid: spec.devices.requests[1].adminAccess: ${why}`,
  )
  expect((await refusal(of(ResourceClaimsV1beta1).create(older, where, {}, info))).message).toContain(why)
  expect((await refusal(of(ResourceClaimTemplates).create(template, where, {}, info))).message).toContain(why)
  const labels = { 'resource.kubernetes.io/admin-access': 'true' }
  await of(Namespaces).patch({ name: 'default' }, { type: 'merge', body: { metadata: { labels } } }, {}, info)
  expect((await of(ResourceClaims).create(structuredClone(claim), where, {}, info)).code).toBe(201)
})

test('is not granted by the status either', async () => {
  const { of, info } = await testServer()
  const plain = { ...claim, spec: { devices: { requests: [devices.requests[0]] } } }
  await of(ResourceClaims).create(plain, where, {}, info)
  const result = { request: 'a', driver: 'a.b', pool: 'p', device: 'd' }
  const give = (adminAccess: boolean) => ({
    type: 'merge' as const,
    body: { status: { allocation: { devices: { results: [{ ...result, adminAccess }] } } } },
  })
  const ref = { name: 'it', ...where }
  expect((await refusal(of(ResourceClaims).patch(ref, give(true), {}, info, 'status'))).message).toContain(
    `status.allocation.devices.results[0].adminAccess: ${why}`,
  )
  expect((await of(ResourceClaims).patch(ref, give(false), {}, info, 'status')).code).toBe(200)
})
