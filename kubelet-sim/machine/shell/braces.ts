// Brace expansion (bash): `a{b,c}d` and `{1..5}` make several words of one before anything else is expanded.

import type { Part, Word } from './syntax.ts'
import { wordOf } from './word-reader.ts'

const most = 100_000

/** A character that means itself, or a part that is no text. */
type Atom = string | Part

export function expandBraces(word: Word): readonly Word[] {
  if (!word.parts.some(part => part.kind === 'text' && !part.quoted && part.text.includes('{'))) return [word]
  const atoms: Atom[] = []
  for (const part of word.parts) {
    if (part.kind === 'text' && !part.quoted) atoms.push(...part.text)
    else atoms.push(part)
  }
  const results = expand(atoms)
  return results.length === 1 ? [word] : results.map(each => wordOf(joined(each)))
}

function expand(atoms: readonly Atom[]): Atom[][] {
  for (let from = 0; from < atoms.length; from++) {
    if (atoms[from] !== '{' || atoms[from - 1] === '$') continue
    const found = alternatives(atoms, from)
    if (found === undefined) continue
    const before = atoms.slice(0, from)
    const after = expand(atoms.slice(found.end + 1))
    const results: Atom[][] = []
    for (const choice of found.choices) {
      for (const middle of expand(choice)) {
        for (const rest of after) {
          if (results.length < most) results.push([...before, ...middle, ...rest])
        }
      }
    }
    return results
  }
  return [[...atoms]]
}

function alternatives(atoms: readonly Atom[], from: number): { choices: Atom[][]; end: number } | undefined {
  const choices: Atom[][] = [[]]
  let depth = 0
  for (let at = from + 1; at < atoms.length; at++) {
    const atom = atoms[at]!
    if (atom === '{') depth++
    if (atom === '}' && depth-- === 0) {
      if (choices.length > 1) return { choices, end: at }
      const sequence = sequenceOf(choices[0]!)
      return sequence && { choices: sequence, end: at }
    }
    if (atom === ',' && depth === 0) choices.push([])
    else choices.at(-1)!.push(atom)
  }
  return undefined
}

function sequenceOf(atoms: readonly Atom[]): Atom[][] | undefined {
  if (atoms.some(atom => typeof atom !== 'string')) return undefined
  const text = atoms.join('')
  const match = /^(?:(-?\d{1,9})\.\.(-?\d{1,9})|([A-Za-z])\.\.([A-Za-z]))(?:\.\.(-?\d{1,9}))?$/.exec(text)
  if (!match) return undefined
  const isNumber = match[1] !== undefined
  const first = isNumber ? Number(match[1]) : match[3]!.charCodeAt(0)
  const last = isNumber ? Number(match[2]) : match[4]!.charCodeAt(0)
  const step = Math.max(1, Math.abs(Number(match[5] ?? 1)))
  const width =
    isNumber && (/^-?0\d/.test(match[1]!) || /^-?0\d/.test(match[2]!))
      ? Math.max(match[1]!.length, match[2]!.length)
      : 0
  const results: Atom[][] = []
  for (let value = first; first <= last ? value <= last : value >= last; value += first <= last ? step : -step) {
    if (results.length >= most) break
    const number =
      width > 0
        ? `${value < 0 ? '-' : ''}${String(Math.abs(value)).padStart(width - (value < 0 ? 1 : 0), '0')}`
        : String(value)
    results.push([...(isNumber ? number : String.fromCharCode(value))])
  }
  return results
}

function joined(atoms: readonly Atom[]): Part[] {
  const parts: Part[] = []
  let text = ''
  for (const atom of atoms) {
    if (typeof atom === 'string') {
      text += atom
      continue
    }
    if (text !== '') parts.push({ kind: 'text', text, quoted: false })
    text = ''
    parts.push(atom)
  }
  if (text !== '' || parts.length === 0) parts.push({ kind: 'text', text, quoted: text === '' })
  return parts
}
