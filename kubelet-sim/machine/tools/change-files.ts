// chmod, chown, chgrp.

import type { Process } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { changedMode } from './mode-change.ts'
import { optionsOf } from './options.ts'
import { accounts, groups } from './owners.ts'
import { joined, nameOf, pathOf, ToolError, tool, UsageError } from './tool.ts'

export const chmod = tool('[-Rcvf] MODE[,MODE]... FILE...', function* (process) {
  // `-x` and `-rw` are modes, not options.
  const argv = process.argv.map((word, index) => (index > 0 && /^-[rwxXst]+$/.test(word) ? `\0${word}` : word))
  const options = optionsOf({ argv }, 'Rcvf', { recursive: 'R' })
  const [first, ...names] = options.words
  if (first === undefined || names.length === 0) throw new UsageError('')
  const wanted = first.replace('\0', '')
  return yield* each(process, names, options.has('R'), options.has('f'), path => {
    const { mode, kind } = process.files.stat(path)
    process.files.chmod(path, changedMode(wanted, mode, kind === 'directory', process.umask))
  })
})

export const chown = tool('[-RhLHPcvf] USER[:[GRP]] FILE...', function* (process) {
  const options = optionsOf(process, 'RhLHPcvf', { recursive: 'R', 'no-dereference': 'h' })
  const [owner, ...names] = options.words
  if (owner === undefined || names.length === 0) throw new UsageError('')
  const [user, group] = owner.split(/[:.]/)
  const uid = user === '' ? undefined : userNumber(process, user!)
  const own = group === '' && user !== '' ? accounts(process.files).find(each => each.uid === uid)?.gid : undefined
  const gid = group === undefined || group === '' ? own : groupNumber(process, group)
  return yield* each(process, names, options.has('R'), options.has('f'), path =>
    change(process, path, uid, gid, options),
  )
})

export const chgrp = tool('[-RhLHPcvf] GROUP FILE...', function* (process) {
  const options = optionsOf(process, 'RhLHPcvf', { recursive: 'R', 'no-dereference': 'h' })
  const [group, ...names] = options.words
  if (group === undefined || names.length === 0) throw new UsageError('')
  const gid = groupNumber(process, group)
  return yield* each(process, names, options.has('R'), options.has('f'), path =>
    change(process, path, undefined, gid, options),
  )
})

function change(
  { files }: Process,
  path: string,
  uid: number | undefined,
  gid: number | undefined,
  options: { has(letter: string): boolean },
): void {
  const itself = options.has('h') || options.has('R')
  const stat = itself ? files.lstat(path) : files.stat(path)
  if (itself) files.lchown(path, uid ?? stat.uid, gid ?? stat.gid)
  else files.chown(path, uid ?? stat.uid, gid ?? stat.gid)
}

function* each(
  process: Process,
  names: readonly string[],
  recursive: boolean,
  quiet: boolean,
  deed: (path: string) => void,
): Step<number> {
  let code = 0
  const todo = names.map(name => [name, pathOf(process, name)] as const).reverse()
  while (todo.length > 0) {
    const [name, path] = todo.pop()!
    try {
      const { kind } = process.files.lstat(path)
      if (kind !== 'symlink' || !recursive || names.includes(name)) deed(path)
      if (!recursive || kind !== 'directory') continue
      for (const entry of [...process.files.list(path)].reverse()) todo.push([joined(name, entry), joined(path, entry)])
      yield* process.pause()
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      if (!quiet) yield* process.complain(`${nameOf(process)}: ${name}: ${error.message}\n`)
      code = 1
    }
  }
  return code
}

function userNumber({ files }: Process, name: string): number {
  const known = accounts(files).find(each => each.name === name)
  if (known !== undefined) return known.uid
  if (/^\d+$/.test(name)) return Number(name)
  throw new ToolError(`unknown user ${name}`)
}

function groupNumber({ files }: Process, name: string): number {
  const known = groups(files).find(each => each.name === name)
  if (known !== undefined) return known.gid
  if (/^\d+$/.test(name)) return Number(name)
  throw new ToolError(`unknown group ${name}`)
}
