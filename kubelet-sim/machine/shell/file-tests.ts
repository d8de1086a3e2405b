// What test, [ and [[ ask of files, texts and numbers.

import type { Stat } from '../file-system.ts'
import { SystemError } from '../system-error.ts'
import { element } from './assignments.ts'
import type { Shell } from './shell.ts'

export const unaryTests: ReadonlySet<string> = new Set([...'abcdefghknprstuwxzLSGONov'].map(letter => `-${letter}`))

export function unaryTest(shell: Shell, operator: string, text: string): boolean {
  switch (operator) {
    case '-n':
      return text !== ''
    case '-z':
      return text === ''
    case '-t':
      return shell.process.descriptors.get(Number(text))?.terminal !== undefined
    case '-v': {
      const match = /^(\w+)\[(.*)\]$/.exec(text)
      return match ? element(shell, match[1]!, match[2]!) !== undefined : shell.parameter(text) !== undefined
    }
    case '-o':
      return shell.options[text as keyof Shell['options']] === true
    case '-h':
    case '-L':
      return statOf(shell, text, true)?.kind === 'symlink'
    case '-r':
    case '-w':
    case '-x': {
      const want = operator === '-r' ? 'read' : operator === '-w' ? 'write' : 'execute'
      return statOf(shell, text) !== undefined && shell.process.files.access(shell.absolute(text), want)
    }
  }
  const stat = statOf(shell, text)
  if (stat === undefined) return false
  switch (operator) {
    case '-f':
      return stat.kind === 'file'
    case '-d':
      return stat.kind === 'directory'
    case '-s':
      return stat.size > 0
    case '-p':
      return stat.kind === 'fifo'
    case '-S':
      return stat.kind === 'socket'
    case '-b':
      return false
    case '-c':
      return stat.kind === 'device'
    case '-u':
      return (stat.mode & 0o4000) !== 0
    case '-g':
      return (stat.mode & 0o2000) !== 0
    case '-k':
      return (stat.mode & 0o1000) !== 0
    case '-O':
      return stat.uid === shell.process.user.uid
    case '-G':
      return stat.gid === shell.process.user.gid
    default:
      return true
  }
}

/** Of files: which is newer, older, the same. */
export function fileTest(shell: Shell, left: string, operator: string, right: string): boolean {
  const [one, other] = [statOf(shell, left), statOf(shell, right)]
  if (operator === '-ef') return one !== undefined && other !== undefined && one.inode === other.inode
  const [first, second] = operator === '-nt' ? [one, other] : [other, one]
  return first !== undefined && (second === undefined || first.modified > second.modified)
}

export function compareNumbers(left: bigint, operator: string, right: bigint): boolean {
  switch (operator) {
    case '-eq':
      return left === right
    case '-ne':
      return left !== right
    case '-lt':
      return left < right
    case '-le':
      return left <= right
    case '-gt':
      return left > right
    default:
      return left >= right
  }
}

function statOf(shell: Shell, path: string, isLink = false): Stat | undefined {
  if (path === '') return undefined
  const whole = shell.absolute(path)
  try {
    return isLink ? shell.process.files.lstat(whole) : shell.process.files.stat(whole)
  } catch (error) {
    if (error instanceof SystemError) return undefined
    throw error
  }
}
