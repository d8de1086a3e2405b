// grep, egrep, fgrep.

import type { Process } from '../process.ts'
import type { Step } from '../wait.ts'
import { optionsOf } from './options.ts'
import { compiled, literal } from './posix-pattern.ts'
import { bytesOf, Lines, Output, openInput, readAll, tryOpen } from './text-streams.ts'
import { joined, nameOf, numberOf, pathOf, tool, UsageError } from './tool.ts'

const long = {
  'ignore-case': 'i',
  'invert-match': 'v',
  count: 'c',
  'only-matching': 'o',
  quiet: 'q',
  silent: 'q',
  'no-messages': 's',
  'line-number': 'n',
  'extended-regexp': 'E',
  'fixed-strings': 'F',
  'perl-regexp': 'P',
  regexp: 'e',
  file: 'f',
  recursive: 'r',
  'files-with-matches': 'l',
  'files-without-match': 'L',
  'word-regexp': 'w',
  'line-regexp': 'x',
  'with-filename': 'H',
  'no-filename': 'h',
  'after-context': 'A',
  'before-context': 'B',
  context: 'C',
  'max-count': 'm',
  color: 'K',
  colour: 'K',
  include: 'I',
  exclude: 'X',
  text: 'a',
  'line-buffered': 'a',
}

export const grep = tool(
  '[-HhnlLoqvsrRiwFExabz] [-m N] [-A|B|C N] { PATTERN | -e PATTERN... | -f FILE... } [FILE]...',
  function* (process) {
    const options = optionsOf(process, 'HhnlLoqvsriwFEGPxacyRm:A:B:C:e:f:K::I:X:b', long)
    const words = [...options.words]
    const patterns = options.values('e').flatMap(text => bytesOf(text).split('\n'))
    for (const name of options.values('f')) {
      const stream = openInput(process, name)
      const text = (yield* readAll(process, stream)).toString('latin1')
      stream.close()
      if (text !== '') patterns.push(...text.replace(/\n$/, '').split('\n'))
    }
    if (!options.has('e') && !options.has('f')) {
      const first = words.shift()
      if (first === undefined) throw new UsageError('')
      patterns.push(...bytesOf(first).split('\n'))
    }
    const called = nameOf(process)
    const search: Search = {
      matcher: matcherOf(patterns, {
        fixed: options.has('F') || called === 'fgrep',
        extended: options.has('E') || options.has('P') || called === 'egrep',
        ignoreCase: options.has('i') || options.has('y'),
        word: options.has('w'),
        line: options.has('x'),
      }),
      inverts: options.has('v'),
      counts: options.has('c'),
      only: options.has('o'),
      quiet: options.has('q'),
      numbers: options.has('n'),
      lists: options.has('l') ? 'with' : options.has('L') ? 'without' : undefined,
      most: numberOf(options.value('m') ?? String(Number.MAX_SAFE_INTEGER)),
      after: numberOf(options.value('A') ?? options.value('C') ?? '0'),
      before: numberOf(options.value('B') ?? options.value('C') ?? '0'),
      titled: false,
    }
    const recursive = options.has('r') || options.has('R')
    let names = words.length > 0 ? words : [recursive ? '.' : '-']
    const isSeveral = names.length > 1 || recursive
    if (recursive) names = names.flatMap(name => filesBelow(process, name))
    const included = options.values('I').map(globbed)
    const excluded = options.values('X').map(globbed)
    const titled = options.has('H') || (isSeveral && !options.has('h'))
    const output = new Output(process)
    let [found, failed] = [false, false]
    for (const name of names) {
      const base = name.slice(name.lastIndexOf('/') + 1)
      if (included.length > 0 && !included.some(pattern => pattern.test(base))) continue
      if (excluded.some(pattern => pattern.test(base))) continue
      if (name !== '-' && isFolder(process, name)) {
        if (!options.has('s')) yield* process.complain(`${called}: ${name}: Is a directory\n`)
        continue
      }
      const stream = options.has('s') ? quietly(process, name) : yield* tryOpen(process, name)
      if (stream === undefined) {
        failed = true
        continue
      }
      const shown = bytesOf(name === '-' ? '(standard input)' : name)
      const lines = new Lines(process, stream, output)
      if (yield* searched(lines, output, shown, { ...search, titled })) found = true
      stream.close()
      if (found && search.quiet) return 0
    }
    yield* output.flush()
    return failed ? 2 : found ? 0 : 1
  },
  2,
)

interface Search {
  readonly matcher: RegExp
  readonly inverts: boolean
  readonly counts: boolean
  readonly only: boolean
  readonly quiet: boolean
  readonly numbers: boolean
  readonly lists: 'with' | 'without' | undefined
  readonly most: number
  readonly after: number
  readonly before: number
  readonly titled: boolean
}

function* searched(lines: Lines, output: Output, name: string, search: Search): Step<boolean> {
  const { matcher, titled } = search
  const title = (mark: string) => (titled ? name + mark : '')
  let [number, count, shownTo, after] = [0, 0, 0, 0]
  const earlier: string[] = []
  for (let line = yield* lines.next(); line !== undefined; line = yield* lines.next()) {
    number++
    matcher.lastIndex = 0
    const isMatch = matcher.test(line) !== search.inverts
    if (isMatch) {
      count++
      if (search.quiet) return true
      if (search.lists !== undefined) break
      if (!search.counts) {
        if ((search.before > 0 || search.after > 0) && shownTo > 0 && number - earlier.length > shownTo + 1) {
          yield* output.put('--\n')
        }
        for (const [index, text] of earlier.entries()) {
          yield* output.put(`${title('-')}${search.numbers ? `${number - earlier.length + index}-` : ''}${text}\n`)
        }
        earlier.length = 0
        const prefix = `${title(':')}${search.numbers ? `${number}:` : ''}`
        if (!search.only) yield* output.put(`${prefix}${line}\n`)
        else if (!search.inverts) yield* onlyMatches(output, prefix, matcher, line)
        shownTo = number
        after = search.after
      }
      if (count >= search.most) {
        lines.giveBack()
        break
      }
    } else if (after > 0) {
      yield* output.put(`${title('-')}${search.numbers ? `${number}-` : ''}${line}\n`)
      shownTo = number
      after--
    } else if (search.before > 0) {
      earlier.push(line)
      if (earlier.length > search.before) earlier.shift()
    }
  }
  if (search.lists !== undefined) {
    const lists = count > 0 === (search.lists === 'with')
    if (lists) yield* output.put(`${name}\n`)
    return lists
  }
  if (search.counts && !search.quiet) yield* output.put(`${title(':')}${count}\n`)
  return count > 0
}

function* onlyMatches(output: Output, prefix: string, matcher: RegExp, line: string): Step<void> {
  matcher.lastIndex = 0
  for (let match = matcher.exec(line); match !== null; match = matcher.exec(line)) {
    if (match[0] === '') matcher.lastIndex++
    else yield* output.put(`${prefix}${match[0]}\n`)
  }
}

interface Kind {
  readonly fixed: boolean
  readonly extended: boolean
  readonly ignoreCase: boolean
  readonly word: boolean
  readonly line: boolean
}

function matcherOf(patterns: readonly string[], { fixed, extended, ignoreCase, word, line }: Kind): RegExp {
  // Without a pattern (an empty file of them) nothing matches.
  if (patterns.length === 0) return /[^\s\S]/g
  const sources = patterns.map(pattern => {
    const source = fixed ? literal(pattern) : compiled(pattern, { extended }).source
    return line ? `^(?:${source})$` : word ? `(?<!\\w)(?:${source})(?!\\w)` : source
  })
  // Back references count from the first pattern: those with some stand alone.
  const source = sources.length === 1 ? sources[0]! : sources.map(each => `(?:${each})`).join('|')
  return new RegExp(source, ignoreCase ? 'gi' : 'g')
}

function filesBelow(process: Process, name: string): readonly string[] {
  if (!isFolder(process, name)) return [name]
  return process.files.list(pathOf(process, name)).flatMap(entry => {
    const path = joined(name, entry)
    const kind = process.files.lstat(pathOf(process, path)).kind
    if (kind === 'symlink' || kind === 'device') return []
    return kind === 'directory' ? filesBelow(process, path) : [path]
  })
}

function isFolder({ files, cwd }: Process, name: string): boolean {
  if (name === '-' || name === '') return false
  const path = pathOf({ cwd }, name)
  return files.exists(path) && files.stat(path).kind === 'directory'
}

function quietly(process: Process, name: string) {
  return name === '-' || process.files.access(pathOf(process, name), 'read') ? openInput(process, name) : undefined
}

function globbed(glob: string): RegExp {
  return new RegExp(`^${literal(glob).replaceAll('\\*', '.*').replaceAll('\\?', '.')}$`)
}
