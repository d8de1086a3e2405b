// Semantic versions (semver.org 2.0, as github.com/blang/semver/v4 parses them): all three numbers, no leading zeros.

const form =
  /^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

export function isSemanticVersion(text: string): boolean {
  const found = form.exec(text)
  return found !== null && !found[4]?.split('.').some(word => /^0[0-9]+$/.test(word))
}

/** Of two that are versions; what stands after a plus sign does not count. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [form.exec(one)!, form.exec(other)!]
  for (const part of [1, 2, 3]) {
    const difference = Number(a[part]) - Number(b[part])
    if (difference !== 0) return difference
  }
  const [early, late] = [a[4], b[4]]
  // Before a release come its previews.
  if (early === undefined || late === undefined) return (early === undefined ? 1 : 0) - (late === undefined ? 1 : 0)
  return comparePreviews(early.split('.'), late.split('.'))
}

function comparePreviews(one: readonly string[], other: readonly string[]): number {
  for (const [index, word] of one.entries()) {
    const against = other[index]
    if (against === undefined) return 1
    if (word === against) continue
    const [isNumber, isOtherNumber] = [/^[0-9]+$/.test(word), /^[0-9]+$/.test(against)]
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1
    return isNumber ? Number(word) - Number(against) : word < against ? -1 : 1
  }
  return one.length - other.length
}
