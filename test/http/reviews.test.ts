// Reviews over HTTP: questions that are answered and not kept, as kubectl auth asks them.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Ask, type Door, openDoor } from './door.ts'

const tokens = new Map([['jane', { name: 'jane', uid: '42', groups: ['dev', 'system:authenticated'] }]])
const jane = { token: 'jane' }
const access = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
const rules = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews'
const self = '/apis/authentication.k8s.io/v1/selfsubjectreviews'

let door: Door
beforeAll(async () => {
  door = await openDoor({ tokens })
})
afterAll(() => door[Symbol.asyncDispose]())

const post = (body: object) => ({ method: 'POST', type: 'application/json', body: JSON.stringify(body), as: jane })

test('who am I: the user as authentication knows it', async () => {
  const { code, json } = await door.ask(self, post({}))
  expect(code).toBe(201)
  expect(json).toEqual({
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'SelfSubjectReview',
    metadata: { creationTimestamp: '2024-01-01T00:00:00Z' },
    status: { userInfo: { username: 'jane', uid: '42', groups: ['dev', 'system:authenticated'] } },
  })
  const headers = { 'impersonate-user': 'joe', 'impersonate-group': 'ops' }
  const { status } = (await door.ask(self, { ...post({}), as: 'admin', headers })).json
  expect(status.userInfo).toEqual({ username: 'joe', groups: ['ops', 'system:authenticated'] })
})

/** jane may read in `default`, and nothing else than everybody may. */
async function letJaneView(): Promise<void> {
  await door.ask('/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
    ...post({
      metadata: { name: 'readers' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ kind: 'Group', name: 'dev' }],
    }),
    as: 'admin',
  })
  await door.ask('/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles', {
    ...post({
      metadata: { name: 'reader' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
    }),
    as: 'admin',
  })
}

test('may I: the question comes back with its answer, and nothing is stored', async () => {
  const spec = { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } }
  const mayI = async (spec: object, path = access, as: Ask['as'] = jane) =>
    (await door.ask(path, { ...post({ spec }), as })).json.status
  expect(await mayI(spec)).toEqual({ allowed: false })
  await letJaneView()
  const before = (await door.ask('/api/v1/namespaces/default/configmaps')).json.metadata.resourceVersion
  const { code, json } = await door.ask(access, post({ spec }))
  const reason = 'RBAC: allowed by RoleBinding "readers/default" of Role "reader" to Group "dev"'
  expect([code, json.spec, json.status]).toEqual([201, spec, { allowed: true, reason }])
  expect(await mayI({ nonResourceAttributes: { verb: 'get', path: '/healthz' } })).toEqual({
    allowed: true,
    reason:
      'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
  })
  // What may another? Who may ask that: not jane.
  const others = '/apis/authorization.k8s.io/v1/subjectaccessreviews'
  const about = { user: 'joe', groups: ['dev'], resourceAttributes: spec.resourceAttributes }
  expect(await mayI(about, others, 'admin')).toMatchObject({ allowed: true })
  expect(await mayI({ ...about, groups: ['ops'] }, others, 'admin')).toEqual({ allowed: false })
  expect(await door.refused(others, post({ spec: about }))).toMatchObject({ code: 403 })
  const local = '/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews'
  expect(await mayI(about, local, 'admin')).toMatchObject({ allowed: true })
  expect((await door.ask('/api/v1/namespaces/default/configmaps')).json.metadata.resourceVersion).toBe(before)
})

test('a review that asks nothing, or two things, is refused', async () => {
  expect(await door.refused(access, post({ spec: {} }))).toMatchObject({
    code: 422,
    message: expect.stringContaining(
      'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ),
  })
  const two = { resourceAttributes: { verb: 'get' }, nonResourceAttributes: { verb: 'get' } }
  expect(await door.refused(access, post({ spec: two }))).toMatchObject({
    code: 422,
    message: expect.stringContaining('cannot be specified in combination with resourceAttributes'),
  })
})

test('what may I do in a namespace', async () => {
  const { status } = (await door.ask(rules, post({ spec: { namespace: 'default' } }))).json
  expect(status.incomplete).toBe(false)
  expect(status.resourceRules).toContainEqual({ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] })
  expect(status.nonResourceRules).toContainEqual({
    verbs: ['get'],
    nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'],
  })
  const elsewhere = (await door.ask(rules, post({ spec: { namespace: 'kube-system' } }))).json.status
  expect(elsewhere.resourceRules).not.toContainEqual({ verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] })
  expect(await door.refused(rules, post({}))).toMatchObject({ code: 400, message: 'no namespace on request' })
})
