// Upstream's conformance items about service accounts and access reviews, by their names (test/e2e/auth/service_accounts.go,
// test/e2e/auth/subjectreviews.go).

import { createLocalJWKSet, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { rootCertificatePublisher } from '../../controllers/root-ca.ts'
import { ConfigMaps, Namespaces, Pods } from '../../src/kinds/index.ts'
import { type Door, eventsOf, openDoor } from '../http/door.ts'
import { testCluster } from '../support/cluster.ts'
import { controlPlane } from '../support/control-plane.ts'
import { pod } from '../support/objects.ts'

const accounts = '/api/v1/namespaces/default/serviceaccounts'
const post = (door: Door, path: string, body: object) => door.ask(path, { method: 'POST', body: JSON.stringify(body) })
const mergePatch = 'application/merge-patch+json'

test('[sig-auth] ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer', async () => {
  await using door = await openDoor()
  const spec = { audiences: ['oidc-discovery-test'] }
  const token = (await post(door, `${accounts}/default/token`, { spec })).json.status.token as string
  // Service accounts may read both documents; this one is for another audience, so a second token asks.
  const as = { token: (await post(door, `${accounts}/default/token`, {})).json.status.token as string }
  const { issuer, jwks_uri } = (await door.ask('/.well-known/openid-configuration', { as })).json
  const keys = (await door.ask(new URL(jwks_uri).pathname, { as })).json
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
    issuer,
    audience: 'oidc-discovery-test',
    currentDate: new Date(door.server.env.clock.now()),
  })
  expect(payload.sub).toBe('system:serviceaccount:default:default')
})

test('[sig-auth] ServiceAccounts should allow opting out of API token automount', async () => {
  await using it = await testCluster({ without: ['scheduler'] })
  const account = (name: string, automount?: boolean) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: 'default' },
    ...(automount === undefined ? {} : { automountServiceAccountToken: automount }),
  })
  await it.apply(account('plain'), account('mounting', true), account('opting-out', false))
  const isMounted = async (serviceAccountName: string, automount?: boolean) => {
    const name = `${serviceAccountName}-${automount}`
    const asked = pod(name)
    const said = automount === undefined ? {} : { automountServiceAccountToken: automount }
    await it.apply({ ...asked, spec: { ...asked.spec, serviceAccountName, ...said } })
    return it.get(Pods, name).spec.volumes?.some(each => each.name.startsWith('kube-api-access-')) ?? false
  }
  for (const [name, automount, wanted] of [
    ['plain', undefined, true],
    ['plain', true, true],
    ['plain', false, false],
    ['mounting', undefined, true],
    ['mounting', true, true],
    ['mounting', false, false],
    ['opting-out', undefined, false],
    ['opting-out', true, true],
    ['opting-out', false, false],
  ] as const) {
    expect([name, automount, await isMounted(name, automount)]).toEqual([name, automount, wanted])
  }
})

test('[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace', async () => {
  await using it = await controlPlane([rootCertificatePublisher('the CA')])
  const ref = { name: 'kube-root-ca.crt', namespace: 'team' }
  await it.create(Namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } })
  await it.settle()
  const authority = () => it.find(ConfigMaps, ref.name, 'team')?.data?.['ca.crt']
  expect(authority()).toBe('the CA')
  await it.client.of(ConfigMaps).delete(ref)
  await it.settle()
  expect(authority()).toBe('the CA')
  await it.client.of(ConfigMaps).patch(ref, { type: 'merge', body: { data: { 'ca.crt': 'changed' } } })
  await it.settle()
  expect(authority()).toBe('the CA')
})

test('[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount', async () => {
  await using door = await openDoor()
  const labels = 'test-serviceaccount-static=true'
  const watch = eventsOf(await door.open(`${accounts}?watch=true&labelSelector=${encodeURIComponent(labels)}`))
  const next = async () => (await watch.next()).value as { type: string; object: any }
  const metadata = { name: 'testserviceaccount', labels: { 'test-serviceaccount-static': 'true' } }
  expect((await post(door, accounts, { metadata })).code).toBe(201)
  expect((await next()).type).toBe('ADDED')
  const body = JSON.stringify({ automountServiceAccountToken: false })
  await door.ask(`${accounts}/testserviceaccount`, { method: 'PATCH', type: mergePatch, body })
  expect(await next()).toMatchObject({ type: 'MODIFIED', object: { automountServiceAccountToken: false } })
  const all = await door.ask(`/api/v1/serviceaccounts?labelSelector=${encodeURIComponent(labels)}`)
  expect(all.json.items).toHaveLength(1)
  await door.ask(`${accounts}?labelSelector=${encodeURIComponent(labels)}`, { method: 'DELETE' })
  expect((await next()).type).toBe('DELETED')
})

test('[sig-auth] ServiceAccounts should update a ServiceAccount', async () => {
  await using door = await openDoor()
  const made = (await post(door, accounts, { metadata: { name: 'e2e' } })).json
  expect(made).not.toHaveProperty('automountServiceAccountToken')
  const body = JSON.stringify({ ...made, automountServiceAccountToken: false })
  await door.ask(`${accounts}/e2e`, { method: 'PUT', body })
  expect((await door.ask(`${accounts}/e2e`)).json.automountServiceAccountToken).toBe(false)
})

test('[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview', async () => {
  await using door = await openDoor()
  await post(door, accounts, { metadata: { name: 'e2e' } })
  const { status } = (await post(door, `${accounts}/e2e/token`, { spec: { expirationSeconds: 600 } })).json
  const review = { metadata: { name: 'e2e' }, spec: { token: status.token } }
  const told = (await post(door, '/apis/authentication.k8s.io/v1/tokenreviews', review)).json.status
  expect(told).toMatchObject({ authenticated: true, user: { username: 'system:serviceaccount:default:e2e' } })
  expect(told.error).toBeUndefined()
})

test('[sig-auth] SubjectReview should support SubjectReview API operations', async () => {
  await using door = await openDoor()
  const user = 'system:serviceaccount:default:e2e'
  const subject = {
    user,
    groups: [],
    resourceAttributes: { verb: 'list', resource: 'configmaps', namespace: 'default' },
  }
  const reviews = '/apis/authorization.k8s.io/v1'
  const allowed = async (path: string, spec: object, metadata: object = {}) => {
    const { code, json } = await post(door, `${reviews}/${path}`, { metadata, spec })
    expect(code, json.message).toBe(201)
    return json.status.allowed
  }
  const local = 'namespaces/default/localsubjectaccessreviews'
  const inDefault = { namespace: 'default' }
  expect(await allowed('subjectaccessreviews', subject)).toBe(false)
  expect(await allowed(local, subject, inDefault)).toBe(false)
  // As that account itself, by impersonation.
  const mine = await door.ask(`${reviews}/selfsubjectaccessreviews`, {
    method: 'POST',
    body: JSON.stringify({ spec: { resourceAttributes: subject.resourceAttributes } }),
    headers: { 'impersonate-user': user },
  })
  expect(mine.json.status.allowed).toBe(false)
  await post(door, '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'e2e' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'e2e', namespace: 'default' }],
  })
  expect(await allowed('subjectaccessreviews', subject)).toBe(true)
  expect(await allowed(local, subject, inDefault)).toBe(true)
})
