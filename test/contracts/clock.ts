// What every clock promises. A clock under test comes with a way to let its time pass.

import { afterEach, describe, expect, test } from 'vitest'
import type { Clock, Millis } from '../../src/env/clock.ts'

export interface ClockUnderTest {
  readonly clock: Clock
  /** Lets at least this much cluster time pass. */
  pass(by: Millis): Promise<void>
  close?(): void
}

export function clockContract(name: string, make: () => ClockUnderTest): void {
  describe(name, () => {
    let open: ClockUnderTest[] = []
    const start = () => {
      const made = make()
      open.push(made)
      return made
    }
    afterEach(() => {
      for (const each of open) each.close?.()
      open = []
    })

    test('a timer fires once, not before it is due', async () => {
      const { clock, pass } = start()
      const begun = clock.now()
      const fired: Millis[] = []
      clock.after(2_000, () => fired.push(clock.now() - begun))
      await pass(10_000)
      expect(fired).toHaveLength(1)
      expect(fired[0]).toBeGreaterThanOrEqual(2_000)
    })

    test('timers fire in the order in which they are due', async () => {
      const { clock, pass } = start()
      const fired: string[] = []
      clock.after(6_000, () => fired.push('six'))
      clock.after(2_000, () => fired.push('two'))
      clock.after(4_000, () => fired.push('four'))
      await pass(20_000)
      expect(fired).toEqual(['two', 'four', 'six'])
    })

    test('a delay of nothing, or less, never fires synchronously', async () => {
      const { clock, pass } = start()
      const fired: string[] = []
      clock.after(0, () => fired.push('zero'))
      clock.after(-5, () => fired.push('less'))
      expect(fired).toEqual([])
      await pass(1_000)
      expect(fired).toEqual(['zero', 'less'])
    })

    test('a timer taken back never fires, and taking it back again does nothing', async () => {
      const { clock, pass } = start()
      const fired: string[] = []
      const cancel = clock.after(1_000, () => fired.push('taken back'))
      clock.after(1_000, () => fired.push('left'))
      cancel()
      cancel()
      await pass(5_000)
      cancel()
      expect(fired).toEqual(['left'])
    })

    test('a timer may take back another that is due at the same time', async () => {
      const { clock, pass } = start()
      const fired: string[] = []
      clock.after(1_000, () => {
        fired.push('first')
        cancelSecond()
      })
      const cancelSecond = clock.after(1_000, () => fired.push('second'))
      await pass(5_000)
      expect(fired).toEqual(['first'])
    })

    test('a timer may ask for the next', async () => {
      const { clock, pass } = start()
      let fired = 0
      const again = () => {
        fired++
        if (fired < 5) clock.after(500, again)
      }
      clock.after(500, again)
      // A machine that is busy may take more than one go.
      for (let go = 0; go < 100 && fired < 5; go++) await pass(30_000)
      await pass(30_000)
      expect(fired).toBe(5)
    })

    test('a sleep ends when it is over', async () => {
      const { clock, pass } = start()
      const begun = clock.now()
      const woken = clock.sleep(3_000).then(() => clock.now() - begun)
      await pass(10_000)
      expect(await woken).toBeGreaterThanOrEqual(3_000)
    })

    test('a sleep that is aborted rejects with the reason', async () => {
      const { clock } = start()
      const stop = new AbortController()
      const woken = clock.sleep(1e9, stop.signal)
      stop.abort(new Error('enough'))
      await expect(woken).rejects.toThrow('enough')
      await expect(clock.sleep(1, stop.signal)).rejects.toThrow('enough')
    })

    test('time does not go back', async () => {
      const { clock, pass } = start()
      let before = clock.now()
      for (let round = 0; round < 50; round++) {
        await pass(7)
        expect(clock.now()).toBeGreaterThanOrEqual(before)
        before = clock.now()
      }
    })

    test('the present is a whole number of milliseconds, since timestamps are made of it', async () => {
      const { clock, pass } = start()
      const seen: Millis[] = [clock.now()]
      clock.after(0.25, () => seen.push(clock.now()))
      await pass(1_000)
      expect(seen).toHaveLength(2)
      expect(seen.every(Number.isInteger)).toBe(true)
    })
  })
}
