import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { Cache } from '../../src/runtime/cache.ts'

type Thing = KubeObject & { spec?: { nodeName?: string } }

function thing(name: string, version = 1, extra: Partial<Thing['metadata']> = {}, nodeName?: string): Frozen<Thing> {
  const metadata = { namespace: 'default', uid: `uid-${name}`, resourceVersion: String(version), ...extra, name }
  return { apiVersion: 'v1', kind: 'Thing', metadata, ...(nodeName ? { spec: { nodeName } } : {}) }
}

const names = (objects: readonly Frozen<Thing>[]): string[] => objects.map(({ metadata }) => metadata.name)

test('objects are read in order of key, whatever the order in which they came', () => {
  const cache = new Cache<Thing>()
  for (const name of ['c', 'a', 'd', 'b']) cache.set(thing(name))
  expect(names(cache.list())).toEqual(['a', 'b', 'c', 'd'])
  cache.remove({ namespace: 'default', name: 'b' })
  cache.set(thing('bb'))
  cache.set(thing('a', 2))
  expect(names(cache.list())).toEqual(['a', 'bb', 'c', 'd'])
})

test('an array once handed out does not change', () => {
  const cache = new Cache<Thing>()
  cache.set(thing('a'))
  const before = cache.list()
  cache.set(thing('b'))
  expect(names(before)).toEqual(['a'])
})

test('objects are found by owner, node, namespace and by an index added later', () => {
  const cache = new Cache<Thing>()
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Owner', name: 'o', uid: 'owner', controller: true }]
  cache.set(thing('a', 1, { ownerReferences }, 'node-1'))
  cache.set(thing('b', 1, { ownerReferences: [{ ...ownerReferences[0]!, controller: false }] }, 'node-2'))
  cache.index('first letter', ({ metadata }) => [metadata.name[0]!])
  cache.set(thing('aa', 1, { namespace: 'other' }, 'node-1'))
  expect(names(cache.by('controller', 'owner'))).toEqual(['a'])
  expect(names(cache.by('node', 'node-1'))).toEqual(['a', 'aa'])
  expect(names(cache.by('namespace', 'other'))).toEqual(['aa'])
  expect(names(cache.by('first letter', 'a'))).toEqual(['a', 'aa'])
  cache.set(thing('a', 2, {}, 'node-2'))
  expect(cache.by('controller', 'owner')).toEqual([])
  expect(names(cache.by('node', 'node-2'))).toEqual(['a', 'b'])
  expect(() => cache.by('no such', 'x')).toThrow('there is no index no such')
})

test('a list taken over tells of what is gone, new or changed, and of nothing else', () => {
  const cache = new Cache<Thing>()
  for (const name of ['gone', 'same', 'changed', 'reborn']) cache.set(thing(name))
  const told: string[] = []
  cache.on((now, before) => told.push(`${before?.metadata.uid ?? '-'} > ${now?.metadata.uid ?? '-'}`))
  cache.replace([thing('same'), thing('changed', 2), thing('reborn', 3, { uid: 'another' }), thing('new')])
  expect(told).toEqual(['uid-gone > -', 'uid-changed > uid-changed', 'uid-reborn > -', '- > another', '- > uid-new'])
})

test('whatever is set and removed, the cache reads as a plain sorted map would', () => {
  const step = fc.record({
    deed: fc.constantFrom('set', 'set', 'remove', 'read'),
    name: fc.integer({ min: 0, max: 12 }).map(number => `thing-${number}`),
    node: fc.constantFrom(undefined, 'node-1', 'node-2'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const cache = new Cache<Thing>()
      const model = new Map<string, Frozen<Thing>>()
      steps.forEach(({ deed, name, node }, version) => {
        const object = thing(name, version, {}, node)
        if (deed === 'set') {
          cache.set(object)
          model.set(name, object)
        } else if (deed === 'remove') {
          cache.remove(object.metadata)
          model.delete(name)
        }
        if (deed !== 'read') return
        const all = [...model.keys()].sort().map(key => model.get(key)!)
        expect(cache.list()).toEqual(all)
        expect(cache.by('node', 'node-1')).toEqual(all.filter(({ spec }) => spec?.nodeName === 'node-1'))
        expect(cache.count('node', 'node-2')).toBe(all.filter(({ spec }) => spec?.nodeName === 'node-2').length)
      })
    }),
  )
})

test('a change costs the same among 20,000 objects as among 200', () => {
  const perChange = (size: number): number => {
    const cache = new Cache<Thing>()
    for (let at = 0; at < size; at++) cache.set(thing(`thing-${at}`, 1, {}, `node-${at % 10}`))
    cache.list()
    const rounds = 20_000
    const begun = process.cpuUsage().user
    for (let at = 0; at < rounds; at++) {
      const name = `thing-${at % 150}`
      if (at % 3 === 0) cache.remove({ namespace: 'default', name })
      else cache.set(thing(name, at, {}, `node-${at % 10}`))
    }
    return (process.cpuUsage().user - begun) / rounds
  }
  perChange(200)
  const [small, large] = [perChange(200), perChange(20_000)]
  expect(large).toBeLessThan(small * 10 + 5)
})
