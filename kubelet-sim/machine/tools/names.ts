// basename, dirname, readlink, realpath, stat: what is told of paths.

import type { Stat } from '../file-system.ts'
import { SystemError } from '../system-error.ts'
import { formatted } from './date-text.ts'
import { modeText } from './listing.ts'
import { blocksOf } from './ls.ts'
import { optionsOf } from './options.ts'
import { Owners } from './owners.ts'
import { baseName, nameOf, pathOf, tool, UsageError } from './tool.ts'

export const basename = tool('FILE [SUFFIX] | -a FILE... | -s SUFFIX FILE...', function* (process) {
  const options = optionsOf(process, '+as:', { multiple: 'a', suffix: 's' })
  const several = options.has('a') || options.has('s')
  const [first] = options.words
  if (first === undefined || (!several && options.words.length > 2)) throw new UsageError('')
  const suffix = several ? (options.value('s') ?? '') : (options.words[1] ?? '')
  for (const word of several ? options.words : [first]) {
    const name = baseName(word)
    const cut = suffix !== '' && name !== suffix && name.endsWith(suffix)
    yield* process.print(`${cut ? name.slice(0, -suffix.length) : name}\n`)
  }
  return 0
})

export const dirname = tool('FILENAME', function* (process) {
  const { words } = optionsOf(process, '')
  if (words.length === 0) throw new UsageError('')
  for (const word of words) {
    const trimmed = word.replace(/(?<=.)\/+$/, '')
    const slash = trimmed.lastIndexOf('/')
    const above = trimmed.slice(0, slash).replace(/\/+$/, '')
    yield* process.print(`${slash < 0 ? '.' : above === '' ? '/' : above}\n`)
  }
  return 0
})

export const readlink = tool('[-fnv] FILE', function* (process) {
  const options = optionsOf(process, 'fenvmqsz', { canonicalize: 'f', 'no-newline': 'n', verbose: 'v' })
  if (options.words.length === 0) throw new UsageError('')
  const end = options.has('n') ? '' : '\n'
  let code = 0
  for (const word of options.words) {
    try {
      const path = pathOf(process, word)
      const found =
        options.has('f') || options.has('e') || options.has('m')
          ? canonical(process.files, path, options.has('e'))
          : process.files.readlink(path)
      yield* process.print(found + end)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      if (options.has('v')) yield* process.complain(`readlink: ${word}: ${error.message}\n`)
      code = 1
    }
  }
  return code
})

export const realpath = tool('FILE...', function* (process) {
  const options = optionsOf(process, 'emqszLP')
  if (options.words.length === 0) throw new UsageError('')
  let code = 0
  for (const word of options.words) {
    try {
      yield* process.print(`${canonical(process.files, pathOf(process, word), false)}\n`)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* process.complain(`${nameOf(process)}: ${word}: ${error.message}\n`)
      code = 1
    }
  }
  return code
})

/** The last part need not be there. */
function canonical(files: { realpath(path: string): string }, path: string, mustExist: boolean): string {
  try {
    return files.realpath(path)
  } catch (error) {
    if (mustExist || !(error instanceof SystemError && error.errno === 'ENOENT')) throw error
    const trimmed = path.replace(/\/+$/, '')
    const slash = trimmed.lastIndexOf('/')
    const above = files.realpath(trimmed.slice(0, slash) || '/')
    return `${above === '/' ? '' : above}/${trimmed.slice(slash + 1)}`
  }
}

const kinds: Readonly<Record<Stat['kind'], string>> = {
  file: 'regular file',
  directory: 'directory',
  symlink: 'symbolic link',
  device: 'character special file',
  fifo: 'fifo',
  socket: 'socket',
}

export const stat = tool('[-ltf] [-c FMT] FILE...', function* (process) {
  const options = optionsOf(process, 'Lltfc:', { format: 'c', dereference: 'L', terse: 't' })
  if (options.words.length === 0) throw new UsageError('')
  const owners = new Owners(process.files)
  let code = 0
  for (const word of options.words) {
    try {
      const path = pathOf(process, word)
      const its = options.has('L') ? process.files.stat(path) : process.files.lstat(path)
      const target = its.kind === 'symlink' ? process.files.readlink(path) : undefined
      const format = options.value('c')
      const text = format === undefined ? long(word, its, owners, target) : told(format, word, its, owners, target)
      yield* process.print(`${text}\n`)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* process.complain(`stat: can't stat '${word}': ${error.message}\n`)
      code = 1
    }
  }
  return code
})

function kindOf({ kind, size }: Stat): string {
  return kind === 'file' && size === 0 ? 'regular empty file' : kinds[kind]
}

/** What formats and the long form tell. */
export function told(format: string, name: string, its: Stat, owners: Owners, target: string | undefined): string {
  const date = formatted(its.modified, '%Y-%m-%d %H:%M:%S.%N +0000')
  const seconds = String(Math.floor(its.modified / 1000))
  const values: Readonly<Record<string, string>> = {
    a: its.mode.toString(8),
    A: modeText(its.kind, its.mode),
    b: String(blocksOf(its) * 2),
    B: '512',
    d: '100',
    D: '64',
    f: ((its.kind === 'directory' ? 0o40000 : its.kind === 'symlink' ? 0o120000 : 0o100000) | its.mode).toString(16),
    F: kindOf(its),
    g: String(its.gid),
    G: owners.group(its.gid),
    h: String(its.links),
    i: String(its.inode),
    n: name,
    N: target === undefined ? `'${name}'` : `'${name}' -> '${target}'`,
    o: '4096',
    s: String(its.size),
    u: String(its.uid),
    U: owners.user(its.uid),
    x: date,
    X: seconds,
    y: date,
    Y: seconds,
    z: date,
    Z: seconds,
    '%': '%',
  }
  return format.replace(/%([-0]?\d*)([a-zA-Z%])/g, (whole, width: string, letter: string) => {
    const value = values[letter]
    if (value === undefined) return whole
    return width.startsWith('-') ? value.padEnd(Number(width.slice(1))) : value.padStart(Number(width || 0))
  })
}

function long(name: string, its: Stat, owners: Owners, target: string | undefined): string {
  const shown = target === undefined ? '%n' : '%N'
  const mode = its.mode.toString(8).padStart(4, '0')
  const uid = `(${String(its.uid).padStart(5)}/${owners.user(its.uid).padStart(8)})`
  const gid = `(${String(its.gid).padStart(5)}/${owners.group(its.gid).padStart(8)})`
  return [
    told(`  File: ${shown}`, name, its, owners, target),
    told('  Size: %-10s\tBlocks: %-10b IO Block: 4096   %F', name, its, owners, target),
    told('Device: 64h/100d\tInode: %-11i Links: %-5h', name, its, owners, target).trimEnd(),
    `Access: (${mode}/${modeText(its.kind, its.mode)})  Uid: ${uid}   Gid: ${gid}`,
    ...['Access', 'Modify', 'Change'].map(what => told(`${what}: %y`, name, its, owners, target)),
  ].join('\n')
}
