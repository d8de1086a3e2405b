// One learner before the page: a lesson that is being played, command by command, as he presses for them. What he may have run is
// said by its place in the lesson; nothing that the page sends is ever run. Made by classroom.ts.

import { badRequest } from '../api/errors.ts'
import type { Commands, Question } from './lesson.ts'
import type { Checked, CommandRan, Playing, Shown } from './lesson-page.ts'
import type { Ran } from './outcome.ts'
import { faultOf, type Play } from './play.ts'
import { noteAnswer, noteStep } from './progress.ts'
import { UnknownName } from './run-command.ts'

export class Seat {
  readonly playing: Playing
  readonly #play: Play
  #block: { readonly of?: Commands; readonly ran: Ran[] } = { ran: [] }
  #turn: Promise<unknown> = Promise.resolve()

  constructor(play: Play, playing: Playing) {
    this.#play = play
    this.playing = playing
    for (const step of play.lesson.steps) for (const part of step.parts) if (part.type === 'file') play.layOut(part)
  }

  /** The command at this place, each number counted from 0. Throws ApiError. */
  run(step: number, part: number, command: number): Promise<CommandRan> {
    const { lesson } = this.#play
    const parts = lesson.steps[step]?.parts ?? []
    const block = parts[part]
    const wanted = block?.type === 'commands' ? block.commands[command] : undefined
    if (block?.type !== 'commands' || wanted === undefined)
      throw badRequest('"step", "part" and "command" say which command of the lesson, each counted from 0')
    return this.#inTurn(async () => {
      if (this.#block.of !== block || command === 0) this.#block = { of: block, ran: [] }
      const ran = await this.#play.run(wanted)
      this.#block.ran.push(ran)
      const isLast = command === block.commands.length - 1
      if (isLast && !parts.slice(part + 1).some(({ type }) => type === 'commands')) noteStep(lesson, step + 1)
      const isWhole = this.#block.ran.length === command + 1
      const fault = isWhole && (isLast || ran.code !== 0) ? faultOf(block, this.#block.ran) : undefined
      return { ...ran, ...(fault === undefined ? {} : { fault }) }
    })
  }

  check(question: number, answer: string): Promise<Checked> {
    const asked = this.#question(question)
    return this.#inTurn(async () => {
      const verdict = await this.#play.check(asked, answer)
      if (!verdict.isRight) return asked.kind === 'task' ? verdict : { ...verdict, found: '' }
      noteAnswer(this.#play.lesson, question)
      return { ...verdict, why: asked.why }
    })
  }

  /** Runs the solution, for who does not find it. */
  solve(question: number): Promise<Shown> {
    const asked = this.#question(question)
    return this.#inTurn(async () => {
      const ran = await this.#play.runAll(asked.solution)
      const { found } = await this.#play.check(asked)
      return { ran, found, why: asked.why }
    })
  }

  /** The lesson is over. */
  async close(): Promise<void> {
    await this.#play[Symbol.asyncDispose]()
  }

  #question(number: number): Question {
    const question = this.#play.lesson.questions[number]
    if (question === undefined) throw badRequest('"question" says which of the lesson, counted from 0')
    return question
  }

  /** One thing at a time, in the order in which they were asked for. */
  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#turn.then(work).catch((error: unknown) => {
      if (error instanceof UnknownName) throw badRequest(error.message)
      throw error
    })
    this.#turn = done.catch(() => {})
    return done
  }
}
