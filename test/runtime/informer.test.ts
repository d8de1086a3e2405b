import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ApiError, expired } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { ConfigMaps } from '../../src/kinds/index.ts'
import { createInformer } from '../../src/runtime/informer.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'

const map = (name: string, value = '1') => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { value },
})

interface Followed {
  readonly faults: Faults
  readonly told: string[]
  values(): Record<string, string>
  readonly seen: () => number
  readonly ending: AbortController
}

async function follow(plane: ControlPlane): Promise<Followed> {
  const faults = new Faults()
  const informer = createInformer(plane.env, faults.wrap(plane.client), ConfigMaps)
  const told: string[] = []
  const revision = (object: Frozen<KubeObject> | undefined): string => object?.metadata.resourceVersion ?? '-'
  informer.on((now, before) => told.push(`${(now ?? before)!.metadata.name} ${revision(before)}>${revision(now)}`))
  const ending = new AbortController()
  await informer.start(ending.signal)
  await plane.settle()
  const values = (): Record<string, string> =>
    Object.fromEntries(
      informer.list({ namespace: 'default' }).map(({ metadata, data }) => [metadata.name, data!.value!]),
    )
  return { faults, told, values, seen: () => informer.seen, ending }
}

test('an informer has what was there before it, and follows what happens after', async () => {
  await using plane = await controlPlane([])
  await plane.create(ConfigMaps, map('old'))
  const { values, seen } = await follow(plane)
  expect(values()).toEqual({ old: '1' })
  await plane.create(ConfigMaps, map('new'))
  await plane.patch(ConfigMaps, 'old', { data: { value: '2' } })
  await plane.settle()
  expect(values()).toEqual({ new: '1', old: '2' })
  expect(seen()).toBe(plane.storage.revision)
  await plane.client.of(ConfigMaps).delete({ namespace: 'default', name: 'old' })
  await plane.settle()
  expect(values()).toEqual({ new: '1' })
})

test.each([
  ['ends', undefined, 0],
  ['breaks off', new Error('connection reset'), 0],
  ['is told that its revision is gone', expired('too old resource version: 1 (2)'), 1],
])('when the watch %s, nothing is missed and nothing told twice', async (_, error, relists) => {
  await using plane = await controlPlane([])
  await plane.create(ConfigMaps, map('a'))
  await plane.create(ConfigMaps, map('b'))
  const { faults, told, values } = await follow(plane)
  const before = told.length
  faults.breakWatches(error)
  await plane.patch(ConfigMaps, 'a', { data: { value: '2' } })
  await plane.client.of(ConfigMaps).delete({ namespace: 'default', name: 'b' })
  await plane.create(ConfigMaps, map('c'))
  await plane.seconds(60)
  expect(values()).toEqual({ a: '2', c: '1' })
  expect(
    told
      .slice(before)
      .map(line => line.split(' ')[0])
      .sort(),
  ).toEqual(['a', 'b', 'c'])
  expect(faults.counts.get('list configmaps')).toBe(1 + relists)
})

test('a server that refuses is asked again after growing waits, not in a tight loop', async () => {
  await using plane = await controlPlane([])
  const { faults, values } = await follow(plane)
  faults.refuse = verb => {
    if (verb === 'watch') throw new ApiError('ServiceUnavailable', 'no')
  }
  faults.breakWatches()
  faults.counts.clear()
  await plane.seconds(120)
  // 0.8, 1.6, … 30 s, each with up to as much again by chance.
  expect(faults.counts.get('watch configmaps')).toBeGreaterThanOrEqual(5)
  expect(faults.counts.get('watch configmaps')).toBeLessThanOrEqual(10)
  faults.refuse = () => {}
  await plane.create(ConfigMaps, map('late'))
  await plane.seconds(61)
  expect(values()).toEqual({ late: '1' })
})

test('it begins when the first list is in, even if that fails at first, and ends with its signal', async () => {
  await using plane = await controlPlane([])
  const faults = new Faults()
  let refusals = 3
  faults.refuse = verb => {
    if (verb === 'list' && refusals-- > 0) throw new ApiError('InternalError', 'not yet')
  }
  const informer = createInformer(plane.env, faults.wrap(plane.client), ConfigMaps)
  const ending = new AbortController()
  let isStarted = false
  void informer.start(ending.signal).then(() => {
    isStarted = true
  })
  await plane.settle()
  expect(isStarted).toBe(false)
  await plane.seconds(30)
  expect(isStarted).toBe(true)
  ending.abort()
  await plane.create(ConfigMaps, map('unseen'))
  await plane.seconds(60)
  expect(informer.get({ namespace: 'default', name: 'unseen' })).toBeUndefined()
  // Somebody else may start it again, and finds everything.
  await informer.start(new AbortController().signal)
  expect(informer.get({ namespace: 'default', name: 'unseen' })).toBeDefined()
})

test('whatever is written and however watches break, the cache ends up true and tells each state once, in order', async () => {
  const step = fc.record({
    deed: fc.constantFrom('put', 'put', 'put', 'delete', 'break', 'expire', 'rest'),
    name: fc.constantFrom('a', 'b', 'c'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
      await using plane = await controlPlane([])
      const { faults, told, values } = await follow(plane)
      const model: Record<string, string> = {}
      for (const [at, { deed, name }] of steps.entries()) {
        const ref = { namespace: 'default', name }
        if (deed === 'break') faults.breakWatches(at % 2 ? new Error('broken') : undefined)
        else if (deed === 'expire') faults.breakWatches(expired('gone'))
        else if (deed === 'rest') await plane.seconds(2)
        else if (deed === 'delete' && model[name]) {
          delete model[name]
          await plane.client.of(ConfigMaps).delete(ref)
        } else if (deed === 'put') {
          if (model[name]) await plane.patch(ConfigMaps, name, { data: { value: `${at}` } })
          else await plane.create(ConfigMaps, map(name, `${at}`))
          model[name] = `${at}`
        }
      }
      await plane.seconds(120)
      expect(values()).toEqual(model)
      // What a change says was before is what the last change of that object said is now.
      const last = new Map<string, string>()
      for (const line of told.filter(line => !line.startsWith('kube-'))) {
        const [name, change] = line.split(' ') as [string, string]
        const [before, now] = change.split('>') as [string, string]
        expect(before).toBe(last.get(name) ?? '-')
        if (now !== '-' && before !== '-') expect(Number(now)).toBeGreaterThan(Number(before))
        last.set(name, now)
      }
    }),
    { numRuns: 40 },
  )
})
