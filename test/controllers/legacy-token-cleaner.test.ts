// Years in the life of tokens that were made for their accounts. Upstream:
// pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner_test.go, test/integration/serviceaccount/legacy_service_account_token_clean_up_test.go.

import { describe, expect, test } from 'vitest'
import { legacyTokenCleaner } from '../../controllers/legacy-token-cleaner.ts'
import { serviceAccountTokensController } from '../../controllers/serviceaccount-tokens.ts'
import { ConfigMaps, Pods, Secrets, ServiceAccounts } from '../../src/kinds/index.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'
import { isOverHttp } from '../support/over-http.ts'

const aDay = 24 * 3600
const aYear = 365
/** So many days after the first, which is when all begins. */
const day = (count: number) => new Date(Date.UTC(2024, 0, 1) + count * aDay * 1000).toISOString().slice(0, 10)
const lastUsed = 'kubernetes.io/legacy-token-last-used'
const invalidSince = 'kubernetes.io/legacy-token-invalid-since'
const tracking = 'kube-apiserver-legacy-service-account-token-tracking'
const controller = 'legacy-serviceaccount-token-cleaner-controller'

/** A control plane on 2024-01-01, with an account `bot` that names its Secret `made`, and one `manual` that it does not name. */
async function plane(period = aYear * aDay): Promise<ControlPlane> {
  const it = await controlPlane([
    serviceAccountTokensController((...asked) => it.server.tokens.issueForSecret(...asked), 'the CA'),
    legacyTokenCleaner(period * 1000),
  ])
  const metadata = { name: 'bot', namespace: 'default' }
  await it.create(ServiceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata, secrets: [{ name: 'made' }] })
  for (const name of ['made', 'manual']) await it.create(Secrets, tokenSecret(name))
  await it.settle()
  return it
}

const tokenSecret = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/service-account-token',
  metadata: { name, namespace: 'default', annotations: { 'kubernetes.io/service-account.name': 'bot' } },
})
const days = (it: ControlPlane, count: number) => it.seconds(count * aDay)
const labels = (it: ControlPlane, name = 'made') => it.get(Secrets, name).metadata.labels
const tokenOf = (it: ControlPlane, name = 'made') =>
  Buffer.from(it.get(Secrets, name).data?.token ?? '', 'base64').toString()
/** Undefined: it holds. */
const refusalOf = async (it: ControlPlane, token: string) => {
  const told = await it.server.tokens.authenticate(token)
  return typeof told === 'string' ? told : undefined
}

test('from mark to deletion within hours, of what has been idle for days', async () => {
  const anHour = 3600
  await using it = await plane(anHour)
  await it.client
    .of(ConfigMaps)
    .patch({ name: tracking, namespace: 'kube-system' }, { type: 'merge', body: { data: { since: '2023-07-01' } } })
  await it.seconds(anHour)
  expect(labels(it)).toBeUndefined()
  await it.seconds(1)
  expect(labels(it)).toEqual({ [invalidSince]: '2024-01-01' })
  await it.patch(Secrets, 'made', { metadata: { labels: { [invalidSince]: '2023-12-30' } } })
  await it.settle()
  expect(it.find(Secrets, 'made')).toBeUndefined()
  expect(it.get(ServiceAccounts, 'bot').secrets ?? []).toEqual([])
  expect(labels(it, 'manual')).toBeUndefined()
})

// Over sockets watches end every few minutes: years would take minutes.
describe.skipIf(isOverHttp)('in years', () => {
  test('unused for a year it is invalid, a year later it is gone; by the day, of UTC', async () => {
    await using it = await plane()
    // The day on which the watching began counts whole.
    await it.seconds((aYear + 1) * aDay - 1)
    expect(labels(it)).toBeUndefined()
    await it.seconds(1)
    expect(labels(it)).toEqual({ [invalidSince]: day(aYear + 1) })
    await it.seconds((aYear + 1) * aDay - 1)
    expect(labels(it)).toEqual({ [invalidSince]: day(aYear + 1) })
    await it.seconds(1)
    expect(it.find(Secrets, 'made')).toBeUndefined()
    // The account names it no longer; a Secret that somebody made by hand is for ever.
    expect(it.get(ServiceAccounts, 'bot').secrets ?? []).toEqual([])
    expect(labels(it, 'manual')).toBeUndefined()
  })

  test('each use begins the year anew, and is written down once a day', async () => {
    await using it = await plane()
    const token = tokenOf(it)
    await days(it, aYear)
    expect(await refusalOf(it, token)).toBeUndefined()
    expect(labels(it)).toEqual({ [lastUsed]: day(aYear) })
    const { resourceVersion } = it.get(Secrets, 'made').metadata
    await it.seconds(3600)
    expect(await refusalOf(it, token)).toBeUndefined()
    expect(it.get(Secrets, 'made').metadata.resourceVersion).toBe(resourceVersion)
    await days(it, aYear)
    expect(labels(it)).toEqual({ [lastUsed]: day(aYear) })
    await days(it, 1)
    expect(labels(it)).toEqual({ [lastUsed]: day(aYear), [invalidSince]: day(2 * aYear + 1) })
  })

  test('a Secret that a pod mounts stays, and is looked at each day', async () => {
    await using it = await plane()
    await it.create(Pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'reader', namespace: 'default' },
      spec: {
        containers: [{ name: 'main', image: 'busybox' }],
        volumes: [{ name: 'token', secret: { secretName: 'made' } }],
      },
    })
    await days(it, aYear + 2)
    expect(labels(it)).toBeUndefined()
    await it.client.of(Pods).delete({ name: 'reader', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await days(it, 1)
    expect(labels(it)).toEqual({ [invalidSince]: day(aYear + 3) })
  })

  test('a controller that stands still over the day does its work when it goes on', async () => {
    await using it = await plane()
    await it.manager.stop(controller)
    await days(it, aYear + 2)
    expect(labels(it)).toBeUndefined()
    await it.manager.resume(controller)
    await it.settle()
    expect(labels(it)).toEqual({ [invalidSince]: day(aYear + 2) })
  })

  test('an invalid token is refused, says how to go on, and being tried keeps its Secret', async () => {
    await using it = await plane()
    const token = tokenOf(it)
    await days(it, 400)
    expect(await refusalOf(it, token)).toBe(
      "the token in secret default/made for service account default/bot has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token",
    )
    expect(labels(it)).toEqual({ [invalidSince]: '2025-01-01', [lastUsed]: '2025-02-04' })
    await days(it, 360)
    expect(labels(it)).toBeDefined()
    // Somebody needs it: until it is idle for a year again.
    await it.patch(Secrets, 'made', { metadata: { labels: { [invalidSince]: null } } })
    expect(await refusalOf(it, token)).toBeUndefined()
    await days(it, 365)
    expect(labels(it)).toEqual({ [lastUsed]: '2026-01-30' })
    await days(it, 1)
    expect(labels(it)).toEqual({ [lastUsed]: '2026-01-30', [invalidSince]: '2027-01-31' })
  })

  test('what says nothing that can be read is left alone, until it does', async () => {
    await using it = await plane()
    await it.patch(Secrets, 'made', { metadata: { labels: { [lastUsed]: '2024-02-30' } } })
    await days(it, 800)
    expect(labels(it)).toEqual({ [lastUsed]: '2024-02-30' })
    await it.patch(Secrets, 'made', { metadata: { labels: { [lastUsed]: '2024-02-28', [invalidSince]: 'long' } } })
    await it.settle()
    expect(labels(it)).toEqual({ [lastUsed]: '2024-02-28', [invalidSince]: '2026-03-11' })
  })

  test('an account that names it later, and tracking that begins later, count from then on', async () => {
    await using it = await plane()
    await it.client
      .of(ConfigMaps)
      .patch({ name: tracking, namespace: 'kube-system' }, { type: 'merge', body: { data: { since: '2024-07-01' } } })
    await days(it, 400)
    expect(labels(it)).toBeUndefined()
    await days(it, 200)
    expect(labels(it)).toEqual({ [invalidSince]: '2025-07-02' })
    await it.patch(ServiceAccounts, 'bot', { secrets: [{ name: 'made' }, { name: 'manual' }] })
    await it.settle()
    expect(labels(it, 'manual')).toEqual({ [invalidSince]: '2025-08-23' })
  })

  test('of another account of that name it is not', async () => {
    await using it = await plane()
    await it.manager.stop('serviceaccount-token-controller')
    await it.client.of(ServiceAccounts).delete({ name: 'bot', namespace: 'default' })
    const metadata = { name: 'bot', namespace: 'default' }
    await it.create(ServiceAccounts, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata,
      secrets: [{ name: 'made' }],
    })
    await days(it, 500)
    expect(labels(it)).toBeUndefined()
  })
})
