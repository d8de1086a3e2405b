// echo, printf, pwd, true, false, yes, seq, clear: what prints something and reads nothing. The shell has some of them itself.

import type { Process } from '../process.ts'
import type { Step } from '../wait.ts'
import { optionsOf } from './options.ts'
import { numeral, printed, unescaped } from './printf-text.ts'
import { bytesOf, Output } from './text-streams.ts'
import { nameOf, ToolError, tool, UsageError } from './tool.ts'

export function* echo(process: Process): Step<number> {
  let at = 1
  let [hasEnd, escapes] = [true, false]
  for (; /^-[neE]+$/.test(process.argv[at] ?? ''); at++) {
    for (const letter of process.argv[at]!.slice(1)) {
      if (letter === 'n') hasEnd = false
      else escapes = letter === 'e'
    }
  }
  const text = process.argv.slice(at).join(' ')
  const { text: shown, ends } = escapes ? unescaped(bytesOf(text), 'echo') : { text: bytesOf(text), ends: false }
  yield* process.print(Buffer.from(shown + (hasEnd && !ends ? '\n' : ''), 'latin1'))
  return 0
}

export const printf = tool('FORMAT [ARG]...', function* (process) {
  const [format, ...words] = process.argv[1] === '--' ? process.argv.slice(2) : process.argv.slice(1)
  if (format === undefined) throw new UsageError('')
  const { text, faults } = printed(bytesOf(format), words.map(bytesOf))
  yield* process.print(Buffer.from(text, 'latin1'))
  for (const fault of faults) yield* process.complain(`printf: ${fault}\n`)
  return faults.length > 0 ? 1 : 0
})

export const pwd = tool('', function* (process) {
  const options = optionsOf(process, 'LP')
  yield* process.print(`${options.has('P') ? process.files.realpath(process.cwd) : process.cwd}\n`)
  return 0
})

// biome-ignore lint/correctness/useYield: it never waits
export function* succeed(_process: Process): Step<number> {
  return 0
}

// biome-ignore lint/correctness/useYield: it never waits
export function* fail(_process: Process): Step<number> {
  return 1
}

export const yes = tool('[STRING]', function* (process) {
  const line = `${bytesOf(process.argv.slice(1).join(' ') || 'y')}\n`
  const output = new Output(process)
  const block = line.repeat(Math.max(1, Math.floor(4096 / line.length)))
  while (true) {
    yield* output.put(block)
    yield* output.flush()
  }
})

export const seq = tool('[-w] [-s SEP] [FIRST [INC]] LAST', function* (process) {
  // Negative numbers are no options.
  const argv = process.argv.map(word => (/^-[\d.]/.test(word) ? `\0${word}` : word))
  const options = optionsOf({ argv }, '+ws:f:', { 'equal-width': 'w', separator: 's', format: 'f' })
  const words = options.words.map(word => word.replace('\0', ''))
  if (words.length === 0 || words.length > 3) throw new UsageError('')
  const numbers = words.map(word => {
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word)) throw new ToolError(`invalid number '${word}'`)
    return Number(word)
  })
  const last = numbers.at(-1)!
  const first = numbers.length > 1 ? numbers[0]! : 1
  const step = numbers.length === 3 ? numbers[1]! : 1
  const places = Math.max(...words.map(word => /\.(\d*)/.exec(word)?.[1]?.length ?? 0))
  const show = (value: number) => value.toFixed(places)
  const width = options.has('w') ? Math.max(show(first).length, show(last).length) : 0
  const separator = bytesOf(options.value('s') ?? '\n')
  const format = options.value('f')
  const output = new Output(process)
  if (step === 0) throw new ToolError('increment is 0')
  const count = Math.floor((last - first) / step + 1e-9)
  for (let index = 0; index <= count; index++) {
    const value = first + index * step
    const text = format === undefined ? padded(show(value), width) : printed(format, [String(value)]).text
    yield* output.put((index > 0 ? separator : '') + text)
  }
  if (count >= 0) yield* output.put('\n')
  yield* output.flush()
  return 0
})

function padded(text: string, width: number): string {
  return text.startsWith('-') ? `-${text.slice(1).padStart(width - 1, '0')}` : text.padStart(width, '0')
}

export const clear = tool('', function* (process) {
  yield* process.print('\x1b[H\x1b[J')
  return 0
})

export const factor = tool('[NUMBER]...', function* (process) {
  for (const word of process.argv.slice(1)) {
    let rest = numeral(word)
    if (rest === undefined || rest < 1 || !Number.isSafeInteger(rest)) throw new ToolError(`invalid number '${word}'`)
    const factors: number[] = []
    for (let by = 2; by * by <= rest; by++) {
      while (rest % by === 0) {
        factors.push(by)
        rest /= by
      }
      if (by % 10_000 === 0) yield* process.pause()
    }
    if (rest > 1) factors.push(rest)
    yield* process.print(`${word}:${factors.map(each => ` ${each}`).join('')}\n`)
  }
  return 0
})

/** Tools that cannot be simulated: they say so. */
export const refused = tool('', function* (process) {
  yield* process.complain(`${nameOf(process)}: not simulated\n`)
  return 1
})
