// cp and mv.

import type { FileSystem, Stat } from '../file-system.ts'
import { openStream } from '../open-stream.ts'
import type { Process } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { type Options, optionsOf } from './options.ts'
import { confirms } from './remove.ts'
import { copyAll, openInput } from './text-streams.ts'
import { baseName, joined, nameOf, pathOf, tool, UsageError } from './tool.ts'

const long = {
  archive: 'a',
  recursive: 'R',
  force: 'f',
  interactive: 'i',
  'no-clobber': 'n',
  'target-directory': 't',
  'no-target-directory': 'T',
  verbose: 'v',
  update: 'u',
  symbolic: 's',
  link: 'l',
  dereference: 'L',
  'no-dereference': 'P',
}

export const cp = tool(
  '[-arPLHpfinlsTu] SOURCE DEST\nor: cp [-arPLHpfinlsu] SOURCE... { -t DIRECTORY | DIRECTORY }',
  function* (process) {
    const options = optionsOf(process, 'arRPLHdpfinlsTt:uv', long)
    let code = 0
    for (const [name, path, shown] of targets(process, options)) {
      if (!(yield* copy(process, name, pathOf(process, name), shown, path, options, true))) code = 1
    }
    return code
  },
)

export const mv = tool(
  '[-finT] SOURCE DEST\nor: mv [-fin] SOURCE... { -t DIRECTORY | DIRECTORY }',
  function* (process) {
    const options = optionsOf(process, 'finTt:uv', long)
    const { files } = process
    let code = 0
    for (const [name, path, shown] of targets(process, options)) {
      const from = pathOf(process, name)
      try {
        if (files.exists(path)) {
          if (options.has('n')) continue
          if (options.has('i') && !(yield* confirms(process, `mv: overwrite '${shown}'? `))) continue
        }
        files.rename(from, path)
        if (options.has('v')) yield* process.print(`'${name}' -> '${shown}'\n`)
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
        if (error.errno !== 'EXDEV') {
          yield* process.complain(`mv: can't rename '${name}': ${error.message}\n`)
          code = 1
          continue
        }
        // To another file system: copied with all that is theirs, then removed.
        const archive = optionsOf({ argv: ['mv', '-af'] }, 'af')
        if (yield* copy(process, name, from, shown, path, archive, true)) removeAll(files, from)
        else code = 1
      }
    }
    return code
  },
)

/** Each source with the path it goes to, and how that is called. */
function targets(process: Process, options: Options): readonly (readonly [string, string, string])[] {
  const { files } = process
  const into = options.value('t')
  const sources = into === undefined ? options.words.slice(0, -1) : [...options.words]
  const target = into ?? options.words.at(-1)
  if (target === undefined || sources.length === 0) throw new UsageError('')
  const path = pathOf(process, target)
  const isFolder = !options.has('T') && files.exists(path) && files.stat(path).kind === 'directory'
  return sources.map(source => {
    const name = baseName(source)
    return isFolder || sources.length > 1 || into !== undefined
      ? ([source, joined(path, name), joined(target, name)] as const)
      : ([source, path, target] as const)
  })
}

function* copy(
  process: Process,
  name: string,
  from: string,
  shown: string,
  to: string,
  options: Options,
  isTop: boolean,
): Step<boolean> {
  const { files } = process
  const complain = (what: string) => process.complain(`${nameOf(process)}: ${what}\n`)
  const keepsLinks =
    options.has('a') || options.has('d') || options.has('P') || (isRecursive(options) && !options.has('L'))
  let stat: Stat
  try {
    stat = keepsLinks && !(isTop && options.has('H')) ? files.lstat(from) : files.stat(from)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    yield* complain(`can't stat '${name}': ${error.message}`)
    return false
  }
  try {
    const there = files.exists(to) ? files.stat(to) : undefined
    if (there && stat.kind !== 'directory' && files.realpath(from) === files.realpath(to)) {
      yield* complain(`'${name}' and '${shown}' are the same file`)
      return false
    }
    if (stat.kind === 'directory') {
      if (!isRecursive(options)) {
        yield* complain(`omitting directory '${name}'`)
        return false
      }
      return yield* copyFolder(process, name, from, shown, to, options, stat)
    }
    if (there) {
      if (options.has('n')) return true
      if (options.has('u') && there.modified >= stat.modified) return true
      if (options.has('i') && !(yield* confirms(process, `cp: overwrite '${shown}'? `))) return true
    }
    if (stat.kind === 'symlink' || options.has('s')) {
      if (isThere(files, to)) files.unlink(to)
      files.symlink(options.has('s') ? name : files.readlink(from), to)
      return true
    }
    if (options.has('l')) {
      if (isThere(files, to)) files.unlink(to)
      files.link(from, to)
      return true
    }
    yield* copyContent(process, from, to, stat, options)
    if (options.has('a') || options.has('p')) keep(files, to, stat)
    if (options.has('v')) yield* process.print(`'${name}' -> '${shown}'\n`)
    return true
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    yield* complain(`can't create '${shown}': ${error.message}`)
    return false
  }
}

function* copyContent(process: Process, from: string, to: string, stat: Stat, options: Options): Step<void> {
  const { files } = process
  const mode = stat.mode & 0o777 & ~process.umask
  const how = { write: true, create: true, truncate: true, mode }
  if (stat.kind === 'file' && stat.size < 1024 * 1024 && !files.exists(to)) {
    files.write(to, files.read(from), mode)
    return
  }
  const input = openInput(process, from)
  try {
    let output: ReturnType<typeof openStream>
    try {
      output = openStream(process, to, how)
    } catch (error) {
      if (!(options.has('f') && error instanceof SystemError && error.errno === 'EACCES')) throw error
      files.unlink(to)
      output = openStream(process, to, how)
    }
    try {
      yield* copyAll(process, input, output)
    } finally {
      output.close()
    }
  } finally {
    input.close()
  }
}

function* copyFolder(
  process: Process,
  name: string,
  from: string,
  shown: string,
  to: string,
  options: Options,
  stat: Stat,
): Step<boolean> {
  const { files } = process
  if (`${to}/`.startsWith(`${from}/`)) {
    yield* process.complain(`${nameOf(process)}: recursion detected, omitting directory '${name}'\n`)
    return false
  }
  if (!files.exists(to)) files.makeDirectory(to, { mode: (stat.mode & 0o7777 & ~process.umask) | 0o700 })
  let isWell = true
  for (const entry of files.list(from)) {
    const did = yield* copy(
      process,
      joined(name, entry),
      joined(from, entry),
      joined(shown, entry),
      joined(to, entry),
      options,
      false,
    )
    if (!did) isWell = false
  }
  yield* process.pause()
  if (options.has('a') || options.has('p')) keep(files, to, stat)
  return isWell
}

function isRecursive(options: Options): boolean {
  return options.has('r') || options.has('R') || options.has('a')
}

/** Owner (where one may), mode and time. */
function keep(files: FileSystem, path: string, { uid, gid, mode, modified }: Stat): void {
  try {
    files.chown(path, uid, gid)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
  }
  files.chmod(path, mode)
  files.touch(path, modified)
}

function isThere(files: FileSystem, path: string): boolean {
  try {
    files.lstat(path)
    return true
  } catch (error) {
    if (error instanceof SystemError) return false
    throw error
  }
}

function removeAll(files: FileSystem, path: string): void {
  if (files.lstat(path).kind !== 'directory') {
    files.unlink(path)
    return
  }
  for (const name of files.list(path)) removeAll(files, joined(path, name))
  files.removeDirectory(path)
}
