// tar: c, x and t, plain or gzipped, from files or pipes. `kubectl cp` runs it on both sides.

import { gunzipSync, gzipSync } from 'node:zlib'
import { openStream } from '../open-stream.ts'
import type { Process, Stream } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import {
  type ArchiveEntry,
  blockSize,
  headerOf,
  padding,
  parseHeader,
  parseRecords,
  type RawHeader,
} from './archive-format.ts'
import { formatted } from './date-text.ts'
import { modeText } from './listing.ts'
import { type Options, optionsOf } from './options.ts'
import { Owners } from './owners.ts'
import { literal } from './posix-pattern.ts'
import { openInput, outputOf, readAll } from './text-streams.ts'
import { joined, pathOf, ToolError, tool, UsageError } from './tool.ts'

const long = {
  create: 'c',
  extract: 'x',
  get: 'x',
  list: 't',
  file: 'f',
  directory: 'C',
  gzip: 'z',
  gunzip: 'z',
  verbose: 'v',
  touch: 'm',
  'to-stdout': 'O',
  'keep-old-files': 'k',
  dereference: 'h',
  'same-permissions': 'p',
  'preserve-permissions': 'p',
  'no-same-permissions': 'N',
  'no-same-owner': 'o',
  'files-from': 'T',
  exclude: 'X',
  'strip-components': 'S',
  overwrite: 'w',
  warning: 'W',
  'absolute-names': 'P',
  numeric: 'n',
  'numeric-owner': 'n',
}

export const tar = tool(
  'c|x|t [-ZzJjahmvokO] [-f TARFILE] [-C DIR] [-T FILE] [-X FILE] [LONGOPT]... [FILE]...',
  function* (process) {
    const options = optionsOf({ argv: bundled(process.argv) }, 'cxtzZJjahmvokOpPf:C:T:NX:S:wW:n', long)
    const verbs = ['c', 'x', 't'].filter(letter => options.has(letter))
    if (verbs.length !== 1) throw new UsageError('')
    if (options.has('J') || options.has('j') || options.has('Z')) {
      throw new ToolError('of compressions only gzip is simulated')
    }
    return verbs[0] === 'c' ? yield* create(process, options) : yield* read(process, options, verbs[0] === 'x')
  },
)

/** `tar xmf - dir`: the first word needs no dash, and what takes a value finds it among the next words, in order. */
function bundled(argv: readonly string[]): readonly string[] {
  const [name = '', first, ...rest] = argv
  if (first === undefined || first.startsWith('-')) return argv
  const words = [...rest]
  const options: string[] = []
  for (const letter of first) options.push('fCTX'.includes(letter) ? `-${letter}${words.shift() ?? ''}` : `-${letter}`)
  return [name, ...options, ...words]
}

function* create(process: Process, options: Options): Step<number> {
  const base = basesOf(process, options)
  const target = options.value('f') ?? '-'
  const names = [...options.words]
  const listed = options.value('T')
  if (listed !== undefined) {
    const stream = openInput(process, listed)
    names.push(...(yield* readAll(process, stream)).toString().split('\n').filter(Boolean))
    stream.close()
  }
  if (names.length === 0) throw new ToolError('empty archive')
  const stream =
    target === '-' ? outputOf(process) : openStream(process, target, { write: true, create: true, truncate: true })
  if (target === '-' && stream.terminal) throw new ToolError("can't write an archive to a terminal")
  const zips = options.has('z') || (options.has('a') && /gz$/.test(target))
  const parts: Uint8Array[] = []
  const sink = function* (bytes: Uint8Array): Step<void> {
    if (zips) {
      parts.push(bytes)
      process.allocate(bytes.length)
    } else yield* stream.write(bytes)
  }
  const packer = new Packer(process, options, base, sink)
  for (const name of names) yield* packer.add(name)
  yield* sink(new Uint8Array(blockSize * 2))
  if (zips) yield* stream.write(gzipSync(Buffer.concat(parts)))
  if (target !== '-') stream.close()
  if (packer.failed) yield* process.complain('tar: error exit delayed from previous errors\n')
  return packer.failed ? 1 : 0
}

function basesOf(process: Process, options: Options): string {
  const folder = options.value('C')
  if (folder === undefined) return process.cwd
  const path = pathOf(process, folder)
  if (!process.files.exists(path))
    throw new ToolError(`can't change directory to '${folder}': No such file or directory`)
  if (process.files.stat(path).kind !== 'directory') {
    throw new ToolError(`can't change directory to '${folder}': Not a directory`)
  }
  return path
}

class Packer {
  readonly #process: Process
  readonly #options: Options
  readonly #base: string
  readonly #sink: (bytes: Uint8Array) => Step<void>
  readonly #owners: Owners
  readonly #excluded: readonly RegExp[]
  readonly #linked = new Map<string, string>()
  #isRootTold = false
  failed = false

  constructor(process: Process, options: Options, base: string, sink: (bytes: Uint8Array) => Step<void>) {
    this.#process = process
    this.#options = options
    this.#base = base
    this.#sink = sink
    this.#owners = new Owners(process.files)
    this.#excluded = options.values('X').map(globbed)
  }

  *add(name: string): Step<void> {
    const { files } = this.#process
    const path = pathOf({ cwd: this.#base }, name)
    if (this.#excluded.some(pattern => pattern.test(name))) return
    try {
      const stat = this.#options.has('h') ? files.stat(path) : files.lstat(path)
      const isFolder = stat.kind === 'directory'
      if (stat.kind === 'device' || stat.kind === 'socket' || stat.kind === 'fifo') return
      const stored = yield* this.#stored(name)
      if (stored !== '' || isFolder) {
        const known = stat.links > 1 && stat.kind === 'file' ? this.#linked.get(`${stat.inode}`) : undefined
        const content = stat.kind === 'file' && known === undefined ? files.open(path, { read: true }) : undefined
        const entry: ArchiveEntry = {
          name: isFolder ? `${stored.replace(/\/+$/, '') || '.'}/` : stored,
          kind: known !== undefined ? 'link' : (stat.kind as 'file' | 'directory' | 'symlink'),
          mode: stat.mode,
          uid: stat.uid,
          gid: stat.gid,
          size: content === undefined ? 0 : stat.size,
          modified: Math.floor(stat.modified / 1000),
          target: known ?? (stat.kind === 'symlink' ? files.readlink(path) : ''),
          user: this.#owners.user(stat.uid),
          group: this.#owners.group(stat.gid),
        }
        if (stat.links > 1 && stat.kind === 'file') this.#linked.set(`${stat.inode}`, stored)
        if (this.#options.has('v')) yield* this.#tell(entry.name)
        yield* this.#sink(headerOf(entry))
        if (content !== undefined) yield* this.#content(content, stat.size)
      }
      if (!isFolder) return
      for (const child of files.list(path)) yield* this.add(joined(name, child))
    } catch (error) {
      if (!(error instanceof SystemError) || error.errno === 'EPIPE') throw error
      yield* this.#process.complain(`tar: ${name}: ${error.message}\n`)
      this.failed = true
    }
  }

  /** Absolute names lose their `/`. */
  *#stored(name: string): Step<string> {
    if (this.#options.has('P') || !/^(\/|(\.\.\/)+)/.test(name)) return name
    const prefix = /^(\/+|(\.\.\/)+)+/.exec(name)![0]
    if (!this.#isRootTold) {
      this.#isRootTold = true
      yield* this.#process.complain(`tar: removing leading '${prefix}' from member names\n`)
    }
    return name.slice(prefix.length)
  }

  *#tell(name: string): Step<void> {
    if ((this.#options.value('f') ?? '-') === '-') yield* this.#process.complain(`${name}\n`)
    else yield* this.#process.print(`${name}\n`)
  }

  *#content(file: { read(max: number): Uint8Array | undefined }, size: number): Step<void> {
    let left = size
    while (left > 0) {
      // What a file has lost meanwhile is filled up, as the header has told its size.
      const part = file.read(Math.min(left, 65536)) ?? new Uint8Array(Math.min(left, 65536))
      left -= part.length
      yield* this.#sink(part)
      yield* this.#process.pause()
    }
    yield* this.#sink(padding(size))
  }
}

/** Bytes of an archive, in the amounts that are asked for. */
class Source {
  readonly #stream: Stream
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: Stream) {
    this.#stream = stream
  }

  /** Fewer at the end. */
  *take(count: number): Step<Buffer> {
    const parts: Buffer[] = []
    let left = count
    while (left > 0) {
      if (this.#rest.length === 0) {
        const part = yield* this.#stream.read(65536)
        if (part === undefined) break
        this.#rest = Buffer.from(part.buffer, part.byteOffset, part.length)
      }
      const part = this.#rest.subarray(0, left)
      parts.push(part)
      this.#rest = this.#rest.subarray(part.length)
      left -= part.length
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }
}

function* read(process: Process, options: Options, extracts: boolean): Step<number> {
  const from = options.value('f') ?? '-'
  let stream: Stream
  try {
    stream = openInput(process, from)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new ToolError(`can't open '${from}': ${error.message}`)
  }
  const base = basesOf(process, options)
  let source = new Source(stream)
  const zips = options.has('z') || (from !== '-' && /\.t?gz$/.test(from))
  if (zips) source = new Source(unzipped(yield* readAll(process, stream)))
  const unpacker = new Unpacker(process, options, base, source)
  let isEmpty = true
  while (true) {
    const entry = yield* nextEntry(source, isEmpty)
    if (entry === undefined) break
    isEmpty = false
    const isWanted = unpacker.wants(entry.name)
    if (extracts && isWanted) yield* unpacker.extract(entry)
    else {
      if (isWanted) yield* unpacker.list(entry)
      yield* skip(process, source, entry.size)
    }
  }
  if (from !== '-') stream.close()
  else if (!zips) yield* skip(process, source, Number.POSITIVE_INFINITY)
  const missing = unpacker.missing
  for (const name of missing) yield* process.complain(`tar: ${name}: not found in archive\n`)
  return missing.length > 0 || unpacker.failed ? 1 : 0
}

function unzipped(bytes: Buffer): Stream {
  let rest: Buffer | undefined
  try {
    rest = gunzipSync(bytes, { maxOutputLength: 64 * 1024 * 1024 })
  } catch {
    throw new ToolError('corrupted data')
  }
  return {
    // biome-ignore lint/correctness/useYield: the bytes are there
    *read() {
      const all = rest
      rest = undefined
      return all
    },
    *write() {},
    close() {},
    share() {
      return this
    },
  }
}

type Entry = RawHeader & { readonly name: string; readonly target: string }

function* nextEntry(source: Source, isFirst: boolean): Step<Entry | undefined> {
  let [name, target, size]: [string | undefined, string | undefined, number | undefined] = [
    undefined,
    undefined,
    undefined,
  ]
  while (true) {
    const bytes = yield* source.take(blockSize)
    if (bytes.length === 0 && !isFirst) return undefined
    if (bytes.length < blockSize) throw new ToolError('short read')
    let header: RawHeader | undefined
    try {
      header = parseHeader(bytes)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new ToolError('invalid tar header checksum')
    }
    if (header === undefined) return undefined
    if (!'LKxg'.includes(header.type)) {
      return { ...header, name: name ?? header.name, target: target ?? header.target, size: size ?? header.size }
    }
    const content = yield* source.take(header.size + padding(header.size).length)
    const own = content.subarray(0, header.size)
    if (header.type === 'L') name = own.toString().replace(/\0.*$/s, '')
    else if (header.type === 'K') target = own.toString().replace(/\0.*$/s, '')
    else if (header.type === 'x') {
      const records = parseRecords(own)
      name = records.get('path') ?? name
      target = records.get('linkpath') ?? target
      size = records.has('size') ? Number(records.get('size')) : size
    }
  }
}

function* skip(process: Process, source: Source, size: number): Step<void> {
  let left = size + (Number.isFinite(size) ? padding(size).length : 0)
  while (left > 0) {
    const part = yield* source.take(Math.min(left, 65536))
    if (part.length === 0) return
    left -= part.length
    yield* process.pause()
  }
}

class Unpacker {
  readonly #process: Process
  readonly #options: Options
  readonly #base: string
  readonly #source: Source
  readonly #wanted: readonly (readonly [string, RegExp])[]
  readonly #found = new Set<string>()
  readonly #excluded: readonly RegExp[]
  failed = false

  constructor(process: Process, options: Options, base: string, source: Source) {
    this.#process = process
    this.#options = options
    this.#base = base
    this.#source = source
    this.#wanted = options.words.map(word => [word, new RegExp(`^${globSource(word.replace(/\/+$/, ''))}(/|$)`)])
    this.#excluded = options.values('X').map(globbed)
  }

  wants(name: string): boolean {
    if (this.#excluded.some(pattern => pattern.test(name))) return false
    const fitting = this.#wanted.filter(([, pattern]) => pattern.test(name))
    for (const [word] of fitting) this.#found.add(word)
    return this.#wanted.length === 0 || fitting.length > 0
  }

  get missing(): readonly string[] {
    return this.#wanted.map(([word]) => word).filter(word => !this.#found.has(word))
  }

  *list(entry: Entry): Step<void> {
    if (!this.#options.has('v')) return yield* this.#process.print(`${entry.name}\n`)
    const kind = entry.type === '5' ? 'directory' : entry.type === '2' ? 'symlink' : 'file'
    const owner = `${entry.user || entry.uid}/${entry.group || entry.gid}`
    const date = formatted(entry.modified * 1000, '%Y-%m-%d %H:%M:%S')
    const link = entry.type === '2' ? ` -> ${entry.target}` : entry.type === '1' ? ` link to ${entry.target}` : ''
    const mode = modeText(kind, entry.mode)
    yield* this.#process.print(`${mode} ${owner} ${String(entry.size).padStart(9)} ${date} ${entry.name}${link}\n`)
  }

  *extract(entry: Entry): Step<void> {
    const { files } = this.#process
    const options = this.#options
    const strip = Number(options.value('S') ?? 0)
    const name = entry.name
      .replace(/^\/+/, '')
      .split('/')
      .filter(part => part !== '')
      .slice(strip)
      .join('/')
    if (name.split('/').includes('..')) throw new ToolError(`name with '..' skipped: '${entry.name}'`)
    if (options.has('v')) yield* this.#process.print(`${entry.name}\n`)
    if (options.has('O')) {
      if (entry.type === '0') yield* this.#copy(entry.size, bytes => this.#process.print(bytes))
      else yield* skip(this.#process, this.#source, entry.size)
      return
    }
    let isTaken = false
    try {
      if (name === '') return
      const path = joined(this.#base, name)
      const parent = path.slice(0, path.lastIndexOf('/'))
      if (parent !== '' && !files.exists(parent)) files.makeDirectory(parent, { recursive: true })
      const mode =
        entry.mode & (options.has('p') || this.#process.user.uid === 0 ? 0o7777 : 0o7777 & ~this.#process.umask)
      if (entry.type === '5') {
        if (!files.exists(path)) files.makeDirectory(path, { mode })
      } else if (entry.type === '2' || entry.type === '1') {
        this.#removed(path)
        if (entry.type === '2') files.symlink(entry.target, path)
        else files.link(joined(this.#base, entry.target.replace(/^\/+/, '')), path)
      } else if ('07'.includes(entry.type)) {
        if (options.has('k') && files.exists(path)) return
        if (!options.has('w')) this.#removed(path)
        const file = files.open(path, { write: true, create: true, truncate: true, mode })
        isTaken = true
        yield* this.#copy(entry.size, bytes => just(() => file.write(bytes)))
        file.close()
      } else throw new ToolError(`unsupported file type '${entry.type}'`)
      if (entry.type === '1') return
      if (this.#process.user.uid === 0 && !options.has('o')) files.lchown(path, entry.uid, entry.gid)
      if (entry.type === '2') return
      if (entry.type !== '5' || !options.has('N')) files.chmod(path, mode)
      if (!options.has('m')) files.touch(path, entry.modified * 1000)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      throw new ToolError(`can't open '${name}': ${error.message}`)
    } finally {
      if (!isTaken) yield* skip(this.#process, this.#source, entry.size)
    }
  }

  #removed(path: string): void {
    try {
      this.#process.files.unlink(path)
    } catch (error) {
      if (!(error instanceof SystemError && ['ENOENT', 'EISDIR', 'EBUSY'].includes(error.errno))) throw error
    }
  }

  *#copy(size: number, sink: (bytes: Uint8Array) => Step<void>): Step<void> {
    for (let left = size; left > 0; ) {
      const part = yield* this.#source.take(Math.min(left, 65536))
      if (part.length === 0) throw new ToolError('short read')
      left -= part.length
      yield* sink(part)
      yield* this.#process.pause()
    }
    yield* this.#source.take(padding(size).length)
  }
}

// biome-ignore lint/correctness/useYield: a deed among steps
function* just(deed: () => void): Step<void> {
  deed()
}

function globSource(glob: string): string {
  return literal(glob).replaceAll('\\*', '.*').replaceAll('\\?', '.')
}

function globbed(glob: string): RegExp {
  return new RegExp(`^${globSource(glob)}$`)
}
