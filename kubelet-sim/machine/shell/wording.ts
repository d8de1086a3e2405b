// What a shell says of syntax, of signals that ended what it ran, and of `time`, as each dialect words it. Called by shell.ts.

import type { Signal } from '../process.ts'
import type { Step } from '../wait.ts'
import type { Shell } from './shell.ts'
import type { SyntaxFault } from './syntax.ts'

export function* tellTime(shell: Shell, millis: number, format: 'posix' | 'plain'): Step<void> {
  const seconds = millis / 1000
  if (format === 'posix') {
    yield* shell.process.complain(`real ${seconds.toFixed(2)}\nuser 0.00\nsys 0.00\n`)
    return
  }
  const digits = shell.dialect === 'bash' ? 3 : 2
  const words = (value: number) =>
    `${Math.floor(value / 60)}m${shell.dialect === 'bash' ? '' : ' '}${(value % 60).toFixed(digits)}s`
  yield* shell.process.complain(
    `${shell.dialect === 'bash' ? '\n' : ''}real\t${words(seconds)}\nuser\t${words(0)}\nsys\t${words(0)}\n`,
  )
}

export function* tellSignal(shell: Shell, signal: Signal, pid: number, args: readonly string[]): Step<void> {
  const words = signalWords[signal]
  if (words === undefined) return
  const isShort = shell.dialect !== 'bash' || signal === 'TERM' || shell.isInteractive
  const text = isShort
    ? words
    : `${shell.prefix(undefined)}${String(pid).padStart(5)} ${words.padEnd(24)}${args.join(' ')}`
  yield* shell.process.complain(`${text}\n`)
}

export function syntaxWords(shell: Shell, fault: SyntaxFault): string {
  const { message, line, found } = fault
  if (shell.dialect === 'ash')
    return `${shell.name}: ${shell.isNamed ? `line ${shell.ashLine(line)}: ` : ''}syntax error: ${message}\n`
  if (shell.dialect === 'dash')
    return `${shell.name}: ${line}: Syntax error: ${message[0]!.toUpperCase()}${message.slice(1)}\n`
  const where = `${shell.name}: ${shell.isScript || shell.isInteractive ? '' : '-c: '}line ${line}: `
  if (found !== undefined) return `${where}syntax error near unexpected token \`${found}'\n`
  if (message.includes('quoted')) return `${where}unexpected EOF while looking for matching \`"'\n`
  return `${where}syntax error: unexpected end of file\n`
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
