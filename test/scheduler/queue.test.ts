// The order in which pods are tried, and when those that failed are tried again (pkg/scheduler/backend/queue).
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Heap } from '../../scheduler/heap.ts'
import { plugins } from '../../scheduler/plugins/index.ts'
import { backoffAfter, SchedulingQueue } from '../../scheduler/queue.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { node, pod } from './world.ts'

const fit = new Set(['NodeResourcesFit'])
const big = (name: string) => pod(name, { requests: { cpu: '2' } })
const queueOf = (...pods: ReturnType<typeof pod>[]): SchedulingQueue => {
  const queue = new SchedulingQueue(() => ({ plugins }))
  for (const each of pods) queue.put(each, 0)
  return queue
}
const popAll = (queue: SchedulingQueue, now: number): string[] => {
  const names: string[] = []
  for (let next = queue.pop(now); next !== undefined; next = queue.pop(now)) names.push(next.pod.metadata.name)
  return names
}
const gone = { kind: Pods, now: undefined, before: pod('gone', { requests: { cpu: '2' } }) }

test('priority first, then age', () => {
  const queue = queueOf(
    pod('old'),
    pod('urgent', { spec: { priority: 10 } }),
    pod('new'),
    pod('later', { spec: { priority: -1 } }),
    pod('urgent too', { spec: { priority: 10 } }),
  )
  expect(popAll(queue, 0)).toEqual(['urgent', 'urgent too', 'old', 'new', 'later'])
})

test.each([
  [0, 0],
  [1, 1000],
  [2, 2000],
  [3, 4000],
  [4, 8000],
  [5, 10_000],
  [1000, 10_000],
])('after %d attempts a pod backs off %d ms', (attempts, wait) => {
  expect(backoffAfter(attempts)).toBe(wait)
})

describe('a pod that no node would have', () => {
  const asleep = (name = 'p'): SchedulingQueue => {
    const queue = queueOf(big(name))
    queue.sleep(queue.pop(0)!, fit, 0)
    return queue
  }

  test('sleeps until something that could help its refusers', () => {
    const queue = asleep()
    expect(popAll(queue, 5000)).toEqual([])
    expect(queue.wake({ kind: Pods, now: pod('x'), before: undefined }, 5000)).toBe(false)
    expect(queue.wake({ kind: Nodes, now: node('tiny', { allocatable: { cpu: '1' } }), before: undefined }, 5000)).toBe(
      false,
    )
    expect(popAll(queue, 5000)).toEqual([])
    expect(queue.wake({ kind: Nodes, now: node('roomy'), before: undefined }, 5000)).toBe(true)
    expect(popAll(queue, 5000)).toEqual(['p'])
  })

  test('is woken by a pod that goes, and by a node that is uncordoned only if that was the trouble', () => {
    const before = node('a', { spec: { unschedulable: true } })
    const uncordoned = { kind: Nodes, now: node('a'), before }
    const queue = asleep()
    expect(queue.wake(uncordoned, 5000)).toBe(false)
    expect(queue.wake(gone, 5000)).toBe(true)
    const other = queueOf(pod('q'))
    other.sleep(other.pop(0)!, new Set(['NodeUnschedulable']), 0)
    expect(other.wake(gone, 5000)).toBe(false)
    expect(other.wake(uncordoned, 5000)).toBe(true)
  })

  test('backs off behind pods that are ready, and goes early when there are none', () => {
    const queue = asleep()
    queue.wake(gone, 100)
    queue.put(pod('fresh'), 100)
    expect(popAll(queue, 100)).toEqual(['fresh', 'p'])
  })

  test('is tried again after five minutes whatever happens', () => {
    const queue = asleep()
    expect(queue.nextDue()).toBe(300_000)
    expect(popAll(queue, 299_999)).toEqual([])
    expect(popAll(queue, 300_000)).toEqual(['p'])
  })

  test('is tried again when it asks for something else, but not when only its status changed', () => {
    const queue = asleep()
    queue.put(pod('p', { requests: { cpu: '2' }, status: { conditions: [] } }), 5000)
    expect(popAll(queue, 5000)).toEqual([])
    queue.put(pod('p', { requests: { cpu: '1' } }), 5000)
    expect(popAll(queue, 5000)).toEqual(['p'])
  })

  test('is forgotten when it is deleted', () => {
    const queue = asleep()
    queue.remove('pod-p')
    expect(queue.wake(gone, 5000)).toBe(false)
    expect(popAll(queue, 600_000)).toEqual([])
    expect(queue.nextDue()).toBeUndefined()
  })

  test('of a cluster without nodes is woken by anything', () => {
    const queue = queueOf(pod('p'))
    queue.sleep(queue.pop(0)!, new Set(), 0)
    expect(queue.wake({ kind: Nodes, now: node('a'), before: undefined }, 5000)).toBe(true)
  })
})

test('a pod that waits for something better is woken by less only when its back-off is over', () => {
  const queue = queueOf(big('p'), big('q'))
  for (const waiting of [queue.pop(0)!, queue.pop(0)!]) queue.sleep(waiting, fit, 0)
  const isPatient = (each: { metadata: { name: string } }) => each.metadata.name === 'p'
  expect(queue.wake(gone, 100, isPatient)).toBe(true)
  expect(popAll(queue, 100)).toEqual(['q'])
  expect(queue.nextDue()).toBe(1000)
  expect(popAll(queue, 1000)).toEqual(['p'])
})

test('a pod for which others are being evicted is not tried before they are, and then is if anything could have helped', () => {
  const queue = queueOf(big('p'))
  const waiting = queue.pop(0)!
  queue.sleep(waiting, fit, 0)
  queue.hold(waiting)
  queue.wake(gone, 2000)
  expect(popAll(queue, 2000)).toEqual([])
  expect(queue.release(waiting, false, 2000)).toBe(true)
  expect(popAll(queue, 2000)).toEqual(['p'])
  queue.sleep(waiting, fit, 2000)
  queue.hold(waiting)
  expect(queue.release(waiting, false, 9000)).toBe(false)
  expect(popAll(queue, 9000)).toEqual([])
  queue.hold(waiting)
  expect(queue.release(waiting, true, 9000)).toBe(true)
  expect(popAll(queue, 9000)).toEqual(['p'])
})

test('a pod whose binding failed sits out its time', () => {
  const queue = queueOf(pod('p'))
  queue.penalise(queue.pop(0)!, 0)
  expect(queue.nextDue()).toBe(1000)
  expect(popAll(queue, 999)).toEqual([])
  queue.penalise(queue.pop(1000)!, 1000)
  expect(queue.nextDue()).toBe(3000)
})

test('a gated pod waits for its gates to go', () => {
  const gated = pod('p', { spec: { schedulingGates: [{ name: 'wait' }] } })
  const queue = queueOf(gated)
  expect(popAll(queue, 600_000)).toEqual([])
  queue.put(pod('p'), 600_000)
  expect(popAll(queue, 600_000)).toEqual(['p'])
})

test('a pod deleted while ready is not tried', () => {
  const queue = queueOf(pod('a'), pod('b'))
  queue.remove('pod-a')
  expect(popAll(queue, 0)).toEqual(['b'])
})

test('a heap gives everything back in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), numbers => {
      const heap = new Heap<number>((one, other) => one < other)
      for (const number of numbers) heap.push(number)
      const out = numbers.map(() => heap.pop())
      expect(out).toEqual([...numbers].sort((one, other) => one - other))
      expect(heap.pop()).toBeUndefined()
    }),
  )
})
