// The prompt: a shell at a terminal. What is typed is a line at a time; Ctrl-C gives a new prompt, Ctrl-D ends it.

import { terminalOf } from '../terminal.ts'
import type { Step } from '../wait.ts'
import { tellEnded } from './builtins/job-control.ts'
import { Exit, LoopJump, Return } from './faults.ts'
import { nextCommands } from './input.ts'
import { LineEditor } from './line-editor.ts'
import type { Shell } from './shell.ts'
import { SyntaxFault } from './syntax.ts'
import { syntaxWords } from './wording.ts'

export function* interact(shell: Shell): Step<number> {
  const { process } = shell
  shell.isInteractive = true
  const terminal = terminalOf(process)
  shell.options.monitor = terminal !== undefined
  if (shell.variables.get('PS1') === undefined) shell.variables.put('PS1', { value: standardPrompt(shell) })
  if (shell.variables.get('PS2') === undefined) shell.variables.put('PS2', { value: '> ' })
  // They stop what is in front; the shell itself only begins a new line.
  process.onSignal('TERM', 'ignore')
  process.onSignal('QUIT', 'ignore')
  process.onSignal('INT', () => editor.interrupt())
  const editor = new LineEditor(shell)
  if (terminal) terminal.foreground = process.group
  for (;;) {
    yield* tellEnded(shell)
    try {
      const lists = yield* nextCommands(shell, function* (isContinued) {
        return yield* editor.readLine(promptOf(shell, shell.variables.get(isContinued ? 'PS2' : 'PS1') ?? ''))
      })
      if (lists === undefined) {
        if (terminal) yield* process.complain(shell.dialect === 'bash' ? 'exit\n' : '\n')
        return shell.status
      }
      for (const list of lists) shell.status = yield* shell.run(list)
      yield* shell.runTraps()
    } catch (error) {
      if (error instanceof Interrupted) shell.status = 130
      else if (error instanceof SyntaxFault) {
        yield* process.complain(syntaxWords(shell, error))
        shell.status = 2
      } else if (error instanceof Exit) return error.code
      else if (error instanceof Return || error instanceof LoopJump) shell.status = 0
      else shell.status = yield* shell.faultStatus(error)
    }
  }
}

/** Ctrl-C at the prompt: what was typed is forgotten. */
export class Interrupted {}

function standardPrompt({ dialect, process }: Shell): string {
  if (dialect === 'bash') return '\\u@\\h:\\w\\$ '
  return dialect === 'dash' ? (process.user.uid === 0 ? '# ' : '$ ') : '\\w \\$ '
}

function promptOf(shell: Shell, text: string): string {
  if (shell.dialect === 'dash' || !text.includes('\\')) return text
  const { process } = shell
  const home = shell.variables.get('HOME') ?? ''
  const { cwd } = process
  const short =
    home !== '' && home !== '/' && (cwd === home || cwd.startsWith(`${home}/`)) ? `~${cwd.slice(home.length)}` : cwd
  return text.replace(/\\(\[|\]|[\s\S])/g, (_, letter: string) => {
    switch (letter) {
      case 'u':
        return userName(shell)
      case 'h':
        return process.machine.hostname.split('.')[0] ?? ''
      case 'H':
        return process.machine.hostname
      case 'w':
        return short
      case 'W':
        return short === '/' || short === '~' ? short : short.slice(short.lastIndexOf('/') + 1)
      case '$':
        return process.user.uid === 0 ? '#' : '$'
      case 'n':
        return '\n'
      case 'r':
        return '\r'
      case 'e':
        return '\x1b'
      case 'a':
        return '\x07'
      case 's':
        return shell.name.replace(/.*\//, '')
      case 't':
        return new Date(process.clock.now()).toISOString().slice(11, 19)
      case '[':
      case ']':
        return ''
      default:
        return letter
    }
  })
}

function userName({ process: { files, user } }: Shell): string {
  if (!files.exists('/etc/passwd')) return user.uid === 0 ? 'root' : 'I have no name!'
  for (const line of files.readText('/etc/passwd').split('\n')) {
    const [name, , uid] = line.split(':')
    if (uid === String(user.uid)) return name!
  }
  return 'I have no name!'
}
