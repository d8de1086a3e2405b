// Whether the API server answers: what every request and watch finds out, shown by the banner. While it does not, one small request
// is sent again and again; when it is answered, watches go on from where they were.

import { createValue } from '../page/value.ts'

const again = 1_500

/** Why it cannot be reached; undefined while it can. */
const trouble = createValue<string | undefined>(undefined)
let timer: number | undefined

async function look(): Promise<void> {
  timer = undefined
  const answer = await fetch('/version').catch(() => undefined)
  if (answer?.ok) reachable.found()
  else if (trouble.get() !== undefined) timer = window.setTimeout(() => void look(), again)
}

export const reachable = {
  get: trouble.get,
  onChange: trouble.onChange,
  lost(why: string): void {
    trouble.set(why)
    timer ??= window.setTimeout(() => void look(), again)
  },
  found(): void {
    trouble.set(undefined)
    clearTimeout(timer)
    timer = undefined
  },
  /** Resolves at once, or as soon as it can be reached again. */
  async again(signal: AbortSignal): Promise<void> {
    if (trouble.get() === undefined) return
    await new Promise<void>(resolve => {
      const stop = trouble.onChange(() => {
        if (trouble.get() !== undefined) return
        stop()
        resolve()
      })
      signal.addEventListener('abort', () => {
        stop()
        resolve()
      })
    })
  },
}
