// A lesson in words: what a page of docs/lessons/ says, once it is read (parse.ts), and what is played (play.ts).

import type { Command } from './command-line.ts'

export interface Lesson {
  /** From the file's name: `07-probes.md` is number 7, `probes`. */
  readonly number: number
  readonly name: string
  readonly title: string
  /** How long a learner takes. */
  readonly minutes: number
  readonly cluster: ClusterSettings
  /** What stands before the first step. */
  readonly introduction: string
  readonly steps: readonly Step[]
  readonly questions: readonly Question[]
}

/** The cluster that the lesson is played in, its own. */
export interface ClusterSettings {
  readonly nodes: number
  readonly seed: number
  /** Factor on how long images and containers take to come. */
  readonly delays: number
  /** How many of the past's writes are kept, once they are five minutes old. */
  readonly history: number
}

export interface Step {
  readonly title: string
  readonly parts: readonly Part[]
}

export type Part = Prose | LessonFile | Commands

export interface Prose {
  readonly type: 'prose'
  /** Markdown. */
  readonly text: string
}

/** A manifest or a program that lies in the learner's folder from here on. */
export interface LessonFile {
  readonly type: 'file'
  readonly name: string
  readonly language: string
  readonly text: string
}

export interface Commands {
  readonly type: 'commands'
  readonly line: number
  readonly commands: readonly Command[]
  /** The last of them is meant to fail. */
  readonly fails: boolean
  /** A pattern (expected-output.ts) of what they print in all. */
  readonly output?: string
}

/**
 * Something the learner is to bring about (`task`: `check` prints `expect` then), or to find out (`answer`: it is what `check`
 * prints). The solution brings it about, or prints the answer among other things.
 */
export interface Question {
  readonly kind: 'task' | 'answer'
  readonly ask: string
  readonly check: readonly Command[]
  readonly expect?: string
  readonly hints: readonly string[]
  readonly solution: readonly Command[]
  /** What is to be understood. */
  readonly why: string
}

/** A page that cannot be played: where, and what is wrong with it. */
export class LessonError extends Error {
  override readonly name = 'LessonError'
  readonly line: number

  constructor(line: number, what: string) {
    super(`line ${line}: ${what}`)
    this.line = line
  }
}
