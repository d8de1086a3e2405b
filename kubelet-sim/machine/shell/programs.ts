// Programs of the container, as a shell starts them: in a process of their own, or in its place when nothing comes after.
// Called by simple-commands.ts and `command`.

import type { Child } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { pathOf } from './builtins/lookup.ts'
import { expandText } from './expansion.ts'
import type { Redirected } from './redirects.ts'
import type { Shell } from './shell.ts'
import { type Assignment, isWord } from './syntax.ts'

/** A program of the container's. */
export function* external(
  shell: Shell,
  assignments: readonly Assignment[],
  args: readonly string[],
  given: Redirected | undefined,
  tail: boolean,
): Step<number> {
  let env = shell.variables.exported
  if (assignments.length > 0) {
    const own = new Map(env)
    for (const { name, value } of assignments)
      if (isWord(value)) own.set(name, yield* expandText(shell, value, 'assignment'))
    env = own
  }
  if (tail && shell.mayBeReplaced) {
    let replacing: Step<number> | undefined
    try {
      replacing = shell.process.exec({ argv: args, env })
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      if (error.errno !== 'ENOEXEC') {
        given?.moveInto(shell.process.descriptors)
        return yield* notStarted(shell, args, error)
      }
    }
    if (replacing !== undefined) {
      given?.moveInto(shell.process.descriptors)
      return yield* replacing
    }
  }
  const descriptors = given?.forChild()
  let child: Child
  try {
    child = shell.process.spawn({
      argv: args,
      env,
      descriptors,
      cwd: shell.process.cwd,
      group: shell.groupFor(undefined),
    })
  } catch (error) {
    for (const stream of descriptors?.values() ?? []) stream.close()
    if (error instanceof SystemError && error.errno === 'ENOEXEC') return yield* runText(shell, args, env, given)
    if (!(error instanceof SystemError)) throw error
    const restore = given?.swapInto(shell.process.descriptors)
    try {
      return yield* notStarted(shell, args, error)
    } finally {
      restore?.()
    }
  }
  return yield* shell.foreground([child], child.pid, args)
}

/** A text without `#!` is a script of shell shell's. */
function* runText(
  shell: Shell,
  args: readonly string[],
  env: ReadonlyMap<string, string>,
  given: Redirected | undefined,
): Step<number> {
  const path = pathOf(shell, args[0]!) ?? args[0]!
  const child = shell.process.spawn({
    argv: args,
    env,
    program: process => shell.another(process, path).script(path, args.slice(1)),
    ...(given ? { descriptors: given.forChild() } : {}),
  })
  return yield* shell.foreground([child], child.pid)
}

export function* notStarted(shell: Shell, args: readonly string[], error: SystemError): Step<number> {
  const name = args[0]!
  if (error.errno !== 'ENOENT') {
    yield* shell.complain(
      `${name}: ${shell.dialect === 'bash' && isFolder(shell, name) ? 'Is a directory' : error.message}`,
    )
    return 126
  }
  const words = shell.dialect === 'bash' ? (name.includes('/') ? error.message : 'command not found') : 'not found'
  yield* shell.complain(`${name}: ${words}`)
  return 127
}

function isFolder(shell: Shell, name: string): boolean {
  const path = shell.absolute(name)
  return shell.process.files.exists(path) && shell.process.files.stat(path).kind === 'directory'
}
