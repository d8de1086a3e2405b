// Semantic versions. Upstream: k8s.io/apiserver/pkg/cel/library/semverlib.go, on github.com/blang/semver.

import type { Environment } from '@marcbachmann/cel-js'

export class Semver {
  readonly numbers: readonly [bigint, bigint, bigint]
  readonly release: readonly string[]

  constructor(numbers: readonly [bigint, bigint, bigint], release: readonly string[]) {
    this.numbers = numbers
    this.release = release
  }

  /** A version without a pre-release is above all of its pre-releases; build data counts for nothing. */
  compare(other: Semver): -1 | 0 | 1 {
    for (const [index, number] of this.numbers.entries()) {
      const against = other.numbers[index]!
      if (number !== against) return number < against ? -1 : 1
    }
    if (this.release.length === 0 || other.release.length === 0) {
      return this.release.length === other.release.length ? 0 : this.release.length === 0 ? 1 : -1
    }
    for (const [index, part] of this.release.entries()) {
      const against = other.release[index]
      if (against === undefined) return 1
      const order = comparePart(part, against)
      if (order !== 0) return order
    }
    return this.release.length < other.release.length ? -1 : 0
  }
}

const type = 'kubernetes.Semver'

export function registerSemver(environment: Environment): void {
  environment
    .registerType(type, Semver)
    .registerFunction(`semver(string): ${type}`, (text: string) => semverOf(text, false))
    .registerFunction(`semver(string, bool): ${type}`, semverOf)
    .registerFunction('isSemver(string): bool', (text: string) => parseSemver(text) !== undefined)
    .registerFunction(
      'isSemver(string, bool): bool',
      (text: string, isLoose: boolean) => parseSemver(isLoose ? normal(text) : text) !== undefined,
    )
    .registerFunction(`${type}.major(): int`, ({ numbers }: Semver) => numbers[0])
    .registerFunction(`${type}.minor(): int`, ({ numbers }: Semver) => numbers[1])
    .registerFunction(`${type}.patch(): int`, ({ numbers }: Semver) => numbers[2])
    .registerFunction(`${type}.isLessThan(${type}): bool`, (one: Semver, other: Semver) => one.compare(other) < 0)
    .registerFunction(`${type}.isGreaterThan(${type}): bool`, (one: Semver, other: Semver) => one.compare(other) > 0)
    .registerFunction(`${type}.compareTo(${type}): int`, (one: Semver, other: Semver) => BigInt(one.compare(other)))
    .registerOperator(`${type} == ${type}`, (one: Semver, other: Semver) => one.compare(other) === 0)
}

export function semverOf(text: string, isLoose: boolean): Semver {
  const version = parseSemver(isLoose ? normal(text) : text)
  if (version === undefined) throw new Error(`invalid semver: ${JSON.stringify(text)}`)
  return version
}

/** `v1.02` is 1.2.0 to who does not mind. */
function normal(text: string): string {
  const [, core = '', rest = ''] = /^v?([0-9.]*)(.*)$/.exec(text) ?? []
  const numbers = core.split('.').map(part => part.replace(/^0+(?=\d)/, ''))
  while (numbers.length < 3) numbers.push('0')
  return numbers.join('.') + rest
}

const form = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/

function parseSemver(text: string): Semver | undefined {
  const parts = form.exec(text)
  if (parts === null) return undefined
  const release = parts[4]?.split('.') ?? []
  if (release.some(part => part === '' || /^0\d+$/.test(part))) return undefined
  return new Semver([BigInt(parts[1]!), BigInt(parts[2]!), BigInt(parts[3]!)], release)
}

/** Numbers by their value, and below all words. */
function comparePart(one: string, other: string): -1 | 0 | 1 {
  const [isNumber, isOther] = [/^\d+$/.test(one), /^\d+$/.test(other)]
  if (isNumber !== isOther) return isNumber ? -1 : 1
  if (isNumber) {
    const [left, right] = [BigInt(one), BigInt(other)]
    return left < right ? -1 : left > right ? 1 : 0
  }
  return one < other ? -1 : one > other ? 1 : 0
}
