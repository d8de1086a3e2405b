import { expect, test } from 'vitest'
import { namespaceController } from '../../controllers/namespace.ts'
import { replicaSetController } from '../../controllers/replicaset.ts'
import { rootCertificatePublisher } from '../../controllers/root-ca.ts'
import { serviceAccountController } from '../../controllers/serviceaccount.ts'
import { ApiError } from '../../src/api/errors.ts'
import {
  builtinKinds,
  ConfigMaps,
  Namespaces,
  Pods,
  ReplicaSets,
  Secrets,
  ServiceAccounts,
} from '../../src/kinds/index.ts'
import { type ControlPlane, controlPlane, podStarter } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'
import { pod, replicaSet } from '../support/objects.ts'

const all = () => [
  serviceAccountController(),
  rootCertificatePublisher('-----BEGIN CERTIFICATE-----'),
  namespaceController(builtinKinds),
  replicaSetController(),
]
const namespace = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
const inTeam = <T extends { metadata: object }>(object: T): T => ({
  ...object,
  metadata: { ...object.metadata, namespace: 'team' },
})
const conditions = (plane: ControlPlane) =>
  plane
    .get(Namespaces, 'team')
    .status.conditions!.filter(({ status }) => status === 'True')
    .map(({ type, reason, message }) => `${type} ${reason}: ${message}`)

test('every namespace gets a service account and the root certificate, and gets them back', async () => {
  await using plane = await controlPlane(all())
  await plane.create(Namespaces, namespace('team'))
  await plane.settle()
  expect(plane.get(ServiceAccounts, 'default', 'team')).toBeDefined()
  expect(plane.get(ServiceAccounts, 'default', 'kube-system')).toBeDefined()
  const { data, metadata } = plane.get(ConfigMaps, 'kube-root-ca.crt', 'team')
  expect(data).toEqual({ 'ca.crt': '-----BEGIN CERTIFICATE-----' })
  expect(metadata.annotations!['kubernetes.io/description']).toContain('CA bundle')
  await plane.client.of(ServiceAccounts).delete({ name: 'default', namespace: 'team' })
  await plane.client
    .of(ConfigMaps)
    .patch({ name: 'kube-root-ca.crt', namespace: 'team' }, { type: 'merge', body: { data: { 'ca.crt': 'spoilt' } } })
  await plane.settle()
  expect(plane.find(ServiceAccounts, 'default', 'team')).toBeDefined()
  expect(plane.get(ConfigMaps, 'kube-root-ca.crt', 'team').data).toEqual({ 'ca.crt': '-----BEGIN CERTIFICATE-----' })
})

test('a namespace that is deleted is emptied, and then gone', async () => {
  await using plane = await controlPlane([...all(), podStarter()])
  await plane.create(Namespaces, namespace('team'))
  await plane.settle()
  await plane.create(ReplicaSets, inTeam(replicaSet('web', 3)))
  await plane.create(Secrets, inTeam({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }))
  await plane.seconds(5)
  expect(plane.list(Pods, 'team')).toHaveLength(3)
  await plane.client.of(Namespaces).delete({ name: 'team' })
  await plane.seconds(60)
  expect(plane.find(Namespaces, 'team')).toBeUndefined()
  for (const kind of builtinKinds.filter(({ namespaced }) => namespaced)) {
    expect(plane.list(kind, 'team').map(({ metadata }) => metadata.name)).toEqual([])
  }
})

test('its conditions say what is left and what that waits for; pods go before all else', async () => {
  await using plane = await controlPlane(all())
  await plane.create(Namespaces, namespace('team'))
  await plane.settle()
  const kept = inTeam(pod('kept'))
  await plane.create(Pods, { ...kept, metadata: { ...kept.metadata, finalizers: ['test/keep'] } })
  await plane.create(
    Secrets,
    inTeam({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', finalizers: ['test/other'] } }),
  )
  await plane.client.of(Namespaces).delete({ name: 'team' })
  await plane.seconds(1)
  expect(plane.get(Namespaces, 'team').status.phase).toBe('Terminating')
  expect(conditions(plane)).toEqual([
    'NamespaceContentRemaining SomeResourcesRemain: Some resources are remaining: pods. has 1 resource instances',
    'NamespaceFinalizersRemaining SomeFinalizersRemain: Some content in the namespace has finalizers remaining: test/keep in 1 resource instances',
  ])
  expect(plane.get(Secrets, 's', 'team').metadata.deletionTimestamp).toBeUndefined()
  await plane.client
    .of(Pods)
    .patch({ name: 'kept', namespace: 'team' }, { type: 'merge', body: { metadata: { finalizers: null } } })
  await plane.seconds(20)
  expect(conditions(plane)).toEqual([
    'NamespaceContentRemaining SomeResourcesRemain: Some resources are remaining: secrets. has 1 resource instances',
    'NamespaceFinalizersRemaining SomeFinalizersRemain: Some content in the namespace has finalizers remaining: test/other in 1 resource instances',
  ])
  await plane.client
    .of(Secrets)
    .patch({ name: 's', namespace: 'team' }, { type: 'merge', body: { metadata: { finalizers: null } } })
  await plane.seconds(20)
  expect(plane.find(Namespaces, 'team')).toBeUndefined()
})

test('what cannot be deleted now is told, and tried again', async () => {
  const faults = new Faults()
  await using plane = await controlPlane(all(), { through: client => faults.wrap(client) })
  await plane.create(Namespaces, namespace('team'))
  await plane.create(Secrets, inTeam({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }))
  faults.refuse = (verb, kind) => {
    if (verb === 'list' && kind === Secrets) throw new ApiError('InternalError', 'no answer')
  }
  await plane.client.of(Namespaces).delete({ name: 'team' })
  await plane.seconds(5)
  expect(conditions(plane)).toEqual([
    'NamespaceDeletionContentFailure ContentDeletionFailed: Failed to delete all resource types, 1 remaining: no answer',
  ])
  faults.refuse = () => {}
  await plane.seconds(30)
  expect(plane.find(Namespaces, 'team')).toBeUndefined()
})

test('controllers at work in a namespace that ends give up without a fuss', async () => {
  await using plane = await controlPlane([...all(), podStarter()])
  await plane.create(Namespaces, namespace('team'))
  await plane.settle()
  await plane.create(ReplicaSets, inTeam(replicaSet('web', 200)))
  await plane.client.of(Namespaces).delete({ name: 'team' })
  await plane.seconds(60)
  expect(plane.find(Namespaces, 'team')).toBeUndefined()
  expect(plane.list(Pods, 'team')).toEqual([])
})
