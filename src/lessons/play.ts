// A lesson being played in its cluster: lays out files, runs blocks of commands and holds what they print against the page, looks
// at the cluster for the answer of a question. Who asks – the terminal, the page, a test – decides in which order.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from './command-line.ts'
import { isAsExpected } from './expected-output.ts'
import type { Commands, Lesson, LessonFile, Question } from './lesson.ts'
import type { LessonCluster } from './lesson-cluster.ts'
import type { BlockRan, Ran, Verdict } from './outcome.ts'
import { CommandRunner } from './run-command.ts'

/** Told of commands and of what they print, as it comes. */
export interface Hearing {
  command?: ((text: string) => void) | undefined
  output?: ((text: string) => void) | undefined
}

export class Play implements AsyncDisposable {
  readonly lesson: Lesson
  readonly cluster: LessonCluster
  readonly #runner: CommandRunner
  #closing: Promise<void> | undefined

  constructor(lesson: Lesson, cluster: LessonCluster) {
    this.lesson = lesson
    this.cluster = cluster
    this.#runner = new CommandRunner(cluster)
  }

  layOut({ name, text }: LessonFile): void {
    const file = join(this.cluster.folder, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }

  run(command: Command, hearing: Hearing = {}): Promise<Ran> {
    hearing.command?.(command.text)
    return this.#runner.run(command, hearing.output)
  }

  /** Something the learner typed; the terminal is its own. */
  runInTerminal(command: Command): Promise<number> {
    return this.#runner.runInTerminal(command)
  }

  /** Ends at the first command that fails. */
  async runAll(commands: readonly Command[], hearing?: Hearing): Promise<Ran[]> {
    const all: Ran[] = []
    for (const command of commands) {
      all.push(await this.run(command, hearing))
      if (all.at(-1)!.code !== 0) break
    }
    return all
  }

  async runBlock(block: Commands, hearing?: Hearing): Promise<BlockRan> {
    const ran = await this.runAll(block.commands, hearing)
    const fault = faultOf(block, ran)
    return { ran, ...(fault === undefined ? {} : { fault }) }
  }

  /** Looks at the cluster; of a question that wants an answer, `given` is the learner's. */
  async check(question: Question, given = ''): Promise<Verdict> {
    const ran = await this.runAll(question.check)
    const last = ran.at(-1)!
    const found = (last.code === 0 ? last.printed : last.output).trim()
    if (last.code !== 0) return { isRight: false, found }
    const isRight =
      question.kind === 'task' ? isAsExpected(question.expect!, found) : found !== '' && plain(given) === plain(found)
    return { isRight, found }
  }

  /** The lesson is over: what it started ends, its cluster and its folder are gone. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#runner.close()
    this.#closing ??= Promise.resolve(this.cluster[Symbol.asyncDispose]())
    return this.#closing
  }
}

const plain = (answer: string): string => answer.trim().replace(/\s+/g, ' ').toLowerCase()

export function faultOf(block: Commands, ran: readonly Ran[]): string | undefined {
  const last = ran.at(-1)!
  const isWhole = ran.length === block.commands.length
  if (last.code !== 0 && !(block.fails && isWhole)) return `"${last.command}" ended with exit code ${last.code}`
  if (block.fails && last.code === 0) return `"${last.command}" was to fail and did not`
  const output = ran.map(each => each.output).join('')
  if (block.output !== undefined && !isAsExpected(block.output, output))
    return `it was to print:\n${block.output}\nand printed:\n${output}`
  return undefined
}
