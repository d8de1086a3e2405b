// A lesson in a terminal: prose, then each command offered at a prompt, where Enter runs it and anything else the learner types
// is run instead; then the questions, looked up in the cluster. Called by lesson.ts.

import { createInterface } from 'node:readline/promises'
import { type Command, parseCommands } from '../lessons/command-line.ts'
import { LessonError, type Part, type Question } from '../lessons/lesson.ts'
import type { Ran } from '../lessons/outcome.ts'
import { faultOf, type Play } from '../lessons/play.ts'
import type { Listener } from '../lessons/play-through.ts'
import { noteAnswer, noteStep } from '../lessons/progress.ts'
import { UnknownName } from '../lessons/run-command.ts'
import { markdownText } from './markdown-text.ts'
import { paint } from './output.ts'

const write = (text: string): void => void process.stdout.write(text)

/** Shows a lesson as it goes, for --all. */
export function pageListener(): Listener {
  return {
    text: markdown => write(`\n${markdownText(markdown)}\n`),
    step: title => write(`\n${heading(title)}\n`),
    file: showFile,
    command: text => write(`\n${prompt}${text}\n`),
    output: write,
    question: ({ ask }) => write(`\n${heading('Question')}\n\n${markdownText(ask)}\n`),
    solved: ({ kind, why }, { isRight, found }) => {
      if (kind === 'answer') write(`\n${paint('bold', 'Answer')}: ${found}\n`)
      write(`\n${isRight ? paint('green', '✓') : paint('red', '✗')} ${markdownText(why)}\n`)
    },
  }
}

const prompt = paint('green', '$ ')
const heading = (title: string): string => paint('bold', `── ${title}`)

function showFile(name: string, text: string): void {
  const lines = text.trimEnd().split('\n')
  write(`\n${paint('dim', `${name}:`)}\n${lines.map(line => `    ${line}\n`).join('')}`)
}

const aboutPlaying =
  'This lesson has a cluster of its own, gone when it ends. **Enter** runs what is offered; a kubectl command of your own is run as well; `help` tells more.'

/** The learner has had enough. */
class Quit extends Error {}

export async function playInTerminal(play: Play): Promise<void> {
  const { lesson, cluster } = play
  const learner = new Learner(play)
  write(`\n${paint('bold', `Lesson ${lesson.number}: ${lesson.title}`)}  (about ${lesson.minutes} minutes)\n`)
  write(`\n${markdownText(lesson.introduction)}\n`)
  write(
    `\n${markdownText(`${aboutPlaying} In another terminal:`)}\n\n    cd ${cluster.folder}\n    export KUBECONFIG=${cluster.kubeconfig} KUBESIM_HOME=${cluster.dataDir}\n`,
  )
  try {
    for (const [index, step] of lesson.steps.entries()) {
      write(`\n${heading(`${step.title}  (${index + 1} of ${lesson.steps.length})`)}\n`)
      for (const part of step.parts) await learner.part(part)
      noteStep(lesson, index + 1)
      await learner.enter('go on')
    }
    for (const [index, question] of lesson.questions.entries()) {
      write(`\n${heading(`Question ${index + 1} of ${lesson.questions.length}`)}\n`)
      if (await learner.question(question)) noteAnswer(lesson, index)
    }
    write(`\nThat was lesson ${lesson.number}. "kubesim lesson" lists the others.\n`)
  } catch (error) {
    if (!(error instanceof Quit)) throw error
    write('\n')
  } finally {
    learner.close()
  }
}

class Learner {
  readonly #play: Play
  readonly #lines = createInterface({ input: process.stdin, output: process.stdout })
  #closed = new AbortController()

  constructor(play: Play) {
    this.#play = play
    this.#lines.on('SIGINT', () => this.close())
    this.#lines.on('close', () => this.#closed.abort())
  }

  close(): void {
    this.#lines.close()
  }

  async part(part: Part): Promise<void> {
    if (part.type === 'prose') return write(`\n${markdownText(part.text)}\n`)
    if (part.type === 'file') {
      this.#play.layOut(part)
      return showFile(part.name, part.text)
    }
    const ran: Ran[] = []
    for (const command of part.commands) {
      const done = await this.#offer(command)
      if (done === undefined) return
      ran.push(done)
    }
    const fault = faultOf(part, ran)
    if (fault !== undefined) write(paint('yellow', `\nthe page expected otherwise: ${fault}\n`))
  }

  async enter(what: string): Promise<void> {
    for (;;) {
      const line = await this.#ask(paint('dim', `\n[Enter: ${what}] `))
      if (line === '') return
      await this.#own(line)
    }
  }

  /** Whether it was answered rightly. */
  async question(question: Question): Promise<boolean> {
    write(`\n${markdownText(question.ask)}\n`)
    const ways = question.kind === 'task' ? 'do it, then "check"' : 'type the answer'
    write(paint('dim', `\n${ways}; kubectl commands run; "hint", "solve" and "skip" help\n`))
    let hints = 0
    for (;;) {
      const line = await this.#ask(question.kind === 'task' ? prompt : paint('green', '? '))
      if (line === 'skip') return false
      if (line === 'hint') write(`${markdownText(question.hints[Math.min(hints++, question.hints.length - 1)]!)}\n`)
      else if (line === 'solve') {
        await this.#play.runAll(question.solution, pageListener())
        const { found } = await this.#play.check(question)
        if (question.kind === 'answer') write(`\nThe answer is: ${found}\n`)
        write(`\n${markdownText(question.why)}\n`)
        return false
      } else if (isCommand(line) || line === 'help') await this.#own(line)
      else if (question.kind === 'task' && line !== 'check' && line !== '') await this.#own(line)
      else if (line !== '' || question.kind === 'task') {
        const { isRight, found } = await this.#play.check(question, line)
        if (isRight) {
          write(`\n${paint('green', '✓')} ${markdownText(question.why)}\n`)
          return true
        }
        const shown = question.kind === 'task' ? `not yet: the cluster says "${found || 'nothing'}"` : 'no'
        write(`${paint('yellow', shown)}\n`)
      }
    }
  }

  /** Undefined when it was left out. */
  async #offer(command: Command): Promise<Ran | undefined> {
    for (;;) {
      const line = await this.#ask(`\n${prompt}${command.text.replaceAll('\n', '\n  ')} ${paint('dim', '[Enter]')} `)
      if (line === 'skip') return undefined
      if (line === '') return this.#play.run(command, { output: write })
      await this.#own(line)
    }
  }

  async #own(line: string): Promise<void> {
    if (line === 'quit' || line === 'exit' || line === 'q') throw new Quit()
    if (line === 'help') return write(helpText)
    try {
      for (const command of parseCommands(line)) {
        this.#lines.pause()
        await this.#play.runInTerminal(command)
        this.#lines.resume()
      }
    } catch (error) {
      if (!(error instanceof LessonError || error instanceof UnknownName)) throw error
      write(`${error.message.replace(/^line 1: /, '')} ("help" tells more)\n`)
    }
  }

  async #ask(text: string): Promise<string> {
    if (this.#closed.signal.aborted) throw new Quit()
    try {
      return (await this.#lines.question(text, { signal: this.#closed.signal })).trim()
    } catch (error) {
      if (this.#closed.signal.aborted) throw new Quit()
      throw error
    }
  }
}

const isCommand = (line: string): boolean => /^(kubectl|kubesim|curl|node) /.test(line)

const helpText = `
  Enter      runs the command that is offered, or goes on
  kubectl …  your own command, in the lesson's cluster; kubesim … too
  skip       leaves out the rest of this block, or the question
  hint       helps with a question; solve shows its solution
  quit       ends the lesson and removes its cluster

`
