// Shell: the interpreter of one shell process: its variables, functions, options, traps and jobs, and how lists, pipelines and
// subshells are run – the latter processes with a copy of it. Every other kind of command has a file of its own beside this one,
// what the shell does itself stands in builtins/. What waits or runs are steps.

import { nothing } from '../open-stream.ts'
import { Pipe } from '../pipe.ts'
import type { Child, Process, Signal, Stream } from '../process.ts'
import { SystemError } from '../system-error.ts'
import { terminalOf } from '../terminal.ts'
import type { Step } from '../wait.ts'
import { Waiters } from '../waiters.ts'
import { ArithmeticFault, evaluate } from './arithmetic.ts'
import { element, setElement } from './assignments.ts'
import { compound } from './compound-commands.ts'
import { expandText } from './expansion.ts'
import { Exit, LoopJump, Return, ShellFault } from './faults.ts'
import { Jobs } from './jobs.ts'
import { Parser } from './parser.ts'
import { Redirected, redirected } from './redirects.ts'
import { redirectStatus, simple } from './simple-commands.ts'
import { flagsOf, specialParameter } from './special-parameters.ts'
import {
  type Chain,
  type Command,
  type Dialect,
  isVariableName,
  type List,
  type Pipeline,
  SyntaxFault,
  type Word,
} from './syntax.ts'
import { ReadonlyFault, Variables } from './variables.ts'
import { syntaxWords, tellSignal, tellTime } from './wording.ts'

export interface Options {
  allexport: boolean
  errexit: boolean
  monitor: boolean
  noclobber: boolean
  noexec: boolean
  noglob: boolean
  nounset: boolean
  pipefail: boolean
  verbose: boolean
  xtrace: boolean
}

const deepestCalls = 200

export class Shell {
  readonly process: Process
  readonly dialect: Dialect
  /** `$0` */
  name: string
  positional: readonly string[] = []
  readonly variables: Variables
  readonly functions: Map<string, Command>
  readonly options: Options
  readonly shopts: Set<string>
  readonly aliases: Map<string, string>
  /** By `EXIT`, `ERR` or a signal's name; an empty text ignores it. */
  readonly traps: Map<string, string>
  readonly jobs: Jobs
  /** `$?` */
  status = 0
  pipeStatus: readonly number[] = [0]
  /** `$!` */
  lastBackground: number | undefined
  /** `$$`: the same in subshells. */
  readonly mainPid: number
  line = 1
  isInteractive = false
  /** Its commands come from a file and not from `-c` or a prompt. */
  isScript = false
  /** It has a name beside the one it was called by: of a script, or the word after the text of `-c`. */
  isNamed = false
  /** They are the text of `-c`. */
  isText = false
  readonly isSubshell: boolean
  loops = 0
  /** Where `return` goes. */
  callers = 0
  functionNames: readonly string[] = []
  readonly startedAt: number
  /** Trapped signals that came, and who waits for one. */
  readonly trapped = new Waiters()
  #pending: Signal[] = []
  /** In the test of if, while, && and !: errexit does not hold. */
  #tested = 0
  /** Of the last $(…), for a command that is only an assignment. */
  substituted: number | undefined
  processSubstitutions: number[] = []
  #calls = 0
  #isEnding = false

  constructor(process: Process, dialect: Dialect, name: string, from?: Snapshot) {
    this.process = process
    this.dialect = dialect
    this.name = name
    this.isSubshell = from !== undefined
    const parent = from?.shell
    this.variables = from?.variables ?? new Variables()
    this.variables.heldBy(bytes => process.allocate(bytes))
    this.positional = from?.positional ?? []
    this.functions = from?.functions ?? new Map()
    this.options = from?.options ?? noOptions()
    this.shopts = from?.shopts ?? new Set()
    this.aliases = new Map(parent?.aliases)
    this.mainPid = parent?.mainPid ?? process.pid
    this.startedAt = parent?.startedAt ?? process.clock.now()
    this.jobs = new Jobs()
    this.traps = new Map()
    if (from !== undefined) {
      this.status = from.status
      this.lastBackground = from.lastBackground
      this.line = from.line
      this.isScript = parent!.isScript
      this.isNamed = parent!.isNamed
      this.isText = parent!.isText
      this.isInteractive = false
      this.#tested = from.tested
      this.functionNames = parent!.functionNames
      this.#calls = parent!.#calls
      this.callers = parent!.callers
      // What was ignored stays so.
      for (const [condition, text] of from.traps) if (text === '') this.traps.set(condition, text)
      return
    }
    const { env } = process
    // ash and bash hand on what they could not name themselves; dash does not.
    for (const [key, value] of env) {
      if (dialect !== 'dash' || isVariableName(key)) this.variables.put(key, { value, isExported: true })
    }
    this.variables.put('IFS', { value: ' \t\n' })
    this.variables.put('PWD', { value: process.cwd, isExported: true })
    if (!this.variables.get('SHLVL')) this.variables.put('SHLVL', { value: '1', isExported: true })
    if (this.variables.get('PS4') === undefined) this.variables.put('PS4', { value: '+ ' })
    this.variables.put('OPTIND', { value: '1' })
    if (dialect === 'bash') this.variables.put('BASH_VERSION', { value: '5.2.15(1)-release' })
  }

  /** One for a script of its own, of the same dialect. */
  another(process: Process, name: string): Shell {
    return new Shell(process, this.dialect, name)
  }

  /** A whole script; its exit code. */
  *main(run: () => Step<number>): Step<number> {
    let code: number
    try {
      code = yield* run()
    } catch (error) {
      code = yield* this.#unwound(error)
    }
    return yield* this.end(code)
  }

  /** A file's commands. */
  script(path: string, args: readonly string[]): Step<number> {
    this.isScript = true
    this.isNamed = true
    this.positional = args
    return this.main(() => this.evaluate(this.process.files.readText(this.absolute(path)), 'main', true))
  }

  /** The EXIT trap, once. */
  *end(code: number): Step<number> {
    const text = this.traps.get('EXIT')
    if (text === undefined || text === '' || this.#isEnding) return code
    this.#isEnding = true
    this.traps.delete('EXIT')
    this.status = code
    try {
      yield* this.evaluate(text, 'trap')
      return code
    } catch (error) {
      return yield* this.#unwound(error)
    }
  }

  /** What ended a script, as its exit code; a fault is said. */
  *#unwound(error: unknown): Step<number> {
    if (error instanceof Exit || error instanceof Return) return error.code
    if (error instanceof LoopJump) return 0
    return yield* this.faultStatus(error)
  }

  *faultStatus(error: unknown): Step<number> {
    if (error instanceof SyntaxFault) {
      yield* this.process.complain(syntaxWords(this, error))
      return 2
    }
    if (error instanceof ShellFault) {
      yield* this.complain(error.message)
      return error.code
    }
    if (error instanceof ReadonlyFault) {
      yield* this.complain(this.dialect === 'bash' ? error.message : `${error.variable}: is read only`)
      return this.dialect === 'bash' ? 1 : 2
    }
    if (error instanceof SystemError && error.errno !== 'EPIPE') {
      yield* this.complain(error.errno === 'EAGAIN' ? `can't fork: ${error.message}` : error.message)
      return 2
    }
    throw error
  }

  /** Text as commands, line by line; `tail`: nothing comes after it, and the last command may take the shell's place. */
  *evaluate(text: string, from: 'main' | 'eval' | 'trap' | 'source', tail = false): Step<number> {
    const parser = new Parser(text, this.dialect)
    if (from !== 'main' && from !== 'source') parser.line = this.line
    let status = 0
    for (;;) {
      const list = parser.next()
      if (list === undefined) return status
      if (this.options.verbose) yield* this.process.complain(`${list.items.map(item => item.text).join('; ')}\n`)
      parser.skipBlanks()
      status = yield* this.run(list, tail && parser.text.slice(parser.at).trim() === '')
    }
  }

  *run(list: List, tail = false): Step<number> {
    const last = list.items.length - 1
    for (const [index, { chain, isBackground, text }] of list.items.entries()) {
      if (isBackground) yield* this.#background(chain, text)
      else this.status = yield* this.chain(chain, tail && index === last)
    }
    return this.status
  }

  *chain({ first, rest }: Chain, tail: boolean): Step<number> {
    let status: number
    if (rest.length === 0) status = yield* this.#pipeline(first, tail)
    else {
      status = yield* this.testing(() => this.#pipeline(first, false))
      for (const [index, { operator, pipeline }] of rest.entries()) {
        if ((operator === '&&') !== (status === 0)) continue
        const isLast = index === rest.length - 1
        status = isLast
          ? yield* this.#pipeline(pipeline, tail)
          : yield* this.testing(() => this.#pipeline(pipeline, false))
        if (isLast) return status
      }
    }
    return status
  }

  *testing<T>(body: () => Step<T>): Step<T> {
    this.#tested++
    try {
      return yield* body()
    } finally {
      this.#tested--
    }
  }

  *#pipeline(pipeline: Pipeline, tail: boolean): Step<number> {
    const { commands, isNegated, timed } = pipeline
    const started = this.process.clock.now()
    const only = commands.length === 1 ? commands[0] : undefined
    let status: number
    const run = () =>
      only === undefined ? this.#pipe(commands) : this.command(only, tail && !isNegated && timed === undefined)
    if (commands.length === 0) status = 0
    else status = isNegated ? yield* this.testing(run) : yield* run()
    if (only !== undefined) this.pipeStatus = [status]
    if (isNegated) status = status === 0 ? 1 : 0
    this.status = status
    if (timed !== undefined) yield* tellTime(this, this.process.clock.now() - started, timed)
    yield* this.runTraps()
    if (status !== 0 && !isNegated && this.#tested === 0) {
      const onError = this.traps.get('ERR')
      if (onError && only?.kind !== 'group') {
        yield* this.evaluate(onError, 'trap')
        this.status = status
      }
      if (this.options.errexit) throw new Exit(status)
    }
    return status
  }

  *#pipe(commands: readonly Command[]): Step<number> {
    const children: Child[] = []
    let input: Stream | undefined
    let group: number | undefined
    for (const [index, command] of commands.entries()) {
      const given = new Redirected(this.process.descriptors)
      if (input !== undefined) given.set(0, input)
      const pipe = index < commands.length - 1 ? new Pipe() : undefined
      if (pipe !== undefined) given.set(1, pipe.writeEnd)
      input = pipe?.readEnd
      const child = this.fork(shell => shell.command(command, true), {
        descriptors: given.forChild(),
        group: this.groupFor(group),
      })
      group ??= child.pid
      children.push(child)
    }
    return yield* this.foreground(children, group!)
  }

  groupFor(group: number | undefined): number | undefined {
    return this.options.monitor ? (group ?? 0) : undefined
  }

  /** Waits for them; with job control they are in front of the terminal meanwhile. */
  *foreground(children: readonly Child[], group: number, args: readonly string[] = []): Step<number> {
    const terminal = this.options.monitor ? terminalOf(this.process) : undefined
    if (terminal) terminal.foreground = group
    const codes: number[] = []
    try {
      for (const child of children) codes.push(yield* child.exited())
    } finally {
      if (terminal) terminal.foreground = this.process.group
    }
    this.pipeStatus = codes
    const last = children.at(-1)!
    if (terminal && last.signal === 'INT') yield* this.process.print('\n')
    else if (last.signal !== undefined) yield* tellSignal(this, last.signal, last.pid, args)
    return this.options.pipefail ? (codes.findLast(code => code !== 0) ?? 0) : codes.at(-1)!
  }

  *#background(chain: Chain, text: string): Step<void> {
    const given = new Redirected(this.process.descriptors)
    const isAlone = !this.options.monitor
    const child = this.fork(
      function* (shell) {
        if (isAlone) {
          shell.process.descriptors.get(0)?.close()
          shell.process.descriptors.set(0, nothing())
        }
        return yield* shell.chain(chain, true)
      },
      { descriptors: given.forChild(), group: this.groupFor(undefined), ignores: isAlone ? ['INT', 'QUIT'] : [] },
    )
    const job = this.jobs.add([child], text)
    this.lastBackground = child.pid
    this.status = 0
    if (this.isInteractive) yield* this.process.complain(`[${job.id}] ${child.pid}\n`)
  }

  /** A subshell: a child with a copy of everything. */
  fork(
    body: (shell: Shell) => Step<number>,
    options: {
      descriptors?: Map<number, Stream>
      group?: number | undefined
      ignores?: readonly Signal[]
    } = {},
  ): Child {
    const snapshot: Snapshot = {
      shell: this,
      variables: new Variables(this.variables),
      positional: this.positional,
      functions: new Map(this.functions),
      options: { ...this.options, monitor: false },
      shopts: new Set(this.shopts),
      traps: new Map(this.traps),
      status: this.status,
      lastBackground: this.lastBackground,
      line: this.line,
      tested: this.#tested,
    }
    const { dialect, name } = this
    return this.process.spawn({
      argv: this.process.argv,
      env: this.variables.exported,
      program: process => {
        const shell = new Shell(process, dialect, name, snapshot)
        return shell.main(() => body(shell))
      },
      ...options,
    })
  }

  *command(command: Command, tail = false): Step<number> {
    if (command.kind === 'simple') return yield* simple(this, command, tail)
    if (command.kind === 'function') {
      this.functions.set(command.name, command.body)
      return 0
    }
    if (command.redirects.length === 0) return yield* compound(this, command, tail)
    let given: Redirected
    try {
      given = yield* redirected(this, command.redirects)
    } catch (error) {
      return yield* redirectStatus(this, error)
    }
    const restore = given.swapInto(this.process.descriptors)
    try {
      return yield* compound(this, command, false)
    } finally {
      restore()
    }
  }

  *call(name: string, body: Command, args: readonly string[]): Step<number> {
    if (++this.#calls > deepestCalls) {
      this.#calls = 0
      throw new ShellFault(`${name}: maximum function nesting level exceeded (${deepestCalls})`, 1)
    }
    const before = { positional: this.positional, loops: this.loops, names: this.functionNames }
    this.positional = args
    this.loops = 0
    this.callers++
    this.functionNames = [name, ...before.names]
    this.variables.enter()
    try {
      return yield* this.command(body)
    } catch (error) {
      if (!(error instanceof Return)) throw error
      return error.code
    } finally {
      this.variables.leave()
      this.positional = before.positional
      this.loops = before.loops
      this.functionNames = before.names
      this.callers--
      this.#calls--
    }
  }

  /** Nothing of it is needed any more once its last command has begun. */
  get mayBeReplaced(): boolean {
    return !this.isInteractive && this.traps.size === 0 && this.processSubstitutions.length === 0
  }

  *calculate(expression: Word): Step<bigint> {
    return this.number(yield* expandText(this, expression))
  }

  number(text: string): bigint {
    try {
      return evaluate(text, {
        get: (name, index) => (index === undefined ? this.parameter(name) : element(this, name, index)),
        set: (name, index, value) =>
          index === undefined ? this.assign(name, value) : setElement(this, name, index, value, false),
      })
    } catch (error) {
      if (!(error instanceof ArithmeticFault)) throw error
      const isBash = this.dialect === 'bash'
      const words = isBash && error.message.startsWith('div') ? 'division by 0' : error.message
      throw new ShellFault(isBash ? `${text}: ${words}` : words, isBash ? 1 : 2)
    }
  }

  /** `$name`, as text; undefined: not set. */
  parameter(name: string): string | undefined {
    if (/^\d/.test(name)) return name === '0' ? this.name : this.positional[Number(name) - 1]
    switch (name) {
      case '?':
        return String(this.status)
      case '#':
        return String(this.positional.length)
      case '$':
        return String(this.mainPid)
      case '!':
        return this.lastBackground === undefined ? undefined : String(this.lastBackground)
      case '-':
        return flagsOf(this)
      case '@':
      case '*':
        return this.positional.join(' ')
    }
    const found = this.variables.get(name)
    if (found !== undefined) return found
    return specialParameter(this, name)
  }

  assign(name: string, text: string): void {
    const variable = this.variables.find(name)
    const value = variable?.isInteger
      ? String(this.number(text))
      : variable?.case === 'upper'
        ? text.toUpperCase()
        : variable?.case === 'lower'
          ? text.toLowerCase()
          : text
    this.variables.set(name, value)
    if (this.options.allexport && !variable?.isExported)
      this.variables.put(name, { ...this.variables.find(name)!, isExported: true })
  }

  /** A signal came that has a trap: it is run between two commands. */
  note(signal: Signal): void {
    this.#pending.push(signal)
    this.trapped.tell()
  }

  get hasPending(): boolean {
    return this.#pending.length > 0
  }

  get firstPending(): Signal | undefined {
    return this.#pending[0]
  }

  *runTraps(): Step<void> {
    while (this.#pending.length > 0) {
      const signal = this.#pending.shift()!
      const text = this.traps.get(signal)
      if (!text) continue
      const { status } = this
      yield* this.evaluate(text, 'trap')
      this.status = status
    }
  }

  absolute(path: string): string {
    return path.startsWith('/') ? path : `${this.process.cwd === '/' ? '' : this.process.cwd}/${path}`
  }

  /** An error of the shell's, or of one of its builtins, worded as the dialect words it. */
  *complain(message: string, builtin?: string): Step<void> {
    yield* this.process.complain(`${this.prefix(builtin)}${message}\n`)
  }

  prefix(builtin: string | undefined): string {
    const of = builtin === undefined ? '' : `${builtin}: `
    if (this.dialect === 'dash') return `${this.name}: ${this.line}: ${of}`
    if (this.isInteractive) return `${this.name}: ${of}`
    if (this.dialect === 'bash') return `${this.name}: line ${this.line}: ${of}`
    return builtin === undefined && !this.isNamed
      ? `${this.name}: `
      : `${this.name}: ${of}line ${this.ashLine(this.line)}: `
  }

  /** What busybox prints for a tool that is built into its shell. */
  get applet(): string {
    return this.dialect === 'bash' ? this.prefix(undefined) : `${this.name.replace(/.*\//, '')}: `
  }

  /** ash counts the lines of a `-c` from 0. */
  ashLine(line: number): number {
    return this.isText ? line - 1 : line
  }
}

/** What a subshell begins with: as the shell was when it was forked. */
interface Snapshot {
  readonly shell: Shell
  readonly variables: Variables
  readonly positional: readonly string[]
  readonly functions: Map<string, Command>
  readonly options: Options
  readonly shopts: Set<string>
  readonly traps: ReadonlyMap<string, string>
  readonly status: number
  readonly lastBackground: number | undefined
  readonly line: number
  readonly tested: number
}

function noOptions(): Options {
  return {
    allexport: false,
    errexit: false,
    monitor: false,
    noclobber: false,
    noexec: false,
    noglob: false,
    nounset: false,
    pipefail: false,
    verbose: false,
    xtrace: false,
  }
}
