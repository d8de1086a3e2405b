// What the dashboard's page is told of lessons, below /kubesim/v1alpha1/lessons: by classroom.ts and seat.ts.

import type { Question, Step } from './lesson.ts'
import type { Ran, Verdict } from './outcome.ts'

/** A line of the list. */
export interface LessonHeading {
  readonly number: number
  readonly name: string
  readonly title: string
  readonly minutes: number
  readonly progress: string
}

/** A lesson, without what would give the answers away. */
export interface LessonPage extends LessonHeading {
  readonly introduction: string
  readonly steps: readonly Step[]
  readonly questions: readonly Pick<Question, 'kind' | 'ask' | 'hints'>[]
  /** While it is being played. */
  readonly playing?: Playing
}

/** Where the learner finds the lesson's cluster. */
export interface Playing {
  /** A page of its own for that cluster. */
  readonly dashboard: string
  readonly kubeconfig: string
  /** For `kubesim` itself: $KUBESIM_HOME. */
  readonly dataDir: string
  readonly folder: string
}

export interface CommandRan extends Ran {
  /** Of the last of a block: in what it was not as the page says. */
  readonly fault?: string
}

export interface Checked extends Verdict {
  /** What is to be understood, once it is right. */
  readonly why?: string
}

/** The solution of a question, run. */
export interface Shown {
  readonly ran: readonly Ran[]
  readonly found: string
  readonly why: string
}
