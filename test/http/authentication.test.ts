// Who may speak to the server: a certificate of the cluster's authority or a token it knows; without, only the paths that
// tell whether and what it is.

import https from 'node:https'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadOrCreateCertificates } from '../../apiserver/http/certificates.ts'
import type { User } from '../../apiserver/registry/registry.ts'
import { realEnv } from '../../src/env/real-env.ts'
import { type Door, openDoor } from './door.ts'

const path = '/api/v1/namespaces/default'
const unauthorized = { kind: 'Status', status: 'Failure', code: 401, reason: 'Unauthorized', message: 'Unauthorized' }
const tokens = new Map<string, User>([
  ['of-ada', { name: 'ada', groups: ['system:authenticated'] }],
  ['of-root', { name: 'root', groups: ['system:masters'] }],
])

let door: Door
beforeAll(async () => {
  door = await openDoor({ tokens })
})
afterAll(() => door[Symbol.asyncDispose]())

test.each(['/version', '/healthz', '/livez', '/readyz', '/livez?verbose'])('%s is for everyone', async open => {
  expect((await door.ask(open, { as: 'nobody' })).code).toBe(200)
})

test.each(['/api', '/apis', '/openapi/v3', '/', '/nothing', '/versions', '/readyz/ping'])('%s is not', async closed => {
  expect(await door.refused(closed, { as: 'nobody' })).toMatchObject({
    code: 403,
    reason: 'Forbidden',
    message: `forbidden: User "system:anonymous" cannot get path "${closed}"`,
    details: {},
  })
})

test('nor is any object', async () => {
  expect(await door.refused(path, { as: 'nobody' })).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message:
      'namespaces "default" is forbidden: User "system:anonymous" cannot get resource "namespaces" in API group "" in the namespace "default"',
    reason: 'Forbidden',
    details: { name: 'default', kind: 'namespaces' },
    code: 403,
  })
})

test('the admin’s certificate, and a token that is known', async () => {
  expect((await door.ask(path)).code).toBe(200)
  for (const authorization of ['Bearer of-root', 'bearer of-root', 'BEARER of-root more']) {
    expect((await door.ask(path, { as: 'nobody', headers: { authorization } })).code).toBe(200)
  }
})

test.each(['Bearer wrong', 'bearer OF-ROOT'])('%s does not hold', async authorization => {
  expect(await door.refused(path, { as: 'nobody', headers: { authorization } })).toMatchObject(unauthorized)
  expect(await door.refused('/healthz', { as: 'nobody', headers: { authorization } })).toMatchObject(unauthorized)
})

// k8s.io/apiserver/pkg/authentication/request/bearertoken: what is no bearer token says nothing of who asks.
test.each(['Bearer ', 'Basic b2YtYWRhOng=', 'of-root', 'bearer  of-root'])('%s is nobody', async authorization => {
  expect(await door.refused(path, { as: 'nobody', headers: { authorization } })).toMatchObject({ code: 403 })
})

test('a certificate of another authority is nobody’s', async () => {
  const { admin } = loadOrCreateCertificates(undefined, realEnv({ logLevel: 'silent' }))
  const code = await new Promise((resolve, reject) => {
    const { ca } = door.certificates
    https
      .get(
        { port: door.port, host: '127.0.0.1', path, ca: ca.cert, cert: admin.cert, key: admin.key, agent: false },
        response => {
          response.resume()
          resolve(response.statusCode)
        },
      )
      .on('error', reject)
  })
  expect(code).toBe(401)
})

test('masters may speak as another, who then is asked; others may not', async () => {
  const as = { 'impersonate-user': 'grace', 'impersonate-group': ['a', 'b'] }
  expect(await door.refused(path, { as: { token: 'of-root' }, headers: as })).toMatchObject({
    code: 403,
    message: expect.stringContaining('User "grace" cannot get resource "namespaces"'),
  })
  const master = { 'impersonate-user': 'grace', 'impersonate-group': 'system:masters' }
  expect((await door.ask(path, { as: { token: 'of-root' }, headers: master })).code).toBe(200)
  expect(await door.refused(path, { as: { token: 'of-ada' }, headers: as })).toMatchObject({
    code: 403,
    reason: 'Forbidden',
    message:
      'users "grace" is forbidden: User "ada" cannot impersonate resource "users" in API group "" at the cluster scope',
  })
})

test('groups cannot be taken on without a user', async () => {
  const status = await door.refused(path, { headers: { 'impersonate-group': 'a' } })
  expect(status.message).toMatch(/without impersonating a user/)
})

test('every answer has an audit ID, the client’s own when it sends one', async () => {
  expect((await door.ask(path)).headers['audit-id']).toMatch(/^[0-9a-f-]{36}$/)
  expect((await door.ask(path, { headers: { 'audit-id': 'mine' } })).headers).toMatchObject({
    'audit-id': 'mine',
    'cache-control': 'no-cache, private',
  })
})

test('health: a word, or a line for each check', async () => {
  expect((await door.ask('/readyz')).text).toBe('ok')
  expect((await door.ask('/readyz?verbose')).text).toBe('[+]ping ok\n[+]log ok\n[+]shutdown ok\nreadyz check passed\n')
  expect((await door.ask('/healthz/none')).code).toBe(404)
})
