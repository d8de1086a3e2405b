// LineEditor: reads a line at the prompt of an interactive shell. Upon a terminal it takes every key itself: the arrows move
// and go through what was typed before, Ctrl-A, E, U, K, W, L and Tab do what they do in ash and bash.

import type { Terminal } from '../process.ts'
import { readLine } from '../task.ts'
import { terminalOf } from '../terminal.ts'
import type { Step } from '../wait.ts'
import { either, Waiters } from '../waiters.ts'
import { builtins } from './builtins/index.ts'
import { glob } from './glob.ts'
import { Interrupted } from './interactive.ts'
import { escapePattern } from './patterns.ts'
import type { Shell } from './shell.ts'

const longestHistory = 500
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys are sent so
const key = /^(?:\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|\x1b[^[O]|[\s\S])/u

export class LineEditor {
  readonly #shell: Shell
  readonly #interrupted = new Waiters()
  readonly history: string[] = []
  #isInterrupted = false
  /** What was typed before it was asked for. */
  #ahead = ''

  constructor(shell: Shell) {
    this.#shell = shell
  }

  /** Ctrl-C. */
  interrupt(): void {
    this.#isInterrupted = true
    this.#interrupted.tell()
  }

  /** With its line end; undefined at the end. Throws Interrupted. */
  *readLine(prompt: string): Step<string | undefined> {
    const { process } = this.#shell
    const terminal = terminalOf(process)
    yield* process.complain(prompt)
    this.#isInterrupted = false
    if (terminal === undefined) {
      const stream = process.descriptors.get(0)
      const bytes = stream && (yield* readLine(stream))
      return bytes && Buffer.from(bytes).toString()
    }
    const before = terminal.mode
    terminal.mode = { canonical: false, echo: false, signals: true }
    try {
      return yield* this.#edit(prompt, terminal)
    } finally {
      terminal.mode = before
    }
  }

  *#edit(prompt: string, terminal: Terminal): Step<string | undefined> {
    let line: string[] = []
    let at = 0
    let place = this.history.length
    let kept = ''
    const shown = () => line.join('')
    const say = (text: string) => this.#shell.process.complain(text)
    const redraw = function* (from: number): Step<void> {
      // From a place on the line: what follows it, what is left of before wiped out, and back to the cursor.
      const rest = line.slice(from).join('')
      const back = line.length - at
      yield* say(`${rest}\x1b[K${back > 0 ? `\x1b[${back}D` : ''}`)
    }
    const replace = function* (text: string): Step<void> {
      if (at > 0) yield* say(`\x1b[${at}D`)
      line = [...text]
      at = line.length
      yield* redraw(0)
    }
    const move = function* (to: number): Step<void> {
      const by = Math.max(0, Math.min(line.length, to)) - at
      if (by !== 0) yield* say(by < 0 ? `\x1b[${-by}D` : `\x1b[${by}C`)
      at += by
    }
    const cut = function* (from: number, to: number): Step<void> {
      if (from >= to) return
      if (at > from) yield* say(`\x1b[${at - from}D`)
      line.splice(from, to - from)
      at = from
      yield* redraw(from)
    }
    for (;;) {
      const typed = yield* this.#key()
      if (typed === 'interrupted') {
        yield* say('^C\n')
        throw new Interrupted()
      }
      if (typed === undefined) return line.length > 0 ? `${shown()}\n` : undefined
      switch (typed) {
        case '\r':
        case '\n': {
          yield* say('\n')
          const text = shown()
          if (text.trim() !== '' && this.history.at(-1) !== text) {
            this.history.push(text)
            if (this.history.length > longestHistory) this.history.shift()
          }
          return `${text}\n`
        }
        case '\x04':
          if (line.length === 0) return undefined
          yield* cut(at, Math.min(at + 1, line.length))
          break
        case '\x7f':
        case '\b':
          yield* cut(Math.max(0, at - 1), at)
          break
        case '\x1b[3~':
          yield* cut(at, Math.min(at + 1, line.length))
          break
        case '\x15':
          yield* cut(0, at)
          break
        case '\x0b':
          yield* cut(at, line.length)
          break
        case '\x17': {
          let from = at
          while (from > 0 && line[from - 1] === ' ') from--
          while (from > 0 && line[from - 1] !== ' ') from--
          yield* cut(from, at)
          break
        }
        case '\x01':
        case '\x1b[H':
        case '\x1b[1~':
          yield* move(0)
          break
        case '\x05':
        case '\x1b[F':
        case '\x1b[4~':
          yield* move(line.length)
          break
        case '\x02':
        case '\x1b[D':
        case '\x1bOD':
          yield* move(at - 1)
          break
        case '\x06':
        case '\x1b[C':
        case '\x1bOC':
          yield* move(at + 1)
          break
        case '\x10':
        case '\x1b[A':
        case '\x1bOA':
        case '\x0e':
        case '\x1b[B':
        case '\x1bOB': {
          const isUp = typed === '\x10' || typed.endsWith('A')
          const next = place + (isUp ? -1 : 1)
          if (next < 0 || next > this.history.length) break
          if (place === this.history.length) kept = shown()
          place = next
          yield* replace(this.history[place] ?? kept)
          break
        }
        case '\x0c':
          yield* say(`\x1b[H\x1b[J${prompt}${shown()}${line.length > at ? `\x1b[${line.length - at}D` : ''}`)
          break
        case '\t': {
          const text = line.slice(0, at).join('')
          const { add, choices } = this.#complete(text)
          if (add !== '') {
            line.splice(at, 0, ...add)
            yield* say(add)
            at += [...add].length
            yield* redraw(at)
          } else if (choices.length > 1) {
            yield* say(
              `\n${columns(choices, terminal.columns)}${prompt}${shown()}${line.length > at ? `\x1b[${line.length - at}D` : ''}`,
            )
          }
          break
        }
        default:
          if (typed < ' ' || typed.startsWith('\x1b')) break
          line.splice(at, 0, typed)
          at++
          yield* say(typed)
          if (at < line.length) yield* redraw(at)
      }
    }
  }

  *#key(): Step<string | undefined | 'interrupted'> {
    const stream = this.#shell.process.descriptors.get(0)
    const isTold = this.#interrupted.until(() => this.#isInterrupted)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: keys are sent so
    while (this.#ahead === '' || /^\x1b(?:\[[0-9;]*)?$/.test(this.#ahead)) {
      if (stream === undefined) return undefined
      const reading = stream.read(4096)
      let next = reading.next()
      while (!next.done) {
        const wait = next.value
        if (!wait.isOver()) yield either(wait, isTold)
        if (this.#isInterrupted) {
          reading.return(undefined)
          this.#ahead = ''
          return 'interrupted'
        }
        if (wait.isOver()) next = reading.next()
      }
      if (next.value === undefined) return undefined
      this.#ahead += Buffer.from(next.value).toString()
    }
    const typed = key.exec(this.#ahead)![0]
    this.#ahead = this.#ahead.slice(typed.length)
    return typed
  }

  /** The word before the cursor: a command when it is the first, else a path. */
  #complete(text: string): { add: string; choices: readonly string[] } {
    const word = /[^\s|;&<>()]*$/.exec(text)![0]
    const isCommand = /(?:^|[|;&(])\s*$/.test(text.slice(0, text.length - word.length)) && !word.includes('/')
    const shell = this.#shell
    const { files } = shell.process
    const found = isCommand ? this.#commands(word) : glob(`${escapePattern(word)}*`, shell.process.cwd, files)
    if (found.length === 0) return { add: '', choices: [] }
    const whole = (path: string) => (!isCommand && isFolder(path) ? `${path}/` : path)
    const isFolder = (path: string) =>
      files.exists(shell.absolute(path)) && files.stat(shell.absolute(path)).kind === 'directory'
    if (found.length === 1) {
      const only = whole(found[0]!)
      return { add: only.slice(word.length) + (only.endsWith('/') ? '' : ' '), choices: found }
    }
    let common = found[0]!
    for (const each of found) while (!each.startsWith(common)) common = common.slice(0, -1)
    return { add: common.slice(word.length), choices: found.map(each => whole(each).replace(/.*\/(?=.)/, '')) }
  }

  #commands(word: string): string[] {
    const shell = this.#shell
    const found = new Set(
      [...builtins.keys(), ...shell.functions.keys(), ...shell.aliases.keys()].filter(name => name.startsWith(word)),
    )
    for (const folder of (shell.variables.get('PATH') ?? '').split(':')) {
      for (const path of glob(`${escapePattern(folder)}/${escapePattern(word)}*`, '/', shell.process.files)) {
        found.add(path.slice(path.lastIndexOf('/') + 1))
      }
    }
    return [...found].sort()
  }
}

function columns(choices: readonly string[], width: number): string {
  const wide = Math.max(...choices.map(choice => choice.length)) + 2
  const count = Math.max(1, Math.floor(width / wide))
  let text = ''
  for (const [index, choice] of choices.entries()) {
    const isLast = index % count === count - 1 || index === choices.length - 1
    text += isLast ? `${choice}\n` : choice.padEnd(wide)
  }
  return text
}
