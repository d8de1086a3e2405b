// JSON as CEL sees it, and back: whole numbers are ints there, and nothing else is changed. What is frozen is converted once.

/** A value that may be there, as CEL's optional. */
export class Maybe {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

/** A number that is a double though it is whole. */
export class Double {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** A duration, as Go writes it. */
export class Span {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Values of types that are the library's: it is not known here, since it is loaded late. */
export interface OwnValues {
  duration(text: string): unknown
  optional(value: unknown): unknown
}

/** Integers become bigints, objects maps, in which no key of a user's is anything but a key. */
export class Converter {
  readonly #made = new WeakMap<object, unknown>()
  readonly #own: OwnValues

  constructor(own: OwnValues = { duration: text => text, optional: value => value }) {
    this.#own = own
  }

  toCel(value: unknown): unknown {
    if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
    if (typeof value !== 'object' || value === null) return value ?? null
    if (isForeign(value)) {
      if (value instanceof Maybe) return this.#optional(value)
      if (value instanceof Double) return value.value
      return value instanceof Span ? this.#own.duration(value.text) : value
    }
    const known = this.#made.get(value)
    if (known !== undefined) return known
    const made = Array.isArray(value) ? value.map(each => this.toCel(each)) : this.#members(value)
    if (Object.isFrozen(value)) this.#made.set(value, made)
    return made
  }

  #optional({ value }: Maybe): unknown {
    return this.#own.optional(value === undefined ? undefined : this.toCel(value))
  }

  #members(value: object): object {
    const members = new Map<string, unknown>()
    for (const [key, each] of Object.entries(value)) if (each !== undefined) members.set(key, this.toCel(each))
    return members
  }
}

/** Values that expressions make of their own types: quantities, addresses, times. */
const isForeign = (value: object): boolean => {
  if (Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value) as unknown
  return prototype !== Object.prototype && prototype !== null
}

export function fromCel(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(fromCel)
  if (value instanceof Map) {
    const members: Record<string, unknown> = {}
    for (const [key, each] of value) define(members, String(key), fromCel(each))
    return members
  }
  if (isForeign(value)) return value
  const members: Record<string, unknown> = {}
  for (const [key, each] of Object.entries(value)) define(members, key, fromCel(each))
  return members
}

function define(members: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true })
}
