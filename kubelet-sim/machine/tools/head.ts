// head and tail: the first and the last lines or bytes; tail -f waits for the file to change.

import type { Process, Stream } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step, Wait } from '../wait.ts'
import { filesOr } from './cat.ts'
import { optionsOf } from './options.ts'
import { Lines, Output, outputOf, readAll, tryOpen } from './text-streams.ts'
import { numberOf, pathOf, tool } from './tool.ts'

/** `-5` is `-n 5`. */
function withCount(process: Process): readonly string[] {
  return process.argv.map((word, index) => (index === 1 && /^-\d+$/.test(word) ? `-n${word.slice(1)}` : word))
}

export const head = tool('[OPTIONS] [FILE]...', function* (process) {
  const options = optionsOf({ argv: withCount(process) }, 'n:c:qv', {
    lines: 'n',
    bytes: 'c',
    quiet: 'q',
    silent: 'q',
    verbose: 'v',
  })
  const given = options.value('c') ?? options.value('n') ?? '10'
  const isLess = given.startsWith('-')
  const count = numberOf(given.replace(/^-/, ''), { suffixes: true })
  const bytes = options.has('c')
  const output = new Output(process)
  const names = filesOr(options.words)
  let code = 0
  let isFirst = true
  for (const name of names) {
    const stream = yield* tryOpen(process, name)
    if (stream === undefined) {
      code = 1
      continue
    }
    if ((names.length > 1 || options.has('v')) && !options.has('q')) {
      yield* output.put(`${isFirst ? '' : '\n'}==> ${name === '-' ? 'standard input' : name} <==\n`)
    }
    isFirst = false
    try {
      if (isLess) yield* allBut(process, stream, count, bytes, output)
      else if (bytes) yield* firstBytes(stream, count, output)
      else yield* firstLines(process, stream, count, output)
    } finally {
      stream.close()
    }
    yield* output.flush()
  }
  return code
})

function* firstLines(process: Process, stream: Stream, count: number, output: Output): Step<void> {
  const lines = new Lines(process, stream, output)
  for (let left = count; left > 0; left--) {
    const line = yield* lines.next()
    if (line === undefined) return
    yield* output.put(line + (lines.isWhole ? '\n' : ''))
  }
  lines.giveBack()
}

function* firstBytes(stream: Stream, count: number, output: Output): Step<void> {
  for (let left = count; left > 0; ) {
    const part = yield* stream.read(Math.min(left, 65536))
    if (part === undefined) return
    left -= part.length
    yield* output.put(Buffer.from(part).toString('latin1'))
  }
}

function* allBut(process: Process, stream: Stream, count: number, bytes: boolean, output: Output): Step<void> {
  const text = (yield* readAll(process, stream)).toString('latin1')
  if (bytes) return yield* output.put(text.slice(0, Math.max(0, text.length - count)))
  const lines = text.split(/(?<=\n)/)
  yield* output.put(lines.slice(0, Math.max(0, lines.length - count)).join(''))
}

export const tail = tool('[OPTIONS] [FILE]...', function* (process) {
  const options = optionsOf({ argv: withCount(process) }, 'n:c:fFqs:v', {
    lines: 'n',
    bytes: 'c',
    follow: 'f',
    quiet: 'q',
    silent: 'q',
    verbose: 'v',
    retry: 'F',
  })
  const given = options.value('c') ?? options.value('n') ?? '10'
  const names = filesOr(options.words)
  const follows = options.has('f') || options.has('F')
  const titles = (names.length > 1 || options.has('v')) && !options.has('q')
  const output = outputOf(process)
  const followed: Followed[] = []
  let code = 0
  let last: string | undefined
  for (const name of names) {
    const stream = yield* tryOpen(process, name, 'open')
    if (stream === undefined) {
      code = 1
      if (options.has('F')) followed.push({ name, stream, path: pathOf(process, name), inode: 0, read: 0 })
      continue
    }
    if (titles) yield* process.print(`${last === undefined ? '' : '\n'}==> ${shown(name)} <==\n`)
    last = name
    const read = yield* lastPart(process, stream, given, options.has('c'), output)
    if (!follows) stream.close()
    else followed.push({ name, stream, path: pathOf(process, name), inode: inodeOf(process, name), read })
  }
  if (code === 1 && last === undefined && followed.length === 0) yield* process.complain('tail: no files\n')
  if (!follows || followed.length === 0) return code
  // A pipe is followed by reading on: it ends when its writers have.
  let current = last
  while (true) {
    const { version } = process.files
    for (const file of followed) {
      if (options.has('F')) yield* reopened(process, file)
      const { stream, name } = file
      if (stream === undefined) continue
      shortened(process, file)
      for (let part = yield* stream.read(65536); part !== undefined; part = yield* stream.read(65536)) {
        if (titles && current !== name) yield* process.print(`\n==> ${shown(name)} <==\n`)
        current = name
        file.read += part.length
        yield* output.write(part)
        yield* process.pause()
      }
    }
    if (followed.every(({ name }) => name === '-')) return code
    const wait = changedSince(process, version)
    while (!wait.isOver()) yield wait
  }
})

interface Followed {
  readonly name: string
  readonly path: string
  stream: Stream | undefined
  inode: number
  read: number
}

const shown = (name: string): string => (name === '-' ? 'standard input' : name)

/** What it prints, and how many bytes it has read. */
function* lastPart(process: Process, stream: Stream, given: string, bytes: boolean, output: Stream): Step<number> {
  const fromStart = given.startsWith('+')
  const count = numberOf(given.replace(/^[-+]/, ''), { suffixes: true })
  let kept = Buffer.alloc(0)
  let read = 0
  let lines = 0
  let isThrough = fromStart && count <= 1
  while (true) {
    const part = yield* stream.read(65536)
    if (part === undefined) break
    read += part.length
    if (isThrough) {
      yield* output.write(part)
      yield* process.pause()
      continue
    }
    kept = kept.length === 0 ? Buffer.from(part) : Buffer.concat([kept, part])
    if (fromStart) {
      const skip = bytes ? count - 1 : afterLines(kept, count - 1)
      if (skip === undefined || kept.length < skip) continue
      isThrough = true
      yield* output.write(kept.subarray(skip))
      kept = Buffer.alloc(0)
    } else {
      lines++
      // Once in a while what is too early is forgotten.
      if (lines % 16 === 0) kept = Buffer.from(kept.subarray(bytes ? -count || kept.length : lastLines(kept, count)))
    }
    yield* process.pause()
  }
  if (!fromStart) yield* output.write(kept.subarray(bytes ? Math.max(0, kept.length - count) : lastLines(kept, count)))
  return read
}

function afterLines(text: Buffer, count: number): number | undefined {
  let at = 0
  for (let left = count; left > 0; left--) {
    const end = text.indexOf(10, at)
    if (end < 0) return undefined
    at = end + 1
  }
  return at
}

function lastLines(text: Buffer, count: number): number {
  if (count === 0) return text.length
  let at = text.length - (text.at(-1) === 10 ? 1 : 0)
  for (let left = count; left > 0; left--) {
    if (at === 0) return 0
    const end = text.lastIndexOf(10, at - 1)
    if (end < 0) return 0
    at = end
  }
  return at + 1
}

/** Over once the files are of another version than that. */
export function changedSince({ files }: Pick<Process, 'files'>, version: number): Wait {
  return { isOver: () => files.version !== version, park: wake => files.onChange(wake) }
}

function inodeOf({ files, cwd }: Process, name: string): number {
  try {
    return files.stat(pathOf({ cwd }, name)).inode
  } catch (error) {
    if (error instanceof SystemError) return 0
    throw error
  }
}

/** Another file of that name is read from its start. */
function* reopened(process: Process, file: Followed): Step<void> {
  const inode = inodeOf(process, file.name)
  if (inode === file.inode || inode === 0) return
  const stream = yield* tryOpen(process, file.name, 'open')
  if (stream === undefined) return
  file.stream?.close()
  file.stream = stream
  file.inode = inode
  file.read = 0
}

/** A file that was cut is read from its start again. */
function shortened(process: Process, file: Followed): void {
  if (file.inode === 0 || file.name === '-') return
  const size = process.files.exists(file.path) ? process.files.stat(file.path).size : undefined
  if (size === undefined || size >= file.read || process.files.stat(file.path).kind !== 'file') return
  file.inode = -1
}
