// xargs: words of its input as arguments of a program, some at a time.

import type { Process } from '../process.ts'
import type { Step } from '../wait.ts'
import { optionsOf } from './options.ts'
import { started } from './process-tools.ts'
import { readAll } from './text-streams.ts'
import { numberOf, tool } from './tool.ts'

export const xargs = tool('[OPTIONS] [PROG ARGS]', function* (process) {
  const options = optionsOf(process, '+0rtpn:L:I:P:s:d:xe::E:', {
    null: '0',
    'no-run-if-empty': 'r',
    'max-args': 'n',
    'max-lines': 'L',
    replace: 'I',
    'max-procs': 'P',
    verbose: 't',
    delimiter: 'd',
  })
  const stdin = process.descriptors.get(0)
  const text = stdin === undefined ? '' : (yield* readAll(process, stdin)).toString()
  const mark = options.value('I')
  const delimiter = options.has('0') ? '\0' : options.value('d')?.replace('\\n', '\n')
  const words =
    delimiter !== undefined
      ? text.split(delimiter).filter((word, index, all) => word !== '' || index < all.length - 1)
      : mark !== undefined || options.has('L')
        ? text
            .split('\n')
            .map(line => line.trim())
            .filter(line => line !== '')
        : wordsOf(text)
  const command = options.words.length > 0 ? options.words : ['echo']
  const most =
    mark !== undefined ? 1 : numberOf(options.value('n') ?? options.value('L') ?? String(Number.MAX_SAFE_INTEGER))
  let code = 0
  if (words.length === 0 && (options.has('r') || mark !== undefined)) return 0
  for (let at = 0; at === 0 || at < words.length; at += most) {
    const some = words.slice(at, at + most)
    const argv = mark === undefined ? [...command, ...some] : command.map(word => word.replaceAll(mark, some[0] ?? ''))
    if (options.has('t')) yield* process.complain(`${argv.join(' ')}\n`)
    const ended = yield* runOne(process, argv)
    if (ended === 126 || ended === 127) return ended
    if (ended === 255) {
      yield* process.complain(`xargs: ${argv[0]}: exited with status 255; aborting\n`)
      return 124
    }
    if (ended > 128) return 125
    if (ended !== 0) code = 123
  }
  return code
})

function* runOne(process: Process, argv: readonly string[]): Step<number> {
  const child = yield* started(process, argv)
  return typeof child === 'number' ? child : yield* child.exited()
}

/** Blanks and lines part words; quotes and backslashes keep them together. */
function wordsOf(text: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (char === '\\') word = (word ?? '') + (text[++at] ?? '')
    else if (char === "'" || char === '"') {
      const end = text.indexOf(char, at + 1)
      word = (word ?? '') + text.slice(at + 1, end < 0 ? text.length : end)
      at = end < 0 ? text.length : end
    } else word = (word ?? '') + char
  }
  if (word !== undefined) words.push(word)
  return words
}
