// A tool as busybox has them: its usage, and what becomes of what it throws. Every file here exports one or a small family,
// listed in index.ts. They are written upon Process alone, in generator style (wait.ts).

import type { Process, Program } from '../process.ts'
import { SystemError } from '../system-error.ts'

const banner = 'BusyBox v1.36.1 (2023-05-18 22:34:17 UTC) multi-call binary.'

/** It was called in a way it does not know: the message, if any, then the usage. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** It cannot go on: `name: message`, and this exit code. */
export class ToolError extends Error {
  override readonly name = 'ToolError'
  readonly code: number

  constructor(message: string, code = 1) {
    super(message)
    this.code = code
  }
}

/** `usage` is what follows the name; the exit code of faults is 1 unless the tool has another for them. */
export function tool(usage: string, run: Program, fault = 1): Program {
  return function* (process) {
    const name = nameOf(process)
    try {
      if (process.argv[1] === '--help' && process.argv.length === 2) {
        yield* process.complain(`${banner}\n\nUsage: ${name} ${usage}\n`)
        return 0
      }
      return yield* run(process)
    } catch (error) {
      if (error instanceof UsageError) {
        const message = error.message === '' ? '' : `${name}: ${error.message}\n`
        yield* process.complain(`${message}${banner}\n\nUsage: ${name} ${usage}\n`)
        return fault
      }
      // The reader has gone: as SIGPIPE ends it.
      if (error instanceof SystemError && error.errno === 'EPIPE') return 141
      if (!(error instanceof SystemError || error instanceof ToolError)) throw error
      yield* process.complain(`${name}: ${error.message}\n`)
      return error instanceof ToolError ? error.code : fault
    }
  }
}

/** What it was called by, without the way there. */
export function nameOf({ argv }: Pick<Process, 'argv'>): string {
  const [called = ''] = argv
  return called.slice(called.lastIndexOf('/') + 1)
}

/** A path of a process's command line as an absolute one; `.` and `..` stay, for symlinks decide what they mean. */
export function pathOf({ cwd }: Pick<Process, 'cwd'>, path: string): string {
  if (path === '') throw new SystemError('ENOENT')
  if (path.startsWith('/')) return path
  return cwd === '/' ? `/${path}` : `${cwd}/${path}`
}

export function baseName(path: string): string {
  const trimmed = path.replace(/\/+$/, '')
  return trimmed === '' ? (path === '' ? '' : '/') : trimmed.slice(trimmed.lastIndexOf('/') + 1)
}

export function joined(folder: string, name: string): string {
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`
}

/** A whole number as tools take them, with busybox's suffixes (k, m, g) where they are allowed. */
export function numberOf(text: string, { suffixes = false, negative = false } = {}): number {
  const match = (suffixes ? /^([+-]?\d+)([bckKmMgG]?[bB]?)$/ : /^([+-]?\d+)$/).exec(text)
  if (match === null || (!negative && text.startsWith('-'))) throw new ToolError(`invalid number '${text}'`)
  const unit = match[2] ?? ''
  if (unit === 'b') return Number(match[1]) * 512
  const factor = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.slice(0, 1).toLowerCase()] ?? 1
  return Number(match[1]) * factor
}
