// Commands made of commands: groups, subshells, if, loops, case, select, [[ ]] and (( )). Called by shell.ts.

import type { Step } from '../wait.ts'
import { turn } from '../waiters.ts'
import { judge } from './conditions.ts'
import { expandPattern, expandText, expandWords } from './expansion.ts'
import { LoopJump, ShellFault } from './faults.ts'
import { compilePattern, matches } from './patterns.ts'
import type { Shell } from './shell.ts'
import type { Command, List, SimpleCommand } from './syntax.ts'

export type Compound = Exclude<Command, SimpleCommand | { kind: 'function' }>

export function* compound(shell: Shell, command: Compound, tail: boolean): Step<number> {
  switch (command.kind) {
    case 'group':
      return yield* shell.run(command.body, tail)
    case 'subshell': {
      if (tail && shell.isSubshell && shell.traps.size === 0) return yield* shell.run(command.body, true)
      const child = shell.fork(shell => shell.run(command.body, true), { group: shell.groupFor(undefined) })
      return yield* shell.foreground([child], child.pid)
    }
    case 'if':
      for (const { test, body } of command.branches) {
        if ((yield* shell.testing(() => shell.run(test))) === 0) return yield* shell.run(body, tail)
      }
      return command.otherwise === undefined ? 0 : yield* shell.run(command.otherwise, tail)
    case 'loop':
      return yield* loop(
        shell,
        function* () {
          const status = yield* shell.testing(() => shell.run(command.test))
          return (status === 0) !== command.isUntil
        },
        command.body,
      )
    case 'for': {
      const words = command.words === undefined ? shell.positional : yield* expandWords(shell, command.words)
      let index = 0
      return yield* loop(
        shell,
        // biome-ignore lint/correctness/useYield: a step like all others
        function* () {
          if (index >= words.length) return false
          shell.assign(command.name, words[index++]!)
          return true
        },
        command.body,
      )
    }
    case 'count': {
      yield* shell.calculate(command.start)
      let isFirst = true
      const hasTest = command.test.parts.length > 0 && command.test.literal?.trim() !== ''
      return yield* loop(
        shell,
        function* () {
          if (!isFirst) yield* shell.calculate(command.step)
          isFirst = false
          return !hasTest || (yield* shell.calculate(command.test)) !== 0n
        },
        command.body,
      )
    }
    case 'case':
      return yield* choose(shell, command)
    case 'select':
      return yield* select(shell, command)
    case 'condition':
      return (yield* judge(shell, command.expression)) ? 0 : 1
    case 'arithmetic':
      try {
        return (yield* shell.calculate(command.expression)) === 0n ? 1 : 0
      } catch (error) {
        if (!(error instanceof ShellFault)) throw error
        yield* shell.complain(error.message)
        return 1
      }
  }
}

function* loop(shell: Shell, test: () => Step<boolean>, body: List): Step<number> {
  let status = 0
  shell.loops++
  try {
    for (;;) {
      try {
        yield turn
        if (!(yield* test())) return status
        status = yield* shell.run(body)
      } catch (error) {
        if (!(error instanceof LoopJump)) throw error
        status = 0
        if (--error.levels > 0 && shell.loops > 1) throw error
        if (error.kind === 'break') return status
      }
    }
  } finally {
    shell.loops--
  }
}

function* choose(shell: Shell, command: Extract<Compound, { kind: 'case' }>): Step<number> {
  const subject = yield* expandText(shell, command.subject)
  let status = 0
  let falls = false
  for (const { patterns, body, end } of command.branches) {
    let isMatch = falls
    for (const word of patterns) {
      if (isMatch) break
      isMatch = matches(compilePattern(yield* expandPattern(shell, word)), subject)
    }
    if (!isMatch) continue
    status = body.items.length === 0 ? 0 : yield* shell.run(body)
    if (end === ';;') return status
    falls = end === ';&'
  }
  return status
}

function* select(shell: Shell, command: Extract<Compound, { kind: 'select' }>): Step<number> {
  const words = command.words === undefined ? shell.positional : yield* expandWords(shell, command.words)
  return yield* loop(
    shell,
    function* () {
      for (const [index, word] of words.entries()) yield* shell.process.complain(`${index + 1}) ${word}\n`)
      yield* shell.process.complain(shell.variables.get('PS3') ?? '#? ')
      const line = yield* shell.process.readLine()
      if (line === undefined) return false
      shell.assign('REPLY', line)
      shell.assign(command.name, words[Number(line) - 1] ?? '')
      return true
    },
    command.body,
  )
}
