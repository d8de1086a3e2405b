import { afterEach, describe, expect, test, vi } from 'vitest'
import { BusyCount } from '../../src/env/activity.ts'
import { RealClock } from '../../src/env/clock.ts'
import { TimerHeap } from '../../src/env/timer-heap.ts'
import { VirtualClock } from '../../src/env/virtual-clock.ts'
import { clockContract } from '../contracts/clock.ts'

clockContract('the virtual clock', () => {
  const clock = new VirtualClock(new BusyCount())
  return { clock, pass: by => clock.advance(by) }
})

clockContract('the real clock, at a thousand times the wall', () => {
  const clock = new RealClock()
  clock.speed = 1_000
  return { clock, pass: by => clock.sleep(by), close: () => clock.close() }
})

describe('virtual time', () => {
  test('stands still until it is moved, and moves exactly', async () => {
    const clock = new VirtualClock(new BusyCount(), 1_000)
    await new Promise(resolve => setImmediate(resolve))
    expect(clock.now()).toBe(1_000)
    await clock.advance(250)
    expect(clock.now()).toBe(1_250)
  })

  test('each timer sees the time at which it is due', async () => {
    const clock = new VirtualClock(new BusyCount(), 0)
    const seen: number[] = []
    for (const delay of [30, 10, 20, 10]) clock.after(delay, () => seen.push(clock.now()))
    await clock.advance(100)
    expect(seen).toEqual([10, 10, 20, 30])
  })

  test('what one timer set off is done before the next fires, even when both are due together', async () => {
    const activity = new BusyCount()
    const clock = new VirtualClock(activity, 0)
    const steps: string[] = []
    const work = (name: string) => () =>
      void activity.track(async () => {
        steps.push(`${name} begins`)
        for (let wait = 0; wait < 5; wait++) await new Promise(resolve => setImmediate(resolve))
        steps.push(`${name} ends`)
      })
    clock.after(10, work('one'))
    clock.after(10, work('two'))
    await clock.advance(10)
    expect(steps).toEqual(['one begins', 'one ends', 'two begins', 'two ends'])
  })

  test('a timer that comes up on the way fires in its place', async () => {
    const clock = new VirtualClock(new BusyCount(), 0)
    const fired: string[] = []
    clock.after(10, () => {
      fired.push('ten')
      clock.after(5, () => fired.push('fifteen'))
    })
    clock.after(20, () => fired.push('twenty'))
    await clock.advance(20)
    expect(fired).toEqual(['ten', 'fifteen', 'twenty'])
  })

  test('advanceUntil stops at the timer that made it true', async () => {
    const clock = new VirtualClock(new BusyCount(), 0)
    let count = 0
    const tick = () => {
      count++
      clock.after(1_000, tick)
    }
    clock.after(1_000, tick)
    await clock.advanceUntil(() => count === 3, 60_000)
    expect([clock.now(), count]).toEqual([3_000, 3])
    await expect(clock.advanceUntil(() => false, 5_000)).rejects.toThrow('did not happen within 5000 ms')
    expect(clock.now()).toBe(8_000)
  })

  test('two advances at once are refused', async () => {
    const clock = new VirtualClock(new BusyCount(), 0)
    const first = clock.advance(10)
    await expect(clock.advance(10)).rejects.toThrow('moving already')
    await first
  })
})

describe('the real clock', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  const wall = (at = 1_000_000) => {
    vi.useFakeTimers({ now: at, toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    return new RealClock()
  }

  test('shows the time of the wall', () => {
    const clock = wall(5_000_000)
    vi.advanceTimersByTime(1_234)
    expect(clock.now()).toBe(5_001_234)
  })

  test('runs faster, and stands still when paused, without a jump', () => {
    const clock = wall()
    const fired: number[] = []
    clock.after(60_000, () => fired.push(clock.now() - 1_000_000))
    clock.speed = 60
    vi.advanceTimersByTime(500)
    expect(clock.now()).toBe(1_030_000)
    clock.speed = 0
    vi.advanceTimersByTime(3_600_000)
    expect([clock.now(), fired]).toEqual([1_030_000, []])
    clock.speed = 1
    vi.advanceTimersByTime(29_999)
    expect(fired).toEqual([])
    vi.advanceTimersByTime(1)
    expect(fired).toEqual([60_000])
  })

  test('goes on from where it was when the wall is set back', () => {
    const clock = wall()
    const fired: number[] = []
    clock.after(10, () => fired.push(clock.now()))
    vi.setSystemTime(500)
    expect(clock.now()).toBe(1_000_000)
    vi.advanceTimersByTime(10)
    expect(fired).toEqual([1_000_010])
  })

  test('waits longer than one timeout can', () => {
    const clock = wall()
    const month = 31 * 24 * 3_600_000
    let fired = 0
    clock.after(month, () => fired++)
    vi.advanceTimersByTime(month - 1)
    expect(fired).toBe(0)
    vi.advanceTimersByTime(1)
    expect(fired).toBe(1)
  })

  test('forgets its timers when closed', () => {
    const clock = wall()
    clock.after(10, () => expect.unreachable())
    clock.close()
    vi.advanceTimersByTime(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('timers', () => {
  test('come out by due time and then by asking, whatever is taken back between', () => {
    const heap = new TimerHeap()
    const expected: { due: number; turn: number }[] = []
    const out: number[] = []
    let state = 42
    for (let turn = 0; turn < 2_000; turn++) {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      const due = state % 50
      const cancel = heap.add(due, () => out.push(turn))
      if (state % 3 === 0) cancel()
      else expected.push({ due, turn })
    }
    expect(heap.size).toBe(expected.length)
    for (let run = heap.take(50); run; run = heap.take(50)) run()
    expect(out).toEqual(expected.sort((a, b) => a.due - b.due || a.turn - b.turn).map(({ turn }) => turn))
  })
})
