// echo: bash's and ash's, which take -n, -e, -E, and dash's, which takes -n and always reads escapes.

import type { Builtin } from './index.ts'

const write: Builtin = function* (shell, args) {
  let at = 1
  let [newline, escapes] = [true, shell.dialect === 'dash']
  const flags = shell.dialect === 'dash' ? /^-n$/ : /^-[neE]+$/
  for (; at < args.length && flags.test(args[at]!); at++) {
    if (args[at]!.includes('n')) newline = false
    for (const letter of args[at]!) if (letter === 'e' || letter === 'E') escapes = letter === 'e'
  }
  const text = args.slice(at).join(' ')
  const { out, stops } = escapes ? unescapeEcho(text) : { out: text, stops: false }
  const stream = shell.process.descriptors.get(1)
  if (stream === undefined) {
    yield* shell.complain('write error: Bad file descriptor', 'echo')
    return 1
  }
  yield* stream.write(Buffer.from(newline && !stops ? `${out}\n` : out))
  return 0
}

export const echo: Readonly<Record<string, Builtin>> = { echo: write }

const letters: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}

/** Escapes of echo and of printf's %b: `\0nnn` octal, `\c` ends all output. */
export function unescapeEcho(text: string): { out: string; stops: boolean } {
  if (!text.includes('\\')) return { out: text, stops: false }
  let out = ''
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '\\' || at + 1 >= text.length) {
      out += text[at]
      continue
    }
    const next = text[++at]!
    if (next === 'c') return { out, stops: true }
    const number = /^(?:0([0-7]{1,3})|x([0-9a-fA-F]{1,2})|([1-7][0-7]{0,2})|u([0-9a-fA-F]{1,4}))/.exec(
      text.slice(at, at + 5),
    )
    if (number) {
      const code = number[2] ?? number[4]
      out += String.fromCharCode(
        code === undefined ? Number.parseInt(number[1] ?? number[3]!, 8) & 255 : Number.parseInt(code, 16),
      )
      at += number[0].length - 1
    } else if (next === '0') out += '\0'
    else out += letters[next] ?? `\\${next}`
  }
  return { out, stops: false }
}
