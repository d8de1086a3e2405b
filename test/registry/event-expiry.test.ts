// Events live for an hour after they were last written, as kube-apiserver's --event-ttl has it.

import { expect, test } from 'vitest'
import { expireEvents } from '../../apiserver/event-expiry.ts'
import { Events } from '../../src/kinds/index.ts'
import { inDefault, testServer } from './harness.ts'
import { leastObject } from './least-objects.ts'

const minute = 60_000
const where = { namespace: 'default' }

test('an event goes an hour after it was last written, and one timer serves all', async () => {
  const { of, info, env } = await testServer()
  const waiting = env.clock.waiting
  for (const name of ['a', 'b', 'c']) await of(Events).create(leastObject(Events, name), where, {}, info)
  expect(env.clock.waiting).toBe(waiting + 1)
  await env.clock.advance(30 * minute)
  await of(Events).patch(inDefault('b'), { type: 'merge', body: { count: 2 } }, {}, info)
  const names = () =>
    of(Events)
      .list({})
      .items.map(({ object }) => object.metadata.name)
  await env.clock.advance(29 * minute)
  expect(names()).toEqual(['a', 'b', 'c'])
  await env.clock.advance(2 * minute)
  expect(names()).toEqual(['b'])
  await env.clock.advance(30 * minute)
  expect(names()).toEqual([])
  expect(env.clock.waiting).toBe(waiting)
})

test('after a start the hour counts from what the event says of itself', async () => {
  const { of, info, env, storage, server } = await testServer()
  server.close()
  const body = leastObject(Events, 'a')
  body.lastTimestamp = '2024-01-01T00:10:00Z'
  await of(Events).create(body, where, {}, info)
  await env.clock.advance(50 * minute)
  const stop = expireEvents(env, storage)
  await env.clock.advance(19 * minute)
  expect(of(Events).list({}).items).toHaveLength(1)
  await env.clock.advance(2 * minute)
  expect(of(Events).list({}).items).toHaveLength(0)
  stop()
})
