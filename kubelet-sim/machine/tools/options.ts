// Options of a command line as getopt reads them: `-la`, `-n5`, `-n 5`, `--lines=5`, `--`; words between them are collected.

import type { Process } from '../process.ts'
import { UsageError } from './tool.ts'

export interface Options {
  has(letter: string): boolean
  /** The last one given. */
  value(letter: string): string | undefined
  values(letter: string): readonly string[]
  /** What was given, in order, for tools to which it matters. */
  readonly given: readonly { readonly letter: string; readonly value: string | undefined }[]
  readonly words: readonly string[]
}

/**
 * `letters`: `ab:c` – b takes a value, `b::` may have one attached; a leading `+`: the first word ends the options.
 * `long`: by name the letter it is another spelling of.
 */
export function optionsOf(
  { argv }: Pick<Process, 'argv'>,
  letters: string,
  long: Readonly<Record<string, string>> = {},
): Options {
  const stops = letters.startsWith('+')
  const known = kindsOf(letters)
  const given: { letter: string; value: string | undefined }[] = []
  const words: string[] = []
  let at = 1
  const next = (option: string) => {
    const value = argv[at++]
    if (value === undefined) throw new UsageError(`option requires an argument -- '${option}'`)
    return value
  }
  while (at < argv.length) {
    const word = argv[at++]!
    if (word === '--') {
      words.push(...argv.slice(at))
      break
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=')
      const name = word.slice(2, equals < 0 ? undefined : equals)
      const letter = letterOf(name, long)
      if (letter === undefined) throw new UsageError(`unrecognized option '--${name}'`)
      const takes = known.get(letter) ?? 'nothing'
      const attached = equals < 0 ? undefined : word.slice(equals + 1)
      if (takes === 'nothing' && attached !== undefined) {
        throw new UsageError(`option '--${name}' doesn't allow an argument`)
      }
      given.push({ letter, value: takes === 'value' ? (attached ?? next(name)) : attached })
    } else if (word.startsWith('-') && word.length > 1) {
      for (let index = 1; index < word.length; index++) {
        const letter = word[index]!
        const takes = known.get(letter)
        if (takes === undefined) throw new UsageError(`invalid option -- '${letter}'`)
        if (takes === 'nothing') {
          given.push({ letter, value: undefined })
          continue
        }
        const rest = word.slice(index + 1)
        given.push({ letter, value: rest !== '' ? rest : takes === 'value' ? next(letter) : undefined })
        break
      }
    } else if (stops) {
      words.push(word, ...argv.slice(at))
      break
    } else words.push(word)
  }
  return {
    has: letter => given.some(each => each.letter === letter),
    value: letter => given.findLast(each => each.letter === letter)?.value,
    values: letter => given.filter(each => each.letter === letter).map(({ value }) => value ?? ''),
    given,
    words,
  }
}

type Takes = 'nothing' | 'value' | 'attached'

function kindsOf(letters: string): ReadonlyMap<string, Takes> {
  const kinds = new Map<string, Takes>()
  for (const [, letter, colons] of letters.matchAll(/([^:+])(:*)/g)) {
    kinds.set(letter!, colons === '' ? 'nothing' : colons === ':' ? 'value' : 'attached')
  }
  return kinds
}

/** Long names may be shortened while only one begins so. */
function letterOf(name: string, long: Readonly<Record<string, string>>): string | undefined {
  if (Object.hasOwn(long, name)) return long[name]
  const fitting = Object.keys(long).filter(each => each.startsWith(name))
  return fitting.length === 1 ? long[fitting[0]!] : undefined
}
