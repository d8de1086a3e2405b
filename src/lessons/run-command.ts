// Runs the commands of a lesson (command-line.ts), each as a process of its own and none through a shell, in the learner's folder,
// against the lesson's cluster. Keeps what $NAMEs stand for. Called by play.ts.

import { type ChildProcess, spawn } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import { findTool } from '../cli/bundled-tools.ts'
import { environmentWith } from '../config.ts'
import type { Command, Program } from './command-line.ts'
import { curl } from './curl.ts'
import type { Ran } from './outcome.ts'
import { packageFolder } from './shelf.ts'

export interface Place {
  readonly folder: string
  readonly kubeconfig: string
  /** The cluster's, where `kubesim` finds it. */
  readonly dataDir: string
  /** Where its ingress listens: $INGRESS. */
  readonly ingress: string
}

/** A name that nothing was kept under: the page, or the learner, left a step out. */
export class UnknownName extends Error {
  override readonly name = 'UnknownName'
}

export class CommandRunner {
  readonly #place: Place
  readonly #kept: Map<string, string>
  readonly #beside = new Set<ChildProcess>()

  constructor(place: Place) {
    this.#place = place
    this.#kept = new Map([['INGRESS', place.ingress]])
  }

  /** Never throws for what the command itself does; `hear` is told while it prints. */
  async run(command: Command, hear: (text: string) => void = () => {}): Promise<Ran> {
    const [program, ...words] = this.#wordsOf(command)
    if (command.isBeside) return this.#startBeside(command, program as Program, words)
    const ran = await this.#spawn(command, program as Program, words, command.keeps === undefined ? hear : () => {})
    if (command.keeps === undefined) return ran
    this.#kept.set(command.keeps, ran.printed.trim())
    return ran.code === 0 ? { ...ran, output: '' } : ran
  }

  /** The learner's own terminal is the program's: for what asks, edits or goes on until it is interrupted. */
  async runInTerminal(command: Command): Promise<number> {
    const [program, ...words] = this.#wordsOf(command)
    if (program === 'curl') {
      const { code, output } = await curl(words)
      process.stdout.write(output)
      return code
    }
    return exitCode(await this.#start(program as Program, words, 'inherit'))
  }

  /** Ends what goes on beside. */
  close(): void {
    for (const child of this.#beside) child.kill()
  }

  #wordsOf({ words }: Command): string[] {
    return words.map(word =>
      word
        .map(piece => {
          if ('text' in piece) return piece.text
          const value = this.#kept.get(piece.name)
          if (value === undefined) throw new UnknownName(`$${piece.name} is not known: an earlier command keeps it`)
          return value
        })
        .join(''),
    )
  }

  async #spawn(command: Command, program: Program, words: string[], hear: (text: string) => void): Promise<Ran> {
    if (program === 'curl') {
      const answer = await curl(words)
      hear(answer.output)
      return { command: command.text, ...answer }
    }
    const child = await this.#start(program, words, 'pipe')
    let output = ''
    let printed = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      printed += text
      hear(text)
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      hear(text)
    })
    return { command: command.text, code: await exitCode(child), output, printed }
  }

  async #startBeside(command: Command, program: Program, words: string[]): Promise<Ran> {
    const child = await this.#start(program, words, 'ignore')
    this.#beside.add(child)
    void exitCode(child).then(() => this.#beside.delete(child))
    return { command: command.text, code: 0, output: '', printed: '' }
  }

  async #start(program: Program, words: string[], stdio: 'pipe' | 'inherit' | 'ignore'): Promise<ChildProcess> {
    const { folder, kubeconfig, dataDir } = this.#place
    const plain = stdio === 'inherit' ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }
    const env = environmentWith({
      KUBECONFIG: kubeconfig,
      KUBESIM_HOME: dataDir,
      KUBECACHEDIR: `${dataDir}/kubectl-cache`,
      ...plain,
    })
    const [file, ...first] = await this.#fileOf(program)
    // A program of the lesson may call kubectl.
    if (program === 'node') env.PATH = `${dirname(await findTool('kubectl'))}${delimiter}${env.PATH ?? ''}`
    return spawn(file!, [...first, ...words], {
      cwd: folder,
      env,
      stdio: stdio === 'pipe' ? ['ignore', 'pipe', 'pipe'] : stdio,
      windowsHide: true,
    })
  }

  async #fileOf(program: Program): Promise<string[]> {
    if (program === 'kubectl') return [await findTool('kubectl')]
    if (program === 'node') return [process.execPath]
    return [process.execPath, `${packageFolder()}/bin/kubesim.js`]
  }
}

function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? (signal ? 1 : 0)))
  })
}
