// perl, for the Job of the documentation: `perl -Mbignum=bpi -wle 'print bpi(2000)'` prints pi to so many digits. Other
// programs are refused by name.

import type { Program } from '../../machine/process.ts'

const version = `
This is perl 5, version 34, subversion 0 (v5.34.0) built for x86_64-linux-gnu

Copyright 1987-2021, Larry Wall
`

export const perl: Program = function* (process) {
  const words = process.argv.slice(1)
  if (words.includes('-v') || words.includes('--version')) {
    yield* process.print(version)
    return 0
  }
  const at = words.findIndex(word => /^-\w*[eE]$/.test(word))
  const code = at < 0 ? undefined : words[at + 1]
  if (words.includes('-de0')) return 0
  const digits = /^\s*print\s+bpi\s*\(?\s*(\d+)\s*\)?\s*;?\s*$/.exec(code ?? '')?.[1]
  if (digits !== undefined && words.some(word => /^-Mbig(num|int|float|rat)?=.*bpi/.test(word))) {
    // About what it takes perl to work it out.
    yield* process.sleep(Math.round(Number(digits) * 2.2))
    yield* process.print(`${pi(Math.min(Number(digits), 20_000))}\n`)
    return 0
  }
  const literal = /^\s*print\s+(?:"((?:[^"\\$@]|\\.)*)"|'([^']*)')\s*;?\s*$/.exec(code ?? '')
  if (literal) {
    const text = (literal[1] ?? literal[2] ?? '').replace(/\\n/g, '\n').replace(/\\t/g, '\t').replace(/\\(.)/g, '$1')
    yield* process.print(words.some(word => /^-\w*l/.test(word)) ? `${text}\n` : text)
    return 0
  }
  yield* process.complain(`perl: kubesim does not run Perl programs: ${code ?? words.join(' ')}\n`)
  return 2
}

/** To so many significant digits, rounded: Machin's formula in whole numbers. */
export function pi(digits: number): string {
  if (digits < 1) return '0'
  const guard = 10
  const one = 10n ** BigInt(digits + guard)
  const arctan = (inverse: bigint): bigint => {
    let term = one / inverse
    let sum = term
    const square = inverse * inverse
    for (let n = 3n, sign = -1n; term !== 0n; n += 2n, sign = -sign) {
      term /= square
      sum += (sign * term) / n
    }
    return sum
  }
  const scaled = 4n * (4n * arctan(5n) - arctan(239n))
  const cut = 10n ** BigInt(guard + 1)
  const rounded = ((scaled + cut / 2n) / cut).toString()
  return digits === 1 ? rounded : `${rounded[0]}.${rounded.slice(1)}`
}
