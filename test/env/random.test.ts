import { describe, expect, test } from 'vitest'
import { SeededRandom, systemSeed } from '../../src/env/random.ts'

const some = (random: SeededRandom, count: number) => Array.from({ length: count }, () => random.fraction())

describe('random', () => {
  test('of one seed always comes the same, of another something else', () => {
    expect(some(new SeededRandom(7), 20)).toEqual(some(new SeededRandom(7), 20))
    expect(some(new SeededRandom(7), 20)).not.toEqual(some(new SeededRandom(8), 20))
    const [one, two] = [new SeededRandom('seven'), new SeededRandom('seven')]
    expect([one.uid(), one.suffix(5)]).toEqual([two.uid(), two.suffix(5)])
  })

  test('uids are version 4 and do not repeat', () => {
    const random = new SeededRandom(1)
    const uids = new Set(Array.from({ length: 20_000 }, () => random.uid()))
    expect(uids.size).toBe(20_000)
    for (const uid of uids) expect(uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  test('suffixes are of the safe alphabet (k8s.io/apimachinery/pkg/util/rand), every letter of it', () => {
    const random = new SeededRandom(1)
    const text = random.suffix(20_000)
    expect(text).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{20000}$/)
    expect(new Set(text).size).toBe(27)
    expect(random.suffix(5)).toHaveLength(5)
  })

  test('fractions are spread evenly over [0, 1), from whatever seed', () => {
    for (const seed of [0, 1, 2, 2 ** 52, 'a', 'b', '']) {
      const random = new SeededRandom(seed)
      const bins = new Array<number>(10).fill(0)
      for (const fraction of some(random, 20_000)) {
        expect(fraction >= 0 && fraction < 1).toBe(true)
        bins[Math.floor(fraction * 10)]!++
      }
      for (const count of bins) expect(Math.abs(count - 2_000)).toBeLessThan(250)
    }
  })

  test('a fork draws its own stream: what others draw or fork never shifts it', () => {
    const alone = new SeededRandom(3).fork('scheduler')
    const busy = new SeededRandom(3)
    busy.uid()
    busy.fork('kubelet').uid()
    const among = busy.fork('scheduler')
    busy.suffix(9)
    expect([among.uid(), among.fraction()]).toEqual([alone.uid(), alone.fraction()])
  })

  test('forks of different names, of one name twice, and of forks all differ', () => {
    const random = new SeededRandom(3)
    const forks = [random.fork('a'), random.fork('a'), random.fork('b'), random.fork('a').fork('b'), random]
    expect(new Set(forks.map(fork => fork.uid())).size).toBe(forks.length)
  })

  test('neighbouring seeds have nothing in common', () => {
    const firsts = Array.from({ length: 5_000 }, (_, seed) => new SeededRandom(seed).uid())
    expect(new Set(firsts).size).toBe(5_000)
    expect(new Set(firsts.map(uid => uid.slice(0, 8))).size).toBeGreaterThan(4_990)
  })

  test('the system gives seeds that are whole numbers and differ', () => {
    const seeds = Array.from({ length: 100 }, systemSeed)
    expect(seeds.every(seed => Number.isSafeInteger(seed) && seed >= 0)).toBe(true)
    expect(new Set(seeds).size).toBe(100)
  })
})
