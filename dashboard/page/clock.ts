// The cluster's clock as the page knows it: asked for when the page is looked at and after whatever it did to it, and every few
// seconds, since others may hold it too. In between the time shown goes on by itself.

import { useEffect, useState } from 'react'
import { parseTime } from '../../src/api/time.ts'
import type { ClockStatus } from '../../src/clock-control.ts'
import { getJson } from '../api/requests.ts'
import { createValue, useValue } from './value.ts'

const path = '/kubesim/v1alpha1/clock'
const every = 3_000

interface Seen {
  readonly status: ClockStatus
  /** By the browser's clock. */
  readonly at: number
}

const seen = createValue<Seen | undefined>(undefined)

export function sawClock(status: ClockStatus): void {
  seen.set({ status, at: performance.now() })
}

export async function askClock(): Promise<void> {
  sawClock(await getJson<ClockStatus>(path))
}

export async function turnClock<R>(verb: string, body: object = {}): Promise<R> {
  const answer = await getJson<R & { readonly kind: string }>(`${path}/${verb}`, { method: 'POST', body })
  if (answer.kind === 'Clock') sawClock(answer as unknown as ClockStatus)
  else await askClock()
  return answer
}

/** Of the whole page, once. */
export function useClockAsked(): void {
  useEffect(() => {
    const ask = () => {
      if (!document.hidden) askClock().catch(() => {})
    }
    ask()
    const timer = setInterval(ask, every)
    document.addEventListener('visibilitychange', ask)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', ask)
    }
  }, [])
}

export function useClock(): ClockStatus | undefined {
  return useValue(seen)?.status
}

/** What time it is in the cluster, in milliseconds since 1970; by the browser's clock until it is known. */
export function clusterNow(): number {
  const known = seen.get()
  if (known === undefined) return Date.now()
  const { time, speed, paused } = known.status
  return (parseTime(time) ?? Date.now()) + (paused ? 0 : (performance.now() - known.at) * speed)
}

/** The same, read again every so often. */
export function useClusterNow(period = 1_000): number {
  const [now, setNow] = useState(clusterNow)
  useEffect(() => {
    const look = () => setNow(clusterNow())
    look()
    const stop = seen.onChange(look)
    const timer = setInterval(look, period)
    return () => {
      stop()
      clearInterval(timer)
    }
  }, [period])
  return now
}
