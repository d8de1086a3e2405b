// Random: every uid, name suffix, address and jitter of a cluster, drawn from one seed.

import { webcrypto } from 'node:crypto'

export interface Random {
  /** A version-4 UUID. */
  uid(): string
  /** Letters and digits of Kubernetes' safe alphabet (bcdfghjklmnpqrstvwxz2456789), for generated names. */
  suffix(length: number): string
  /** A number in [0, 1). */
  fraction(): number
  /** A stream of its own, so that what one component draws never shifts what another gets. */
  fork(name: string): Random
}

/** k8s.io/apimachinery/pkg/util/rand: no vowels, and nothing that looks like one, so that no word is spelled by chance. */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789'

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The generator is sfc32 (Chris Doty-Humphrey's Small Fast Counting, public domain), its state filled from the seed's text. */
export class SeededRandom implements Random {
  readonly #seed: string
  readonly #forks = new Map<string, number>()
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number | string) {
    this.#seed = String(seed)
    const next = mixed(this.#seed)
    this.#a = next()
    this.#b = next()
    this.#c = next()
    for (let round = 0; round < 12; round++) this.#next()
  }

  uid(): string {
    const [one, two, three, four] = [this.#next(), this.#next(), this.#next(), this.#next()]
    return (
      `${hex(one >>> 24)}${hex(one >>> 16)}${hex(one >>> 8)}${hex(one)}-${hex(two >>> 24)}${hex(two >>> 16)}` +
      `-${hex(((two >>> 8) & 0x0f) | 0x40)}${hex(two)}-${hex(((three >>> 24) & 0x3f) | 0x80)}${hex(three >>> 16)}` +
      `-${hex(three >>> 8)}${hex(three)}${hex(four >>> 24)}${hex(four >>> 16)}${hex(four >>> 8)}${hex(four)}`
    )
  }

  suffix(length: number): string {
    let text = ''
    for (let index = 0; index < length; index++) text += safeAlphabet[Math.floor(this.fraction() * safeAlphabet.length)]
    return text
  }

  fraction(): number {
    return this.#next() / 2 ** 32
  }

  /** Of the same name comes the same stream, whatever else was drawn or forked; of a name used again, another one. */
  fork(name: string): Random {
    const count = this.#forks.get(name) ?? 0
    this.#forks.set(name, count + 1)
    return new SeededRandom(JSON.stringify([this.#seed, name, count]))
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}

/** A seed from the system, for whoever was given none: a whole number that can be printed and given again. */
export function systemSeed(): number {
  const [high, low] = webcrypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number]
  return (high & 0x1fffff) * 2 ** 32 + low
}

function hex(bits: number): string {
  return hexOfByte[bits & 0xff]!
}

/** Words from a text: FNV-1a over it, then MurmurHash3's finisher over a count. */
function mixed(text: string): () => number {
  let hash = 0x811c9dc5
  let other = 0x9e3779b9
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
    other = Math.imul(other ^ text.charCodeAt(index), 0x85ebca6b) + hash
  }
  let count = 0
  return () => {
    let word = (count++ & 1 ? other : hash) + Math.imul(count, 0x6d2b79f5)
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
    return (word ^ (word >>> 16)) | 0
  }
}
