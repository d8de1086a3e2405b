// Functions of awk's that look at nothing but what they are given, the clock and chance. Called by awk.ts.

import type { Process } from '../process.ts'
import { numberOf, type Value } from './awk-values.ts'
import { formatted } from './date-text.ts'
import { ToolError } from './tool.ts'

/** `text`: the value at an index, as awk writes it. Throws ToolError for a name that is none of them. */
export function plainFunction(
  name: string,
  values: readonly Value[],
  text: (index: number) => string,
  process: Process,
): Value {
  const number = (index: number) => numberOf(values[index])
  switch (name) {
    case 'substr': {
      const start = Math.max(0, Math.round(number(1)) - 1)
      const count = values.length > 2 ? Math.max(0, Math.round(number(2))) : Number.POSITIVE_INFINITY
      return text(0).slice(start, start + count)
    }
    case 'index':
      return text(0).indexOf(text(1)) + 1
    case 'tolower':
      return text(0).replace(/[A-Z]+/g, part => part.toLowerCase())
    case 'toupper':
      return text(0).replace(/[a-z]+/g, part => part.toUpperCase())
    case 'int':
      return Math.trunc(number(0))
    case 'sqrt':
    case 'exp':
    case 'log':
    case 'sin':
    case 'cos':
      return Math[name](number(0))
    case 'atan2':
      return Math.atan2(number(0), number(1))
    case 'rand':
      return process.random.fraction()
    case 'srand':
      return 0
    case 'systime':
      return Math.floor(process.clock.now() / 1000)
    case 'strftime':
      return formatted(values.length > 1 ? number(1) * 1000 : process.clock.now(), text(0) || '%a %b %e %H:%M:%S %Z %Y')
    case 'and':
      return Number(BigInt(number(0)) & BigInt(number(1)))
    case 'or':
      return Number(BigInt(number(0)) | BigInt(number(1)))
    case 'xor':
      return Number(BigInt(number(0)) ^ BigInt(number(1)))
    case 'lshift':
      return number(0) * 2 ** number(1)
    case 'rshift':
      return Math.floor(number(0) / 2 ** number(1))
    default:
      throw new ToolError(`${name}() is not simulated`)
  }
}
