// Kubernetes' JSONPath as printer columns and selectable fields use it, compiled once: `.spec.replicas`,
// `.status.conditions[?(@.type=="Ready")].status`, `.metadata.labels['a.b/c']`, `.spec.items[0].name`, `[*]`, `..`.
// Upstream: client-go util/jsonpath. A part that is missing gives no result.

export type JsonPath = (object: unknown) => readonly unknown[]

/** Undefined for what is no path; `text` without the braces around it. */
export function compileJsonPath(text: string): JsonPath | undefined {
  const parser = new Parser(text)
  const steps = parser.steps()
  if (steps === undefined || !parser.isAtEnd) return undefined
  return object => run(steps, [object])
}

type Step = (value: unknown) => readonly unknown[]

function run(steps: readonly Step[], from: readonly unknown[]): readonly unknown[] {
  let values = from
  for (const step of steps) {
    if (values.length === 0) return values
    values = values.length === 1 ? step(values[0]) : values.flatMap(step)
  }
  return values
}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** Steps as far as they go; undefined where one begins and is none. */
  steps(): Step[] | undefined {
    const steps: Step[] = []
    if (/^[@$]/.test(this.#text.slice(this.#at))) this.#at++
    while (!this.isAtEnd) {
      const step = this.#step()
      if (step === 'over') return steps
      if (step === undefined) return undefined
      steps.push(step)
    }
    return steps
  }

  #step(): Step | 'over' | undefined {
    const next = this.#text[this.#at]
    if (next === '.') {
      this.#at++
      if (this.#text[this.#at] === '.') {
        this.#at++
        const name = this.#name()
        return name === undefined ? undefined : value => descendants(value).flatMap(member(name))
      }
      if (this.#text[this.#at] === '[' || this.isAtEnd) return value => [value]
      const name = this.#name()
      return name === undefined ? undefined : name === '*' ? children : member(name)
    }
    if (next === '[') return this.#bracket()
    return 'over'
  }

  #name(): string | undefined {
    const [found = ''] = /^(?:\\.|[^\s.[\]()|=!<>&,{}'"\\])+/.exec(this.#text.slice(this.#at)) ?? []
    this.#at += found.length
    return found === '' ? undefined : found.replace(/\\(.)/g, '$1')
  }

  #bracket(): Step | undefined {
    const rest = this.#text.slice(this.#at)
    const quoted = /^\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/.exec(rest)
    if (quoted) {
      this.#at += quoted[0].length
      return member((quoted[1] ?? quoted[2]!).replace(/\\(.)/g, '$1'))
    }
    const slice = /^\[\s*(?:\*|(-?\d+)?(?:(:)(-?\d+)?(?::(\d+))?)?)\s*\]/.exec(rest)
    if (slice) {
      this.#at += slice[0].length
      if (slice[0].includes('*')) return children
      return items(slice[1], slice[2] !== undefined, slice[3], slice[4])
    }
    const opening = /^\[\s*\?\s*\(/.exec(rest)
    return opening ? this.#filter(opening[0].length) : undefined
  }

  #filter(opening: number): Step | undefined {
    this.#at += opening
    const left = this.#operand()
    if (left === undefined) return undefined
    const [operator] = /^\s*(==|!=|<=|>=|<|>)\s*/.exec(this.#text.slice(this.#at)) ?? []
    let holds = (item: unknown): boolean => left(item).length > 0
    if (operator !== undefined) {
      this.#at += operator.length
      const right = this.#operand()
      if (right === undefined) return undefined
      const compare = comparisons[operator.trim()]!
      holds = item => {
        const [one, other] = [left(item), right(item)]
        return one.length === 1 && other.length === 1 && compare(one[0], other[0])
      }
    }
    const [closing] = /^\s*\)\s*\]/.exec(this.#text.slice(this.#at)) ?? []
    if (closing === undefined) return undefined
    this.#at += closing.length
    return value => (Array.isArray(value) ? value.filter(holds) : [])
  }

  #operand(): ((item: unknown) => readonly unknown[]) | undefined {
    const rest = this.#text.slice(this.#at)
    const literal = /^\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(-?\d+(?:\.\d+)?)|(true|false)\b)/.exec(rest)
    if (literal) {
      this.#at += literal[0].length
      const [, double, single, number, flag] = literal
      const text = (double ?? single)?.replace(/\\(.)/g, '$1')
      const value = text ?? (number !== undefined ? Number(number) : flag === 'true')
      return () => [value]
    }
    this.#at += /^\s*/.exec(rest)![0].length
    if (this.#text[this.#at] !== '@') return undefined
    const steps = this.steps()
    return steps && (item => run(steps, [item]))
  }
}

type Scalar = string | number

const comparisons: Readonly<Record<string, (one: unknown, other: unknown) => boolean>> = {
  '==': (one, other) => one === other,
  '!=': (one, other) => one !== other,
  '<': (one, other) => typeof one === typeof other && (one as Scalar) < (other as Scalar),
  '<=': (one, other) => typeof one === typeof other && (one as Scalar) <= (other as Scalar),
  '>': (one, other) => typeof one === typeof other && (one as Scalar) > (other as Scalar),
  '>=': (one, other) => typeof one === typeof other && (one as Scalar) >= (other as Scalar),
}

function member(name: string): Step {
  return value =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
      ? [(value as Record<string, unknown>)[name]]
      : []
}

function children(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return typeof value === 'object' && value !== null ? Object.values(value) : []
}

function descendants(value: unknown): readonly unknown[] {
  return [value, ...children(value).flatMap(descendants)]
}

function items(from: string | undefined, isRange: boolean, to: string | undefined, step: string | undefined): Step {
  return value => {
    if (!Array.isArray(value)) return []
    if (!isRange && from !== undefined) {
      const at = Number(from)
      const index = at < 0 ? value.length + at : at
      return index >= 0 && index < value.length ? [value[index]] : []
    }
    const range = value.slice(Number(from ?? 0), to === undefined ? undefined : Number(to))
    const every = Number(step ?? 1)
    return every > 1 ? range.filter((_, index) => index % every === 0) : range
  }
}

/** As Go's fmt prints it: what a text column shows of what is no text. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`
  if (typeof value !== 'object') return String(value)
  const members = Object.keys(value).sort()
  return `map[${members.map(name => `${name}:${goText((value as Record<string, unknown>)[name])}`).join(' ')}]`
}
