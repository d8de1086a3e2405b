// Secrets that hold the token of a service account. Upstream: pkg/controller/serviceaccount/tokens_controller_test.go.

import { expect, test } from 'vitest'
import { type LegacyTokenIssuer, serviceAccountTokensController } from '../../controllers/serviceaccount-tokens.ts'
import { Secrets, ServiceAccounts } from '../../src/kinds/index.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'

const apiVersion = 'v1'
const type = 'kubernetes.io/service-account-token'
const text = (encoded: string | undefined) => Buffer.from(encoded ?? '', 'base64').toString()
const account = (name: string) => ({ apiVersion, kind: 'ServiceAccount', metadata: { name, namespace: 'default' } })
const secret = (name: string, owner: string, annotations: Record<string, string> = {}) => ({
  apiVersion,
  kind: 'Secret',
  type,
  metadata: {
    name,
    namespace: 'default',
    annotations: { 'kubernetes.io/service-account.name': owner, ...annotations },
  },
})

async function plane(): Promise<ControlPlane> {
  const issue: LegacyTokenIssuer = (...asked) => made.server.tokens.issueForSecret(...asked)
  const made = await controlPlane([serviceAccountTokensController(issue, 'the CA')])
  return made
}

test('such a Secret gets its token, and the token holds as long as the Secret has it', async () => {
  await using it = await plane()
  const bot = await it.create(ServiceAccounts, account('bot'))
  await it.create(Secrets, secret('bot', 'bot'))
  await it.settle()
  const made = it.get(Secrets, 'bot')
  expect(made.metadata.annotations).toEqual({
    'kubernetes.io/service-account.name': 'bot',
    'kubernetes.io/service-account.uid': bot.metadata.uid,
  })
  expect([text(made.data?.['ca.crt']), text(made.data?.namespace)]).toEqual(['the CA', 'default'])
  const token = text(made.data?.token)
  const { tokens } = it.server
  expect(await tokens.authenticate(token)).toMatchObject({ user: { name: 'system:serviceaccount:default:bot' } })

  await it.patch(Secrets, 'bot', { data: { token: Buffer.from('another').toString('base64') } })
  await it.settle()
  expect(await tokens.authenticate(token)).toBe("service account token does not match server's copy")
  await it.client.of(Secrets).delete({ name: 'bot', namespace: 'default' })
  expect(await tokens.authenticate(token)).toBe('service account token has been invalidated')
})

test('what is taken out of it is put back', async () => {
  await using it = await plane()
  await it.create(ServiceAccounts, account('bot'))
  await it.create(Secrets, secret('bot', 'bot'))
  await it.settle()
  await it.patch(Secrets, 'bot', { data: { token: null, 'ca.crt': null, more: 'bW9yZQ==' } })
  await it.settle()
  const { data } = it.get(Secrets, 'bot')
  expect(Object.keys(data ?? {}).sort()).toEqual(['ca.crt', 'more', 'namespace', 'token'])
})

test('it goes with its account, and does not stay for another of that name', async () => {
  await using it = await plane()
  await it.create(ServiceAccounts, account('bot'))
  await it.create(Secrets, secret('bot', 'bot'))
  await it.create(Secrets, secret('early', 'later'))
  await it.create(Secrets, secret('foreign', 'bot', { 'kubernetes.io/service-account.uid': 'another' }))
  await it.settle()
  // Nobody of that name, or another than is meant.
  expect(it.list(Secrets).map(({ metadata }) => metadata.name)).toEqual(['bot'])
  await it.client.of(ServiceAccounts).delete({ name: 'bot', namespace: 'default' })
  await it.settle()
  expect(it.list(Secrets)).toEqual([])
})
