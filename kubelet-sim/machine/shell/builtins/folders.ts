// cd, pwd, pushd, popd, dirs, umask, ulimit.

import { SystemError } from '../../system-error.ts'
import type { Step } from '../../wait.ts'
import type { Shell } from '../shell.ts'
import type { Builtin } from './index.ts'

export const folders: Readonly<Record<string, Builtin>> = {
  *cd(shell, args) {
    let at = 1
    let physical = false
    for (; /^-[LPe]+$/.test(args[at] ?? ''); at++) physical = args[at]!.includes('P')
    if (args[at] === '--') at++
    const said = args[at]
    if (said === undefined && shell.variables.get('HOME') === undefined) {
      yield* shell.complain('HOME not set', 'cd')
      return 1
    }
    if (said === '-' && shell.variables.get('OLDPWD') === undefined) {
      yield* shell.complain('OLDPWD not set', 'cd')
      return 1
    }
    const target = said === '-' ? shell.variables.get('OLDPWD')! : (said ?? shell.variables.get('HOME')!)
    const status = yield* change(shell, target, physical)
    if (status === 0 && said === '-') yield* shell.process.print(`${shell.process.cwd}\n`)
    return status
  },

  *pwd(shell, args) {
    const path = args[1] === '-P' ? shell.process.files.realpath(shell.process.cwd) : shell.process.cwd
    yield* shell.process.print(`${path}\n`)
    return 0
  },

  *pushd(shell, args) {
    const stack = stackOf(shell)
    const here = shell.process.cwd
    const target = args[1] ?? stack[0]
    if (target === undefined) {
      yield* shell.complain('no other directory', 'pushd')
      return 1
    }
    const status = yield* change(shell, target, false)
    if (status !== 0) return status
    keep(shell, [here, ...(args[1] === undefined ? stack.slice(1) : stack)])
    return yield* tell(shell)
  },

  *popd(shell) {
    const [target, ...rest] = stackOf(shell)
    if (target === undefined) {
      yield* shell.complain('directory stack empty', 'popd')
      return 1
    }
    const status = yield* change(shell, target, false)
    if (status !== 0) return status
    keep(shell, rest)
    return yield* tell(shell)
  },

  dirs: shell => tell(shell),

  *umask(shell, args) {
    const text = args.at(-1)
    if (args.length === 1 || text === '-S') {
      const mask = shell.process.umask
      const letters = (bits: number) => `${bits & 4 ? 'r' : ''}${bits & 2 ? 'w' : ''}${bits & 1 ? 'x' : ''}`
      const allowed = ~mask & 0o777
      const symbols = `u=${letters(allowed >> 6)},g=${letters((allowed >> 3) & 7)},o=${letters(allowed & 7)}`
      yield* shell.process.print(`${text === '-S' ? symbols : mask.toString(8).padStart(4, '0')}\n`)
      return 0
    }
    if (/^[0-7]{1,4}$/.test(text!)) {
      shell.process.umask = Number.parseInt(text!, 8) & 0o777
      return 0
    }
    const mask = symbolic(shell.process.umask, text!)
    if (mask === undefined) {
      yield* shell.complain(
        shell.dialect === 'bash' ? `${text}: octal number out of range` : `Illegal mode: ${text}`,
        'umask',
      )
      return shell.dialect === 'bash' ? 1 : 2
    }
    shell.process.umask = mask
    return 0
  },

  *ulimit(shell, args) {
    const flag = args.find(arg => /^-[a-zA-Z]$/.test(arg) && !/^-[HS]$/.test(arg)) ?? '-f'
    const value = args.slice(1).find(arg => !arg.startsWith('-'))
    if (value !== undefined) return 0
    const limits: Readonly<Record<string, string>> = {
      '-c': 'unlimited',
      '-f': 'unlimited',
      '-n': '1048576',
      '-s': '8192',
      '-t': 'unlimited',
      '-u': 'unlimited',
      '-v': 'unlimited',
    }
    if (flag === '-a') {
      yield* shell.process.print(
        Object.entries(limits)
          .map(([name, limit]) => `${name}: ${limit}\n`)
          .join(''),
      )
      return 0
    }
    yield* shell.process.print(`${limits[flag] ?? 'unlimited'}\n`)
    return 0
  },
}

function* change(shell: Shell, target: string, physical: boolean): Step<number> {
  const { files } = shell.process
  const fail = function* (words: string) {
    yield* shell.complain(
      shell.dialect === 'bash'
        ? `${target}: ${words}`
        : shell.dialect === 'dash'
          ? `can't cd to ${target}`
          : `can't cd to ${target}: ${words}`,
      'cd',
    )
    return shell.dialect === 'dash' ? 2 : 1
  }
  const path = normalized(shell.absolute(target))
  try {
    if (files.stat(path).kind !== 'directory') return yield* fail('Not a directory')
    if (!files.access(path, 'execute')) return yield* fail('Permission denied')
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return yield* fail(error.message)
  }
  const before = shell.process.cwd
  shell.process.cwd = physical ? files.realpath(path) : path
  shell.variables.put('OLDPWD', { ...shell.variables.find('OLDPWD'), value: before, isExported: true })
  shell.variables.put('PWD', { ...shell.variables.find('PWD'), value: shell.process.cwd, isExported: true })
  return 0
}

function normalized(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

function stackOf(shell: Shell): string[] {
  const value = shell.variables.find('DIRSTACK')?.value
  return typeof value === 'object' ? [...(value as ReadonlyMap<number, string>).values()] : []
}

function keep(shell: Shell, stack: readonly string[]): void {
  shell.variables.put('DIRSTACK', { value: new Map(stack.map((path, index) => [index, path])) })
}

function* tell(shell: Shell): Step<number> {
  const home = shell.variables.get('HOME')
  const short = (path: string) =>
    home && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path
  yield* shell.process.print(`${[shell.process.cwd, ...stackOf(shell)].map(short).join(' ')}\n`)
  return 0
}

function symbolic(mask: number, text: string): number | undefined {
  let result = mask
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)([-+=])([rwx]*)$/.exec(clause)
    if (!match) return undefined
    const bits = [...match[3]!].reduce((all, letter) => all | { r: 4, w: 2, x: 1 }[letter]!, 0)
    for (const who of match[1] === '' || match[1]!.includes('a') ? 'ugo' : match[1]!) {
      const shift = { u: 6, g: 3, o: 0 }[who]!
      const own = bits << shift
      if (match[2] === '+') result &= ~own
      else if (match[2] === '-') result |= own
      else result = (result & ~(7 << shift)) | (~own & (7 << shift))
    }
  }
  return result & 0o777
}
