// Custom resources through the registry: definitions, what they come to, and how both go.

import { expect, test } from 'vitest'
import type { CustomResourceDefinition } from '../../generated/types.ts'
import { CustomResourceDefinitions } from '../../src/kinds/customresourcedefinition.ts'
import { refusal, type TestServer, Told, testServer } from './harness.ts'

const version = (name: string, more: object = {}) => ({
  name,
  served: true,
  storage: true,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          properties: { cronSpec: { type: 'string' }, replicas: { type: 'integer', default: 1 } },
        },
      },
    },
  },
  ...more,
})

const definition = (more: object = {}, names: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'crontabs.stable.example.com' },
  spec: {
    group: 'stable.example.com',
    scope: 'Namespaced',
    names: { plural: 'crontabs', kind: 'CronTab', shortNames: ['ct'], ...names },
    versions: [version('v1')],
    ...more,
  },
})

const crontab = (name: string, spec: object = { cronSpec: '* * * * *' }) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'CronTab',
  metadata: { name },
  spec,
})

const inDefault = { namespace: 'default' }

async function define(server: TestServer, body: object = definition()): Promise<void> {
  await server.of(CustomResourceDefinitions).create(body, {}, {}, server.info)
  await server.env.activity.idle()
}

const crontabs = ({ server }: TestServer, v = 'v1') => server.registry.find('stable.example.com', v, 'crontabs')!

test('a definition is established at once, step by step, and its kind is served', async () => {
  const server = await testServer()
  const told = new Told()
  server.of(CustomResourceDefinitions).watch({ resourceVersion: '1' }, told.reader)
  await define(server)
  const steps = told.signals.map(signal =>
    signal.type === 'BOOKMARK'
      ? []
      : ((signal.reading.object as unknown as CustomResourceDefinition).status.conditions ?? []).map(
          ({ type, status, reason }) => `${type}=${status} ${reason}`,
        ),
  )
  expect(steps).toEqual([
    [],
    ['NamesAccepted=True NoConflicts', 'Established=False Installing'],
    ['NamesAccepted=True NoConflicts', 'Established=True InitialNamesAccepted'],
  ])
  const { object } = server.of(CustomResourceDefinitions).get({ name: 'crontabs.stable.example.com' })
  expect((object as unknown as CustomResourceDefinition).status).toMatchObject({
    acceptedNames: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab', listKind: 'CronTabList' },
    storedVersions: ['v1'],
  })
  const wrote = await crontabs(server).create(crontab('one'), inDefault, {}, server.info)
  expect(wrote.reading.object).toMatchObject({
    spec: { cronSpec: '* * * * *', replicas: 1 },
    metadata: { generation: 1 },
  })
  expect(crontabs(server).get({ name: 'one', namespace: 'default' })).toBe(wrote.reading)
})

test('a definition that is deleted takes its objects with it, and its kind', async () => {
  const server = await testServer()
  await define(server)
  const { of, info, env, server: api } = server
  await crontabs(server).create(crontab('one'), inDefault, {}, info)
  const held = { ...crontab('held'), metadata: { name: 'held', finalizers: ['example.com/hold'] } }
  await crontabs(server).create(held, inDefault, {}, info)
  const told = new Told()
  crontabs(server).watch({ resourceVersion: String(server.storage.revision) }, told.reader)
  const name = 'crontabs.stable.example.com'
  await of(CustomResourceDefinitions).delete({ name }, {}, info)
  await env.activity.idle()
  expect(told.lines()).toEqual(['MODIFIED held', 'DELETED one'])
  const error = await refusal(crontabs(server).create(crontab('two'), inDefault, {}, info))
  expect(error.message).toBe(
    'crontabs.stable.example.com "two" is forbidden: create not allowed while custom resource definition is terminating',
  )
  const patch = { type: 'merge', body: { metadata: { finalizers: null } } } as const
  await crontabs(server).patch({ name: 'held', namespace: 'default' }, patch, {}, info)
  await env.activity.idle()
  expect(told.lines().at(-1)).toBe('DELETED held')
  expect(told.ended).toBe('ended')
  expect(api.registry.find('stable.example.com', 'v1', 'crontabs')).toBeUndefined()
  expect((await refusal(() => of(CustomResourceDefinitions).get({ name }))).reason).toBe('NotFound')
})
