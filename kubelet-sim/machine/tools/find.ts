// find: files below some folders that a test holds for, and what is done with them.

import type { Stat } from '../file-system.ts'
import type { Process } from '../process.ts'
import { compilePattern, matches } from '../shell/patterns.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { blocksOf } from './ls.ts'
import { changedMode } from './mode-change.ts'
import { told } from './names.ts'
import { accounts, groups, Owners } from './owners.ts'
import { compiled } from './posix-pattern.ts'
import { started } from './process-tools.ts'
import { baseName, joined, pathOf, ToolError, tool } from './tool.ts'

interface Place {
  readonly name: string
  readonly path: string
  readonly stat: Stat
  readonly depth: number
}

type Test = (place: Place) => Step<boolean>

export const find = tool('[-HL] [PATH]... [OPTIONS] [ACTIONS]', function* (process) {
  const words = process.argv.slice(1)
  let follows = false
  while (/^-[HLP]$/.test(words[0] ?? '')) follows = words.shift() === '-L'
  const names: string[] = []
  while (words[0] !== undefined && !/^[-(!]/.test(words[0])) names.push(words.shift()!)
  const search = new Search(process, words, follows)
  for (const name of names.length > 0 ? names : ['.']) yield* search.look(name, pathOf(process, name), 0)
  yield* search.finish()
  return search.code
})

class Search {
  readonly #process: Process
  readonly #words: readonly string[]
  readonly #follows: boolean
  readonly #test: Test
  readonly #batches: { readonly argv: readonly string[]; readonly names: string[] }[] = []
  #at = 0
  #acts = false
  #most = Number.POSITIVE_INFINITY
  #least = 0
  #isDeep = false
  #isPruned = false
  #hasQuit = false
  readonly print: Test = place => this.#printed(place, '\n')
  code = 0

  constructor(process: Process, words: readonly string[], follows: boolean) {
    this.#process = process
    this.#words = words
    this.#follows = follows
    const test = words.length === 0 ? always : this.#or()
    if (this.#at < words.length) throw new ToolError(`unrecognized: ${words[this.#at]}`)
    const { print } = this
    this.#test = this.#acts
      ? test
      : function* (place) {
          return (yield* test(place)) ? yield* print(place) : false
        }
  }

  *look(name: string, path: string, depth: number): Step<void> {
    const { files } = this.#process
    if (this.#hasQuit) return
    try {
      const stat = this.#follows && files.exists(path) ? files.stat(path) : files.lstat(path)
      const place = { name, path, stat, depth }
      const isFolder = stat.kind === 'directory'
      const isIn = depth >= this.#least
      this.#isPruned = false
      if (isIn && !this.#isDeep) yield* this.#test(place)
      if (isFolder && !this.#isPruned && depth < this.#most) {
        yield* this.#process.pause()
        for (const entry of files.list(path)) yield* this.look(joined(name, entry), joined(path, entry), depth + 1)
      }
      if (isIn && this.#isDeep) yield* this.#test(place)
    } catch (error) {
      if (!(error instanceof SystemError) || error.errno === 'EPIPE') throw error
      yield* this.#process.complain(`find: ${name}: ${error.message}\n`)
      this.code = 1
    }
  }

  /** Runs what `-exec … +` has gathered. */
  *finish(): Step<void> {
    for (const { argv, names } of this.#batches) if (names.length > 0) yield* this.#run([...argv, ...names])
  }

  *#printed({ name }: Place, end: string): Step<boolean> {
    yield* this.#process.print(`${name}${end}`)
    return true
  }

  #or(): Test {
    let left = this.#and()
    while (['-o', '-or'].includes(this.#words[this.#at] ?? '')) {
      this.#at++
      const [one, other] = [left, this.#and()]
      left = function* (place) {
        return (yield* one(place)) || (yield* other(place))
      }
    }
    return left
  }

  #and(): Test {
    let left = this.#not()
    while (this.#at < this.#words.length && !['-o', '-or', ')'].includes(this.#words[this.#at]!)) {
      if (['-a', '-and'].includes(this.#words[this.#at]!)) this.#at++
      const [one, other] = [left, this.#not()]
      left = function* (place) {
        return (yield* one(place)) && (yield* other(place))
      }
    }
    return left
  }

  #not(): Test {
    const word = this.#words[this.#at]
    if (word === '!' || word === '-not') {
      this.#at++
      const test = this.#not()
      return function* (place) {
        return !(yield* test(place))
      }
    }
    if (word === '(') {
      this.#at++
      const test = this.#or()
      if (this.#words[this.#at] !== ')') throw new ToolError("missing ')'")
      this.#at++
      return test
    }
    return this.#primary()
  }

  #value(option: string): string {
    const value = this.#words[this.#at++]
    if (value === undefined) throw new ToolError(`${option}: requires argument`)
    return value
  }

  #primary(): Test {
    const word = this.#words[this.#at++] ?? ''
    const files = this.#process.files
    const value = () => this.#value(word)
    switch (word) {
      case '-name':
      case '-iname':
      case '-path':
      case '-ipath':
      case '-wholename': {
        const ignores = word.startsWith('-i')
        const pattern = compilePattern(ignores ? value().toLowerCase() : value())
        const whole = word.endsWith('path') || word === '-wholename'
        return simply(({ name }) => {
          const text = whole ? name : baseName(name)
          return matches(pattern, ignores ? text.toLowerCase() : text)
        })
      }
      case '-regex': {
        const pattern = new RegExp(`^(?:${compiled(value(), { extended: false }).source})$`)
        return simply(({ name }) => pattern.test(name))
      }
      case '-type': {
        const kinds = value()
          .split(',')
          .map(letter => ({ f: 'file', d: 'directory', l: 'symlink', c: 'device', p: 'fifo', s: 'socket' })[letter])
        return simply(({ stat }) => kinds.includes(stat.kind))
      }
      case '-size': {
        const match = /^([+-]?)(\d+)([bcwkMG]?)$/.exec(value())
        if (match === null) throw new ToolError(`invalid number`)
        const unit = { '': 512, b: 512, c: 1, w: 2, k: 1024, M: 1024 ** 2, G: 1024 ** 3 }[match[3]!]!
        return simply(({ stat }) => compare(Math.ceil(stat.size / unit), match[1]!, Number(match[2])))
      }
      case '-empty':
        return simply(({ stat, path }) =>
          stat.kind === 'directory' ? files.list(path).length === 0 : stat.kind === 'file' && stat.size === 0,
        )
      case '-mtime':
      case '-mmin': {
        const match = /^([+-]?)(\d+)$/.exec(value())
        if (match === null) throw new ToolError(`invalid number`)
        const unit = word === '-mtime' ? 86_400_000 : 60_000
        const now = this.#process.clock.now()
        return simply(({ stat }) => compare(Math.floor((now - stat.modified) / unit), match[1]!, Number(match[2])))
      }
      case '-newer': {
        const { modified } = files.stat(pathOf(this.#process, value()))
        return simply(({ stat }) => stat.modified > modified)
      }
      case '-perm': {
        const text = value()
        const mode = changedMode(text.replace(/^[-/]/, ''), 0, false, 0)
        return simply(({ stat }) =>
          text.startsWith('-')
            ? (stat.mode & mode) === mode
            : text.startsWith('/')
              ? (stat.mode & mode) !== 0
              : stat.mode === mode,
        )
      }
      case '-user': {
        const name = value()
        const uid = accounts(files).find(each => each.name === name)?.uid ?? Number(name)
        return simply(({ stat }) => stat.uid === uid)
      }
      case '-group': {
        const name = value()
        const gid = groups(files).find(each => each.name === name)?.gid ?? Number(name)
        return simply(({ stat }) => stat.gid === gid)
      }
      case '-links': {
        const count = Number(value())
        return simply(({ stat }) => stat.links === count)
      }
      case '-inum': {
        const number = Number(value())
        return simply(({ stat }) => stat.inode === number)
      }
      case '-maxdepth':
        this.#most = Number(value())
        return always
      case '-mindepth':
        this.#least = Number(value())
        return always
      case '-depth':
        this.#isDeep = true
        return always
      case '-xdev':
      case '-mount':
      case '-noleaf':
      case '-true':
        return always
      case '-prune':
        return simply(() => {
          this.#isPruned = true
          return true
        })
      default:
        return this.#action(word)
    }
  }

  #action(word: string): Test {
    this.#acts = true
    const { files } = this.#process
    switch (word) {
      case '-print':
        return this.print
      case '-print0':
        return place => this.#printed(place, '\0')
      case '-quit':
        return simply(() => {
          this.#hasQuit = true
          return true
        })
      case '-printf': {
        const format = this.#value(word)
        return place => this.#formatted(format, place)
      }
      case '-ls':
        return place => this.#formatted('%i %b %M %n %u %g %s %p\\n', place)
      case '-delete':
        this.#isDeep = true
        return simply(({ stat, path, name }) => {
          if (name === '.' || name === '..') return true
          if (stat.kind === 'directory') files.removeDirectory(path)
          else files.unlink(path)
          return true
        })
      case '-exec':
      case '-ok':
        return this.#exec()
      default:
        throw new ToolError(`unrecognized: ${word}`)
    }
  }

  #exec(): Test {
    const argv: string[] = []
    while (true) {
      const word = this.#value('-exec')
      if (word === ';') break
      if (word === '+' && argv.at(-1) === '{}') {
        const batch = { argv: argv.slice(0, -1), names: [] as string[] }
        this.#batches.push(batch)
        return simply(({ name }) => {
          batch.names.push(name)
          return true
        })
      }
      argv.push(word)
    }
    const run = (command: readonly string[]) => this.#run(command)
    return function* ({ name }) {
      return (yield* run(argv.map(word => word.replaceAll('{}', name)))) === 0
    }
  }

  *#run(argv: readonly string[]): Step<number> {
    const child = yield* started(this.#process, argv)
    const code = typeof child === 'number' ? child : yield* child.exited()
    return code
  }

  *#formatted(format: string, { name, stat, path, depth }: Place): Step<boolean> {
    const owners = new Owners(this.#process.files)
    const target = stat.kind === 'symlink' ? this.#process.files.readlink(path) : undefined
    const text = format
      .replace(/\\([nt0\\])/g, (_, letter: string) => ({ n: '\n', t: '\t', '0': '\0' })[letter] ?? letter)
      .replace(/%([-0]?\d*)(T@|[a-zA-Z%])/g, (whole, width: string, letter: string) => {
        const values: Readonly<Record<string, string>> = {
          p: name,
          P: name.replace(/^[^/]*\/?/, ''),
          f: baseName(name),
          h: name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : '.',
          s: String(stat.size),
          k: String(blocksOf(stat)),
          b: String(blocksOf(stat) * 2),
          m: stat.mode.toString(8),
          M: told('%A', name, stat, owners, target),
          u: owners.user(stat.uid),
          g: owners.group(stat.gid),
          U: String(stat.uid),
          G: String(stat.gid),
          i: String(stat.inode),
          n: String(stat.links),
          d: String(depth),
          l: target ?? '',
          y: { file: 'f', directory: 'd', symlink: 'l', device: 'c', fifo: 'p', socket: 's' }[stat.kind],
          'T@': (stat.modified / 1000).toFixed(10),
          '%': '%',
        }
        const shown = values[letter]
        if (shown === undefined) return whole
        return width.startsWith('-') ? shown.padEnd(Number(width.slice(1))) : shown.padStart(Number(width || 0))
      })
    yield* this.#process.print(text)
    return true
  }
}

// biome-ignore lint/correctness/useYield: it never waits
function* always(): Step<boolean> {
  return true
}

function simply(test: (place: Place) => boolean): Test {
  // biome-ignore lint/correctness/useYield: it never waits
  return function* (place) {
    return test(place)
  }
}

function compare(value: number, sign: string, wanted: number): boolean {
  return sign === '+' ? value > wanted : sign === '-' ? value < wanted : value === wanted
}
