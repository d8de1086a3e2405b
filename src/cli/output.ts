// How the command line speaks: tables and colour in a terminal, plain text in a pipe, JSON for programs, and progress on
// stderr so that stdout stays what was asked for.

import { wantsColor } from '../config.ts'

/** An error that is the user's to mend: printed as one line, exit code 1, no stack. */
export class UserError extends Error {
  override readonly name = 'UserError'
}

export type Format = 'text' | 'json'

/** Prints a value: as JSON for programs, else as `text` says. */
export function print(format: string | undefined, value: unknown, text: () => string): void {
  process.stdout.write(format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : text())
}

/** Columns aligned as kubectl aligns them: at least three spaces apart, no trailing blanks. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((word, column) => Math.max(word.length, ...rows.map(row => (row[column] ?? '').length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd()
  return `${[paint('bold', line(header), process.stdout), ...rows.map(line)].join('\n')}\n`
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

export function paint(color: keyof typeof codes, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return wantsColor(stream) ? `\x1b[${codes[color]}m${text}\x1b[0m` : text
}

/** One line of progress on stderr. */
export function progress(text: string): void {
  process.stderr.write(`${paint('cyan', '·', process.stderr)} ${text}\n`)
}

export function done(text: string): void {
  process.stderr.write(`${paint('green', '✓', process.stderr)} ${text}\n`)
}

export function warning(text: string): void {
  process.stderr.write(`${paint('yellow', '!', process.stderr)} ${text}\n`)
}
