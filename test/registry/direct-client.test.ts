// The direct door: the contract of every client, and what only this one promises – nothing is copied on the way out, and
// virtual time waits for whoever reads a watch.

import { expect, test } from 'vitest'
import { ConfigMaps } from '../../src/kinds/index.ts'
import { clientContract } from '../contracts/client.ts'
import { inDefault, testServer } from './harness.ts'

clientContract('direct', async () => {
  const { client, storage, server } = await testServer()
  return {
    client,
    forgetHistory: () => storage.compact(storage.revision),
    async [Symbol.asyncDispose]() {
      server.close()
      await storage.close()
    },
  }
})

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: inDefault(name) })

test('an object is held once, however many have it', async () => {
  const { client, storage } = await testServer()
  const maps = client.of(ConfigMaps)
  const created = await maps.create(configMap('a') as never)
  expect(await maps.get(inDefault('a'))).toBe(created)
  expect(storage.get('/registry/core/configmaps/default/a')?.object).toBe(created)
})

test('time waits from the event until its reader comes back for the next', async () => {
  const { client, env } = await testServer()
  const maps = client.of(ConfigMaps)
  const { resourceVersion: after } = await maps.list()
  const stop = new AbortController()
  const watch = maps.watch({ after, signal: stop.signal })[Symbol.asyncIterator]()
  await env.activity.idle()
  expect(env.activity.busy).toBe(0)
  await maps.create(configMap('a') as never)
  await maps.create(configMap('b') as never)
  expect(env.activity.busy).toBe(1)
  await watch.next()
  await watch.next()
  expect(env.activity.busy).toBe(1)
  const waiting = watch.next()
  expect(env.activity.busy).toBe(0)
  await maps.create(configMap('c') as never)
  await waiting
  expect(env.activity.busy).toBe(1)
  stop.abort()
  expect(env.activity.busy).toBe(0)
  expect(await watch.next()).toEqual({ done: true, value: undefined })
})

test('a reader that leaves with events unread keeps nobody waiting', async () => {
  const { client, env } = await testServer()
  const maps = client.of(ConfigMaps)
  const { resourceVersion: after } = await maps.list()
  const { signal } = new AbortController()
  const watch = maps.watch({ after, signal })[Symbol.asyncIterator]()
  await maps.create(configMap('a') as never)
  await maps.create(configMap('b') as never)
  await watch.return?.()
  expect(env.activity.busy).toBe(0)
})
