// A command of words: expanded, its assignments and redirections made, then a function, a builtin or a program. Called by shell.ts.

import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { turn } from '../waiters.ts'
import { assignWord } from './assignments.ts'
import { builtins, isSpecial } from './builtins/index.ts'
import { expandText, expandWords } from './expansion.ts'
import { Exit } from './faults.ts'
import { quoteForReuse } from './parameters.ts'
import { external } from './programs.ts'
import { type Redirected, RedirectFault, redirected } from './redirects.ts'
import type { Shell } from './shell.ts'
import { closeProcessSubstitutions } from './substitution.ts'
import { type Assignment, isWord, type SimpleCommand } from './syntax.ts'
import { ReadonlyFault } from './variables.ts'

export function* simple(shell: Shell, command: SimpleCommand, tail: boolean): Step<number> {
  shell.line = command.line
  yield turn
  shell.substituted = undefined
  const { args, declared } = yield* argumentsOf(shell, command)
  try {
    const name = args[0]
    if (name === undefined) return yield* assignOnly(shell, command)
    if (shell.options.xtrace) yield* trace(shell, command, args)
    return yield* invoke(shell, command, name, args, declared, tail)
  } finally {
    closeProcessSubstitutions(shell)
  }
}

function* argumentsOf(
  shell: Shell,
  { words, declarations }: SimpleCommand,
): Step<{ args: string[]; declared: Map<number, Assignment> | undefined }> {
  if (declarations === undefined) return { args: yield* expandWords(shell, words), declared: undefined }
  const args: string[] = []
  const declared = new Map<number, Assignment>()
  for (const [index, word] of words.entries()) {
    const assignment = declarations.get(index)
    if (assignment === undefined) {
      args.push(...(yield* expandWords(shell, [word])))
      continue
    }
    declared.set(args.length, assignment)
    const value = isWord(assignment.value) ? yield* expandText(shell, assignment.value, 'assignment') : ''
    args.push(`${assignment.name}=${value}`)
  }
  return { args, declared }
}

function* assignOnly(shell: Shell, { assignments, redirects }: SimpleCommand): Step<number> {
  if (redirects.length > 0) {
    try {
      ;(yield* redirected(shell, redirects)).close()
    } catch (error) {
      return yield* redirectStatus(shell, error)
    }
  }
  for (const assignment of assignments) {
    yield* assignWord(shell, assignment)
    if (shell.options.xtrace && isWord(assignment.value)) {
      const traced = shell.variables.get(assignment.name) ?? ''
      yield* shell.process.complain(`${shell.variables.get('PS4') ?? ''}${assignment.name}=${traceWord(traced)}\n`)
    }
  }
  return shell.substituted ?? 0
}

function* trace(shell: Shell, { assignments }: SimpleCommand, args: readonly string[]): Step<void> {
  let text = shell.variables.get('PS4') ?? ''
  for (const { name, value } of assignments) {
    if (isWord(value)) text += `${name}=${traceWord(yield* expandText(shell, value))} `
  }
  yield* shell.process.complain(`${text}${args.map(traceWord).join(' ')}\n`)
}

function* invoke(
  shell: Shell,
  command: SimpleCommand,
  name: string,
  args: string[],
  declared: Map<number, Assignment> | undefined,
  tail: boolean,
): Step<number> {
  const body = shell.functions.get(name)
  const builtin = body === undefined ? builtins.get(name) : undefined
  let given: Redirected | undefined
  if (command.redirects.length > 0) {
    try {
      given = yield* redirected(shell, command.redirects)
    } catch (error) {
      const status = yield* redirectStatus(shell, error)
      if (builtin !== undefined && isSpecial(name) && shell.dialect !== 'bash' && !shell.isInteractive)
        throw new Exit(status)
      return status
    }
  }
  if (body === undefined && builtin === undefined) return yield* external(shell, command.assignments, args, given, tail)
  if (name === 'exec' && builtin !== undefined) {
    given?.moveInto(shell.process.descriptors)
    given = undefined
  }
  const restore = given?.swapInto(shell.process.descriptors)
  const keeps = builtin !== undefined && isSpecial(name) && shell.dialect !== 'bash'
  const undo = keeps ? undefined : remember(shell, command.assignments)
  try {
    for (const assignment of command.assignments) yield* assignWord(shell, assignment, true)
    if (body !== undefined) return yield* shell.call(name, body, args.slice(1))
    return yield* builtin!(shell, args, declared)
  } catch (error) {
    if (error instanceof SystemError && error.errno !== 'EPIPE') {
      yield* shell.complain(`${error.message}`, name)
      return 1
    }
    if (error instanceof ReadonlyFault && shell.dialect === 'bash') return yield* shell.faultStatus(error)
    throw error
  } finally {
    undo?.()
    restore?.()
  }
}

function remember(shell: Shell, assignments: readonly Assignment[]): (() => void) | undefined {
  if (assignments.length === 0) return undefined
  const before = assignments.map(({ name }) => [name, shell.variables.find(name)] as const)
  return () => {
    for (const [name, variable] of before) {
      if (variable === undefined) shell.variables.unset(name)
      else shell.variables.put(name, variable)
    }
  }
}

export function* redirectStatus(shell: Shell, error: unknown): Step<number> {
  if (!(error instanceof RedirectFault)) throw error
  yield* shell.complain(error.message)
  return shell.dialect === 'dash' ? 2 : 1
}

function traceWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : quoteForReuse(text)
}
