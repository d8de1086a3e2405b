// Levels at work: seats, queues, fair turns, borrowing. Upstream: apiserver/pkg/util/flowcontrol/fairqueuing/queueset.

import { expect, test } from 'vitest'
import { hand, PriorityLevel, type Refusal } from '../../apiserver/flowcontrol/priority-level.ts'
import type { PriorityLevelConfiguration } from '../../generated/types.ts'

const config = (limited: object): PriorityLevelConfiguration =>
  ({ metadata: { name: 'l', uid: 'u' }, spec: { type: 'Limited', limited }, status: {} }) as never

const queues = (count: number, handSize: number, queueLengthLimit: number) => ({
  limitResponse: { type: 'Queue', queuing: { queues: count, handSize, queueLengthLimit } },
})

function level(limited: object, seats: number, idle = () => 0): PriorityLevel {
  const made = new PriorityLevel('l', { idleBeside: idle, freed: () => {} })
  made.configure(config(limited), seats)
  return made
}

test('so many run, the others wait, and each that ends makes room for one', () => {
  const it = level(queues(4, 2, 10), 2)
  const ran: string[] = []
  expect([it.enter('s'), it.enter('s'), it.enter('s')]).toEqual([true, true, false])
  for (const name of ['a', 'b']) it.queue('s', 'jane', () => ran.push(name))
  expect([it.executing, it.waiting, ran]).toEqual([2, 2, []])
  it.leave()
  expect([it.executing, it.waiting, ran]).toEqual([2, 1, ['a']])
  // Who comes now does not pass those who wait.
  expect(it.enter('s')).toBe(false)
  it.leave()
  it.leave()
  expect([it.executing, it.waiting, ran]).toEqual([1, 0, ['a', 'b']])
})

test('who floods his queues does not keep another waiting', () => {
  const it = level(queues(64, 2, 50), 1)
  it.enter('s')
  const ran: string[] = []
  for (let index = 0; index < 60; index++) it.queue('s', 'flood', () => ran.push('flood'))
  it.queue('s', 'quiet', () => ran.push('quiet'))
  for (let index = 0; index < 4; index++) it.leave()
  expect(ran).toContain('quiet')
})

test('a queue that is full, and a level without any, send away', () => {
  const it = level(queues(1, 1, 2), 0)
  const outcomes = [1, 2, 3].map(() => it.queue('s', 'jane', () => {}))
  expect(outcomes.map(each => (typeof each === 'string' ? each : 'waits'))).toEqual(['waits', 'waits', 'queue-full'])
  const none = level({ limitResponse: { type: 'Reject' } }, 0)
  expect(none.queue('s', 'jane', () => {}) as Refusal).toBe('concurrency-limit')
})

test('who leaves his queue is forgotten', () => {
  const it = level(queues(8, 3, 5), 1)
  it.enter('s')
  let ran = 0
  const leave = it.queue('s', 'jane', () => ran++) as () => void
  it.queue('s', 'jane', () => ran++)
  leave()
  leave()
  expect(it.waiting).toBe(1)
  it.leave()
  expect([ran, it.waiting]).toEqual([1, 0])
})

test('idle seats of others are borrowed, up to a limit', () => {
  let idle = 3
  const free = level({ ...queues(4, 2, 10) }, 1, () => idle)
  expect([free.enter('s'), free.enter('s')]).toEqual([true, true])
  idle = 0
  expect(free.enter('s')).toBe(false)
  const bound = level({ ...queues(4, 2, 10), borrowingLimitPercent: 50 }, 2, () => 100)
  expect([1, 2, 3, 4].map(() => bound.enter('s'))).toEqual([true, true, true, false])
})

test('a level that changes keeps who waits, and serves them with its new seats', () => {
  const it = level(queues(4, 2, 10), 0)
  let ran = 0
  for (let index = 0; index < 3; index++) it.queue('s', 'jane', () => ran++)
  it.configure(config(queues(2, 1, 10)), 2)
  expect([ran, it.waiting]).toEqual([2, 1])
})

test('a hand is always the same, and of different queues', () => {
  expect(hand('jane', 128, 6)).toEqual(hand('jane', 128, 6))
  for (let index = 0; index < 100; index++) {
    const dealt = hand(`flow-${index}`, 7, 4)
    expect(new Set(dealt).size).toBe(4)
    expect(dealt.every(card => card >= 0 && card < 7)).toBe(true)
  }
  expect(hand('jane', 2, 8).sort()).toEqual([0, 1])
})
