// mkdir, touch, ln, link, mktemp, truncate, mkfifo (refused by name).

import type { Process } from '../process.ts'
import { SystemError } from '../system-error.ts'
import { dateOf } from './date-text.ts'
import { changedMode } from './mode-change.ts'
import { optionsOf } from './options.ts'
import { baseName, joined, nameOf, numberOf, pathOf, ToolError, tool, UsageError } from './tool.ts'

export const mkdir = tool('[-m MODE] [-p] DIRECTORY...', function* (process) {
  const options = optionsOf(process, 'm:pv', { mode: 'm', parents: 'p', verbose: 'v' })
  if (options.words.length === 0) throw new UsageError('')
  const wanted = options.value('m')
  let code = 0
  for (const name of options.words) {
    try {
      const path = pathOf(process, name)
      process.files.makeDirectory(path, { recursive: options.has('p'), mode: 0o777 & ~process.umask })
      if (wanted !== undefined) process.files.chmod(path, changedMode(wanted, 0o777, true, process.umask))
      if (options.has('v')) yield* process.print(`created directory: '${name}'\n`)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* process.complain(`mkdir: can't create directory '${name}': ${error.message}\n`)
      code = 1
    }
  }
  return code
})

export const touch = tool('[-cham] [-d DATE] [-t DATE] [-r FILE] FILE...', function* (process) {
  const options = optionsOf(process, 'chamd:t:r:', { 'no-create': 'c', date: 'd', reference: 'r' })
  if (options.words.length === 0) throw new UsageError('')
  const { files } = process
  const now = process.clock.now()
  const reference = options.value('r')
  const date = options.value('d') ?? options.value('t')
  const at =
    reference !== undefined
      ? files.stat(pathOf(process, reference)).modified
      : date === undefined
        ? now
        : dateOf(date, now)
  let code = 0
  for (const name of options.words) {
    try {
      const path = pathOf(process, name)
      if (!files.exists(path)) {
        if (options.has('c')) continue
        files.open(path, { write: true, create: true, mode: 0o666 & ~process.umask }).close()
      }
      files.touch(path, at)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* process.complain(`touch: ${name}: ${error.message}\n`)
      code = 1
    }
  }
  return code
})

export const ln = tool('[-sfnbtv] [-S SUF] TARGET... LINK|DIR', function* (process) {
  const options = optionsOf(process, 'sfnvtT', { symbolic: 's', force: 'f', 'no-dereference': 'n', verbose: 'v' })
  const { files } = process
  const [first] = options.words
  if (first === undefined) throw new UsageError('')
  const targets = options.words.length > 1 ? options.words.slice(0, -1) : [first]
  const last = options.words.length > 1 ? options.words.at(-1)! : '.'
  const place = pathOf(process, last)
  const isFolder =
    !options.has('T') &&
    files.exists(place) &&
    (options.has('n') ? files.lstat(place) : files.stat(place)).kind === 'directory'
  if (!isFolder && targets.length > 1) throw new ToolError(`target '${last}' is not a directory`)
  let code = 0
  for (const target of targets) {
    const path = isFolder ? joined(place, baseName(target)) : place
    const shown = isFolder ? joined(last, baseName(target)) : last
    try {
      if (options.has('f')) unlinkIfThere(process, path)
      if (options.has('s')) files.symlink(target, path)
      else files.link(pathOf(process, target), path)
      if (options.has('v')) yield* process.print(`'${shown}' -> '${target}'\n`)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* process.complain(
        `ln: ${error.errno === 'ENOENT' && !options.has('s') ? target : shown}: ${error.message}\n`,
      )
      code = 1
    }
  }
  return code
})

function unlinkIfThere({ files }: Process, path: string): void {
  try {
    files.unlink(path)
  } catch (error) {
    if (!(error instanceof SystemError && (error.errno === 'ENOENT' || error.errno === 'EISDIR'))) throw error
  }
}

export const link = tool('FILE LINK', function* (process) {
  const [from, to, ...more] = optionsOf(process, '').words
  if (from === undefined || to === undefined || more.length > 0) throw new UsageError('')
  try {
    process.files.link(pathOf(process, from), pathOf(process, to))
    return 0
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    yield* process.complain(`link: can't create hard link '${to}' to '${from}': ${error.message}\n`)
    return 1
  }
})

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

export const mktemp = tool('[-dt] [-p DIR] [TEMPLATE]', function* (process) {
  const options = optionsOf(process, 'dqtup:', { directory: 'd', quiet: 'q', tmpdir: 'p' })
  const [template] = options.words
  const { env } = process
  const folder = options.value('p') ?? env.get('TMPDIR') ?? '/tmp'
  const named = template ?? 'tmp.XXXXXX'
  if (!named.endsWith('XXXXXX')) throw new ToolError('(null): Invalid argument')
  const isThere = template !== undefined && !options.has('t') && !options.has('p')
  for (let tries = 0; ; tries++) {
    const random = Array.from({ length: 6 }, () => letters[Math.floor(process.random.fraction() * letters.length)]!)
    const name = named.slice(0, -6) + random.join('')
    const shown = isThere ? name : joined(folder, name)
    const path = pathOf(process, shown)
    try {
      if (options.has('u')) process.files.exists(path)
      else if (options.has('d')) process.files.makeDirectory(path, { mode: 0o700 })
      else process.files.open(path, { write: true, create: true, exclusive: true, mode: 0o600 }).close()
      yield* process.print(`${shown}\n`)
      return 0
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      if (error.errno === 'EEXIST' && tries < 100) continue
      if (!options.has('q')) yield* process.complain(`mktemp: ${error.message}\n`)
      return 1
    }
  }
})

export const truncate = tool('[-c] -s SIZE FILE...', function* (process) {
  const options = optionsOf(process, 'cs:', { size: 's', 'no-create': 'c' })
  const size = options.value('s')
  if (size === undefined || options.words.length === 0) throw new UsageError('')
  const { files } = process
  for (const name of options.words) {
    const path = pathOf(process, name)
    if (!files.exists(path)) {
      if (options.has('c')) continue
      files.open(path, { write: true, create: true, mode: 0o666 & ~process.umask }).close()
    }
    const amount = numberOf(size.replace(/^[+-]/, ''), { suffixes: true })
    const old = files.stat(path).size
    const next = size.startsWith('+') ? old + amount : size.startsWith('-') ? old - amount : amount
    try {
      files.truncate(path, Math.max(0, next))
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* process.complain(`${nameOf(process)}: ${name}: truncate: ${error.message}\n`)
      return 1
    }
  }
  return 0
})
