// Kinds that come and go while the registry runs: they are found, listed and watched at once, and their watches end.

import { expect, test } from 'vitest'
import { ageColumn, nameColumn } from '../../src/kinds/columns.ts'
import { builtinKinds } from '../../src/kinds/index.ts'
import { defineKind } from '../../src/kinds/kind.ts'
import { refusal, Told, testServer } from './harness.ts'

const Crontabs = defineKind({
  group: 'stable.example.com',
  version: 'v1',
  kind: 'CronTab',
  plural: 'crontabs',
  singular: 'crontab',
  namespaced: true,
  columns: [nameColumn, ageColumn],
})

const crontab = (labels: Record<string, string>) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'CronTab',
  metadata: { name: 'web', namespace: 'default', labels },
})

test('a kind that comes is served by both doors, found by its labels, and gone when it goes', async () => {
  const { server, client, info } = await testServer()
  const { registry } = server
  expect(registry.find('stable.example.com', 'v1', 'crontabs')).toBeUndefined()
  const before = registry.kinds
  registry.replace([], [Crontabs])
  expect(registry.kinds.at(-1)).toBe(Crontabs)
  expect(before).not.toContain(Crontabs)
  expect(registry.kinds.slice(0, builtinKinds.length).map(({ resource }) => resource)).toEqual(
    builtinKinds.map(({ resource }) => resource),
  )

  const told = new Told()
  registry.of(Crontabs).watch({ labelSelector: 'app=web', resourceVersion: '1' }, told.reader)
  await registry.of(Crontabs).create(crontab({ app: 'web' }), { namespace: 'default' }, {}, info)
  expect(told.take()).toEqual(['ADDED web'])
  expect(registry.of(Crontabs).list({ labelSelector: 'app=web' }).items).toHaveLength(1)
  // Whoever holds a declaration of his own asks by it as well.
  const own = { ...Crontabs }
  expect((await client.of(own).get({ name: 'web', namespace: 'default' })).metadata.labels).toEqual({ app: 'web' })

  registry.replace([Crontabs], [])
  expect(told.ended).toBe('ended')
  expect(registry.find('stable.example.com', 'v1', 'crontabs')).toBeUndefined()
  const error = await refusal(client.of(own).list())
  expect(error).toMatchObject({ reason: 'NotFound', message: 'the server could not find the requested resource' })
})
