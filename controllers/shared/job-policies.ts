// What a Job makes of a pod that failed, and when enough of its indexes succeeded. Pure.
// Upstream: pkg/controller/job/{pod_failure_policy,success_policy}.go.

import type { Job, JobSpec, Pod, PodFailurePolicyRule } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Indexes } from './job-indexes.ts'

export interface FailureVerdict {
  /** Undefined when no rule fits: then the failure counts. */
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count' | undefined
  /** For FailJob: why. */
  readonly message?: string
}

/** The first rule that fits decides. */
export function judgeFailure({ spec }: Frozen<Job>, pod: Frozen<Pod>): FailureVerdict {
  for (const [index, rule] of (spec.podFailurePolicy?.rules ?? []).entries()) {
    const why = rule.onExitCodes ? byExitCode(rule, pod, index) : byCondition(rule, pod, index)
    if (why === undefined) continue
    const action = rule.action as FailureVerdict['action']
    return action === 'FailJob' ? { action, message: why } : { action }
  }
  return { action: undefined }
}

function byExitCode(rule: Frozen<PodFailurePolicyRule>, pod: Frozen<Pod>, index: number): string | undefined {
  const { containerName, operator, values } = rule.onExitCodes!
  const { name, namespace } = pod.metadata
  for (const container of [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])]) {
    const code = container.state?.terminated?.exitCode
    if (code === undefined || code === 0) continue
    if (containerName !== undefined && containerName !== container.name) continue
    if (values.includes(code) !== (operator === 'In')) continue
    return `Container ${container.name} for pod ${namespace}/${name} failed with exit code ${code} matching ${rule.action} rule at index ${index}`
  }
  return undefined
}

function byCondition(rule: Frozen<PodFailurePolicyRule>, pod: Frozen<Pod>, index: number): string | undefined {
  const { name, namespace } = pod.metadata
  for (const condition of pod.status.conditions ?? []) {
    const fits = rule.onPodConditions?.some(
      ({ type, status }) => type === condition.type && (status ?? 'True') === condition.status,
    )
    if (!fits) continue
    return `Pod ${namespace}/${name} has condition ${condition.type} matching ${rule.action} rule at index ${index}`
  }
  return undefined
}

/** Says which rule is met; undefined while none is. */
export function metSuccessRule(
  { successPolicy, completions }: Frozen<JobSpec>,
  succeeded: Indexes,
): string | undefined {
  for (const [index, rule] of (successPolicy?.rules ?? []).entries()) {
    const wanted = rule.succeededIndexes ? Indexes.parse(rule.succeededIndexes, completions ?? 0) : undefined
    const met = wanted === undefined ? succeeded.size : [...wanted].filter(each => succeeded.has(each)).length
    const least = rule.succeededCount ?? wanted?.size ?? 0
    if (met >= least) return `Matched rules at index ${index}`
  }
  return undefined
}
