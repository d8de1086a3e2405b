// Pod security levels: what the labels of a namespace ask for (k8s.io/pod-security-admission/api/helpers.go). A label that
// cannot be read counts as the strictest where it is enforced, and as nothing where it only warns.

import { type FieldError, invalidValue } from '../../../src/api/errors.ts'

const levels = ['privileged', 'baseline', 'restricted'] as const
export type Level = (typeof levels)[number]

/** A minor version of Kubernetes; the latest is newer than any. */
export type Minor = number | 'latest'

export interface LevelVersion {
  readonly level: Level
  readonly version: Minor
}

/** What is refused, what is noted in the audit log, and of what the user is warned. */
export interface Policy {
  readonly enforce: LevelVersion
  readonly audit: LevelVersion
  readonly warn: LevelVersion
}

const privileged: LevelVersion = { level: 'privileged', version: 'latest' }
/** Of a namespace without labels. */
export const privilegedPolicy: Policy = { enforce: privileged, audit: privileged, warn: privileged }

export const strictness = (level: Level): number => levels.indexOf(level)

export const isSameLevel = (one: LevelVersion, other: LevelVersion): boolean =>
  one.level === other.level && one.version === other.version

/** `restricted:v1.30`. */
export const levelText = ({ level, version }: LevelVersion): string =>
  `${level}:${version === 'latest' ? version : `v1.${version}`}`

export interface ReadPolicy {
  readonly policy: Policy
  readonly faults: readonly FieldError[]
}

const prefix = 'pod-security.kubernetes.io/'
const nothing: ReadPolicy = { policy: privilegedPolicy, faults: [] }

export function policyOf(labels: Readonly<Record<string, string>> | undefined): ReadPolicy {
  if (labels === undefined || !modes.some(mode => has(labels, mode) || has(labels, `${mode}-version`))) return nothing
  const faults: FieldError[] = []
  const read = (mode: (typeof modes)[number]): LevelVersion & { readonly isGiven: boolean } => {
    const [level, version] = [labels[prefix + mode], labels[`${prefix + mode}-version`]]
    const isGiven = level === undefined || isLevel(level)
    if (!isGiven) faults.push(fault(mode, level, `must be one of ${levels.join(', ')}`))
    const minor = version === undefined ? 'latest' : minorOf(version)
    if (minor === undefined) faults.push(fault(`${mode}-version`, version!, 'must be "latest" or "v1.x"'))
    const fallback = mode === 'enforce' ? 'restricted' : 'privileged'
    return {
      level: level === undefined ? 'privileged' : isLevel(level) ? level : fallback,
      version: minor ?? 'latest',
      isGiven: isGiven && level !== undefined,
    }
  }
  const [enforce, audit, warn] = [read('enforce'), read('audit'), read('warn')]
  // Who enforces a level is warned of it too, so that also of workloads whose pods would be refused.
  const warnsAsEnforced = !has(labels, 'warn') && enforce.isGiven && strictness(enforce.level) > strictness(warn.level)
  const version = has(labels, 'warn-version') ? warn.version : enforce.version
  const plain = (each: LevelVersion): LevelVersion => ({ level: each.level, version: each.version })
  return {
    policy: {
      enforce: plain(enforce),
      audit: plain(audit),
      warn: warnsAsEnforced ? { level: enforce.level, version } : plain(warn),
    },
    faults,
  }
}

const modes = ['enforce', 'audit', 'warn'] as const

const has = (labels: Readonly<Record<string, string>>, name: string): boolean => labels[prefix + name] !== undefined
const isLevel = (text: string): text is Level => (levels as readonly string[]).includes(text)
const fault = (name: string, value: string, detail: string): FieldError =>
  invalidValue(`metadata.labels[${prefix}${name}]`, value, detail)

const minorForm = /^v1\.([0-9]|[1-9][0-9]*)$/

function minorOf(text: string): Minor | undefined {
  if (text === 'latest') return 'latest'
  const match = minorForm.exec(text)
  return match ? Number(match[1]) : undefined
}
