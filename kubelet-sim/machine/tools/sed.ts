// sed: a script over the lines of files, or of each file in place (-i).

import { openStream } from '../open-stream.ts'
import type { Process, Stream } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { optionsOf } from './options.ts'
import { parseSed, type SedAddress, type SedCommand, type SedSubstitution } from './sed-script.ts'
import { bytesOf, Lines, Output, openInput, readAll, tryOpen } from './text-streams.ts'
import { pathOf, ToolError, tool, UsageError } from './tool.ts'

const long = { quiet: 'n', silent: 'n', expression: 'e', file: 'f', 'in-place': 'i', 'regexp-extended': 'E' }

export const sed = tool(
  '[-i[SFX]] [-nrE] [-f FILE]... [-e CMD]... [FILE]...\nor: sed [-i[SFX]] [-nrE] CMD [FILE]...',
  function* (process) {
    const options = optionsOf(process, 'i::nrEf:e:s', long)
    const words = [...options.words]
    const scripts: string[] = []
    for (const { letter, value } of options.given) {
      if (letter === 'e') scripts.push(bytesOf(value!))
      if (letter !== 'f') continue
      const stream = openInput(process, value!)
      scripts.push((yield* readAll(process, stream)).toString('latin1').replace(/\n$/, ''))
      stream.close()
    }
    if (scripts.length === 0) {
      const first = words.shift()
      if (first === undefined) throw new UsageError('')
      scripts.push(bytesOf(first))
    }
    const commands = parseSed(scripts.join('\n'), options.has('E') || options.has('r'))
    if (!options.has('i')) {
      const editor = new Editor(process, commands, options.has('n'), new Output(process))
      yield* editor.run(words.length > 0 ? words : ['-'])
      return editor.code
    }
    let code = 0
    for (const word of words) {
      const path = pathOf(process, word)
      if (!process.files.exists(path)) {
        yield* process.complain(`sed: ${word}: No such file or directory\n`)
        code = 1
        continue
      }
      const { mode, uid, gid } = process.files.stat(path)
      const parts: Uint8Array[] = []
      const editor = new Editor(process, commands, options.has('n'), new Output(process, collecting(parts)))
      yield* editor.run([word])
      const suffix = options.value('i')
      if (suffix !== undefined) process.files.rename(path, path + suffix)
      // As a new file that takes the old one's name: who reads the old one goes on reading it.
      else process.files.unlink(path)
      process.files.write(path, Buffer.concat(parts), mode)
      process.files.chown(path, uid, gid)
      code = editor.code || code
      if (editor.hasQuit) break
    }
    return code
  },
)

function collecting(parts: Uint8Array[]): Stream {
  return {
    // biome-ignore lint/correctness/useYield: it only refuses
    *read() {
      throw new SystemError('EBADF')
    },
    // biome-ignore lint/correctness/useYield: it never waits
    *write(bytes) {
      parts.push(bytes)
    },
    close() {},
    share() {
      return this
    },
  }
}

class Editor {
  readonly #process: Process
  readonly #commands: readonly SedCommand[]
  readonly #quiet: boolean
  readonly #output: Output
  readonly #active = new Map<SedCommand, number>()
  readonly #files = new Map<string, Stream>()
  #names: string[] = []
  #lines: Lines | undefined
  #stream: Stream | undefined
  #next: string | undefined
  #isNextWhole = true
  #isWhole = true
  #number = 0
  #space = ''
  #hold = ''
  #last: RegExp | undefined
  #after: (string | { readonly file: string })[] = []
  #substituted = false
  code = 0
  hasQuit = false

  constructor(process: Process, commands: readonly SedCommand[], quiet: boolean, output: Output) {
    this.#process = process
    this.#commands = commands
    this.#quiet = quiet
    this.#output = output
  }

  *run(names: readonly string[]): Step<void> {
    this.#names = [...names]
    yield* this.#advance()
    while (!this.hasQuit && (yield* this.#take())) {
      let isRestarted = true
      while (isRestarted) isRestarted = yield* this.#cycle()
    }
    yield* this.#output.flush()
    this.#stream?.close()
    for (const stream of this.#files.values()) stream.close()
  }

  /** The line after the current one, so that `$` is known. */
  *#advance(): Step<void> {
    while (true) {
      if (this.#lines === undefined) {
        const name = this.#names.shift()
        if (name === undefined) {
          this.#next = undefined
          return
        }
        this.#stream = yield* tryOpen(this.#process, name)
        if (this.#stream === undefined) {
          this.code = 1
          continue
        }
        this.#lines = new Lines(this.#process, this.#stream, this.#output)
      }
      this.#next = yield* this.#lines.next()
      this.#isNextWhole = this.#lines.isWhole
      if (this.#next !== undefined) return
      this.#stream?.close()
      this.#stream = undefined
      this.#lines = undefined
    }
  }

  *#take(): Step<boolean> {
    if (this.#next === undefined) return false
    this.#space = this.#next
    this.#isWhole = this.#isNextWhole
    this.#number++
    yield* this.#advance()
    return true
  }

  *#print(text: string): Step<void> {
    yield* this.#output.put(text + (this.#isWhole || this.#next !== undefined ? '\n' : ''))
  }

  *#appended(): Step<void> {
    for (const each of this.#after) {
      if (typeof each === 'string') yield* this.#output.put(each)
      else {
        const path = pathOf(this.#process, each.file)
        if (this.#process.files.access(path, 'read')) {
          yield* this.#output.put(Buffer.from(this.#process.files.read(path)).toString('latin1'))
        }
      }
    }
    this.#after = []
  }

  /** true: again with what is left, and without reading (D). */
  *#cycle(): Step<boolean> {
    const commands = this.#commands
    let steps = 0
    for (let at = 0; at < commands.length; at++) {
      if (++steps % 1000 === 0) yield* this.#process.pause()
      const command = commands[at]!
      if (!this.#applies(command)) {
        if (command.name === '{') at = command.end
        continue
      }
      switch (command.name) {
        case '{':
        case '}':
        case ':':
          break
        case 's':
          yield* this.#substitute(command.substitution!)
          break
        case 'y': {
          const half = command.text.length / 2
          this.#space = [...this.#space]
            .map(char => {
              const index = command.text.slice(0, half).indexOf(char)
              return index < 0 ? char : command.text[half + index]!
            })
            .join('')
          break
        }
        case 'd':
          yield* this.#appended()
          return false
        case 'D': {
          const end = this.#space.indexOf('\n')
          yield* this.#appended()
          if (end < 0) return false
          this.#space = this.#space.slice(end + 1)
          return true
        }
        case 'p':
          yield* this.#output.put(`${this.#space}\n`)
          break
        case 'P':
          yield* this.#output.put(`${this.#space.split('\n', 1)[0]}\n`)
          break
        case 'a':
          this.#after.push(command.text)
          break
        case 'i':
          yield* this.#output.put(command.text)
          break
        case 'c':
          if (command.to === undefined || !this.#active.has(command)) yield* this.#output.put(command.text)
          yield* this.#appended()
          return false
        case 'r':
          this.#after.push({ file: command.text })
          break
        case 'w':
          yield* this.#writeTo(command.text)
          break
        case '=':
          yield* this.#output.put(`${this.#number}\n`)
          break
        case 'l':
          yield* this.#output.put(`${shown(this.#space)}$\n`)
          break
        case 'n':
          if (this.#next === undefined) {
            if (!this.#quiet) yield* this.#print(this.#space)
            yield* this.#appended()
            this.hasQuit = true
            return false
          }
          if (!this.#quiet) yield* this.#print(this.#space)
          yield* this.#appended()
          yield* this.#take()
          break
        case 'N': {
          if (this.#next === undefined) {
            if (!this.#quiet) yield* this.#print(this.#space)
            this.hasQuit = true
            return false
          }
          yield* this.#appended()
          const before = this.#space
          yield* this.#take()
          this.#space = `${before}\n${this.#space}`
          break
        }
        case 'g':
          this.#space = this.#hold
          break
        case 'G':
          this.#space += `\n${this.#hold}`
          break
        case 'h':
          this.#hold = this.#space
          break
        case 'H':
          this.#hold += `\n${this.#space}`
          break
        case 'x':
          ;[this.#space, this.#hold] = [this.#hold, this.#space]
          break
        case 'q':
        case 'Q':
          this.hasQuit = true
          this.code = Number(command.text)
          if (command.name === 'q' && !this.#quiet) yield* this.#print(this.#space)
          yield* this.#appended()
          this.#lines?.giveBack()
          return false
        case 't':
        case 'T': {
          const jumps = this.#substituted === (command.name === 't')
          this.#substituted = false
          if (jumps) at = this.#label(command.text)
          break
        }
        case 'b':
          at = this.#label(command.text)
          break
      }
    }
    if (!this.#quiet) yield* this.#print(this.#space)
    yield* this.#appended()
    this.#substituted = false
    return false
  }

  #label(name: string): number {
    if (name === '') return this.#commands.length
    const at = this.#commands.findIndex(command => command.name === ':' && command.text === name)
    if (at < 0) throw new ToolError(`can't find label for jump to '${name}'`)
    return at
  }

  #applies(command: SedCommand): boolean {
    return this.#isIn(command) !== command.negated
  }

  #isIn(command: SedCommand): boolean {
    const { from, to } = command
    if (from === undefined) return true
    if (to === undefined) return this.#matches(from)
    const started = this.#active.get(command)
    if (started === undefined) {
      // A range that begins at `0` may end in the first line.
      const begins = from.kind === 'line' && from.line === 0 ? this.#number === 1 : this.#matches(from)
      if (!begins) return false
      if (to.kind === 'line' && to.line <= this.#number) return true
      if (to.kind === 'more' && to.count === 0) return true
      if (from.kind === 'line' && from.line === 0 && this.#matches(to)) return true
      this.#active.set(command, this.#number)
      return true
    }
    const ends =
      to.kind === 'line'
        ? this.#number >= to.line
        : to.kind === 'more'
          ? this.#number >= started + to.count
          : this.#matches(to)
    if (ends) this.#active.delete(command)
    return to.kind !== 'line' || this.#number <= to.line
  }

  #matches(address: SedAddress): boolean {
    switch (address.kind) {
      case 'line':
        return this.#number === address.line
      case 'last':
        return this.#next === undefined
      case 'step':
        if (address.step === 0) return this.#number === address.first
        return this.#number >= address.first && (this.#number - address.first) % address.step === 0
      case 'more':
        return false
      case 'match':
        return this.#used(address.pattern).test(this.#space)
    }
  }

  #used(pattern: RegExp | undefined): RegExp {
    const used = pattern ?? this.#last
    if (used === undefined) throw new ToolError('no previous regexp')
    this.#last = used
    used.lastIndex = 0
    return used
  }

  *#substitute({ pattern, replacement, nth, all, prints, file }: SedSubstitution): Step<void> {
    const given = this.#used(pattern)
    const used = given.global ? given : new RegExp(given.source, `${given.flags}g`)
    used.lastIndex = 0
    let [text, at, count, changed] = ['', 0, 0, false]
    for (let match = used.exec(this.#space); match !== null; match = used.exec(this.#space)) {
      count++
      if (count >= nth && (all || count === nth)) {
        text += this.#space.slice(at, match.index) + replaced(replacement, match)
        at = match.index + match[0].length
        changed = true
        if (!all) break
      }
      if (match[0] === '') used.lastIndex++
    }
    if (!changed) return
    this.#space = text + this.#space.slice(at)
    this.#substituted = true
    if (prints) yield* this.#output.put(`${this.#space}\n`)
    if (file !== undefined) yield* this.#writeTo(file)
  }

  *#writeTo(name: string): Step<void> {
    if (name === '/dev/stdout') return yield* this.#output.put(`${this.#space}\n`)
    let stream = this.#files.get(name)
    if (stream === undefined) {
      stream = openStream(this.#process, name, { write: true, create: true, truncate: true })
      this.#files.set(name, stream)
    }
    yield* stream.write(Buffer.from(`${this.#space}\n`, 'latin1'))
  }
}

function replaced(parts: SedSubstitution['replacement'], match: RegExpExecArray): string {
  let text = ''
  let turn: 'U' | 'L' | 'E' = 'E'
  let once: 'u' | 'l' | undefined
  for (const part of parts) {
    if (typeof part !== 'string' && 'turn' in part) {
      if (part.turn === 'u' || part.turn === 'l') once = part.turn
      else turn = part.turn
      continue
    }
    let own = typeof part === 'string' ? part : (match[part.group] ?? '')
    if (turn === 'U') own = own.toUpperCase()
    else if (turn === 'L') own = own.toLowerCase()
    if (once !== undefined && own !== '') {
      own = (once === 'u' ? own[0]!.toUpperCase() : own[0]!.toLowerCase()) + own.slice(1)
      once = undefined
    }
    text += own
  }
  return text
}

const named: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\b': '\\b' }

function shown(text: string): string {
  return [...text]
    .map(char => {
      const code = char.charCodeAt(0)
      return named[char] ?? (code < 32 || code > 126 ? `\\${code.toString(8).padStart(3, '0')}` : char)
    })
    .join('')
}
