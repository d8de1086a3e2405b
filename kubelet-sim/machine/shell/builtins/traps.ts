// trap: what is run when a signal comes, or when the shell ends.

import type { Signal } from '../../process.ts'
import { quoteForReuse } from '../parameters.ts'
import type { Shell } from '../shell.ts'
import type { Builtin } from './index.ts'
import { signalNamed } from './job-control.ts'

export const traps: Readonly<Record<string, Builtin>> = {
  *trap(shell, args) {
    let words = args.slice(1)
    if (words[0] === '--') words = words.slice(1)
    if (words.length === 0 || words[0] === '-p') {
      for (const [condition, text] of shell.traps) {
        yield* shell.process.print(
          `trap -- ${quoteForReuse(text)} ${shell.dialect === 'bash' && condition !== 'EXIT' && condition !== 'ERR' ? 'SIG' : ''}${condition}\n`,
        )
      }
      return 0
    }
    if (words[0] === '-l') return 0
    // A number first, or nothing but one name: all of them are put back.
    const isReset = words.length === 1 || /^\d+$/.test(words[0]!) || words[0] === '-'
    const conditions = isReset && words[0] !== '-' ? words : words.slice(1)
    let status = 0
    for (const word of conditions) {
      const condition = conditionNamed(word, shell)
      if (condition === undefined) {
        yield* shell.complain(
          shell.dialect === 'bash'
            ? `${word}: invalid signal specification`
            : shell.dialect === 'dash'
              ? `${word}: bad trap`
              : `${word}: invalid signal specification`,
          'trap',
        )
        status = 1
        continue
      }
      set(shell, condition, isReset ? undefined : words[0]!)
    }
    return status
  },
}

/** `EXIT`, `0`, `ERR`, or a signal. */
function conditionNamed(word: string, { dialect }: Shell): string | undefined {
  const upper = word.toUpperCase()
  if (word === '0' || upper === 'EXIT') return 'EXIT'
  if (dialect === 'bash' && ['ERR', 'DEBUG', 'RETURN'].includes(upper)) return upper
  return (
    signalNamed(word) ??
    (/^(?:SIG)?(?:TSTP|TTIN|TTOU|URG|POLL|SEGV|BUS|FPE|ILL|TRAP|SYS|XCPU|XFSZ|VTALRM|PROF|PWR)$/.test(upper)
      ? upper.replace(/^SIG/, '')
      : undefined)
  )
}

function set(shell: Shell, condition: string, text: string | undefined): void {
  if (text === undefined) shell.traps.delete(condition)
  else shell.traps.set(condition, text)
  const signal = signalNamed(condition)
  if (signal === undefined || condition === 'EXIT') return
  shell.process.onSignal(
    signal,
    text === undefined ? undefined : text === '' ? 'ignore' : () => shell.note(signal as Signal),
  )
}
