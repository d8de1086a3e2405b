// Variables of a shell: scalars and (bash) arrays, exported or not, with the scopes that `local` opens. What they take is
// reported, so that a script that eats memory is ended as the kernel would.

export type Value = string | ReadonlyMap<number, string> | ReadonlyMap<string, string>

export interface Variable {
  /** undefined: declared, but not set. */
  readonly value: Value | undefined
  readonly isExported?: boolean
  readonly isReadonly?: boolean
  readonly isInteger?: boolean
  readonly isAssociative?: boolean
  readonly case?: 'upper' | 'lower' | undefined
}

export class ReadonlyFault extends Error {
  override readonly name = 'ReadonlyFault'
  readonly variable: string
  constructor(variable: string) {
    super(`${variable}: readonly variable`)
    this.variable = variable
  }
}

export class Variables {
  readonly #all: Map<string, Variable>
  /** What local variables hide, innermost last. */
  readonly #hidden: Map<string, Variable | undefined>[] = []
  #allocate: ((bytes: number) => void) | undefined
  /** Counts changes of what is exported. */
  #exported: Map<string, string> | undefined
  #size = 0

  constructor(from?: Variables) {
    this.#all = new Map(from === undefined ? [] : from.#all)
    // A function's subshell still has its locals; what they hide nobody sees again there.
    if (from !== undefined && from.#hidden.length > 0) this.#hidden.push(new Map())
    if (from !== undefined) {
      this.#size = from.#size
      this.#exported = from.#exported
    }
  }

  /** Whose memory it is: from now on it is told of every change. */
  heldBy(allocate: (bytes: number) => void): void {
    this.#allocate = allocate
    allocate(this.#size)
  }

  find(name: string): Variable | undefined {
    return this.#all.get(name)
  }

  /** As text: of an array its first element. undefined: not set. */
  get(name: string): string | undefined {
    const value = this.#all.get(name)?.value
    return value === undefined || typeof value === 'string'
      ? value
      : (value as ReadonlyMap<unknown, string>).get(isIndexed(value) ? 0 : '0')
  }

  set(name: string, value: Value): void {
    const before = this.#all.get(name)
    if (before?.isReadonly) throw new ReadonlyFault(name)
    if (typeof value === 'string' && before !== undefined && typeof before.value === 'object') {
      const elements = new Map(before.value as ReadonlyMap<unknown, string>)
      elements.set(before.isAssociative ? '0' : 0, value)
      this.put(name, { ...before, value: elements as ReadonlyMap<number, string> })
      return
    }
    this.put(name, before === undefined ? { value } : { ...before, value })
  }

  put(name: string, variable: Variable): void {
    const before = this.#all.get(name)
    const grown = sizeOf(variable.value) - sizeOf(before?.value)
    this.#all.set(name, variable)
    if (variable.isExported || before?.isExported) this.#exported = undefined
    if (grown !== 0) {
      this.#size += grown
      this.#allocate?.(grown)
    }
  }

  unset(name: string): void {
    const before = this.#all.get(name)
    if (before === undefined) return
    if (before.isReadonly) throw new ReadonlyFault(name)
    if (before.isExported) this.#exported = undefined
    this.#size -= sizeOf(before.value)
    this.#allocate?.(-sizeOf(before.value))
    this.#all.delete(name)
  }

  /** What children are given. */
  get exported(): ReadonlyMap<string, string> {
    if (this.#exported === undefined) {
      this.#exported = new Map()
      for (const [name, { isExported, value }] of this.#all) {
        if (isExported && typeof value === 'string') this.#exported.set(name, value)
      }
    }
    return this.#exported
  }

  names(): string[] {
    return [...this.#all.keys()].sort()
  }

  get isInFunction(): boolean {
    return this.#hidden.length > 0
  }

  enter(): void {
    this.#hidden.push(new Map())
  }

  leave(): void {
    for (const [name, before] of this.#hidden.pop() ?? []) {
      this.put(name, before ?? { value: undefined })
      if (before === undefined) this.#all.delete(name)
    }
  }

  /** From now on, and until the function ends, it is the function's own. */
  makeLocal(name: string): void {
    const hidden = this.#hidden.at(-1)
    if (hidden === undefined || hidden.has(name)) return
    hidden.set(name, this.#all.get(name))
  }
}

export function isIndexed(value: Value): value is ReadonlyMap<number, string> {
  if (typeof value === 'string') return false
  for (const key of value.keys()) return typeof key === 'number'
  return true
}

function sizeOf(value: Value | undefined): number {
  if (value === undefined) return 0
  if (typeof value === 'string') return value.length
  let size = 0
  for (const [key, element] of value) size += element.length + String(key).length + 16
  return size
}
