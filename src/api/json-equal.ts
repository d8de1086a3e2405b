// Deep equality of JSON values: called where a write is compared with what is stored. A member that is `undefined` counts
// as absent, as it does once it is JSON; the order of members does not matter, that of list items does.

/** Whether two values are the same as JSON: a member that is undefined counts as absent, the order of members does not matter. */
export function jsonEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one)) {
    if (!Array.isArray(other) || one.length !== other.length) return false
    for (let index = 0; index < one.length; index++) if (!jsonEqual(one[index], other[index])) return false
    return true
  }
  if (Array.isArray(other)) return false
  return membersEqual(one as Members, other as Members)
}

type Members = Readonly<Record<string, unknown>>

function membersEqual(one: Members, other: Members): boolean {
  let count = 0
  for (const key of Object.keys(one)) {
    const value = one[key]
    if (value === undefined) continue
    if (!Object.hasOwn(other, key) || !jsonEqual(value, other[key])) return false
    count++
  }
  for (const key of Object.keys(other)) if (other[key] !== undefined) count--
  return count === 0
}
