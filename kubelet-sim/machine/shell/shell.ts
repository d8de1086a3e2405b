// Shell: the interpreter of one shell process: its variables, functions, options, traps and jobs, and how each kind of command
// is run. Subshells are processes of their own with a copy of it. What waits or runs are steps; builtins/ has what it does itself.

import { nothing } from '../open-stream.ts'
import { Pipe } from '../pipe.ts'
import type { Child, Process, Signal, Stream } from '../process.ts'
import { SystemError } from '../system-error.ts'
import { terminalOf } from '../terminal.ts'
import type { Step } from '../wait.ts'
import { turn, Waiters } from '../waiters.ts'
import { ArithmeticFault, evaluate } from './arithmetic.ts'
import { builtins, isSpecial } from './builtins/index.ts'
import { pathOf } from './builtins/lookup.ts'
import { judge } from './conditions.ts'
import { expandPattern, expandText, expandWords } from './expansion.ts'
import { Exit, LoopJump, Return, ShellFault } from './faults.ts'
import { Jobs } from './jobs.ts'
import { quoteForReuse } from './parameters.ts'
import { Parser } from './parser.ts'
import { compilePattern, matches } from './patterns.ts'
import { Redirected, RedirectFault, redirected } from './redirects.ts'
import {
  type Assignment,
  type Chain,
  type Command,
  type Dialect,
  type List,
  type Pipeline,
  type ProcessPart,
  type SimpleCommand,
  SyntaxFault,
  type Word,
} from './syntax.ts'
import { isIndexed, ReadonlyFault, Variables } from './variables.ts'

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

type Compound = Exclude<Command, SimpleCommand | { kind: 'function' }>

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
  randomState = 0
  /** Trapped signals that came, and who waits for one. */
  readonly trapped = new Waiters()
  #pending: Signal[] = []
  /** In the test of if, while, && and !: errexit does not hold. */
  #tested = 0
  /** Of the last $(…), for a command that is only an assignment. */
  #substituted: number | undefined
  #processSubstitutions: number[] = []
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
      yield* this.process.complain(this.syntaxWords(error))
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
      else this.status = yield* this.#chain(chain, tail && index === last)
    }
    return this.status
  }

  *#chain({ first, rest }: Chain, tail: boolean): Step<number> {
    let status: number
    if (rest.length === 0) status = yield* this.#pipeline(first, tail)
    else {
      status = yield* this.#testing(() => this.#pipeline(first, false))
      for (const [index, { operator, pipeline }] of rest.entries()) {
        if ((operator === '&&') !== (status === 0)) continue
        const isLast = index === rest.length - 1
        status = isLast
          ? yield* this.#pipeline(pipeline, tail)
          : yield* this.#testing(() => this.#pipeline(pipeline, false))
        if (isLast) return status
      }
    }
    return status
  }

  *#testing<T>(body: () => Step<T>): Step<T> {
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
    else status = isNegated ? yield* this.#testing(run) : yield* run()
    if (only !== undefined) this.pipeStatus = [status]
    if (isNegated) status = status === 0 ? 1 : 0
    this.status = status
    if (timed !== undefined) yield* this.#tellTime(this.process.clock.now() - started, timed)
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

  *#tellTime(millis: number, format: 'posix' | 'plain'): Step<void> {
    const seconds = millis / 1000
    if (format === 'posix') {
      yield* this.process.complain(`real ${seconds.toFixed(2)}\nuser 0.00\nsys 0.00\n`)
      return
    }
    const digits = this.dialect === 'bash' ? 3 : 2
    const words = (value: number) =>
      `${Math.floor(value / 60)}m${this.dialect === 'bash' ? '' : ' '}${(value % 60).toFixed(digits)}s`
    yield* this.process.complain(
      `${this.dialect === 'bash' ? '\n' : ''}real\t${words(seconds)}\nuser\t${words(0)}\nsys\t${words(0)}\n`,
    )
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
        group: this.#groupFor(group),
      })
      group ??= child.pid
      children.push(child)
    }
    return yield* this.foreground(children, group!)
  }

  #groupFor(group: number | undefined): number | undefined {
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
    else if (last.signal !== undefined) yield* this.#tellSignal(last.signal, last.pid, args)
    return this.options.pipefail ? (codes.findLast(code => code !== 0) ?? 0) : codes.at(-1)!
  }

  *#tellSignal(signal: Signal, pid: number, args: readonly string[]): Step<void> {
    const words = signalWords[signal]
    if (words === undefined) return
    const isShort = this.dialect !== 'bash' || signal === 'TERM' || this.isInteractive
    const text = isShort
      ? words
      : `${this.prefix(undefined)}${String(pid).padStart(5)} ${words.padEnd(24)}${args.join(' ')}`
    yield* this.process.complain(`${text}\n`)
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
        return yield* shell.#chain(chain, true)
      },
      { descriptors: given.forChild(), group: this.#groupFor(undefined), ignores: isAlone ? ['INT', 'QUIT'] : [] },
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
      descriptors?: ReadonlyMap<number, Stream>
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
    if (command.kind === 'simple') return yield* this.#simple(command, tail)
    if (command.kind === 'function') {
      this.functions.set(command.name, command.body)
      return 0
    }
    if (command.redirects.length === 0) return yield* this.#compound(command, tail)
    let given: Redirected
    try {
      given = yield* redirected(this, command.redirects)
    } catch (error) {
      return yield* this.#redirectStatus(error)
    }
    const restore = given.swapInto(this.process.descriptors)
    try {
      return yield* this.#compound(command, false)
    } finally {
      restore()
    }
  }

  *#redirectStatus(error: unknown): Step<number> {
    if (!(error instanceof RedirectFault)) throw error
    yield* this.complain(error.message)
    return this.dialect === 'dash' ? 2 : 1
  }

  *#compound(command: Compound, tail: boolean): Step<number> {
    switch (command.kind) {
      case 'group':
        return yield* this.run(command.body, tail)
      case 'subshell': {
        if (tail && this.isSubshell && this.traps.size === 0) return yield* this.run(command.body, true)
        const child = this.fork(shell => shell.run(command.body, true), { group: this.#groupFor(undefined) })
        return yield* this.foreground([child], child.pid)
      }
      case 'if':
        for (const { test, body } of command.branches) {
          if ((yield* this.#testing(() => this.run(test))) === 0) return yield* this.run(body, tail)
        }
        return command.otherwise === undefined ? 0 : yield* this.run(command.otherwise, tail)
      case 'loop':
        return yield* this.#loop(
          function* (this: Shell) {
            const status = yield* this.#testing(() => this.run(command.test))
            return (status === 0) !== command.isUntil
          }.bind(this),
          command.body,
        )
      case 'for': {
        const words = command.words === undefined ? this.positional : yield* expandWords(this, command.words)
        let index = 0
        return yield* this.#loop(
          // biome-ignore lint/correctness/useYield: a step like all others
          function* (this: Shell) {
            if (index >= words.length) return false
            this.assign(command.name, words[index++]!)
            return true
          }.bind(this),
          command.body,
        )
      }
      case 'count': {
        yield* this.calculate(command.start)
        let isFirst = true
        const hasTest = command.test.parts.length > 0 && command.test.literal?.trim() !== ''
        return yield* this.#loop(
          function* (this: Shell) {
            if (!isFirst) yield* this.calculate(command.step)
            isFirst = false
            return !hasTest || (yield* this.calculate(command.test)) !== 0n
          }.bind(this),
          command.body,
        )
      }
      case 'case':
        return yield* this.#case(command)
      case 'select':
        return yield* this.#select(command)
      case 'condition':
        return (yield* judge(this, command.expression)) ? 0 : 1
      case 'arithmetic':
        try {
          return (yield* this.calculate(command.expression)) === 0n ? 1 : 0
        } catch (error) {
          if (!(error instanceof ShellFault)) throw error
          yield* this.complain(error.message)
          return 1
        }
    }
  }

  *#loop(test: () => Step<boolean>, body: List): Step<number> {
    let status = 0
    this.loops++
    try {
      for (;;) {
        try {
          yield turn
          if (!(yield* test())) return status
          status = yield* this.run(body)
        } catch (error) {
          if (!(error instanceof LoopJump)) throw error
          status = 0
          if (--error.levels > 0 && this.loops > 1) throw error
          if (error.kind === 'break') return status
        }
      }
    } finally {
      this.loops--
    }
  }

  *#case(command: Extract<Compound, { kind: 'case' }>): Step<number> {
    const subject = yield* expandText(this, command.subject)
    let status = 0
    let falls = false
    for (const { patterns, body, end } of command.branches) {
      let isMatch = falls
      for (const word of patterns) {
        if (isMatch) break
        isMatch = matches(compilePattern(yield* expandPattern(this, word)), subject)
      }
      if (!isMatch) continue
      status = body.items.length === 0 ? 0 : yield* this.run(body)
      if (end === ';;') return status
      falls = end === ';&'
    }
    return status
  }

  *#select(command: Extract<Compound, { kind: 'select' }>): Step<number> {
    const words = command.words === undefined ? this.positional : yield* expandWords(this, command.words)
    return yield* this.#loop(
      function* (this: Shell) {
        for (const [index, word] of words.entries()) yield* this.process.complain(`${index + 1}) ${word}\n`)
        yield* this.process.complain(this.variables.get('PS3') ?? '#? ')
        const line = yield* this.process.readLine()
        if (line === undefined) return false
        this.assign('REPLY', line)
        this.assign(command.name, words[Number(line) - 1] ?? '')
        return true
      }.bind(this),
      command.body,
    )
  }

  *#simple(command: SimpleCommand, tail: boolean): Step<number> {
    this.line = command.line
    yield turn
    this.#substituted = undefined
    const { args, declared } = yield* this.#arguments(command)
    try {
      const name = args[0]
      if (name === undefined) return yield* this.#assignOnly(command)
      if (this.options.xtrace) yield* this.#trace(command, args)
      return yield* this.#invoke(command, name, args, declared, tail)
    } finally {
      this.#closeProcessSubstitutions()
    }
  }

  *#arguments({
    words,
    declarations,
  }: SimpleCommand): Step<{ args: string[]; declared: Map<number, Assignment> | undefined }> {
    if (declarations === undefined) return { args: yield* expandWords(this, words), declared: undefined }
    const args: string[] = []
    const declared = new Map<number, Assignment>()
    for (const [index, word] of words.entries()) {
      const assignment = declarations.get(index)
      if (assignment === undefined) {
        args.push(...(yield* expandWords(this, [word])))
        continue
      }
      declared.set(args.length, assignment)
      const value = isWord(assignment.value) ? yield* expandText(this, assignment.value, 'assignment') : ''
      args.push(`${assignment.name}=${value}`)
    }
    return { args, declared }
  }

  *#assignOnly({ assignments, redirects }: SimpleCommand): Step<number> {
    if (redirects.length > 0) {
      try {
        ;(yield* redirected(this, redirects)).close()
      } catch (error) {
        return yield* this.#redirectStatus(error)
      }
    }
    for (const assignment of assignments) {
      yield* this.assignWord(assignment)
      if (this.options.xtrace && isWord(assignment.value)) {
        const traced = this.variables.get(assignment.name) ?? ''
        yield* this.process.complain(`${this.variables.get('PS4') ?? ''}${assignment.name}=${traceWord(traced)}\n`)
      }
    }
    return this.#substituted ?? 0
  }

  *#trace({ assignments }: SimpleCommand, args: readonly string[]): Step<void> {
    let text = this.variables.get('PS4') ?? ''
    for (const { name, value } of assignments) {
      if (isWord(value)) text += `${name}=${traceWord(yield* expandText(this, value))} `
    }
    yield* this.process.complain(`${text}${args.map(traceWord).join(' ')}\n`)
  }

  *#invoke(
    command: SimpleCommand,
    name: string,
    args: string[],
    declared: Map<number, Assignment> | undefined,
    tail: boolean,
  ): Step<number> {
    const body = this.functions.get(name)
    const builtin = body === undefined ? builtins.get(name) : undefined
    let given: Redirected | undefined
    if (command.redirects.length > 0) {
      try {
        given = yield* redirected(this, command.redirects)
      } catch (error) {
        const status = yield* this.#redirectStatus(error)
        if (builtin !== undefined && isSpecial(name) && this.dialect !== 'bash' && !this.isInteractive)
          throw new Exit(status)
        return status
      }
    }
    if (body === undefined && builtin === undefined) return yield* this.external(command.assignments, args, given, tail)
    if (name === 'exec' && builtin !== undefined) {
      given?.moveInto(this.process.descriptors)
      given = undefined
    }
    const restore = given?.swapInto(this.process.descriptors)
    const keeps = builtin !== undefined && isSpecial(name) && this.dialect !== 'bash'
    const undo = keeps ? undefined : this.#remember(command.assignments)
    try {
      for (const assignment of command.assignments) yield* this.assignWord(assignment, true)
      if (body !== undefined) return yield* this.call(name, body, args.slice(1))
      return yield* builtin!(this, args, declared)
    } catch (error) {
      if (error instanceof SystemError && error.errno !== 'EPIPE') {
        yield* this.complain(`${error.message}`, name)
        return 1
      }
      if (error instanceof ReadonlyFault && this.dialect === 'bash') return yield* this.faultStatus(error)
      throw error
    } finally {
      undo?.()
      restore?.()
    }
  }

  #remember(assignments: readonly Assignment[]): (() => void) | undefined {
    if (assignments.length === 0) return undefined
    const before = assignments.map(({ name }) => [name, this.variables.find(name)] as const)
    return () => {
      for (const [name, variable] of before) {
        if (variable === undefined) this.variables.unset(name)
        else this.variables.put(name, variable)
      }
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

  /** A program of the container's. */
  *external(
    assignments: readonly Assignment[],
    args: readonly string[],
    given: Redirected | undefined,
    tail: boolean,
  ): Step<number> {
    let env = this.variables.exported
    if (assignments.length > 0) {
      const own = new Map(env)
      for (const { name, value } of assignments)
        if (isWord(value)) own.set(name, yield* expandText(this, value, 'assignment'))
      env = own
    }
    const view = given ?? new Redirected(this.process.descriptors)
    if (tail && this.mayBeReplaced) {
      let replacing: Step<number> | undefined
      try {
        replacing = this.process.exec({ argv: args, env })
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
        if (error.errno !== 'ENOEXEC') {
          view.moveInto(this.process.descriptors)
          return yield* this.notStarted(args, error)
        }
      }
      if (replacing !== undefined) {
        view.moveInto(this.process.descriptors)
        return yield* replacing
      }
    }
    const descriptors = view.forChild()
    let child: Child
    try {
      child = this.process.spawn({
        argv: args,
        env,
        descriptors,
        cwd: this.process.cwd,
        group: this.#groupFor(undefined),
      })
    } catch (error) {
      for (const stream of descriptors.values()) stream.close()
      if (error instanceof SystemError && error.errno === 'ENOEXEC') return yield* this.#runText(args, env, given)
      if (!(error instanceof SystemError)) throw error
      const restore = view.swapInto(this.process.descriptors)
      try {
        return yield* this.notStarted(args, error)
      } finally {
        restore()
      }
    }
    return yield* this.foreground([child], child.pid, args)
  }

  /** Nothing of it is needed any more once its last command has begun. */
  get mayBeReplaced(): boolean {
    return !this.isInteractive && this.traps.size === 0 && this.#processSubstitutions.length === 0
  }

  /** A text without `#!` is a script of this shell's. */
  *#runText(args: readonly string[], env: ReadonlyMap<string, string>, given: Redirected | undefined): Step<number> {
    const path = pathOf(this, args[0]!) ?? args[0]!
    const { dialect } = this
    const child = this.process.spawn({
      argv: args,
      env,
      program: process => new Shell(process, dialect, path).script(path, args.slice(1)),
      ...(given ? { descriptors: given.forChild() } : {}),
    })
    return yield* this.foreground([child], child.pid)
  }

  *notStarted(args: readonly string[], error: SystemError): Step<number> {
    const name = args[0]!
    if (error.errno !== 'ENOENT') {
      yield* this.complain(
        `${name}: ${this.dialect === 'bash' && this.#isFolder(name) ? 'Is a directory' : error.message}`,
      )
      return 126
    }
    const words = this.dialect === 'bash' ? (name.includes('/') ? error.message : 'command not found') : 'not found'
    yield* this.complain(`${name}: ${words}`)
    return 127
  }

  #isFolder(name: string): boolean {
    const path = this.absolute(name)
    return this.process.files.exists(path) && this.process.files.stat(path).kind === 'directory'
  }

  /** $(…): what it prints, without the line ends at its end. */
  *substitute(list: List): Step<string> {
    const read = this.#readOnly(list)
    if (read !== undefined) return trimNewlines(yield* this.#contentOf(read))
    const pipe = new Pipe()
    const given = new Redirected(this.process.descriptors)
    given.set(1, pipe.writeEnd)
    const child = this.fork(shell => shell.run(list, true), { descriptors: given.forChild() })
    const parts: Uint8Array[] = []
    let held = 0
    try {
      for (;;) {
        const part = yield* pipe.readEnd.read(65536)
        if (part === undefined) break
        parts.push(part)
        held += part.length
        this.process.allocate(part.length)
      }
    } finally {
      pipe.readEnd.close()
      this.process.allocate(-held)
    }
    this.#substituted = yield* child.exited()
    this.status = this.#substituted
    return trimNewlines(Buffer.concat(parts).toString().replaceAll('\0', ''))
  }

  /** `$(<file)` */
  #readOnly({ items }: List): Word | undefined {
    const command = items.length === 1 ? items[0]!.chain.first.commands[0] : undefined
    if (command?.kind !== 'simple' || items[0]!.chain.rest.length > 0 || items[0]!.chain.first.commands.length > 1)
      return undefined
    const isOnly = command.words.length === 0 && command.assignments.length === 0 && command.redirects.length === 1
    return isOnly && command.redirects[0]!.operator === '<' ? command.redirects[0]!.target : undefined
  }

  *#contentOf(word: Word): Step<string> {
    const path = yield* expandText(this, word)
    try {
      return this.process.files.readText(this.absolute(path))
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      this.#substituted = 1
      yield* this.complain(this.dialect === 'bash' ? `${path}: ${error.message}` : `can't open ${path}: no such file`)
      return ''
    }
  }

  /** A path that leads to what the commands in it print or read. */
  processSubstitution({ direction, body }: ProcessPart): string {
    const pipe = new Pipe()
    const given = new Redirected(this.process.descriptors)
    given.set(direction === '<' ? 1 : 0, direction === '<' ? pipe.writeEnd : pipe.readEnd)
    this.fork(shell => shell.run(body, true), { descriptors: given.forChild() })
    let number = 63
    while (this.process.descriptors.has(number)) number--
    this.process.descriptors.set(number, direction === '<' ? pipe.readEnd : pipe.writeEnd)
    this.#processSubstitutions.push(number)
    return `/dev/fd/${number}`
  }

  #closeProcessSubstitutions(): void {
    if (this.#processSubstitutions.length === 0) return
    for (const number of this.#processSubstitutions) {
      this.process.descriptors.get(number)?.close()
      this.process.descriptors.delete(number)
    }
    this.#processSubstitutions = []
  }

  *calculate(expression: Word): Step<bigint> {
    return this.number(yield* expandText(this, expression))
  }

  number(text: string): bigint {
    try {
      return evaluate(text, {
        get: (name, index) => (index === undefined ? this.parameter(name) : this.element(name, index)),
        set: (name, index, value) =>
          index === undefined ? this.assign(name, value) : this.setElement(name, index, value, false),
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
        return this.flags
      case '@':
      case '*':
        return this.positional.join(' ')
    }
    const found = this.variables.get(name)
    if (found !== undefined) return found
    switch (name) {
      case 'LINENO':
        return String(this.line)
      case 'PPID':
        return String(this.process.parent)
      case 'RANDOM':
        return this.dialect === 'dash' ? undefined : String(Math.floor(this.process.random.fraction() * 32768))
      case 'SECONDS':
        return this.dialect === 'bash'
          ? String(Math.floor((this.process.clock.now() - this.startedAt) / 1000))
          : undefined
      case 'EPOCHSECONDS':
        return this.dialect === 'dash' ? undefined : String(Math.floor(this.process.clock.now() / 1000))
      case 'HOSTNAME':
        return this.dialect === 'dash' ? undefined : this.process.machine.hostname
      case 'UID':
      case 'EUID':
        return this.dialect === 'bash' ? String(this.process.user.uid) : undefined
      case 'BASHPID':
        return this.dialect === 'bash' ? String(this.process.pid) : undefined
      case 'FUNCNAME':
        return this.dialect === 'bash' ? this.functionNames[0] : undefined
      case 'BASH_SOURCE':
        return this.dialect === 'bash' ? this.name : undefined
      case 'PIPESTATUS':
        return this.dialect === 'bash' ? String(this.pipeStatus[0] ?? 0) : undefined
    }
    return undefined
  }

  get flags(): string {
    const { allexport, errexit, monitor, noclobber, noexec, noglob, nounset, verbose, xtrace } = this.options
    return [
      ['a', allexport],
      ['e', errexit],
      ['f', noglob],
      ['i', this.isInteractive],
      ['m', monitor],
      ['n', noexec],
      ['u', nounset],
      ['v', verbose],
      ['x', xtrace],
      ['C', noclobber],
    ]
      .filter(([, isOn]) => isOn)
      .map(([letter]) => letter)
      .join('')
  }

  /** Of the arrays that the shell keeps itself. */
  arrayOf(name: string): readonly string[] | undefined {
    if (this.dialect !== 'bash') return undefined
    if (name === 'PIPESTATUS') return this.pipeStatus.map(String)
    return name === 'FUNCNAME' ? this.functionNames : undefined
  }

  element(name: string, index: string): string | undefined {
    if (name === 'PIPESTATUS') return this.pipeStatus[Number(index)]?.toString()
    if (name === 'FUNCNAME') return this.functionNames[Number(index)]
    const variable = this.variables.find(name)
    const value = variable?.value
    if (value === undefined) return undefined
    if (variable?.isAssociative && typeof value !== 'string') return (value as ReadonlyMap<string, string>).get(index)
    const number = Number(this.number(index))
    if (typeof value === 'string') return number === 0 ? value : undefined
    if (!isIndexed(value)) return undefined
    if (number >= 0) return value.get(number)
    return value.get(Math.max(-1, ...value.keys()) + 1 + number)
  }

  setElement(name: string, index: string, text: string, append: boolean): void {
    const variable = this.variables.find(name)
    if (variable?.isAssociative) {
      const elements = new Map(variable.value as ReadonlyMap<string, string> | undefined)
      elements.set(index, append ? (elements.get(index) ?? '') + text : text)
      this.variables.set(name, elements)
      return
    }
    const before = variable?.value
    const elements = new Map<number, string>(
      typeof before === 'string' ? [[0, before]] : (before as ReadonlyMap<number, string> | undefined),
    )
    const number = Number(this.number(index))
    const at = number < 0 ? Math.max(-1, ...elements.keys()) + 1 + number : number
    if (at < 0) throw new ShellFault(`${name}[${index}]: bad array subscript`, 1)
    elements.set(at, append ? (elements.get(at) ?? '') + text : text)
    this.variables.set(name, elements)
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

  /** `exports`: it is meant for one command alone. */
  *assignWord(assignment: Assignment, exports = false): Step<void> {
    const { name, append, value, subscript } = assignment
    if (!isWord(value)) {
      yield* this.#assignArray(assignment)
      return
    }
    const text = yield* expandText(this, value, 'assignment')
    if (subscript !== undefined) this.setElement(name, yield* expandText(this, subscript), text, append)
    else if (append && typeof this.variables.find(name)?.value === 'object') this.setElement(name, '0', text, true)
    else if (append && this.variables.find(name)?.isInteger)
      this.assign(name, `${this.variables.get(name) || 0} + ${text}`)
    else this.assign(name, append ? (this.variables.get(name) ?? '') + text : text)
    if (exports) this.variables.put(name, { ...this.variables.find(name)!, isExported: true })
  }

  *#assignArray({ name, append, value }: Assignment): Step<void> {
    if (isWord(value)) return
    const variable = this.variables.find(name)
    const before = append ? variable?.value : undefined
    if (variable?.isAssociative) {
      const elements = new Map(before as ReadonlyMap<string, string> | undefined)
      for (const element of value) {
        if (element.subscript)
          elements.set(yield* expandText(this, element.subscript), yield* expandText(this, element.value))
      }
      this.variables.set(name, elements)
      return
    }
    const elements = new Map<number, string>(
      typeof before === 'string' ? [[0, before]] : (before as ReadonlyMap<number, string> | undefined),
    )
    let next = Math.max(-1, ...elements.keys()) + 1
    for (const element of value) {
      if (element.subscript) {
        next = Number(yield* this.calculate(element.subscript))
        elements.set(next++, yield* expandText(this, element.value))
      } else for (const text of yield* expandWords(this, [element.value])) elements.set(next++, text)
    }
    this.variables.put(name, { ...variable, value: elements })
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

  syntaxWords(fault: SyntaxFault): string {
    const { message, line, found } = fault
    if (this.dialect === 'ash')
      return `${this.name}: ${this.isNamed ? `line ${this.ashLine(line)}: ` : ''}syntax error: ${message}\n`
    if (this.dialect === 'dash')
      return `${this.name}: ${line}: Syntax error: ${message[0]!.toUpperCase()}${message.slice(1)}\n`
    const where = `${this.name}: ${this.isScript || this.isInteractive ? '' : '-c: '}line ${line}: `
    if (found !== undefined) return `${where}syntax error near unexpected token \`${found}'\n`
    if (message.includes('quoted')) return `${where}unexpected EOF while looking for matching \`"'\n`
    return `${where}syntax error: unexpected end of file\n`
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

/** As strsignal has it; of INT and PIPE nothing is said. */
const signalWords: Readonly<Partial<Record<Signal, string>>> = {
  HUP: 'Hangup',
  QUIT: 'Quit',
  ABRT: 'Aborted',
  KILL: 'Killed',
  USR1: 'User defined signal 1',
  USR2: 'User defined signal 2',
  ALRM: 'Alarm clock',
  TERM: 'Terminated',
}

export function isWord(value: Assignment['value']): value is Word {
  return 'parts' in value
}

/** Whether a script can say it. */
export function isVariableName(text: string): boolean {
  return /^[A-Za-z_]\w*$/.test(text)
}

function trimNewlines(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === '\n') end--
  return text.slice(0, end)
}

function traceWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : quoteForReuse(text)
}
