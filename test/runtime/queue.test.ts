import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Clock } from '../../src/env/clock.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { exponential, itemBackoff } from '../../src/runtime/backoff.ts'
import { createQueue, type WorkQueue } from '../../src/runtime/queue.ts'

test('keys come out in the order in which they went in, each once', async () => {
  const queue = createQueue(virtualEnv())
  for (const key of ['b', 'a', 'b', 'c', 'a']) queue.add(key)
  expect(queue.length).toBe(3)
  expect([await queue.next(), await queue.next(), await queue.next()]).toEqual(['b', 'a', 'c'])
})

test('a key added while it is worked comes again, but not before it is done', async () => {
  const queue = createQueue(virtualEnv())
  queue.add('a')
  expect(await queue.next()).toBe('a')
  queue.add('a')
  queue.add('a')
  expect(queue.length).toBe(0)
  queue.done('a')
  expect(queue.length).toBe(1)
  expect(await queue.next()).toBe('a')
  queue.done('a')
  expect(queue.length).toBe(0)
})

/** Works every key at once, and notes when. */
function worked(queue: WorkQueue, clock: Clock): { readonly key: string; readonly at: number }[] {
  const begun = clock.now()
  const done: { key: string; at: number }[] = []
  void (async () => {
    for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
      done.push({ key, at: clock.now() - begun })
      queue.done(key)
    }
  })()
  return done
}

test('of two delays the earlier wins, and a delay never holds up time', async () => {
  const env = virtualEnv()
  const queue = createQueue(env)
  const done = worked(queue, env.clock)
  queue.addAfter('a', 5_000)
  queue.addAfter('a', 2_000)
  queue.addAfter('a', 9_000)
  queue.addAfter('b', 0)
  await env.clock.advance(60_000)
  expect(done).toEqual([
    { key: 'b', at: 0 },
    { key: 'a', at: 2_000 },
  ])
})

test('failures in a row wait 5 ms, 10 ms and so on to 1000 s, and one success forgets them', async () => {
  expect([0, 1, 2, 17, 18, 1_000].map(itemBackoff)).toEqual([5, 10, 20, 655_360, 1_000_000, 1_000_000])
  const env = virtualEnv()
  const queue = createQueue(env, exponential(100, 1_000))
  const done = worked(queue, env.clock)
  for (let failure = 0; failure < 5; failure++) {
    queue.retry('a')
    await env.clock.advance(1_000)
  }
  expect(done.map(({ at }, failure) => at - failure * 1_000)).toEqual([100, 200, 400, 800, 1_000])
  queue.forget('a')
  expect(queue.failures('a')).toBe(0)
})

test('the cluster is busy while a key is ready or worked, and not while it rests or waits', async () => {
  const env = virtualEnv()
  const queue = createQueue(env)
  const isBusy = async (): Promise<boolean> => {
    let isIdle = false
    void env.activity.idle().then(() => {
      isIdle = true
    })
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
    return !isIdle
  }
  expect(await isBusy()).toBe(false)
  queue.add('a')
  expect(await isBusy()).toBe(true)
  await queue.next()
  expect(await isBusy()).toBe(true)
  queue.rest('a')
  expect(await isBusy()).toBe(false)
  queue.add('a')
  expect(await isBusy()).toBe(false)
  queue.done('a')
  expect(await isBusy()).toBe(true)
  queue.close()
  queue.done('a')
  expect(await isBusy()).toBe(false)
})

test('a closed queue lets its readers go and takes nothing more', async () => {
  const env = virtualEnv()
  const queue = createQueue(env)
  const reader = queue.next()
  queue.addAfter('later', 10)
  queue.close()
  expect(await reader).toBeUndefined()
  queue.add('a')
  await env.clock.advance(100)
  expect(queue.length).toBe(0)
  expect(await queue.next()).toBeUndefined()
})

test('whatever happens, no key is worked twice at once and no change is lost', async () => {
  const step = fc.tuple(fc.constantFrom('add', 'done', 'delay', 'rest'), fc.integer({ min: 0, max: 4 }))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
      const env = virtualEnv()
      const queue = createQueue(env)
      const working = new Set<string>()
      const unseen = new Set<string>()
      const twice: string[] = []
      let isDiligent = false
      const finish = (key: string): void => {
        working.delete(key)
        queue.done(key)
      }
      void (async () => {
        for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
          if (working.has(key)) twice.push(key)
          working.add(key)
          unseen.delete(key)
          if (isDiligent) finish(key)
        }
      })()
      for (const [deed, number] of steps) {
        const key = `key-${number}`
        if (deed === 'add' || deed === 'delay') unseen.add(key)
        if (deed === 'add') queue.add(key)
        else if (deed === 'delay') queue.addAfter(key, number * 10)
        else if (deed === 'rest') queue.rest(key)
        else if (working.has(key)) finish(key)
        for (let turn = 0; turn < number; turn++) await Promise.resolve()
      }
      // From here on as in life: what is worked gets done.
      isDiligent = true
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
      for (const key of [...working]) finish(key)
      await env.clock.advance(1_000)
      queue.close()
      expect(twice).toEqual([])
      expect([...unseen]).toEqual([])
    }),
  )
})

test('at a closed gate keys wait in the order in which they became ready, keep nobody busy, and pass one by one', async () => {
  const env = virtualEnv()
  const [one, other] = [createQueue(env, itemBackoff, { controller: 'one' }), createQueue(env)]
  const done = worked(one, env.clock)
  const doneByOther = worked(other, env.clock)
  env.gate.close()
  other.add('x')
  one.add('a')
  one.add('b')
  await env.activity.idle()
  expect(env.gate.waiting.map(({ key }) => key)).toEqual(['x', 'a', 'b'])
  expect([env.gate.admitOne()?.key, env.gate.admitOne()]).toEqual(['x', { controller: 'one', key: 'a' }])
  await env.activity.idle()
  expect([done.map(({ key }) => key), doneByOther.map(({ key }) => key)]).toEqual([['a'], ['x']])
  env.gate.open()
  await env.activity.idle()
  expect(done.map(({ key }) => key)).toEqual(['a', 'b'])
  expect(env.gate.admitOne()).toBeUndefined()
})

test('what was ready when the gate closed waits there, and a queue that closes leaves nothing behind', async () => {
  const env = virtualEnv()
  const queue = createQueue(env)
  queue.add('a')
  env.gate.close()
  await env.activity.idle()
  expect(env.gate.waiting.map(({ key }) => key)).toEqual(['a'])
  expect(env.gate.admitOne()).toBeUndefined()
  queue.close()
  expect(env.gate.waiting).toEqual([])
})
