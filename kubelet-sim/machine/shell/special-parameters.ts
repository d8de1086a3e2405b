// What a shell knows of itself and variables do not hold: `$-`, `$LINENO`, `$RANDOM`, `$FUNCNAME` … Called when no variable is found.

import type { Shell } from './shell.ts'

/** What the shell knows of itself, by name; undefined: there is nothing of that name. */
export function specialParameter(shell: Shell, name: string): string | undefined {
  switch (name) {
    case 'LINENO':
      return String(shell.line)
    case 'PPID':
      return String(shell.process.parent)
    case 'RANDOM':
      return shell.dialect === 'dash' ? undefined : String(Math.floor(shell.process.random.fraction() * 32768))
    case 'SECONDS':
      return shell.dialect === 'bash'
        ? String(Math.floor((shell.process.clock.now() - shell.startedAt) / 1000))
        : undefined
    case 'EPOCHSECONDS':
      return shell.dialect === 'dash' ? undefined : String(Math.floor(shell.process.clock.now() / 1000))
    case 'HOSTNAME':
      return shell.dialect === 'dash' ? undefined : shell.process.machine.hostname
    case 'UID':
    case 'EUID':
      return shell.dialect === 'bash' ? String(shell.process.user.uid) : undefined
    case 'BASHPID':
      return shell.dialect === 'bash' ? String(shell.process.pid) : undefined
    case 'FUNCNAME':
      return shell.dialect === 'bash' ? shell.functionNames[0] : undefined
    case 'BASH_SOURCE':
      return shell.dialect === 'bash' ? shell.name : undefined
    case 'PIPESTATUS':
      return shell.dialect === 'bash' ? String(shell.pipeStatus[0] ?? 0) : undefined
  }
  return undefined
}

/** `$-` */
export function flagsOf(shell: Shell): string {
  const { allexport, errexit, monitor, noclobber, noexec, noglob, nounset, verbose, xtrace } = shell.options
  return [
    ['a', allexport],
    ['e', errexit],
    ['f', noglob],
    ['i', shell.isInteractive],
    ['m', monitor],
    ['n', noexec],
    ['u', nounset],
    ['v', verbose],
    ['x', xtrace],
    ['C', noclobber],
  ]
    .filter(([, isOn]) => isOn)
    .map(([letter]) => letter)
    .join('')
}

/** Of the arrays that the shell keeps itself. */
export function arrayOf(shell: Shell, name: string): readonly string[] | undefined {
  if (shell.dialect !== 'bash') return undefined
  if (name === 'PIPESTATUS') return shell.pipeStatus.map(String)
  return name === 'FUNCNAME' ? shell.functionNames : undefined
}
