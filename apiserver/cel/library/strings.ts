// What cel-go's strings extension has and the library lacks: charAt, replace, quote, format.
// Rules: github.com/google/cel-go/ext/{strings,formatting}.go.

import type { Environment } from '@marcbachmann/cel-js'

export function registerStrings(environment: Environment): void {
  environment
    .registerFunction('string.charAt(int): string', (text: string, at: bigint) => {
      const letters = [...text]
      if (at < 0n || at > BigInt(letters.length)) throw new Error(`index out of range: ${at}`)
      return letters[Number(at)] ?? ''
    })
    .registerFunction('string.replace(string, string): string', (text: string, old: string, next: string) =>
      replace(text, old, next, -1n),
    )
    .registerFunction(
      'string.replace(string, string, int): string',
      (text: string, old: string, next: string, count: bigint) => replace(text, old, next, count),
    )
    .registerFunction('string.format(list): string', (text: string, values: readonly unknown[]) => format(text, values))
  const strings = new StringsNamespace()
  environment
    .registerType('kubernetes.StringsNamespace', StringsNamespace)
    .registerConstant('strings', 'kubernetes.StringsNamespace', strings)
    .registerFunction('kubernetes.StringsNamespace.quote(string): string', (_: unknown, text: string) =>
      JSON.stringify(text),
    )
}

class StringsNamespace {}

/** A negative count is no limit. */
function replace(text: string, old: string, next: string, count: bigint): string {
  if (count < 0n) return text.replaceAll(old, () => next)
  let left = Number(count)
  return text.replaceAll(old, found => (left-- > 0 ? next : found))
}

function format(text: string, values: readonly unknown[]): string {
  let next = 0
  return text.replace(/%(?:\.(\d+))?([%sdxXobfe])/g, (_, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%'
    if (next >= values.length) throw new Error(`index ${next} out of range`)
    return formatted(values[next++], verb, precision)
  })
}

function formatted(value: unknown, verb: string, precision = '6'): string {
  switch (verb) {
    case 's':
      return shown(value)
    case 'd':
      return BigInt(value as bigint).toString()
    case 'x':
    case 'X': {
      const text = typeof value === 'bigint' ? value.toString(16) : Buffer.from(String(value)).toString('hex')
      return verb === 'X' ? text.toUpperCase() : text
    }
    case 'o':
      return BigInt(value as bigint).toString(8)
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : BigInt(value as bigint).toString(2)
    case 'f':
      return Number(value).toFixed(Number(precision))
    default:
      return Number(value)
        .toExponential(Number(precision))
        .replace(/e([+-])(\d)$/, 'e$10$2')
  }
}

function shown(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`
  if (value instanceof Map) {
    const members = [...value].map(([key, each]) => `${shown(key)}: ${shown(each)}`).sort()
    return `{${members.join(', ')}}`
  }
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$/, 'Z')
  return String(value)
}
