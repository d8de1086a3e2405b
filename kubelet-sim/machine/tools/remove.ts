// rm, rmdir, unlink.

import type { Process } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { type Options, optionsOf } from './options.ts'
import { baseName, joined, nameOf, pathOf, tool, UsageError } from './tool.ts'

export const rm = tool('[-irf] FILE...', function* (process) {
  const options = optionsOf(process, 'irRfv', { recursive: 'r', force: 'f', verbose: 'v' })
  if (options.words.length === 0) {
    if (options.has('f')) return 0
    throw new UsageError('')
  }
  let code = 0
  for (const name of options.words) {
    if (['.', '..', '/'].includes(baseName(name))) {
      yield* process.complain(`rm: can't remove '.' or '..'\n`)
      code = 1
    } else if (!(yield* remove(process, name, pathOf(process, name), options))) code = 1
  }
  return code
})

function* remove(process: Process, name: string, path: string, options: Options): Step<boolean> {
  const { files } = process
  const recursive = options.has('r') || options.has('R')
  try {
    const { kind } = files.lstat(path.replace(/(?<=.)\/+$/, ''))
    if (kind === 'directory') {
      if (!recursive) {
        yield* process.complain(`rm: '${name}' is a directory\n`)
        return false
      }
      let isEmpty = true
      for (const entry of files.list(path)) {
        if (!(yield* remove(process, joined(name, entry), joined(path, entry), options))) isEmpty = false
      }
      yield* process.pause()
      if (!isEmpty) return false
      files.removeDirectory(path)
    } else {
      if (options.has('i') && !(yield* confirms(process, `rm: remove '${name}'? `))) return true
      files.unlink(path)
    }
    if (options.has('v')) yield* process.print(`removed '${name}'\n`)
    return true
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    if (options.has('f') && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR')) return true
    yield* process.complain(`rm: can't remove '${name}': ${error.message}\n`)
    return false
  }
}

export const rmdir = tool('[-p] DIRECTORY...', function* (process) {
  const options = optionsOf(process, 'pv', {
    parents: 'p',
    'ignore-fail-on-non-empty': 'v',
  })
  if (options.words.length === 0) throw new UsageError('')
  let code = 0
  for (const word of options.words) {
    let name = word
    while (true) {
      try {
        process.files.removeDirectory(pathOf(process, name))
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
        yield* process.complain(`rmdir: '${name}': ${error.message}\n`)
        code = 1
        break
      }
      const above = name.replace(/\/*[^/]+\/*$/, '')
      if (!options.has('p') || above === '') break
      name = above
    }
  }
  return code
})

export const unlink = tool('FILE', function* (process) {
  const [name, ...more] = optionsOf(process, '').words
  if (name === undefined || more.length > 0) throw new UsageError('')
  try {
    process.files.unlink(pathOf(process, name))
    return 0
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    yield* process.complain(`${nameOf(process)}: can't remove file '${name}': ${error.message}\n`)
    return 1
  }
})

export function* confirms(process: Process, question: string): Step<boolean> {
  yield* process.complain(question)
  const answer = yield* process.readLine()
  return /^[yY]/.test(answer ?? '')
}
