// Who may do what, over the door: roles and bindings of RBAC, the refusals word for word, who may give roles, nodes, and the
// roles that every cluster has. Upstream: plugin/pkg/auth/authorizer, pkg/registry/rbac, test/e2e/auth.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { User } from '../../apiserver/registry/registry.ts'
import { type Ask, type Door, openDoor } from './door.ts'

const authenticated = (name: string, ...groups: string[]): User => ({
  name,
  groups: [...groups, 'system:authenticated'],
})
const tokens = new Map<string, User>([
  ['jane', authenticated('jane', 'dev')],
  ['lead', authenticated('lead')],
  [
    'bot',
    authenticated('system:serviceaccount:default:bot', 'system:serviceaccounts', 'system:serviceaccounts:default'),
  ],
  ['node-1', authenticated('system:node:node-1', 'system:nodes')],
  ['scheduler', authenticated('system:kube-scheduler')],
])
const rbac = '/apis/rbac.authorization.k8s.io/v1'
const inDefault = `${rbac}/namespaces/default`
const as = (token: string): Pick<Ask, 'as'> => ({ as: { token } })
const post = (body: object): Ask => ({ method: 'POST', body: JSON.stringify(body) })
const rule = (verbs: string[], resources: string[], ...resourceNames: string[]) => ({
  apiGroups: [''],
  resources,
  verbs,
  ...(resourceNames.length > 0 ? { resourceNames } : {}),
})
const binding = (name: string, kind: string, role: string, subject: object) => ({
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: role },
  subjects: [subject],
})

async function made(door: Door, path: string, body: object): Promise<void> {
  const { code, json } = await door.ask(path, post(body))
  expect([code, json.message]).toEqual([201, undefined])
}

describe('what a role gives', () => {
  let door: Door
  beforeAll(async () => {
    door = await openDoor({ tokens })
    await made(door, `${inDefault}/roles`, { metadata: { name: 'reader' }, rules: [rule(['get', 'list'], ['pods'])] })
    await made(door, `${inDefault}/rolebindings`, binding('devs', 'Role', 'reader', { kind: 'Group', name: 'dev' }))
    const bot = { kind: 'ServiceAccount', name: 'bot', namespace: 'default' }
    const rules = [
      rule(['get', 'update'], ['configmaps'], 'mine'),
      { ...rule(['get'], ['pods/log', '*/scale']), apiGroups: ['*'] },
    ]
    await made(door, `${rbac}/clusterroles`, { metadata: { name: 'bots' }, rules })
    await made(door, `${rbac}/clusterrolebindings`, binding('bots', 'ClusterRole', 'bots', bot))
  })
  afterAll(() => door.close())

  test.each([
    ['jane', 'GET', '/api/v1/namespaces/default/pods', 200],
    ['jane', 'GET', '/api/v1/namespaces/default/pods?watch=true', 403],
    ['jane', 'GET', '/api/v1/namespaces/default/pods/none', 404],
    ['jane', 'GET', '/api/v1/namespaces/default/pods/none/log', 403],
    ['jane', 'DELETE', '/api/v1/namespaces/default/pods', 403],
    ['jane', 'GET', '/api/v1/namespaces/kube-system/pods', 403],
    ['jane', 'GET', '/api/v1/pods', 403],
    ['jane', 'GET', '/apis', 200],
    ['jane', 'GET', '/metrics', 403],
    ['bot', 'GET', '/api/v1/namespaces/kube-system/configmaps/mine', 404],
    ['bot', 'GET', '/api/v1/namespaces/kube-system/configmaps/other', 403],
    ['bot', 'GET', '/api/v1/namespaces/default/configmaps', 403],
    ['bot', 'GET', '/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3Dmine', 403],
    ['bot', 'GET', '/apis/apps/v1/namespaces/default/deployments/none/scale', 404],
    ['bot', 'GET', '/api/v1/namespaces/default/pods/none/log', 404],
    ['bot', 'GET', '/api/v1/namespaces/default/pods/none', 403],
  ])('%s: %s %s is %i', async (who, method, path, code) => {
    expect((await door.ask(path, { method, ...as(who) })).code).toBe(code)
  })

  test('a refusal names who, what and where', async () => {
    const message = async (path: string, ask: Ask = as('jane')) => (await door.refused(path, ask)).message
    expect(await message('/api/v1/namespaces/kube-system/pods')).toBe(
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "kube-system"',
    )
    expect(await message('/api/v1/nodes/n')).toBe(
      'nodes "n" is forbidden: User "jane" cannot get resource "nodes" in API group "" at the cluster scope',
    )
    expect(
      await message('/apis/apps/v1/namespaces/default/deployments/web/scale', { ...as('jane'), method: 'PUT' }),
    ).toBe(
      'deployments.apps "web" is forbidden: User "jane" cannot update resource "deployments/scale" in API group "apps" in the namespace "default"',
    )
    expect(await message('/metrics')).toBe('forbidden: User "jane" cannot get path "/metrics"')
    expect(await door.refused('/apis/apps/v1/namespaces/default/deployments/web', as('jane'))).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      details: { name: 'web', group: 'apps', kind: 'deployments' },
    })
  })

  test('a binding to a role that is not there says so', async () => {
    await made(door, `${inDefault}/rolebindings`, binding('lost', 'Role', 'gone', { kind: 'User', name: 'lead' }))
    expect((await door.refused('/api/v1/namespaces/default/pods', as('lead'))).message).toBe(
      'pods is forbidden: User "lead" cannot list resource "pods" in API group "" in the namespace "default": RBAC: role.rbac.authorization.k8s.io "gone" not found',
    )
    await door.ask(`${inDefault}/rolebindings/lost`, { method: 'DELETE' })
  })

  test('what is given and taken counts from the next request on', async () => {
    const path = '/api/v1/namespaces/default/secrets'
    const give = binding('secrets', 'ClusterRole', 'admin', { kind: 'User', name: 'jane' })
    await made(door, `${rbac}/clusterroles`, { metadata: { name: 'admin-like' }, rules: [rule(['*'], ['*'])] })
    await made(door, `${inDefault}/rolebindings`, { ...give, roleRef: { ...give.roleRef, name: 'admin-like' } })
    expect((await door.ask(path, as('jane'))).code).toBe(200)
    const subjects = JSON.stringify({ subjects: [{ kind: 'User', name: 'joe' }] })
    const type = 'application/merge-patch+json'
    await door.ask(`${inDefault}/rolebindings/secrets`, { method: 'PATCH', type, body: subjects })
    expect((await door.ask(path, as('jane'))).code).toBe(403)
  })

  test('a role with faults is refused with all of them', async () => {
    const { message } = await door.refused(
      `${inDefault}/roles`,
      post({ metadata: { name: 'faulty' }, rules: [{ verbs: [] }, { verbs: ['get'], nonResourceURLs: ['/metrics'] }] }),
    )
    for (const fault of [
      'rules[0].verbs: Required value: verbs must contain at least one value',
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
      'rules[0].resources: Required value: resource rules must supply at least one resource',
      'rules[1].nonResourceURLs: Invalid value: ["/metrics"]: namespaced rules cannot apply to non-resource URLs',
    ]) {
      expect(message).toContain(fault)
    }
  })

  test('the role of a binding cannot be changed', async () => {
    const body = JSON.stringify({ roleRef: { name: 'other' } })
    const ask = { method: 'PATCH', type: 'application/merge-patch+json', body }
    expect((await door.refused(`${inDefault}/rolebindings/devs`, ask)).message).toContain(
      'roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"other"}: cannot change roleRef',
    )
  })
})

describe('who gives roles', () => {
  let door: Door
  const mayWriteRoles = {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
    verbs: ['create', 'update', 'patch'],
  }
  beforeAll(async () => {
    door = await openDoor({ tokens })
    const rules = [rule(['get', 'list'], ['pods']), mayWriteRoles]
    await made(door, `${inDefault}/roles`, { metadata: { name: 'lead' }, rules })
    await made(door, `${inDefault}/rolebindings`, binding('lead', 'Role', 'lead', { kind: 'User', name: 'lead' }))
  })
  afterAll(() => door.close())

  test('may give what he has, and nothing more', async () => {
    const role = (name: string, ...verbs: string[]) => ({ metadata: { name }, rules: [rule(verbs, ['pods'])] })
    expect((await door.ask(`${inDefault}/roles`, { ...post(role('less', 'get')), ...as('lead') })).code).toBe(201)
    const { code, message } = await door.refused(`${inDefault}/roles`, {
      ...post(role('more', 'get', 'delete', 'create')),
      ...as('lead'),
    })
    expect([code, message]).toEqual([
      403,
      'roles.rbac.authorization.k8s.io "more" is forbidden: user "lead" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "create"]}',
    ])
  })

  test('may bind only roles whose rules he has, unless he may bind them', async () => {
    const jane = { kind: 'User', name: 'jane' }
    const bind = (name: string, kind: string, role: string) =>
      door.ask(`${inDefault}/rolebindings`, { ...post(binding(name, kind, role, jane)), ...as('lead') })
    expect((await bind('own', 'Role', 'lead')).code).toBe(201)
    expect((await bind('high', 'ClusterRole', 'cluster-admin')).json).toMatchObject({
      code: 403,
      message: expect.stringContaining(
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}\n{NonResourceURLs:["*"], Verbs:["*"]}',
      ),
    })
    expect((await bind('none', 'Role', 'nowhere')).code).toBe(404)
    const mayBind = { ...mayWriteRoles, resources: ['clusterroles'], resourceNames: ['view'], verbs: ['bind'] }
    await made(door, `${inDefault}/roles`, { metadata: { name: 'binder' }, rules: [mayBind] })
    await made(door, `${inDefault}/rolebindings`, binding('binder', 'Role', 'binder', { kind: 'User', name: 'lead' }))
    expect((await bind('seen', 'ClusterRole', 'view')).code).toBe(201)
    expect((await bind('edited', 'ClusterRole', 'edit')).code).toBe(201)
  })
})

test('who speaks for another needs to be allowed each of his names', async () => {
  await using door = await openDoor({ tokens })
  const rules = [
    rule(['impersonate'], ['users'], 'grace'),
    rule(['impersonate'], ['groups'], 'ops'),
    {
      apiGroups: ['authentication.k8s.io'],
      resources: ['userextras/team'],
      verbs: ['impersonate'],
      resourceNames: ['red'],
    },
  ]
  await made(door, `${rbac}/clusterroles`, { metadata: { name: 'stage' }, rules })
  await made(
    door,
    `${rbac}/clusterrolebindings`,
    binding('stage', 'ClusterRole', 'stage', { kind: 'User', name: 'jane' }),
  )
  const self = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const ask = (headers: Record<string, string>) => door.ask(self, { ...post({}), ...as('jane'), headers })
  const whole = { 'impersonate-user': 'grace', 'impersonate-group': 'ops', 'impersonate-extra-team': 'red' }
  expect((await ask(whole)).json.status.userInfo).toEqual({
    username: 'grace',
    groups: ['ops', 'system:authenticated'],
    extra: { team: ['red'] },
  })
  const why = async (headers: Record<string, string>) => (await ask(headers)).json.message
  expect(await why({ ...whole, 'impersonate-group': 'system:masters' })).toBe(
    'groups "system:masters" is forbidden: User "jane" cannot impersonate resource "groups" in API group "" at the cluster scope',
  )
  expect(await why({ ...whole, 'impersonate-extra-team': 'blue' })).toBe(
    'userextras.authentication.k8s.io "blue" is forbidden: User "jane" cannot impersonate resource "userextras/team" in API group "authentication.k8s.io" at the cluster scope',
  )
  expect(await why({ ...whole, 'impersonate-uid': '7' })).toContain('uids.authentication.k8s.io "7" is forbidden')
  expect(await why({ 'impersonate-user': 'system:serviceaccount:default:bot' })).toContain(
    'serviceaccounts "bot" is forbidden: User "jane" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default"',
  )
})

test('a node sees what its pods need, and no more', async () => {
  await using door = await openDoor({ tokens })
  const api = '/api/v1/namespaces/default'
  await made(door, `${api}/secrets`, { metadata: { name: 'needed' } })
  await made(door, `${api}/secrets`, { metadata: { name: 'other' } })
  const code = async (path: string, method = 'GET') => (await door.ask(path, { method, ...as('node-1') })).code
  expect(await code(`${api}/secrets/needed`)).toBe(403)
  await made(door, `${api}/pods`, {
    metadata: { name: 'here' },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'main', image: 'nginx', envFrom: [{ secretRef: { name: 'needed' } }] }],
    },
  })
  expect(await code(`${api}/secrets/needed`)).toBe(200)
  expect((await door.refused(`${api}/secrets/other`, as('node-1'))).message).toBe(
    'secrets "other" is forbidden: User "system:node:node-1" cannot get resource "secrets" in API group "" in the namespace "default": no relationship found between node \'node-1\' and this object',
  )
  expect(await code(`${api}/secrets`)).toBe(403)
  expect(await code('/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1')).toBe(200)
  expect(await code('/api/v1/pods')).toBe(403)
  expect(await code('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-2')).toBe(403)
  expect(await code('/apis/apps/v1/deployments')).toBe(403)
})

describe('the roles that every cluster has', () => {
  test('are there once, get back what they lost, and are left alone when told so', async () => {
    await using door = await openDoor({ tokens })
    const { server } = door.server
    const role = async (name: string) => (await door.ask(`${rbac}/clusterroles/${name}`)).json
    const before = await role('system:kube-scheduler')
    await server.bootstrapRoles()
    expect(await role('system:kube-scheduler')).toEqual(before)
    const empty = async (name: string, annotations: object) => {
      const body = JSON.stringify({ rules: [], metadata: { annotations } })
      await door.ask(`${rbac}/clusterroles/${name}`, { method: 'PATCH', type: 'application/merge-patch+json', body })
    }
    const pods = async () => (await door.ask('/api/v1/pods', as('scheduler'))).code
    await empty('system:kube-scheduler', {})
    await empty('system:node-proxier', { 'rbac.authorization.kubernetes.io/autoupdate': 'false' })
    expect(await pods()).toBe(403)
    await server.bootstrapRoles()
    expect(await pods()).toBe(200)
    expect((await role('system:node-proxier')).rules ?? []).toEqual([])
  })

  test('let the scheduler do its work and nothing else', async () => {
    await using door = await openDoor({ tokens })
    const code = async (path: string) => (await door.ask(path, as('scheduler'))).code
    for (const path of ['/api/v1/pods', '/api/v1/nodes', '/apis/apps/v1/replicasets'])
      expect(await code(path)).toBe(200)
    for (const path of ['/api/v1/secrets', '/api/v1/configmaps']) expect(await code(path)).toBe(403)
  })
})
