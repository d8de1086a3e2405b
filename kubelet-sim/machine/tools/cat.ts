// cat: files one after another. `less` and `more` are the same where there is no terminal to turn pages on.

import { SystemError } from '../system-error.ts'
import { optionsOf } from './options.ts'
import { copyAll, Lines, Output, outputOf, tryOpen } from './text-streams.ts'
import { tool } from './tool.ts'

export const cat = tool('[-nbvteA] [FILE]...', function* (process) {
  const options = optionsOf(process, 'nbvteAu')
  const numbers = options.has('n') || options.has('b')
  const ends = options.has('e') || options.has('A')
  const tabs = options.has('t') || options.has('A')
  const shows = options.has('v') || ends || tabs
  const output = new Output(process)
  let code = 0
  let number = 0
  for (const name of filesOr(options.words)) {
    const stream = yield* tryOpen(process, name, 'open')
    if (stream === undefined) {
      code = 1
      continue
    }
    try {
      if (!numbers && !shows) {
        yield* copyAll(process, stream, outputOf(process))
        continue
      }
      const lines = new Lines(process, stream, output)
      for (let line = yield* lines.next(); line !== undefined; line = yield* lines.next()) {
        const counts = options.has('b') ? line !== '' : numbers
        if (counts) yield* output.put(`${String(++number).padStart(6)}\t`)
        yield* output.put(
          `${shows ? visible(line, tabs) : line}${ends && lines.isWhole ? '$' : ''}${lines.isWhole || numbers ? '\n' : ''}`,
        )
      }
      yield* output.flush()
    } catch (error) {
      if (!(error instanceof SystemError && error.errno === 'EISDIR')) throw error
      yield* process.complain(`cat: read error: ${error.message}\n`)
      code = 1
    } finally {
      stream.close()
    }
  }
  return code
})

export const pager = tool('[FILE]...', function* (process) {
  let code = 0
  for (const name of filesOr(process.argv.slice(1).filter(word => !/^-./.test(word)))) {
    const stream = yield* tryOpen(process, name)
    if (stream === undefined) {
      code = 1
      continue
    }
    yield* copyAll(process, stream, outputOf(process))
    stream.close()
  }
  return code
})

export const tac = tool('[FILE]...', function* (process) {
  const { words } = optionsOf(process, '')
  const output = new Output(process)
  let code = 0
  for (const name of filesOr(words)) {
    const stream = yield* tryOpen(process, name)
    if (stream === undefined) {
      code = 1
      continue
    }
    const lines = new Lines(process, stream)
    const all: string[] = []
    for (let line = yield* lines.next(); line !== undefined; line = yield* lines.next()) all.unshift(line)
    stream.close()
    for (const line of all) yield* output.put(`${line}\n`)
  }
  yield* output.flush()
  return code
})

export const rev = tool('[FILE]...', function* (process) {
  const { words } = optionsOf(process, '')
  const output = new Output(process)
  let code = 0
  for (const name of filesOr(words)) {
    const stream = yield* tryOpen(process, name)
    if (stream === undefined) {
      code = 1
      continue
    }
    const lines = new Lines(process, stream, output)
    for (let line = yield* lines.next(); line !== undefined; line = yield* lines.next()) {
      const turned = [...Buffer.from(line, 'latin1').toString()].reverse().join('')
      yield* output.put(Buffer.from(turned).toString('latin1') + (lines.isWhole ? '\n' : ''))
    }
    stream.close()
  }
  yield* output.flush()
  return code
})

/** Standard input where none are named. */
export function filesOr(words: readonly string[]): readonly string[] {
  return words.length > 0 ? words : ['-']
}

function visible(line: string, tabs: boolean): string {
  let text = ''
  for (const char of line) {
    const code = char.charCodeAt(0)
    if (char === '\t') text += tabs ? '^I' : char
    else text += code < 128 ? caret(char) : `M-${caret(String.fromCharCode(code - 128))}`
  }
  return text
}

function caret(char: string): string {
  const code = char.charCodeAt(0)
  return code < 32 ? `^${String.fromCharCode(code + 64)}` : code === 127 ? '^?' : char
}
