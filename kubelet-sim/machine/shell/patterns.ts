// Patterns of the shell: `*`, `?`, `[a-z]`, `[[:digit:]]`, a backslash before what stands for itself. For case, [[ ]], ${x%…}
// and file names. Matching goes back to the last star only, so that no pattern can hang us.

type Element =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | Class

interface Class {
  readonly kind: 'class'
  readonly isNegated: boolean
  readonly ranges: readonly (readonly [string, string])[]
  readonly named: readonly RegExp[]
}

export interface Pattern {
  readonly elements: readonly Element[]
  /** What it matches, when it is no pattern. */
  readonly literal: string | undefined
}

const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[\p{L}\p{N}]/u,
  alpha: /\p{L}/u,
  blank: /[ \t]/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[^\s\p{C}]/u,
  lower: /\p{Ll}/u,
  print: /[^\p{C}]/u,
  punct: /[!-/:-@[-`{-~]/,
  space: /\s/,
  upper: /\p{Lu}/u,
  xdigit: /[0-9A-Fa-f]/,
}

export function compilePattern(text: string): Pattern {
  const elements: Element[] = []
  let literal: string | undefined = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (char === '*') {
      if (elements.at(-1)?.kind !== 'star') elements.push({ kind: 'star' })
      literal = undefined
    } else if (char === '?') {
      elements.push({ kind: 'any' })
      literal = undefined
    } else if (char === '[') {
      const end = classEnd(text, at)
      if (end === undefined) {
        elements.push({ kind: 'char', char })
        if (literal !== undefined) literal += char
      } else {
        elements.push(classOf(text.slice(at + 1, end)))
        literal = undefined
        at = end
      }
    } else {
      const own = char === '\\' && at + 1 < text.length ? text[++at]! : char
      elements.push({ kind: 'char', char: own })
      if (literal !== undefined) literal += own
    }
  }
  return { elements, literal }
}

export function isPattern(text: string): boolean {
  return compilePattern(text).literal === undefined
}

/** So that a text matches itself alone. */
export function escapePattern(text: string): string {
  return /[*?[\]\\]/.test(text) ? text.replace(/[*?[\]\\]/g, '\\$&') : text
}

export function matches({ elements, literal }: Pattern, text: string): boolean {
  if (literal !== undefined) return literal === text
  let [at, place, star, starAt] = [0, 0, -1, 0]
  while (at < text.length) {
    const element = elements[place]
    if (element?.kind === 'star') {
      star = place++
      starAt = at
    } else if (element !== undefined && matchesOne(element, text[at]!)) {
      place++
      at++
    } else if (star >= 0) {
      place = star + 1
      at = ++starAt
    } else return false
  }
  while (elements[place]?.kind === 'star') place++
  return place === elements.length
}

/** How long the shortest or longest beginning is that matches; -1: none. */
export function prefixLength(pattern: Pattern, text: string, longest: boolean): number {
  const lengths = ends(pattern.elements, text, 0)
  return longest ? lengths[1] : lengths[0]
}

/** Where the shortest or longest ending begins that matches; -1: none. */
export function suffixStart(pattern: Pattern, text: string, longest: boolean): number {
  const backwards = [...pattern.elements].reverse()
  const lengths = ends(backwards, [...splitUnits(text)].reverse().join(''), 0)
  const length = longest ? lengths[1] : lengths[0]
  return length < 0 ? -1 : text.length - length
}

/** The longest match that begins at `from`; its end, or -1. */
export function matchAt(pattern: Pattern, text: string, from: number): number {
  if (pattern.literal !== undefined) return text.startsWith(pattern.literal, from) ? from + pattern.literal.length : -1
  const length = ends(pattern.elements, text, from)[1]
  return length < 0 ? -1 : from + length
}

/** All places an element can have reached at once: linear in text times pattern. Shortest and longest length. */
function ends(elements: readonly Element[], text: string, from: number): readonly [number, number] {
  let states = new Set<number>(closure(elements, [0]))
  let [shortest, longest] = [states.has(elements.length) ? 0 : -1, states.has(elements.length) ? 0 : -1]
  for (let at = from; at < text.length && states.size > 0; at++) {
    const next: number[] = []
    for (const state of states) {
      const element = elements[state]
      if (element === undefined) continue
      if (element.kind === 'star') next.push(state)
      else if (matchesOne(element, text[at]!)) next.push(state + 1)
    }
    states = new Set(closure(elements, next))
    if (states.has(elements.length)) {
      longest = at + 1 - from
      if (shortest < 0) shortest = longest
    }
  }
  return [shortest, longest]
}

function closure(elements: readonly Element[], states: readonly number[]): number[] {
  const all: number[] = []
  for (let state of states) {
    all.push(state)
    while (elements[state]?.kind === 'star') all.push(++state)
  }
  return all
}

function splitUnits(text: string): string[] {
  return text.split('')
}

function matchesOne(element: Element, char: string): boolean {
  if (element.kind === 'char') return element.char === char
  if (element.kind === 'any') return true
  if (element.kind === 'star') return false
  const isIn =
    element.ranges.some(([from, to]) => char >= from && char <= to) || element.named.some(named => named.test(char))
  return isIn !== element.isNegated
}

function classEnd(text: string, from: number): number | undefined {
  let at = from + 1
  if (text[at] === '!' || text[at] === '^') at++
  if (text[at] === ']') at++
  for (; at < text.length; at++) {
    if (text[at] === '[' && text[at + 1] === ':') {
      const close = text.indexOf(':]', at + 2)
      if (close > 0) at = close + 1
    } else if (text[at] === '\\') at++
    else if (text[at] === ']') return at
  }
  return undefined
}

function classOf(text: string): Class {
  const isNegated = text[0] === '!' || text[0] === '^'
  const ranges: [string, string][] = []
  const named: RegExp[] = []
  for (let at = isNegated ? 1 : 0; at < text.length; at++) {
    const match = /^\[:([a-z]+):\]/.exec(text.slice(at, at + 12))
    if (match) {
      const known = classes[match[1]!]
      if (known) named.push(known)
      at += match[0].length - 1
      continue
    }
    const from = text[at] === '\\' && at + 1 < text.length ? text[++at]! : text[at]!
    if (text[at + 1] === '-' && at + 2 < text.length) {
      at += 2
      const to = text[at] === '\\' && at + 1 < text.length ? text[++at]! : text[at]!
      ranges.push([from, to])
    } else ranges.push([from, from])
  }
  return { kind: 'class', isNegated, ranges, named }
}
