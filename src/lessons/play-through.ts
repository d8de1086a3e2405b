// Plays a lesson from its beginning to its end without asking: `kubesim lesson N --all`, and the tests. Each question is looked at
// before its solution, when it must not be right, and after, when it must.

import type { Question } from './lesson.ts'
import type { BlockRan, Ran, Verdict } from './outcome.ts'
import type { Play } from './play.ts'

export interface PlayedThrough {
  readonly lesson: number
  readonly title: string
  readonly steps: readonly { readonly title: string; readonly blocks: readonly BlockRan[] }[]
  readonly questions: readonly Solved[]
  /** In what it was not as the page says. */
  readonly faults: readonly string[]
}

export interface Solved {
  readonly ask: string
  readonly before: Verdict
  readonly solution: readonly Ran[]
  readonly after: Verdict
}

/** Told of what comes, for who shows it. */
export interface Listener {
  text?(markdown: string): void
  step?(title: string): void
  file?(name: string, text: string): void
  command?(text: string): void
  output?(text: string): void
  question?(question: Question): void
  solved?(question: Question, after: Verdict): void
}

export async function playThrough(play: Play, listener: Listener = {}): Promise<PlayedThrough> {
  const { lesson } = play
  const faults: string[] = []
  const steps: { title: string; blocks: BlockRan[] }[] = []
  listener.text?.(lesson.introduction)
  for (const step of lesson.steps) {
    listener.step?.(step.title)
    const blocks: BlockRan[] = []
    for (const part of step.parts) {
      if (part.type === 'prose') listener.text?.(part.text)
      else if (part.type === 'file') {
        play.layOut(part)
        listener.file?.(part.name, part.text)
      } else {
        const block = await play.runBlock(part, { command: listener.command, output: listener.output })
        blocks.push(block)
        if (block.fault !== undefined) faults.push(`${step.title}, line ${part.line}: ${block.fault}`)
      }
    }
    steps.push({ title: step.title, blocks })
  }
  const questions: Solved[] = []
  for (const question of lesson.questions) {
    listener.question?.(question)
    const solved = await solve(play, question, listener)
    listener.solved?.(question, solved.after)
    questions.push(solved)
    if (solved.before.isRight) faults.push(`"${question.ask}" is right before anything is done`)
    if (!solved.after.isRight) faults.push(`"${question.ask}" is not right after its solution: ${solved.after.found}`)
  }
  return { lesson: lesson.number, title: lesson.title, steps, questions, faults }
}

async function solve(play: Play, question: Question, listener: Listener): Promise<Solved> {
  const before = await play.check(question, 'no idea')
  const solution = await play.runAll(question.solution, { command: listener.command, output: listener.output })
  const { ask } = question
  const failed = solution.find(({ code }) => code !== 0)
  if (failed !== undefined) return { ask, before, solution, after: { isRight: false, found: failed.output } }
  if (question.kind === 'task') return { ask, before, solution, after: await play.check(question) }
  // The answer is what the solution lets one see, not what the check would like to hear.
  const { found } = await play.check(question)
  const isSeen = solution.some(({ printed }) => printed.includes(found))
  return { ask, before, solution, after: await play.check(question, isSeen ? found : '') }
}
