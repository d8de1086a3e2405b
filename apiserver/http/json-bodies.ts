// JSON as a body: parsed by the engine, and counted before, since the engine says nothing of keys that come twice and of
// how deep it goes. Counting costs a microsecond a kilobyte; only where a key is missing afterwards is the text read by hand.
// Called by request.ts. Upstream: sigs.k8s.io/json (decode.go, scanner.go).

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a

/** sigs.k8s.io/json/internal/golang/encoding/json/scanner.go, maxNestingDepth. */
const deepest = 10_000

export interface ParsedBody {
  readonly value: unknown
  /** Read only when asked for: the keys that stand more than once in their object. */
  readonly duplicates: readonly KeyAt[]
  /** Where a path first stands in the text; there are none unless there are duplicates. */
  readonly positions: ReadonlyMap<string, number>
}

export interface KeyAt {
  /** `spec.containers[0].image` */
  readonly path: string
  readonly at: number
}

const noDuplicates: readonly KeyAt[] = Object.freeze([])
const noPositions: ReadonlyMap<string, number> = new Map()

/** Throws SyntaxError. */
export function parseJson(bytes: Buffer): ParsedBody {
  const written = keysWritten(bytes)
  const value: unknown = JSON.parse(bytes.toString())
  if (keysIn(value) === written) return { value, duplicates: noDuplicates, positions: noPositions }
  const reader = new KeyReader(bytes.toString())
  reader.value('')
  return { value, duplicates: reader.duplicates, positions: reader.positions }
}

function keysWritten(bytes: Buffer): number {
  let keys = 0
  let depth = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === quote) {
      for (at++; at < bytes.length && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++
    } else if (byte === colon) {
      keys++
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > deepest) throw new SyntaxError('exceeded max depth')
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--
    }
  }
  return keys
}

function keysIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let keys = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) keys += keysIn(item)
    return keys
  }
  const members = value as Record<string, unknown>
  for (const key in members) {
    keys++
    const member = members[key]
    if (typeof member === 'object' && member !== null) keys += keysIn(member)
  }
  return keys
}

/** Walks through text that is known to be JSON. */
class KeyReader {
  readonly duplicates: KeyAt[] = []
  readonly positions = new Map<string, number>()
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(path: string): void {
    this.#space()
    const char = this.#text[this.#at]
    if (char === '{') this.#object(path)
    else if (char === '[') this.#list(path)
    else if (char === '"') this.#string()
    else while (this.#at < this.#text.length && !/[\s,\]}]/.test(this.#text[this.#at]!)) this.#at++
    this.#space()
  }

  #object(path: string): void {
    const seen = new Set<string>()
    for (;;) {
      this.#at++
      this.#space()
      if (this.#text[this.#at] === '}') break
      const at = this.#at
      const key = this.#string()
      const inner = path === '' ? key : `${path}.${key}`
      if (seen.has(key)) this.duplicates.push({ path: inner, at })
      seen.add(key)
      if (!this.positions.has(inner)) this.positions.set(inner, at)
      this.#space()
      this.#at++
      this.value(inner)
      if (this.#text[this.#at] === '}') break
    }
    this.#at++
  }

  #list(path: string): void {
    for (let index = 0; ; index++) {
      this.#at++
      this.#space()
      if (this.#text[this.#at] === ']') break
      this.value(`${path}[${index}]`)
      if (this.#text[this.#at] === ']') break
    }
    this.#at++
  }

  #string(): string {
    const start = this.#at++
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === '\\' ? 2 : 1
    return JSON.parse(this.#text.slice(start, ++this.#at)) as string
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }
}
