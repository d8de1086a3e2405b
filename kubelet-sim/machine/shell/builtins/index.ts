// What a shell does itself, by name. One group a file.

import type { Step } from '../../wait.ts'
import type { Shell } from '../shell.ts'
import type { Assignment } from '../syntax.ts'
import { control } from './control.ts'
import { echo } from './echo.ts'
import { environment } from './environment.ts'
import { folders } from './folders.ts'
import { jobControl } from './job-control.ts'
import { lookup } from './lookup.ts'
import { options } from './options.ts'
import { printf } from './printf.ts'
import { read } from './read.ts'
import { test } from './test.ts'
import { traps } from './traps.ts'

/** `declared`: arguments that are assignments, by place. Throws LoopJump, Return, Exit for what goes further. */
export type Builtin = (
  shell: Shell,
  args: readonly string[],
  declared: ReadonlyMap<number, Assignment> | undefined,
) => Step<number>

export const builtins: ReadonlyMap<string, Builtin> = new Map(
  [control, echo, environment, folders, jobControl, lookup, options, printf, read, test, traps].flatMap(group =>
    Object.entries(group),
  ),
)

const special: ReadonlySet<string> = new Set([
  ...[
    '.',
    ':',
    'break',
    'continue',
    'eval',
    'exec',
    'exit',
    'export',
    'readonly',
    'return',
    'set',
    'shift',
    'times',
    'trap',
    'unset',
  ],
])

/** A POSIX special builtin: its assignments stay, its errors end a script. */
export function isSpecial(name: string): boolean {
  return special.has(name)
}
