// The order of versions of a group, the preferred first: stable before beta before alpha, higher before lower, and what is
// no version of Kubernetes' kind last, by the alphabet (apimachinery/pkg/version/helpers.go).

const form = /^v(\d+)(?:(alpha|beta)(\d+))?$/

/** For sorting: below zero when the first comes before the second. */
export function kubeVersionOrder(one: string, other: string): number {
  const [a, b] = [rankOf(one), rankOf(other)]
  if (a === undefined || b === undefined) return a ? -1 : b ? 1 : one < other ? -1 : one > other ? 1 : 0
  return b[0] - a[0] || b[1] - a[1] || b[2] - a[2]
}

function rankOf(version: string): readonly [stage: number, major: number, minor: number] | undefined {
  const match = form.exec(version)
  if (match === null) return undefined
  const [, major = '0', stage, minor = '0'] = match
  return [stage === undefined ? 2 : stage === 'beta' ? 1 : 0, Number(major), Number(minor)]
}
