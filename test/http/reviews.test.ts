// Reviews over HTTP: questions that are answered and not kept, as kubectl auth asks them.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorize, rulesFor } from '../../apiserver/auth/authorization.ts'
import { type Door, openDoor } from './door.ts'

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

test('may I: the question comes back with its answer, and nothing is stored', async () => {
  const before = (await door.ask('/api/v1/namespaces/default/configmaps')).json.metadata.resourceVersion
  const spec = { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } }
  const { code, json } = await door.ask(access, post({ spec }))
  expect([code, json.spec, json.status]).toEqual([201, spec, { allowed: true }])
  const path = { nonResourceAttributes: { verb: 'get', path: '/healthz' } }
  expect((await door.ask(access, post({ spec: path }))).json.status).toEqual({ allowed: true })
  expect((await door.ask('/api/v1/namespaces/default/configmaps')).json.metadata.resourceVersion).toBe(before)
})

test('what may I do in a namespace', async () => {
  expect((await door.ask(rules, post({ spec: { namespace: 'default' } }))).json.status).toEqual({
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    incomplete: false,
  })
  expect(await door.refused(rules, post({}))).toMatchObject({ code: 400, message: 'no namespace on request' })
})

test('whom the server does not know may do nothing', () => {
  const resource = { verb: 'get', resource: 'pods' }
  const nobody = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
  expect(authorize(nobody, { resource })).toEqual({ allowed: false })
  expect(rulesFor(nobody, 'default').resourceRules).toEqual([])
  expect(authorize({ name: 'root', groups: ['system:masters'] }, { resource })).toEqual({ allowed: true })
})

test.each([
  [
    {},
    'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
  ],
  [
    { spec: { resourceAttributes: {}, nonResourceAttributes: {} } },
    'spec.nonResourceAttributes: Invalid value: {}: cannot be specified in combination with resourceAttributes',
  ],
  [
    { metadata: { name: 'mine' }, spec: { resourceAttributes: {} } },
    'metadata: Invalid value: {"name":"mine"}: must be empty',
  ],
])('%j is no question (pkg/apis/authorization/validation/validation.go)', async (body, fault) => {
  expect(await door.refused(access, post(body))).toMatchObject({
    code: 422,
    message: `SelfSubjectAccessReview.authorization.k8s.io "" is invalid: ${fault}`,
  })
})

describe('they can only be created', () => {
  test.each([access, rules, self])('%s', async path => {
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const { code, headers } = await door.ask(path, { method })
      expect([code, headers.allow]).toEqual([405, 'POST'])
    }
    expect(await door.refused(`${path}?watch=1`)).toMatchObject({ code: 405 })
    expect(await door.refused(`${path}/mine`)).toMatchObject({ code: 404, details: {} })
  })

  test('so say discovery and OpenAPI', async () => {
    const { json } = await door.ask('/apis/authorization.k8s.io/v1')
    expect(json.resources.map((each: { name: string; verbs: string[] }) => [each.name, each.verbs])).toEqual([
      ['selfsubjectaccessreviews', ['create']],
      ['selfsubjectrulesreviews', ['create']],
    ])
    const { paths, components } = (await door.ask('/openapi/v3/apis/authorization.k8s.io/v1')).json
    expect(Object.keys(paths)).toEqual([access, rules])
    expect(Object.keys(paths[access]).sort()).toEqual(['parameters', 'post'])
    expect(components.schemas['io.k8s.api.authorization.v1.SelfSubjectAccessReview']).toBeDefined()
  })
})
