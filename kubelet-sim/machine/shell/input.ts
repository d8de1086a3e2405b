// A shell whose commands come from its standard input: one is read only when the one before has been run, for it may read too.

import { readLine } from '../task.ts'
import type { Step } from '../wait.ts'
import { Parser } from './parser.ts'
import type { Shell } from './shell.ts'
import { type List, SyntaxFault } from './syntax.ts'

export function* readInput(shell: Shell): Step<number> {
  let status = 0
  for (;;) {
    const lists = yield* nextCommands(shell, function* () {
      const stream = shell.process.descriptors.get(0)
      const bytes = stream && (yield* readLine(stream))
      return bytes && Buffer.from(bytes).toString()
    })
    if (lists === undefined) return status
    for (const list of lists) status = yield* shell.run(list)
  }
}

/** Reads as many lines as one command takes. undefined: there are no more. Throws SyntaxFault. */
export function* nextCommands(
  shell: Shell,
  read: (isContinued: boolean) => Step<string | undefined>,
): Step<readonly List[] | undefined> {
  let text = ''
  for (;;) {
    const line = yield* read(text !== '')
    if (line === undefined && text === '') return undefined
    if (line !== undefined) text += line
    const parser = new Parser(text, shell.dialect)
    try {
      const lists: List[] = []
      for (let list = parser.next(); list !== undefined; list = parser.next()) lists.push(list)
      if (line !== undefined && (parser.isUnfinished || /(?:^|[^\\])(?:\\\\)*\\\n$/.test(text))) continue
      return lists
    } catch (error) {
      if (!(error instanceof SyntaxFault) || !error.isIncomplete || line === undefined) throw error
    }
  }
}
