// How values are ordered and told apart, across the kinds of number. Called by the libraries of lists, sets, optional values
// and comprehensions.

/** Throws where cel-go has no such overload. */
export function compareValues(one: unknown, other: unknown): number {
  if (isNumber(one) && isNumber(other)) return one < other ? -1 : one > other ? 1 : 0
  if (typeof one === 'string' && typeof other === 'string') return one < other ? -1 : one > other ? 1 : 0
  if (typeof one === 'boolean' && typeof other === 'boolean') return Number(one) - Number(other)
  if (one instanceof Date && other instanceof Date) return one.getTime() - other.getTime()
  const [left, right] = [numberOf(one), numberOf(other)]
  if (left !== undefined && right !== undefined) return left < right ? -1 : left > right ? 1 : 0
  throw new Error('no such overload')
}

export function isSame(one: unknown, other: unknown): boolean {
  if (isNumber(one) && isNumber(other)) return one <= other && one >= other
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, index) => isSame(each, other[index]))
  }
  if (one instanceof Map && other instanceof Map) {
    return one.size === other.size && [...one].every(([key, value]) => other.has(key) && isSame(value, other.get(key)))
  }
  if (one instanceof Date && other instanceof Date) return one.getTime() === other.getTime()
  return one === other
}

const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'

/** Durations and the like are ordered by what they come to. */
function numberOf(value: unknown): number | bigint | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const primitive: unknown = value.valueOf()
  return isNumber(primitive) ? primitive : undefined
}
