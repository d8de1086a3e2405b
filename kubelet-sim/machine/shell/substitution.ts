// Commands inside words: `$(…)`, `$(<file)`, `<(…)` and `>(…)`. Called by expansion.ts.

import { Pipe } from '../pipe.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { expandText } from './expansion.ts'
import { Redirected } from './redirects.ts'
import type { Shell } from './shell.ts'
import type { List, ProcessPart, Word } from './syntax.ts'

/** $(…): what it prints, without the line ends at its end. */
export function* substitute(shell: Shell, list: List): Step<string> {
  const read = readOnly(list)
  if (read !== undefined) return trimNewlines(yield* contentOf(shell, read))
  const pipe = new Pipe()
  const given = new Redirected(shell.process.descriptors)
  given.set(1, pipe.writeEnd)
  const child = shell.fork(shell => shell.run(list, true), { descriptors: given.forChild() })
  const parts: Uint8Array[] = []
  let held = 0
  try {
    for (;;) {
      const part = yield* pipe.readEnd.read(65536)
      if (part === undefined) break
      parts.push(part)
      held += part.length
      shell.process.allocate(part.length)
    }
  } finally {
    pipe.readEnd.close()
    shell.process.allocate(-held)
  }
  shell.substituted = yield* child.exited()
  shell.status = shell.substituted
  return trimNewlines(Buffer.concat(parts).toString().replaceAll('\0', ''))
}

/** `$(<file)` */
function readOnly({ items }: List): Word | undefined {
  const command = items.length === 1 ? items[0]!.chain.first.commands[0] : undefined
  if (command?.kind !== 'simple' || items[0]!.chain.rest.length > 0 || items[0]!.chain.first.commands.length > 1)
    return undefined
  const isOnly = command.words.length === 0 && command.assignments.length === 0 && command.redirects.length === 1
  return isOnly && command.redirects[0]!.operator === '<' ? command.redirects[0]!.target : undefined
}

function* contentOf(shell: Shell, word: Word): Step<string> {
  const path = yield* expandText(shell, word)
  try {
    return shell.process.files.readText(shell.absolute(path))
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    shell.substituted = 1
    yield* shell.complain(shell.dialect === 'bash' ? `${path}: ${error.message}` : `can't open ${path}: no such file`)
    return ''
  }
}

/** A path that leads to what the commands in it print or read. */
export function processSubstitution(shell: Shell, { direction, body }: ProcessPart): string {
  const pipe = new Pipe()
  const given = new Redirected(shell.process.descriptors)
  given.set(direction === '<' ? 1 : 0, direction === '<' ? pipe.writeEnd : pipe.readEnd)
  shell.fork(shell => shell.run(body, true), { descriptors: given.forChild() })
  let number = 63
  while (shell.process.descriptors.has(number)) number--
  shell.process.descriptors.set(number, direction === '<' ? pipe.readEnd : pipe.writeEnd)
  shell.processSubstitutions.push(number)
  return `/dev/fd/${number}`
}

export function closeProcessSubstitutions(shell: Shell): void {
  if (shell.processSubstitutions.length === 0) return
  for (const number of shell.processSubstitutions) {
    shell.process.descriptors.get(number)?.close()
    shell.process.descriptors.delete(number)
  }
  shell.processSubstitutions = []
}

function trimNewlines(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === '\n') end--
  return text.slice(0, end)
}
