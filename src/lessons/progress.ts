// What a learner has done: one small file beside the lessons' clusters. Read and written by whoever lets a lesson be played.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lesson } from './lesson.ts'
import { lessonsFolder } from './lesson-cluster.ts'

export interface Progress {
  /** How many steps were walked through. */
  readonly steps: number
  /** Which of the questions were answered rightly, from 0. */
  readonly questions: readonly number[]
}

/** By the lesson's name: numbers may shift when lessons are added. */
export type AllProgress = Readonly<Record<string, Progress>>

const none: Progress = { steps: 0, questions: [] }
const file = (home: string): string => join(home, 'progress.json')

export function readProgress(home = lessonsFolder()): AllProgress {
  try {
    return JSON.parse(readFileSync(file(home), 'utf8')) as AllProgress
  } catch {
    // None yet, or a file cut short: a lesson can be played again.
    return {}
  }
}

export function noteStep({ name }: Lesson, steps: number, home = lessonsFolder()): void {
  const { [name]: before = none, ...others } = readProgress(home)
  write(home, { ...others, [name]: { ...before, steps: Math.max(before.steps, steps) } })
}

export function noteAnswer({ name }: Lesson, question: number, home = lessonsFolder()): void {
  const { [name]: before = none, ...others } = readProgress(home)
  const questions = [...new Set([...before.questions, question])].sort((one, other) => one - other)
  write(home, { ...others, [name]: { ...before, questions } })
}

/** `done`, `2 of 3 questions`, `step 3 of 5`, or nothing. */
export function progressText(lesson: Lesson, progress: Progress | undefined): string {
  if (progress === undefined) return ''
  const { steps, questions } = progress
  if (questions.length >= lesson.questions.length) return 'done'
  if (questions.length > 0) return `${questions.length} of ${lesson.questions.length} questions`
  return steps === 0 ? '' : `step ${steps} of ${lesson.steps.length}`
}

function write(home: string, progress: AllProgress): void {
  mkdirSync(home, { recursive: true })
  const partial = `${file(home)}.${process.pid}`
  writeFileSync(partial, `${JSON.stringify(progress, null, 2)}\n`)
  renameSync(partial, file(home))
}
