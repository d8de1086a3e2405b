// Roles that gather the rules of others. Upstream: pkg/controller/clusterroleaggregation/clusterroleaggregation_controller_test.go.

import { expect, test } from 'vitest'
import { clusterRoleAggregationController } from '../../controllers/clusterrole-aggregation.ts'
import { ClusterRoles } from '../../src/kinds/index.ts'
import { controlPlane } from '../support/control-plane.ts'

const apiVersion = 'rbac.authorization.k8s.io/v1'
const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })
const role = (name: string, labels: Record<string, string>, ...resources: string[]) => ({
  apiVersion,
  kind: 'ClusterRole',
  metadata: { name, labels },
  rules: resources.map(rule),
})
const gatherer = (name: string, ...wanted: Record<string, string>[]) => ({
  ...role(name, {}),
  aggregationRule: { clusterRoleSelectors: wanted.map(matchLabels => ({ matchLabels })) },
})

test('a role has the rules of all that it gathers: by selector, then by name, each once', async () => {
  await using plane = await controlPlane([clusterRoleAggregationController()])
  const resources = (name: string) => plane.get(ClusterRoles, name).rules?.map(each => each.resources?.[0])
  await plane.create(ClusterRoles, role('z', { to: 'all' }, 'pods', 'nodes'))
  await plane.create(ClusterRoles, gatherer('all', { first: 'yes' }, { to: 'all' }))
  await plane.create(ClusterRoles, role('a', { to: 'all' }, 'services', 'pods'))
  await plane.create(ClusterRoles, role('m', { first: 'yes' }, 'secrets'))
  await plane.create(ClusterRoles, role('other', { to: 'none' }, 'events'))
  await plane.settle()
  expect(resources('all')).toEqual(['secrets', 'services', 'pods', 'nodes'])

  await plane.patch(ClusterRoles, 'a', { metadata: { labels: { to: null } } })
  await plane.client.of(ClusterRoles).delete({ name: 'm' })
  await plane.settle()
  expect(resources('all')).toEqual(['pods', 'nodes'])
})

test('what somebody writes into its rules is undone, and nothing is written when all is well', async () => {
  await using plane = await controlPlane([clusterRoleAggregationController()])
  await plane.create(ClusterRoles, role('one', { to: 'all' }, 'pods'))
  await plane.create(ClusterRoles, gatherer('all', { to: 'all' }))
  await plane.settle()
  await plane.patch(ClusterRoles, 'all', { rules: [rule('secrets')] })
  await plane.settle()
  expect(plane.get(ClusterRoles, 'all').rules).toEqual([rule('pods')])
  const { resourceVersion } = plane.get(ClusterRoles, 'all').metadata
  await plane.patch(ClusterRoles, 'one', { metadata: { annotations: { note: 'x' } } })
  await plane.settle()
  expect(plane.get(ClusterRoles, 'all').metadata.resourceVersion).toBe(resourceVersion)
})

test('roles that gather each other come to rest', async () => {
  await using plane = await controlPlane([clusterRoleAggregationController()])
  const admin = { ...gatherer('admin', { to: 'admin' }), metadata: { name: 'admin', labels: { to: 'edit' } } }
  const edit = { ...gatherer('edit', { to: 'edit' }), metadata: { name: 'edit', labels: { to: 'admin' } } }
  await plane.create(ClusterRoles, role('one', { to: 'edit' }, 'pods'))
  await plane.create(ClusterRoles, admin)
  await plane.create(ClusterRoles, edit)
  await plane.settle()
  for (const name of ['admin', 'edit']) expect(plane.get(ClusterRoles, name).rules).toEqual([rule('pods')])
})
