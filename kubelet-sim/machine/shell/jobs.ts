// Jobs: what a shell has started behind, for wait, jobs, kill %1, fg and `$!`.

import type { Child } from '../process.ts'

export interface Job {
  readonly id: number
  readonly children: readonly Child[]
  readonly text: string
  /** It was told that it has ended. */
  isTold: boolean
}

export class Jobs {
  #jobs: Job[] = []
  /** Codes of those that have ended and been forgotten: by pid, a few. */
  readonly #ended = new Map<number, number>()

  add(children: readonly Child[], text: string): Job {
    this.#sweep()
    const id = Math.max(0, ...this.#jobs.map(job => job.id)) + 1
    const job: Job = { id, children, text, isTold: false }
    this.#jobs.push(job)
    return job
  }

  all(): readonly Job[] {
    return this.#jobs
  }

  get current(): Job | undefined {
    return this.#jobs.at(-1)
  }

  /** `%1`, `%%`, `%+`, `%-`, `%name`, or a pid. */
  find(text: string): Job | undefined {
    if (/^%[%+]?$/.test(text)) return this.current
    if (text === '%-') return this.#jobs.at(-2) ?? this.current
    const number = /^%(\d+)$/.exec(text)
    if (number) return this.#jobs.find(job => job.id === Number(number[1]))
    if (text.startsWith('%')) return this.#jobs.find(job => job.text.startsWith(text.slice(1)))
    return this.#jobs.find(job => job.children.some(child => String(child.pid) === text))
  }

  codeOf(pid: number): number | undefined {
    return this.#ended.get(pid)
  }

  forget(job: Job): void {
    this.#jobs = this.#jobs.filter(other => other !== job)
    const last = job.children.at(-1)
    if (last?.exitCode !== undefined) this.#ended.set(last.pid, last.exitCode)
    if (this.#ended.size > 1000) for (const pid of this.#ended.keys()) return void this.#ended.delete(pid)
  }

  clear(): void {
    this.#jobs = []
  }

  /** A script that starts one after another never asks: what has ended is kept as its code alone. */
  #sweep(): void {
    if (this.#jobs.length < 64) return
    for (const job of this.#jobs) if (hasEnded(job)) this.forget(job)
  }
}

export function hasEnded({ children }: Job): boolean {
  return children.every(child => child.exitCode !== undefined)
}
