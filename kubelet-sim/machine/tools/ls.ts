// ls: names in columns on a terminal, one a line elsewhere; -l and its kin.

import type { FileSystem, Stat } from '../file-system.ts'
import type { Process } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { humanSize, inColumns, listedDate, modeText } from './listing.ts'
import { type Options, optionsOf } from './options.ts'
import { Owners } from './owners.ts'
import { bytesOf, Output } from './text-streams.ts'
import { joined, nameOf, pathOf, tool } from './tool.ts'

interface Entry {
  readonly name: string
  readonly path: string
  readonly stat: Stat
}

export const ls = tool('[-1AaCxdLHRFplinshrSXvctu] [-w WIDTH] [FILE]...', function* (process) {
  const options = optionsOf(process, '1AaCxdLHRFplinshrSXvctukgow:T:', {
    all: 'a',
    'almost-all': 'A',
    'human-readable': 'h',
    recursive: 'R',
    directory: 'd',
    reverse: 'r',
    color: '1',
    'full-time': 'l',
  })
  const listing = new Listing(process, options)
  yield* listing.all(options.words.length > 0 ? options.words : ['.'])
  return listing.code
})

class Listing {
  readonly #process: Process
  readonly #files: FileSystem
  readonly #options: Options
  readonly #output: Output
  readonly #owners: Owners
  readonly #isLong: boolean
  code = 0

  constructor(process: Process, options: Options) {
    this.#process = process
    this.#files = process.files
    this.#options = options
    this.#output = new Output(process)
    this.#owners = new Owners(process.files)
    this.#isLong = ['l', 'n', 'g', 'o'].some(letter => options.has(letter))
  }

  *all(names: readonly string[]): Step<void> {
    const options = this.#options
    const entries: Entry[] = []
    for (const name of names) {
      const follows = options.has('L') || options.has('H') || (!this.#isLong && !options.has('d') && !options.has('F'))
      const entry = yield* this.#entry(name, () => pathOf(this.#process, name), follows || name.endsWith('/'))
      if (entry !== undefined) entries.push(entry)
    }
    const isFolder = ({ stat }: Entry) => stat.kind === 'directory' && !options.has('d')
    const plain = this.#sorted(entries.filter(entry => !isFolder(entry)))
    const folders = this.#sorted(entries.filter(isFolder))
    yield* this.#show(plain)
    for (const [index, folder] of folders.entries()) {
      const isFirst = index === 0 && plain.length === 0
      yield* this.#folder(folder, names.length > 1 || options.has('R'), isFirst)
    }
    yield* this.#output.flush()
  }

  *#folder(folder: Entry, titled: boolean, isFirst: boolean): Step<void> {
    const options = this.#options
    if (titled) yield* this.#output.put(`${isFirst ? '' : '\n'}${bytesOf(folder.name)}:\n`)
    let names: readonly string[]
    try {
      names = this.#files.list(folder.path)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* this.#complain(`can't open '${folder.name}'`, error)
      return
    }
    const entries: Entry[] = []
    const shown = options.has('a') ? ['.', '..', ...names] : names
    for (const name of shown) {
      if (name.startsWith('.') && !options.has('a') && !options.has('A')) continue
      const entry = yield* this.#entry(name, () => joined(folder.path, name), options.has('L'), folder.name)
      if (entry !== undefined) entries.push(entry)
    }
    const sorted = this.#sorted(entries)
    if (this.#isLong || options.has('s')) {
      const blocks = entries.reduce((sum, { stat }) => sum + blocksOf(stat), 0)
      yield* this.#output.put(`total ${options.has('h') ? humanSize(blocks * 1024) : blocks}\n`)
    }
    yield* this.#show(sorted)
    if (!options.has('R')) return
    for (const { name, path, stat } of sorted) {
      if (stat.kind !== 'directory' || name === '.' || name === '..') continue
      yield* this.#folder({ name: joined(folder.name, name), path, stat }, true, false)
    }
  }

  *#entry(name: string, path: () => string, follows: boolean, folder?: string): Step<Entry | undefined> {
    try {
      const its = path()
      let stat: Stat
      try {
        stat = follows ? this.#files.stat(its) : this.#files.lstat(its)
      } catch (error) {
        // A symlink that leads nowhere is shown itself.
        if (!follows || !(error instanceof SystemError && error.errno === 'ENOENT')) throw error
        stat = this.#files.lstat(its)
      }
      return { name, path: its, stat }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* this.#complain(folder === undefined ? name : joined(folder, name), error)
      return undefined
    }
  }

  *#complain(what: string, error: SystemError): Step<void> {
    this.code = 1
    yield* this.#output.flush()
    yield* this.#process.complain(`${nameOf(this.#process)}: ${what}: ${error.message}\n`)
  }

  #sorted(entries: readonly Entry[]): readonly Entry[] {
    const options = this.#options
    const byName = (a: Entry, b: Entry) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
    let sorted = [...entries].sort(byName)
    if (options.has('S')) sorted = sorted.sort((a, b) => b.stat.size - a.stat.size || byName(a, b))
    if (options.has('t')) sorted = sorted.sort((a, b) => b.stat.modified - a.stat.modified || byName(a, b))
    if (options.has('X')) sorted = sorted.sort((a, b) => (ending(a.name) < ending(b.name) ? -1 : 1))
    if (options.has('v')) {
      const order = new Intl.Collator('en', { numeric: true })
      sorted = sorted.sort((a, b) => order.compare(a.name, b.name))
    }
    return options.has('r') ? sorted.reverse() : sorted
  }

  *#show(entries: readonly Entry[]): Step<void> {
    if (entries.length === 0) return
    if (this.#isLong) return yield* this.#showLong(entries)
    const options = this.#options
    const names = entries.map(entry => {
      const number = options.has('i') ? `${String(entry.stat.inode).padStart(7)} ` : ''
      const blocks = options.has('s') ? `${String(blocksOf(entry.stat)).padStart(6)} ` : ''
      return `${number}${blocks}${entry.name}${this.#mark(entry)}`
    })
    const terminal = this.#process.descriptors.get(1)?.terminal
    const columns = (terminal !== undefined && !options.has('1')) || options.has('C') || options.has('x')
    const width = Number(options.value('w') ?? terminal?.columns ?? 80)
    yield* this.#output.put(bytesOf(columns ? inColumns(names, width) : names.map(name => `${name}\n`).join('')))
  }

  *#showLong(entries: readonly Entry[]): Step<void> {
    const options = this.#options
    const now = this.#process.clock.now()
    for (const entry of entries) {
      const { stat, name, path } = entry
      const [user, group] = options.has('n')
        ? [String(stat.uid), String(stat.gid)]
        : [this.#owners.user(stat.uid), this.#owners.group(stat.gid)]
      const size = stat.kind === 'device' ? '1,   3' : options.has('h') ? humanSize(stat.size) : String(stat.size)
      const target = stat.kind === 'symlink' ? ` -> ${this.#files.readlink(path)}` : this.#mark(entry)
      const line = [
        options.has('i') ? `${String(stat.inode).padStart(7)} ` : '',
        options.has('s') ? `${String(blocksOf(stat)).padStart(6)} ` : '',
        `${modeText(stat.kind, stat.mode)} ${String(stat.links).padStart(4)} `,
        options.has('g') ? '' : `${user.padEnd(8)} `,
        options.has('o') ? '' : `${group.padEnd(8)} `,
        `${size.padStart(9)} `,
        `${listedDate(stat.modified, now)} ${name}${target}\n`,
      ]
      yield* this.#output.put(bytesOf(line.join('')))
    }
  }

  #mark({ stat }: Entry): string {
    const options = this.#options
    if (stat.kind === 'directory') return options.has('F') || options.has('p') ? '/' : ''
    if (!options.has('F')) return ''
    if (stat.kind === 'symlink') return '@'
    return stat.kind === 'file' && (stat.mode & 0o111) !== 0 ? '*' : ''
  }
}

/** Of 1024 bytes, as a disk with blocks of 4096 has them. */
export function blocksOf({ kind, size }: Stat): number {
  if (kind === 'directory') return 4
  return kind === 'file' ? Math.ceil(size / 4096) * 4 : 0
}

function ending(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(dot)
}
