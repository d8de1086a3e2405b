// Of several that would do the same work one does it. Upstream: client-go's tools/leaderelection/leaderelection_test.go.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ApiError } from '../../src/api/errors.ts'
import type { Client } from '../../src/client/client.ts'
import type { Clock, Millis } from '../../src/env/clock.ts'
import { createEnding } from '../../src/env/ending.ts'
import type { VirtualEnv } from '../../src/env/virtual-env.ts'
import { Leases } from '../../src/kinds/index.ts'
import { leadInTurn } from '../../src/runtime/leader-election.ts'
import { type TestServer, testServer } from '../registry/harness.ts'
import { Faults } from '../support/faulty-client.ts'

const lease = 'kube-scheduler'

/** A process that would lead: what it tells, what it can be made to suffer. */
function process(server: TestServer, identity: string) {
  const faults = new Faults()
  const ending = createEnding()
  const told: string[] = []
  const seconds = () => Math.round((server.env.clock.now() - Date.UTC(2024, 0, 1)) / 1000)
  const it = {
    faults,
    told,
    leads: false,
    /** How long answers are under way, in ms. */
    lateness: 0,
    ended: Promise.resolve(),
    stop: async () => {
      ending.abort()
      await it.ended
    },
  }
  it.ended = leadInTurn(
    server.env,
    late(faults.wrap(server.client), server.env.clock, () => it.lateness),
    {
      lease,
      identity,
      signal: ending.signal,
      standingBy: leader => told.push(`${leader} leads`),
      async lead(signal) {
        it.leads = true
        told.push(`leads at ${seconds()}s`)
        await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
        told.push(`stops at ${seconds()}s`)
        it.leads = false
      },
    },
  )
  return it
}

/** What was asked is done at once; that it was is known later. */
function late(client: Client, clock: Clock, by: () => Millis): Client {
  const slow = <T>(answer: Promise<T>): Promise<T> => answer.finally(() => (by() > 0 ? clock.sleep(by()) : undefined))
  return {
    of(kind) {
      const inner = client.of(kind)
      return {
        ...inner,
        get: ref => slow(inner.get(ref)),
        create: (object, options) => slow(inner.create(object, options)),
        update: (object, options) => slow(inner.update(object, options)),
      }
    },
    as: name => late(client.as(name), clock, by),
  }
}

async function seconds(env: VirtualEnv, count: number): Promise<void> {
  for (let second = 0; second < count; second++) await env.clock.advance(1000)
}

const spec = (server: TestServer) =>
  (server.of(Leases).get({ name: lease, namespace: 'kube-system' }).object as any).spec

const broken = () => {
  throw new ApiError('ServiceUnavailable', 'no connection')
}

test('the first leads, the second stands by, and takes over at once when the first ends', async () => {
  const server = await testServer()
  const one = process(server, 'one')
  await seconds(server.env, 1)
  const two = process(server, 'two')
  await seconds(server.env, 60)
  expect([one.told, two.told]).toEqual([['leads at 0s'], ['one leads']])
  expect(spec(server)).toMatchObject({ holderIdentity: 'one', leaseDurationSeconds: 15, leaseTransitions: 0 })
  await one.stop()
  expect(spec(server)).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 })
  await seconds(server.env, 4)
  expect(two.leads).toBe(true)
  expect(spec(server)).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 })
  await two.stop()
})

test('a leader that cannot reach the server steps down before another leads, and stands by when it is back', async () => {
  const server = await testServer()
  const one = process(server, 'one')
  await seconds(server.env, 1)
  const two = process(server, 'two')
  await seconds(server.env, 9)
  one.faults.refuse = broken
  await seconds(server.env, 30)
  one.faults.refuse = () => {}
  await seconds(server.env, 10)
  const [, stop] = one.told
  expect(Number(/^stops at (\d+)s$/.exec(stop!)?.[1])).toBeLessThanOrEqual(20)
  const [, start] = two.told
  expect(Number(/^leads at (\d+)s$/.exec(start!)?.[1])).toBeGreaterThanOrEqual(23)
  expect(one.told.slice(2)).toEqual(['two leads'])
  await one.stop()
  await two.stop()
})

test('work that fails is told, and its lease given back', async () => {
  const server = await testServer()
  const { signal } = createEnding()
  const failing = leadInTurn(server.env, server.client, {
    lease,
    identity: 'one',
    signal,
    lead: async () => {
      throw new Error('no')
    },
  })
  const outcome = expect(failing).rejects.toThrow('no')
  await seconds(server.env, 1)
  await outcome
  expect(spec(server).holderIdentity).toBe('')
})

test('whatever fails and however late answers are, there are never two, and in quiet times there is one', async () => {
  const outage = fc.record({
    who: fc.integer({ min: 0, max: 2 }),
    from: fc.integer({ min: 0, max: 100 }),
    lasts: fc.integer({ min: 1, max: 60 }),
    late: fc.constantFrom(0, 3_000, 9_000, 14_000, 40_000),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(outage, { maxLength: 6 }), async outages => {
      const server = await testServer()
      const { clock } = server.env
      const all = ['one', 'two', 'three'].map(name => process(server, name))
      for (let second = 0; second < 240; second++) {
        for (const [index, it] of all.entries()) {
          const now = outages.filter(({ who, from, lasts }) => who === index && second >= from && second < from + lasts)
          it.faults.refuse = now.some(each => each.late === 0) ? broken : () => {}
          it.lateness = Math.max(0, ...now.map(each => each.late))
        }
        await clock.advance(1000)
        expect(all.filter(({ leads }) => leads).length).toBeLessThanOrEqual(1)
      }
      expect(all.filter(({ leads }) => leads)).toHaveLength(1)
      for (const it of all) await it.stop()
    }),
    { numRuns: 15 },
  )
})
