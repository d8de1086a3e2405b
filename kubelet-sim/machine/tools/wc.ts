// wc: lines, words, bytes.

import { filesOr } from './cat.ts'
import { optionsOf } from './options.ts'
import { tryOpen } from './text-streams.ts'
import { tool } from './tool.ts'

export const wc = tool('[-cmlwL] [FILE]...', function* (process) {
  const options = optionsOf(process, 'cmlwL', {
    bytes: 'c',
    chars: 'm',
    lines: 'l',
    words: 'w',
    'max-line-length': 'L',
  })
  const chosen = ['l', 'w', 'm', 'c', 'L'].filter(letter => options.has(letter))
  const kinds = chosen.length > 0 ? chosen : ['l', 'w', 'c']
  const names = filesOr(options.words)
  const totals = new Map<string, number>()
  let code = 0
  const show = (counts: ReadonlyMap<string, number>, name: string) => {
    const numbers = kinds.map(kind => counts.get(kind) ?? 0)
    const isAlone = kinds.length === 1 && names.length === 1
    const text = isAlone ? String(numbers[0]) : numbers.map(number => String(number).padStart(9)).join(' ')
    return `${text}${name === '' ? '' : ` ${name}`}\n`
  }
  for (const name of names) {
    const stream = yield* tryOpen(process, name)
    if (stream === undefined) {
      code = 1
      continue
    }
    const counts = new Map(kinds.map(kind => [kind, 0]))
    const add = (kind: string, count: number) => counts.set(kind, (counts.get(kind) ?? 0) + count)
    let isInWord = false
    let width = 0
    for (let part = yield* stream.read(65536); part !== undefined; part = yield* stream.read(65536)) {
      let [lines, words, chars] = [0, 0, 0]
      for (const byte of part) {
        if ((byte & 0xc0) !== 0x80) chars++
        if (byte === 10) {
          lines++
          counts.set('L', Math.max(counts.get('L') ?? 0, width))
          width = 0
        } else width++
        const isSpace = byte === 32 || (byte >= 9 && byte <= 13)
        if (!isSpace && !isInWord) words++
        isInWord = !isSpace
      }
      add('l', lines)
      add('w', words)
      add('m', chars)
      add('c', part.length)
      yield* process.pause()
    }
    stream.close()
    counts.set('L', Math.max(counts.get('L') ?? 0, width))
    yield* process.print(show(counts, options.words.length > 0 ? name : ''))
    for (const [kind, count] of counts) {
      const total = totals.get(kind) ?? 0
      totals.set(kind, kind === 'L' ? Math.max(total, count) : total + count)
    }
  }
  if (names.length > 1) yield* process.print(show(totals, 'total'))
  return code
})
