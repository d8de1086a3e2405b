// The shell as programs of a container: sh (busybox' ash), bash, dash. How it is called says what it does: -c runs a text, a
// name a script, -s or nothing the input; with a terminal, or -i, it is interactive (interactive.ts).

import type { Program } from '../process.ts'
import { SystemError } from '../system-error.ts'
import { setOption } from './builtins/options.ts'
import { readInput } from './input.ts'
import { interact } from './interactive.ts'
import { Shell } from './shell.ts'
import type { Dialect } from './syntax.ts'

/** By the names that programs' files carry. */
export const shells: ReadonlyMap<string, Program> = new Map([
  ['sh', shellProgram('ash')],
  ['ash', shellProgram('ash')],
  ['bash', shellProgram('bash')],
  ['dash', shellProgram('dash')],
])

function shellProgram(standard: Dialect): Program {
  return function* (process) {
    const called = process.argv[0]!.replace(/^-/, '').replace(/.*\//, '')
    // One file may be several shells.
    const dialect = called === 'bash' ? 'bash' : called === 'dash' ? 'dash' : standard
    const shell = new Shell(process, dialect, process.argv[0]!.replace(/^-/, ''))
    let at = 1
    let [isText, isInput, isInteractive] = [false, false, false]
    for (; at < process.argv.length && /^[-+]./.test(process.argv[at]!); ) {
      const arg = process.argv[at]!
      if (arg === '--') {
        at++
        break
      }
      if (/^--/.test(arg)) {
        if (arg === '--version') {
          yield* process.print(`GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)\n`)
          return 0
        }
        if (arg === '--rcfile' || arg === '--init-file') at++
        at++
        continue
      }
      const letters = arg.slice(1)
      isText ||= letters.includes('c')
      isInput ||= letters.includes('s')
      isInteractive ||= letters.includes('i')
      const rest = letters.replace(/[csil]/g, '')
      if (rest === '') {
        at++
        continue
      }
      const taken = setOption(
        shell,
        [...process.argv.slice(0, at), `${arg[0]}${rest}`, ...process.argv.slice(at + 1)],
        at,
      )
      if (typeof taken === 'string') {
        yield* process.complain(`${shell.name}: ${taken}\n`)
        return 2
      }
      at += taken
    }
    const words = process.argv.slice(at)
    if (isText) {
      const text = words[0]
      if (text === undefined) {
        yield* process.complain(
          `${shell.name}: ${dialect === 'bash' ? '-c: option requires an argument' : '-c requires an argument'}\n`,
        )
        return 2
      }
      shell.isText = true
      if (words[1] !== undefined) {
        shell.name = words[1]
        shell.isNamed = true
      }
      shell.positional = words.slice(2)
      return yield* shell.main(() => shell.evaluate(text, 'main', true))
    }
    if (words[0] !== undefined && !isInput) {
      const [path, ...rest] = words as [string, ...string[]]
      const fault = unreadable(shell, path)
      if (fault !== undefined) {
        yield* process.complain(`${shell.name}: ${fault}\n`)
        return dialect === 'bash' ? (fault.endsWith('directory') ? 127 : 126) : 2
      }
      shell.name = path
      return yield* shell.script(path, rest)
    }
    shell.positional = words
    if (isInteractive || (process.descriptors.get(0)?.terminal && process.descriptors.get(2)?.terminal)) {
      return yield* shell.main(() => interact(shell))
    }
    return yield* shell.main(() => readInput(shell))
  }
}

function unreadable(shell: Shell, path: string): string | undefined {
  try {
    const { kind } = shell.process.files.stat(shell.absolute(path))
    if (kind === 'directory') return shell.dialect === 'bash' ? `${path}: Is a directory` : `read error: Is a directory`
    shell.process.files.read(shell.absolute(path))
    return undefined
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    if (shell.dialect === 'bash') return `${path}: ${error.message}`
    if (shell.dialect === 'dash')
      return `0: cannot open ${path}: ${error.errno === 'ENOENT' ? 'No such file' : error.message}`
    return `can't open '${path}': ${error.message}`
  }
}
