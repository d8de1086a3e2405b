// Tokens of service accounts: asked for, used, reviewed, and worth nothing when they are forged, old, another's, or bound to
// what is gone. Upstream: test/e2e/auth/service_accounts.go, pkg/serviceaccount/jwt_test.go, test/integration/auth/svcaccttoken_test.go.

import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, jwtVerify, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Door, openDoor } from './door.ts'

const issuer = 'https://kubernetes.default.svc.cluster.local'
const api = '/api/v1/namespaces/default'
const ownName = 'system:serviceaccount:default:bot'

let door: Door
beforeAll(async () => {
  door = await openDoor()
  await post(`${api}/serviceaccounts`, { metadata: { name: 'bot' } })
  await post('/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles', {
    metadata: { name: 'reader' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
  })
  await post('/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
    metadata: { name: 'reader' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'bot', namespace: 'default' }],
  })
})
afterAll(() => door.close())

const post = (path: string, body: object): Promise<Answer> =>
  door.ask(path, { method: 'POST', body: JSON.stringify(body) })
const request = (spec: object = {}, account = 'bot') => post(`${api}/serviceaccounts/${account}/token`, { spec })
const tokenFor = async (spec: object = {}, account = 'bot'): Promise<string> =>
  (await request(spec, account)).json.status.token
const codeOf = async (token: string, path = `${api}/pods`) => (await door.ask(path, { as: { token } })).code
const review = async (token: string, audiences?: string[]) =>
  (await post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token, ...(audiences ? { audiences } : {}) } }))
    .json.status

describe('a token that was asked for', () => {
  test('says who, for whom and how long, and is answered as upstream answers', async () => {
    const { code, json } = await request({ expirationSeconds: 1200 })
    expect(code).toBe(201)
    expect(json).toMatchObject({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: 'bot', namespace: 'default', creationTimestamp: '2024-01-01T00:00:00Z' },
      spec: { audiences: [issuer], expirationSeconds: 1200 },
      status: { expirationTimestamp: '2024-01-01T00:20:00Z' },
    })
    const now = Date.UTC(2024, 0, 1) / 1000
    const { uid } = (await door.ask(`${api}/serviceaccounts/bot`)).json.metadata
    expect(decodeJwt(json.status.token)).toEqual({
      aud: [issuer],
      exp: now + 1200,
      iat: now,
      iss: issuer,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'bot', uid } },
      nbf: now,
      sub: ownName,
    })
  })

  test('lets its account do what it may, and nothing else', async () => {
    const token = await tokenFor()
    expect(await codeOf(token)).toBe(200)
    expect(await codeOf(token)).toBe(200)
    expect((await door.refused(`${api}/secrets`, { as: { token } })).message).toBe(
      `secrets is forbidden: User "${ownName}" cannot list resource "secrets" in API group "" in the namespace "default"`,
    )
  })

  test('is reviewed: whose it is, and for whom it is good', async () => {
    const token = await tokenFor({ audiences: ['vault', issuer] })
    const { jti } = decodeJwt(token)
    const groups = ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated']
    const extra = { 'authentication.kubernetes.io/credential-id': [`JTI=${jti}`] }
    expect(await review(token, ['vault', 'other'])).toEqual({
      authenticated: true,
      user: { username: ownName, uid: expect.any(String), groups, extra },
      audiences: ['vault'],
    })
    expect((await review(token)).audiences).toEqual([issuer])
    expect(await review(await tokenFor({ audiences: ['vault'] }))).toEqual({
      error: `[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["${issuer}"]]`,
    })
  })

  test('of another audience does not open the API server', async () => {
    expect(await codeOf(await tokenFor({ audiences: ['vault'] }))).toBe(401)
  })

  test('can be checked by others, with what the cluster publishes', async () => {
    const as = { token: await tokenFor() }
    const configuration = await door.ask('/.well-known/openid-configuration', { as })
    expect([configuration.code, configuration.json]).toEqual([
      200,
      {
        issuer,
        jwks_uri: `https://127.0.0.1:${door.port}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      },
    ])
    expect(configuration.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'public, max-age=3600',
    })
    const keys = await door.ask('/openid/v1/jwks', { as })
    expect(keys.headers['content-type']).toBe('application/jwk-set+json')
    const { payload } = await jwtVerify(as.token, createLocalJWKSet(keys.json), {
      issuer,
      currentDate: new Date(Date.UTC(2024, 0, 1)),
    })
    expect(payload.sub).toBe(ownName)
    expect((await door.ask('/openid/v1/jwks', { as: 'nobody' })).code).toBe(403)
  })

  test.each([
    [{ expirationSeconds: 599 }, 422, 'may not specify a duration less than 10 minutes'],
    [{ expirationSeconds: 2 ** 33 }, 422, 'may not specify a duration larger than 2^32 seconds'],
    [{ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'none' } }, 404, 'pods "none" not found'],
    [
      { boundObjectRef: { kind: 'Deployment', apiVersion: 'apps/v1', name: 'web' } },
      400,
      'cannot bind token to object of type apps/v1, Kind=Deployment',
    ],
  ])('%j is refused', async (spec, code, message) => {
    const { json } = await request(spec)
    expect([json.code, json.message]).toEqual([code, expect.stringContaining(message)])
  })

  test('an account that is not there has none', async () => {
    expect((await request({}, 'nobody')).json).toMatchObject({
      code: 404,
      message: 'serviceaccounts "nobody" not found',
    })
  })
})

describe('a token that is bound', () => {
  const bindTo = (kind: string, name: string) => ({ boundObjectRef: { apiVersion: 'v1', kind, name } })

  test('to a pod tells which, and ends with it', async () => {
    const spec = { serviceAccountName: 'bot', nodeName: 'far', containers: [{ name: 'main', image: 'nginx' }] }
    const pod = (await post(`${api}/pods`, { metadata: { name: 'worker' }, spec })).json
    const token = await tokenFor(bindTo('Pod', 'worker'))
    expect((await review(token)).user.extra).toMatchObject({
      'authentication.kubernetes.io/node-name': ['far'],
      'authentication.kubernetes.io/pod-name': ['worker'],
      'authentication.kubernetes.io/pod-uid': [pod.metadata.uid],
    })
    await door.ask(`${api}/pods/worker?gracePeriodSeconds=0`, { method: 'DELETE' })
    expect(await codeOf(token)).toBe(401)
    expect(await review(token)).toEqual({
      error: '[invalid bearer token, service account token has been invalidated]',
    })
    await post(`${api}/pods`, { metadata: { name: 'worker' }, spec })
    expect((await review(token)).error).toMatch(/pod UID \(.*\) does not match service account pod ref claim/)
  })

  test('to a pod of another account is not given', async () => {
    await post(`${api}/pods`, { metadata: { name: 'other' }, spec: { containers: [{ name: 'main', image: 'nginx' }] } })
    expect((await request(bindTo('Pod', 'other'))).json.message).toBe(
      'cannot bind token for serviceaccount "bot" to pod running with serviceaccount "default"',
    )
  })

  test('to a Secret or a node ends with that', async () => {
    await post(`${api}/secrets`, { metadata: { name: 'lease' } })
    await post('/api/v1/nodes', { metadata: { name: 'near' } })
    for (const [kind, name, path] of [
      ['Secret', 'lease', `${api}/secrets/lease`],
      ['Node', 'near', '/api/v1/nodes/near'],
    ] as const) {
      const token = await tokenFor(bindTo(kind, name))
      expect(await codeOf(token)).toBe(200)
      await door.ask(path, { method: 'DELETE' })
      expect(await codeOf(token)).toBe(401)
    }
  })

  test('ends with its account, also when another of that name comes', async () => {
    await post(`${api}/serviceaccounts`, { metadata: { name: 'gone' } })
    const token = await tokenFor({}, 'gone')
    expect((await review(token)).authenticated).toBe(true)
    await door.ask(`${api}/serviceaccounts/gone`, { method: 'DELETE' })
    expect(await review(token)).toEqual({ error: '[invalid bearer token, serviceaccounts "gone" not found]' })
    await post(`${api}/serviceaccounts`, { metadata: { name: 'gone' } })
    expect((await review(token)).error).toMatch(/service account UID \(.*\) does not match claim/)
  })
})

describe('a token that is forged, foreign or old', () => {
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

  test('is nobody’s', async () => {
    const good = await tokenFor()
    const [head, body, signature] = good.split('.') as [string, string, string]
    const claims = decodeJwt(good)
    const raised = { ...claims, sub: 'system:serviceaccount:kube-system:admin' }
    const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString())
    const [jwk] = (await door.ask('/openid/v1/jwks')).json.keys
    const publicPem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    const mac = encoded({ alg: 'HS256', kid, typ: 'JWT' })
    const hostile: Record<string, string> = {
      'algorithm none': `${encoded({ alg: 'none', kid })}.${body}.`,
      'algorithm None, with a signature': `${encoded({ alg: 'None', kid })}.${body}.${signature}`,
      'a MAC made with the public key': `${mac}.${body}.${createHmac('sha256', publicPem).update(`${mac}.${body}`).digest('base64url')}`,
      'other claims': `${head}.${encoded(raised)}.${signature}`,
      'no signature': `${head}.${body}.`,
      'a cut signature': `${head}.${body}.${signature.slice(0, -8)}`,
      'another key under our name': await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid })
        .sign(foreign.privateKey),
      'another key': await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(foreign.privateKey),
      'a key of its own in the head': await new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', jwk: foreign.publicKey.export({ format: 'jwk' }) as object })
        .sign(foreign.privateKey),
      'a foreign issuer': `${head}.${encoded({ ...claims, iss: 'https://example.com' })}.${signature}`,
      'claims that are null': `${head}.${Buffer.from('null').toString('base64url')}.${signature}`,
      'a critical header that nobody knows': `${encoded({ alg: 'ES256', kid, crit: ['x'], x: 1 })}.${body}.${signature}`,
      'no JWT': 'a.b.c',
      'too many parts': `${good}.${signature}`,
      'prototype pollution': `${head}.${encoded({ iss: issuer, __proto__: { sub: 'x' }, constructor: {} })}.${signature}`,
    }
    for (const [what, token] of Object.entries(hostile)) {
      expect([what, await codeOf(token)]).toEqual([what, 401])
      expect([what, (await review(token)).authenticated]).toEqual([what, undefined])
    }
    expect(await codeOf(good)).toBe(200)
  })

  test('ends when its time is over, with a minute for clocks that differ', async () => {
    const own = await openDoor()
    try {
      const { json } = await own.ask(`${api}/serviceaccounts/default/token`, {
        method: 'POST',
        body: JSON.stringify({ spec: { expirationSeconds: 600 } }),
      })
      const code = async () => (await own.ask('/api', { as: { token: json.status.token } })).code
      expect(await code()).toBe(200)
      await own.server.env.clock.advance(659_000)
      expect(await code()).toBe(200)
      await own.server.env.clock.advance(2_000)
      expect(await code()).toBe(401)
      const spec = { token: json.status.token }
      const { status } = (
        await own.ask('/apis/authentication.k8s.io/v1/tokenreviews', { method: 'POST', body: JSON.stringify({ spec }) })
      ).json
      expect(status).toEqual({ error: '[invalid bearer token, service account token has expired]' })
    } finally {
      await own.close()
    }
  })

  test('a review without a token is a bad request', async () => {
    const { json } = await post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: {} })
    expect([json.code, json.message]).toEqual([400, 'token is required for TokenReview in authentication'])
    expect(await review('nonsense')).toEqual({ error: 'invalid bearer token' })
  })
})
