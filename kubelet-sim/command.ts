// What a container's command does, as far as it can be told without a shell: sleeping, printing, exiting, looping, and
// touching files. Called by images.ts. A command that holds anything else is not understood (undefined): it then runs
// until it is stopped. The result is a plan in milliseconds from the start, so that nothing has to run.

import type { Millis } from '../src/env/clock.ts'

export interface Line {
  readonly at: Millis
  readonly text: string
}

export interface Script {
  /** What it prints. `$(date)` in a text stands for the time at which it is printed. */
  readonly lines: readonly Line[]
  /** Files that appear and go, for exec probes that look for them. */
  readonly files: readonly { readonly at: Millis; readonly path: string; readonly present: boolean }[]
  /** When it ends and with what; absent: never by itself. */
  readonly exit?: { readonly at: Millis; readonly code: number }
  /** What it does again and again from then on; `lines` here count from the beginning of a round. */
  readonly loop?: Loop
  /** Further ones, beside that. */
  readonly loops?: readonly Loop[]
}

export interface Loop {
  readonly from: Millis
  readonly period: Millis
  readonly lines: readonly Line[]
}

export function understand(argv: readonly string[], env: Readonly<Record<string, string>>): Script | undefined {
  const run: Run = { at: 0, lines: [], files: [], env }
  const end = runWords(argv, run)
  if (end === 'unknown') return undefined
  return {
    lines: run.lines,
    files: run.files,
    ...(run.loop ? { loop: run.loop } : end === 'forever' ? {} : { exit: { at: run.at, code: end.code } }),
  }
}

/** Whether it only sleeps and ends, so that nobody could tell whether it was run: `sleep 3600`, `sh -c 'sleep 5; exit 3'`. */
export function isIdle(argv: readonly string[], script: Script): boolean {
  if (script.lines.length > 0 || script.files.length > 0 || script.loop !== undefined) return false
  return argv.every(
    (word, index) =>
      index < argv.length - 1 || !/(?:^|[\s;&|])(?:mkdir|set|wait|cat|ls|touch|rm|echo|trap)\b/.test(word),
  )
}

interface Run {
  at: Millis
  readonly lines: Line[]
  readonly files: { at: Millis; path: string; present: boolean }[]
  readonly env: Readonly<Record<string, string>>
  loop?: NonNullable<Script['loop']>
}

/** How a command ended: with a code (`exits`: and the shell with it), never, or in a way this cannot tell. */
type End = { readonly code: number; readonly exits?: true } | 'forever' | 'unknown'

function runWords(words: readonly string[], run: Run): End {
  const [command, ...rest] = words
  if (command === undefined) return 'unknown'
  const name = command.slice(command.lastIndexOf('/') + 1)
  if ((name === 'sh' || name === 'bash' || name === 'ash') && /^-[euxl]*c[eux]*$/.test(rest[0] ?? '')) {
    return rest[1] === undefined ? 'unknown' : runScript(rest[1], run)
  }
  if ((name === 'sh' || name === 'bash' || name === 'ash') && rest.length === 0) return { code: 0 }
  return runSimple(name, rest, run)
}

function runSimple(name: string, args: readonly string[], run: Run): End {
  switch (name) {
    case 'true':
    case ':':
      return { code: 0 }
    case 'false':
      return { code: 1 }
    case 'exit':
      return args.length > 1 || !/^\d*$/.test(args[0] ?? '')
        ? 'unknown'
        : { code: Number(args[0] ?? 0) & 255, exits: true }
    case 'exec':
      return runWords(args, run)
    case 'sleep':
      return sleep(args, run)
    case 'tail':
      return args.join(' ') === '-f /dev/null' ? 'forever' : 'unknown'
    case 'echo': {
      const words = /^-[ne]+$/.test(args[0] ?? '') ? args.slice(1) : args
      for (const text of words.join(' ').split('\n')) run.lines.push({ at: run.at, text })
      return { code: 0 }
    }
    case 'date':
      if (args.length > 0) return 'unknown'
      run.lines.push({ at: run.at, text: '$(date)' })
      return { code: 0 }
    case 'hostname':
      run.lines.push({ at: run.at, text: run.env.HOSTNAME ?? '' })
      return { code: 0 }
    case 'touch':
    case 'rm':
      for (const path of args) {
        if (!path.startsWith('-')) run.files.push({ at: run.at, path, present: name === 'touch' })
      }
      return { code: 0 }
    case 'cat':
    case 'ls':
      return args.every(path => hasFile(run.files, path, run.at)) && args.length > 0 ? { code: 0 } : 'unknown'
    case 'mkdir':
    case 'set':
    case 'wait':
      return { code: 0 }
    default:
      return 'unknown'
  }
}

const seconds: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }

function sleep(args: readonly string[], run: Run): End {
  if (args.length === 0) return 'unknown'
  let total = 0
  for (const arg of args) {
    if (arg === 'infinity' || arg === 'inf') return 'forever'
    const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(arg)
    if (!match) return 'unknown'
    total += Number(match[1]) * seconds[match[2]!]! * 1000
  }
  run.at += total
  return { code: 0 }
}

export function hasFile(files: Script['files'], path: string, at: Millis): boolean {
  let present = false
  for (const file of files) if (file.path === path && file.at <= at) present = file.present
  return present
}

function runScript(text: string, run: Run): End {
  const words = split(text)
  return words === undefined ? 'unknown' : runList(words, run)
}

/** A list of commands joined by ; && || and line ends, and `while true` loops. */
function runList(words: readonly Word[], run: Run): End {
  let end: End = { code: 0 }
  let joint = ';'
  for (let at = 0; at < words.length; ) {
    if (isOperator(words[at]!)) {
      joint = words[at]!.text === '\n' ? ';' : words[at]!.text
      if (joint !== ';' && joint !== '&&' && joint !== '||') return 'unknown'
      at++
      continue
    }
    const skipped: boolean = joint !== ';' && typeof end === 'object' && (joint === '&&') !== (end.code === 0)
    if (['while', 'until'].includes(words[at]!.text) && !words[at]!.quoted) {
      const done = matchingDone(words, at)
      if (done < 0) return 'unknown'
      return skipped ? 'unknown' : runLoop(words.slice(at, done), run)
    }
    if (['if', 'for', 'case', 'trap', '{', '('].includes(words[at]!.text)) return 'unknown'
    let stop = at
    while (stop < words.length && !isOperator(words[stop]!)) stop++
    if (!skipped) {
      end = runWords(expand(words.slice(at, stop), run), run)
      if (typeof end === 'string' || end.exits) return end
    }
    at = stop
    joint = ';'
  }
  return end
}

function runLoop(words: readonly Word[], run: Run): End {
  const begin = words.findIndex(word => word.text === 'do' && !word.quoted)
  const test = words.slice(1, begin).filter(word => !isOperator(word))
  const forever = test.length === 1 && test[0]!.text === (words[0]!.text === 'while' ? 'true' : 'false')
  if (begin < 0 || !(forever || (words[0]!.text === 'while' && test.length === 1 && test[0]!.text === ':')))
    return 'unknown'
  const round: Run = { at: 0, lines: [], files: [], env: run.env }
  const end = runList(words.slice(begin + 1), round)
  if (end === 'unknown' || round.files.length > 0 || round.loop) return 'unknown'
  if (end === 'forever' || end.exits) {
    for (const line of round.lines) run.lines.push({ at: run.at + line.at, text: line.text })
    run.at += round.at
    return end
  }
  // A loop that never waits would print without end: nobody can tell what that looks like.
  if (round.at === 0) return round.lines.length === 0 ? 'forever' : 'unknown'
  run.loop = { from: run.at, period: round.at, lines: round.lines }
  return 'forever'
}

function matchingDone(words: readonly Word[], from: number): number {
  let depth = 0
  for (let at = from; at < words.length; at++) {
    if (words[at]!.quoted) continue
    if (words[at]!.text === 'do') depth++
    if (words[at]!.text === 'done' && --depth === 0) return at
  }
  return -1
}

interface Word {
  readonly text: string
  readonly quoted: boolean
  readonly literal: boolean
}

const operators = new Set([';', '&&', '||', '\n', '|', '&', '>', '<', '>>'])
const isOperator = (word: Word) => !word.quoted && operators.has(word.text)

/** Words and operators; undefined when a quote is left open. */
function split(text: string): Word[] | undefined {
  const words: Word[] = []
  let at = 0
  while (at < text.length) {
    if (/[ \t\r]/.test(text[at]!)) {
      at++
      continue
    }
    if (text[at] === '#') {
      while (at < text.length && text[at] !== '\n') at++
      continue
    }
    const operator = /^(&&|\|\||>>|[;\n|&<>])/.exec(text.slice(at))
    if (operator) {
      words.push({ text: operator[0], quoted: false, literal: false })
      at += operator[0].length
      continue
    }
    let word = ''
    let quoted = false
    let literal = false
    while (at < text.length && !/[\s;&|<>]/.test(text[at]!)) {
      const quote = text[at]!
      if (quote === "'" || quote === '"') {
        const close = text.indexOf(quote, at + 1)
        if (close < 0) return undefined
        word += text.slice(at + 1, close)
        quoted = true
        literal ||= quote === "'"
        at = close + 1
      } else if (text.startsWith('$(date)', at)) {
        word += '$(date)'
        at += '$(date)'.length
      } else {
        word += quote === '\\' ? (text[++at] ?? '') : quote
        at++
      }
    }
    words.push({ text: word, quoted, literal })
  }
  return words
}

function expand(words: readonly Word[], run: Run): string[] {
  return words.map(({ text, literal }) =>
    literal ? text : text.replace(/\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?/g, (_, name: string) => run.env[name] ?? ''),
  )
}
