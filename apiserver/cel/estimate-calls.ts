// What a call may cost at most beside its arguments, and how large its result may be. Called by estimate.ts.
// Upstream: k8s.io/apiserver/pkg/cel/library/cost.go (EstimateCallCost), github.com/google/cel-go/checker/cost.go (functionCost).

export interface Size {
  readonly min: number
  readonly max: number
}

export interface Argument {
  readonly size: Size
  readonly kind: string
  /** Of a list. */
  readonly elements: Size | undefined
  readonly elementKind: 'text' | 'other'
  readonly literal: unknown
}

export interface Call {
  readonly name: string
  readonly target: Argument | undefined
  readonly args: readonly Argument[]
}

/** As much as there can be (2⁶⁴); what is more is this much. */
export const most = 2 ** 64

export const plus = (...costs: readonly number[]): number =>
  Math.min(
    most,
    costs.reduce((sum, each) => sum + each, 0),
  )
export const times = (one: number, other: number): number => Math.min(most, one * other)
/** A tenth of a unit for each character that is looked at. */
export const textCost = (size: number, factor = 1): number => Math.min(most, Math.ceil(size * 0.1 * factor))
const regexCost = (size: number): number => Math.min(most, Math.ceil(size * 0.25))

interface Made {
  readonly cost: number
  readonly size?: Size
}

/** The largest regular expression of a named format. */
const formatRegex = 128

export function callCost({ name, target, args }: Call): Made {
  const [first, second] = args
  const of = target?.size
  switch (name) {
    case 'isSorted':
    case 'sum':
    case 'max':
    case 'min':
    case 'indexOf':
    case 'lastIndexOf':
    case 'includes':
      if (target === undefined) return { cost: 1 }
      if (target.kind !== 'list' && name !== 'includes') return { cost: textCost(of!.max) }
      return { cost: times(of!.max, target.elementKind === 'text' ? plus(1, textCost(target.elements!.max)) : 1) }
    case 'url':
      return args.length === 1 ? { cost: textCost(first!.size.max), size: first!.size } : { cost: 1 }
    case 'lowerAscii':
    case 'upperAscii':
    case 'substring':
    case 'trim':
      return of === undefined ? { cost: 1 } : { cost: textCost(of.max), size: of }
    case 'replace':
      return of === undefined || !first || !second
        ? { cost: 1 }
        : { cost: textCost(of.max, 2), size: replacedSize(of, first.size, second.size) }
    case 'split': {
      if (of === undefined) return { cost: 1 }
      const limit = typeof second?.literal === 'bigint' ? Number(second.literal) : of.max
      return { cost: textCost(of.max, 2), size: { min: 0, max: limit < 0 ? most : limit } }
    }
    case 'join': {
      if (of === undefined) return { cost: 1 }
      const each = target!.elements ?? { min: 0, max: most }
      const gaps = (count: number): number => (first === undefined ? 0 : Math.max(0, count - 1))
      const size = {
        min: of.min * each.min + gaps(of.min) * (first?.size.min ?? 0),
        max: plus(times(of.max, each.max), times(gaps(of.max), first?.size.max ?? 0)),
      }
      return { cost: textCost(size.max), size }
    }
    case 'find':
    case 'findAll':
      return of === undefined || !first
        ? { cost: 1 }
        : { cost: matchCost(of.max, first.size.max), size: { min: 0, max: of.max } }
    case 'matches':
    case 'matches_re2':
      return of === undefined || !first ? { cost: 1 } : { cost: matchCost(of.max, first.size.max) }
    case 'contains':
      return of === undefined || !first ? { cost: 1 } : { cost: times(textCost(of.max), textCost(first.size.max)) }
    case 'startsWith':
    case 'endsWith':
      return first === undefined ? { cost: 1 } : { cost: textCost(first.size.max) }
    case 'format':
      return of === undefined || !first
        ? { cost: 1 }
        : { cost: textCost(of.max), size: { min: of.min, max: plus(of.max, first.size.max) } }
    case 'ip':
      return target === undefined && first ? { cost: textCost(first.size.max) } : { cost: 1 }
    case 'isCanonical':
      return first ? { cost: textCost(first.size.max, 2) } : { cost: 1 }
    case 'cidr':
    case 'isIP':
    case 'isCIDR':
    case 'quantity':
    case 'isQuantity':
    case 'semver':
    case 'isSemver':
    case 'bytes':
    case 'string':
      if (name === 'bytes' && first?.kind === 'string') {
        const { min, max } = first.size
        return { cost: textCost(max), size: { min, max: times(max, 4) } }
      }
      if (name === 'string') {
        if (first?.kind !== 'bytes') return { cost: 1 }
        return { cost: textCost(first.size.max), size: { min: Math.floor(first.size.min / 4), max: first.size.max } }
      }
      return first ? { cost: textCost(first.size.max) } : { cost: 1 }
    case 'containsIP':
      // Two addresses of sixteen bytes.
      return { cost: plus(textCost(32), first?.kind === 'string' ? textCost(first.size.max) : 0) }
    case 'containsCIDR':
      return { cost: plus(textCost(32), textCost(16), 1, first?.kind === 'string' ? textCost(first.size.max) : 0) }
    case 'validate':
      return first === undefined
        ? { cost: 1 }
        : { cost: Math.min(most, Math.ceil(textCost(first.size.max) * formatRegex * 0.25)) }
    default:
      return { cost: 1 }
  }
}

const matchCost = (text: number, pattern: number): number => times(textCost(plus(text, 1)), regexCost(pattern))

/** As long as it can become: the shortest that is replaced as often as it fits, by the longest. */
function replacedSize(of: Size, what: Size, by: Size): Size {
  const count = { min: 0, max: 0 }
  const kept = { min: 0, max: 0 }
  if (what.min === 0) [count.max, kept.max] = [of.max < most ? of.max + 1 : of.max, of.max]
  else if (by.max <= what.min) kept.max = of.max
  else count.max = Math.ceil(of.max / what.min)
  if (what.max === 0) [count.min, kept.min] = [of.min + 1, of.min]
  else if (what.max <= by.min) kept.min = of.min
  else count.min = Math.ceil(of.min / what.max)
  return { min: count.min * by.min + kept.min, max: plus(times(count.max, by.max), kept.max) }
}
