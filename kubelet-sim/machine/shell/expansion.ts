// Expansion: what a word comes to: parameters, substitutions and arithmetic are put in, then it is split into fields, and
// patterns become file names. Called by the interpreter; $(…) runs programs, so all of it are steps.

import type { Step } from '../wait.ts'
import { expandBraces } from './braces.ts'
import { glob } from './glob.ts'
import { parameter } from './parameters.ts'
import { escapePattern } from './patterns.ts'
import type { Shell } from './shell.ts'
import { processSubstitution, substitute } from './substitution.ts'
import type { Part, Word } from './syntax.ts'

/** Of a word being expanded. `splits`: it came of an expansion without quotes. `break`: a new field begins. */
export type Piece = { readonly text: string; readonly quoted: boolean; readonly splits: boolean } | 'break'

/** All words, as arguments of a command. */
export function* expandWords(shell: Shell, words: readonly Word[]): Step<string[]> {
  const fields: string[] = []
  for (const word of words) {
    if (word.literal !== undefined) {
      fields.push(word.literal)
      continue
    }
    for (const each of shell.dialect === 'bash' ? expandBraces(word) : [word]) {
      const pieces: Piece[] = []
      yield* expandParts(shell, each.parts, pieces, { splits: true, tilde: 'word' })
      assemble(shell, pieces, fields)
    }
  }
  return fields
}

/** One word that is not split: of an assignment, a redirect, `case`. */
export function* expandText(shell: Shell, word: Word, tilde: 'word' | 'assignment' = 'word'): Step<string> {
  if (word.literal !== undefined) return word.literal
  const pieces: Piece[] = []
  yield* expandParts(shell, word.parts, pieces, { splits: false, tilde })
  return joinedPieces(pieces)
}

/** As a pattern: what was quoted stands for itself. */
export function* expandPattern(shell: Shell, word: Word): Step<string> {
  if (word.literal !== undefined) return escapePattern(word.literal)
  const pieces: Piece[] = []
  yield* expandParts(shell, word.parts, pieces, { splits: false, tilde: 'word' })
  let pattern = ''
  for (const piece of pieces) {
    if (piece === 'break') pattern += ' '
    else pattern += piece.quoted ? escapePattern(piece.text) : piece.text
  }
  return pattern
}

export interface Manner {
  readonly splits: boolean
  readonly tilde?: 'word' | 'assignment' | undefined
  /** Within `${x:-…}` that is not quoted: text too is split. */
  readonly splitsText?: boolean
}

export function* expandParts(shell: Shell, parts: readonly Part[], pieces: Piece[], manner: Manner): Step<void> {
  for (const [index, part] of parts.entries()) {
    switch (part.kind) {
      case 'text': {
        const text =
          part.quoted || manner.tilde === undefined ? part.text : tilde(shell, part.text, index, parts, pieces, manner)
        pieces.push({ text, quoted: part.quoted, splits: !part.quoted && manner.splitsText === true })
        break
      }
      case 'parameter':
        yield* parameter(shell, part, pieces, manner)
        break
      case 'substitution': {
        const text = yield* substitute(shell, part.body)
        pieces.push({ text, quoted: part.quoted, splits: manner.splits && !part.quoted })
        break
      }
      case 'arithmetic': {
        const text = String(yield* shell.calculate(part.expression))
        pieces.push({ text, quoted: part.quoted, splits: manner.splits && !part.quoted })
        break
      }
      case 'process':
        pieces.push({ text: processSubstitution(shell, part), quoted: true, splits: false })
    }
  }
}

export function joinedPieces(pieces: readonly Piece[]): string {
  let text = ''
  for (const piece of pieces) text += piece === 'break' ? ' ' : piece.text
  return text
}

/** `~` and `~user` at the beginning; in an assignment also after each colon. What it becomes is never split nor a pattern. */
function tilde(
  shell: Shell,
  text: string,
  index: number,
  parts: readonly Part[],
  pieces: Piece[],
  { tilde: where }: Manner,
): string {
  if (!text.includes('~')) return text
  let rest = text
  if (index === 0) {
    const match = /^~([A-Za-z_][-A-Za-z0-9_]*|[+-])?(?=[/:]|$)/.exec(rest)
    const isWhole = match !== null && (match[0].length < rest.length || parts.length === 1)
    const home = isWhole ? homeOf(shell, match[1]) : undefined
    if (home !== undefined) {
      pieces.push({ text: home, quoted: true, splits: false })
      rest = rest.slice(match![0].length)
    }
  }
  if (where !== 'assignment') return rest
  return rest.replace(/:~(?=[/:]|$)/g, () => `:${homeOf(shell, undefined) ?? '~'}`)
}

function homeOf(shell: Shell, user: string | undefined): string | undefined {
  if (user === undefined) return shell.variables.get('HOME')
  if (user === '+') return shell.variables.get('PWD')
  if (user === '-') return shell.variables.get('OLDPWD')
  const { files } = shell.process
  if (!files.exists('/etc/passwd')) return undefined
  const line = files
    .readText('/etc/passwd')
    .split('\n')
    .find(each => each.startsWith(`${user}:`))
  return line?.split(':')[5]
}

interface Field {
  text: string
  pattern: string
  isPattern: boolean
  exists: boolean
}

const empty = (): Field => ({ text: '', pattern: '', isPattern: false, exists: false })

function assemble(shell: Shell, pieces: readonly Piece[], fields: string[]): void {
  let field = empty()
  const ifs = shell.variables.get('IFS') ?? ' \t\n'
  const end = (always: boolean) => {
    if (always || field.exists) finish(shell, field, fields)
    field = empty()
  }
  const add = (text: string, quoted: boolean) => {
    field.exists ||= quoted || text !== ''
    field.text += text
    if (quoted) field.pattern += escapePattern(text)
    else {
      field.pattern += text
      field.isPattern ||= /[*?[]/.test(text)
    }
  }
  for (const piece of pieces) {
    if (piece === 'break') end(false)
    else if (!piece.splits || ifs === '') add(piece.text, piece.quoted)
    else split(piece.text, ifs, add, end, () => field.exists)
  }
  end(false)
}

function split(
  text: string,
  ifs: string,
  add: (text: string, quoted: boolean) => void,
  end: (always: boolean) => void,
  exists: () => boolean,
): void {
  const isBlank = (char: string | undefined) => char !== undefined && ' \t\n'.includes(char) && ifs.includes(char)
  let at = 0
  if (isBlank(text[0])) {
    while (isBlank(text[at])) at++
    if (exists()) {
      // What comes before the blanks is a field; a delimiter after them belongs to it.
      if (at < text.length && ifs.includes(text[at]!)) {
        at++
        while (isBlank(text[at])) at++
      }
      end(true)
    }
  }
  while (at < text.length) {
    const from = at
    while (at < text.length && !ifs.includes(text[at]!)) at++
    if (at > from) add(text.slice(from, at), false)
    if (at >= text.length) return
    while (isBlank(text[at])) at++
    if (at < text.length && ifs.includes(text[at]!)) {
      at++
      while (isBlank(text[at])) at++
    }
    end(true)
  }
}

function finish(shell: Shell, field: Field, fields: string[]): void {
  if (field.isPattern && !shell.options.noglob) {
    const found = glob(field.pattern, shell.process.cwd, shell.process.files)
    if (found.length > 0) {
      for (const path of found) fields.push(path)
      return
    }
    if (shell.shopts.has('nullglob')) return
  }
  fields.push(field.text)
}
