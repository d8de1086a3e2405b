// The clock in the header: what time it is in the cluster, and pause, step, advance and speed, as `kubesim clock` has them.

import { useState } from 'react'
import { isNotFound } from '../../src/api/errors.ts'
import type { Advanced, ClockStatus, Step } from '../../src/clock-control.ts'
import { Sign, signs } from '../parts/sign.tsx'
import { clusterNow, turnClock, useClock, useClockAsked, useClusterNow } from './clock.ts'
import { did } from './did.ts'
import { usePlace } from './place.ts'
import { useShortcut } from './shortcuts.ts'

const speeds = [0.1, 0.5, 1, 2, 10, 60, 600, 3600]
const spans = ['1s', '10s', '1m', '5m', '15m', '1h', '6h', '24h', '7d']

export function ClockControls() {
  useClockAsked()
  const clock = useClock()
  const { at } = usePlace()
  const [isBusy, setBusy] = useState(false)
  const act = async (command: string, work: () => Promise<string | undefined>): Promise<void> => {
    if (isBusy) return
    setBusy(true)
    try {
      did(command, (await work()) ?? 'done')
    } catch (error) {
      did(command, isNotFound(error) ? 'this API server has no such clock' : (error as Error).message, true)
    } finally {
      setBusy(false)
    }
  }
  const isPaused = clock?.paused ?? false
  const turn = () =>
    act(`kubesim clock ${isPaused ? 'resume' : 'pause'}`, async () => {
      await turnClock<ClockStatus>(isPaused ? 'resume' : 'pause')
      return isPaused ? 'time passes again' : 'nothing moves by itself'
    })
  const step = () => act('kubesim clock step', async () => stepText(await turnClock<Step>('step')))
  const advance = (by: string) =>
    act(`kubesim clock advance ${by}`, async () => {
      const { timers, writes } = await turnClock<Advanced>('advance', { by })
      return `${timers} timers, ${writes} writes`
    })
  const setSpeed = (speed: number) =>
    act(`kubesim clock speed ${speed}`, async () => {
      await turnClock<ClockStatus>('speed', { speed })
      return undefined
    })
  useShortcut('p', 'pause or resume the clock', () => void turn())
  useShortcut('.', 'one step of the control plane', () => void step())
  if (clock === undefined) return null
  const known = speeds.includes(clock.speed) ? speeds : [...speeds, clock.speed].sort((one, other) => one - other)
  return (
    <div className="clock" role="group" aria-label="Clock" data-paused={isPaused || undefined}>
      <ClusterTime />
      <button
        type="button"
        className="quiet"
        onClick={turn}
        disabled={at !== undefined}
        aria-label={isPaused ? 'Resume' : 'Pause'}
        title={isPaused ? 'Resume (p)' : 'Pause (p)'}
      >
        <Sign path={isPaused ? signs.play : signs.pause} />
      </button>
      <button
        type="button"
        className="quiet"
        onClick={step}
        disabled={at !== undefined}
        aria-label="Step"
        title="One step (.)"
      >
        <Sign path={signs.step} />
      </button>
      <label className="field" title="Let so much time pass at once">
        <span className="hidden">Advance by</span>
        <select value="" disabled={isBusy || at !== undefined} onChange={event => void advance(event.target.value)}>
          <option value="">{isBusy ? '…' : 'advance'}</option>
          {spans.map(span => (
            <option key={span} value={span}>
              + {span}
            </option>
          ))}
        </select>
      </label>
      <label className="field" title="How fast time passes">
        <span className="hidden">Speed</span>
        <select
          value={clock.speed}
          disabled={at !== undefined}
          onChange={event => void setSpeed(Number(event.target.value))}
        >
          {known.map(speed => (
            <option key={speed} value={speed}>
              × {speed}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}

function ClusterTime() {
  useClusterNow()
  const clock = useClock()
  const time = new Date(clusterNow()).toISOString()
  return (
    <time dateTime={time} title={`${time}${clock?.paused ? ', paused' : ''}`}>
      {time.slice(11, 19)}
      <small>{clock?.paused ? 'paused' : time.slice(0, 10)}</small>
    </time>
  )
}

function stepText({ work, writes, waited }: Step): string {
  const who = work
    ? `${work.controller}: ${work.kind ?? ''} ${work.key}`.replace(':  ', ': ')
    : writes.length > 0
      ? 'a timer'
      : 'nothing'
  return [waited > 0 ? `after ${waited / 1000} s, ` : '', who, `, ${writes.length} writes`].join('')
}
