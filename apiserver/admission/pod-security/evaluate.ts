// Which checks a level has at a version, and what they find in a pod (k8s.io/pod-security-admission/policy/registry.go).

import { type Check, checks, type PodLike, type Violation } from './checks.ts'
import type { LevelVersion } from './levels.ts'

/** What the pod does that the level does not let it, in the order of the checks; none: it may. */
export function violations(pod: PodLike, { level, version }: LevelVersion): readonly Violation[] {
  if (level === 'privileged') return []
  const minor = version === 'latest' ? Number.POSITIVE_INFINITY : version
  const holding = checks.flatMap(check => {
    const find = check.level === 'baseline' || level === 'restricted' ? findAt(check, minor) : undefined
    return find ? [{ check, find }] : []
  })
  const overridden = new Set(holding.map(({ check }) => check.overrides))
  return holding.flatMap(({ check, find }) => (overridden.has(check.id) ? [] : (find(pod) ?? [])))
}

const findAt = ({ versions }: Check, minor: number): ((pod: PodLike) => Violation | undefined) | undefined =>
  versions.findLast(([since]) => since <= minor)?.[1]

/** `host namespaces (hostNetwork=true), privileged (container "a" must not set …)`. */
export function detailsText(found: readonly Violation[]): string {
  return found.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ')
}

export const reasonsText = (found: readonly Violation[]): string => found.map(({ reason }) => reason).join(', ')
