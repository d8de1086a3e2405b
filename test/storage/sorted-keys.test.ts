import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Keyed, SortedKeys } from '../../apiserver/storage/sorted-keys.ts'
import { SeededRandom } from '../../src/env/random.ts'

function same(sorted: SortedKeys<Keyed>, model: ReadonlyMap<string, Keyed>, prefix: string): void {
  const expected = [...model.keys()].filter(key => key.startsWith(prefix)).sort()
  const each: string[] = []
  sorted.each(prefix, ({ key }) => each.push(key))
  expect(each).toEqual(expected)
  expect([...sorted.beginningWith(prefix)].map(({ key }) => key)).toEqual(expected)
  expect(sorted.count(prefix)).toBe(expected.length)
}

test('sorted keys stay sorted through thousands of additions and removals, in any order', () => {
  for (const seed of [1, 2, 3]) {
    const random = new SeededRandom(seed)
    const model = new Map<string, Keyed>()
    let sorted = new SortedKeys<Keyed>()
    for (let step = 0; step < 12_000; step++) {
      const key = `/${'abc'[Math.floor(random.fraction() * 3)]}/${Math.floor(random.fraction() * 5_000)}`
      const item = model.get(key)
      // Growing for the most part at first, shrinking to nearly nothing in the end.
      if (item === undefined && random.fraction() < (step < 8_000 ? 1 : 0.1)) {
        const added = { key }
        model.set(key, added)
        sorted.add(added)
      } else if (item !== undefined && random.fraction() < (step < 8_000 ? 0.2 : 1)) {
        model.delete(key)
        sorted.remove(item)
      }
      if (step % 1_000 === 0)
        for (const prefix of ['', '/a/', '/b/', '/c/', '/d/', '/b/49', '/']) same(sorted, model, prefix)
      if (step === 6_000) sorted = SortedKeys.of([...model.values()])
    }
    expect(sorted.size).toBe(model.size)
    for (const item of model.values()) sorted.remove(item)
    same(sorted, new Map(), '')
  }
})

test('ranges of prefixes are exact, whatever stands beside them', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', '/', '-', '0', '~'), maxLength: 5 }), { maxLength: 40 }),
      fc.string({ unit: fc.constantFrom('a', '/', '-', '0', '~'), maxLength: 3 }),
      (keys, prefix) => {
        const sorted = new SortedKeys<Keyed>()
        for (const key of keys) sorted.add({ key })
        same(sorted, new Map(keys.map(key => [key, { key }])), prefix)
        same(SortedKeys.of(keys.map(key => ({ key }))), new Map(keys.map(key => [key, { key }])), prefix)
      },
    ),
  )
})
