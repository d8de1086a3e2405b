import { describe, expect, test } from 'vitest'
import { BusyCount, PromptBusyCount } from '../../src/env/activity.ts'

const macrotask = () => new Promise<void>(resolve => setImmediate(resolve))

describe('activity', () => {
  test('is idle when nobody is busy', async () => {
    await new BusyCount().idle()
  })

  test('waits for everyone who is busy', async () => {
    const activity = new BusyCount()
    const [one, two] = [activity.hold(), activity.hold()]
    let isIdle = false
    const idle = activity.idle().then(() => {
      isIdle = true
    })
    one()
    one()
    await macrotask()
    await macrotask()
    expect(isIdle).toBe(false)
    two()
    await idle
    expect(activity.busy).toBe(0)
  })

  test('work that one piece hands to the next leaves no gap in which it looks idle', async () => {
    const activity = new BusyCount()
    let done = 0
    const next = (left: number) => {
      if (left === 0) return
      void activity
        .track(async () => {
          await macrotask()
          done++
        })
        .then(() => undefined)
        .then(() => next(left - 1))
    }
    next(20)
    await activity.idle()
    expect(done).toBe(20)
  })

  test('who was busy between two looks makes it look again', async () => {
    const activity = new BusyCount()
    const steps: string[] = []
    setImmediate(() => {
      activity.hold()()
      setImmediate(() => steps.push('what that set off'))
    })
    await activity.idle()
    expect(steps).toEqual(['what that set off'])
  })

  test('what waits for rest comes before idle, and after everybody', async () => {
    const activity = new BusyCount()
    const steps: string[] = []
    const release = activity.hold()
    activity.atRest(() => {
      steps.push('one')
      activity.atRest(() => steps.push('two'))
    })
    const cancel = activity.atRest(() => steps.push('never'))
    cancel()
    const idle = activity.idle().then(() => steps.push('idle'))
    await macrotask()
    await macrotask()
    steps.push('released')
    release()
    await idle
    expect(steps).toEqual(['released', 'one', 'two', 'idle'])
  })

  test('in a running cluster nobody’s rest is waited for', async () => {
    const activity = new PromptBusyCount()
    activity.hold()
    await new Promise<void>(resolve => activity.atRest(resolve))
    expect(activity.busy).toBe(1)
    const cancel = activity.atRest(() => expect.unreachable())
    cancel()
    await macrotask()
    expect(activity.busy).toBe(1)
  })

  test('track gives back what the work gave or threw', async () => {
    const activity = new BusyCount()
    expect(await activity.track(async () => 7)).toBe(7)
    await expect(
      activity.track(async () => {
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    await activity.idle()
  })

  test('many can wait at once', async () => {
    const activity = new BusyCount()
    const release = activity.hold()
    const waiting = Promise.all([activity.idle(), activity.idle(), activity.idle()])
    release()
    await waiting
  })
})
