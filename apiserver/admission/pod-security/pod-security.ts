// PodSecurity: pods keep to the level that their namespace's labels enforce; workloads whose pods would not are only warned of,
// and so are the pods that are there when the level rises. Upstream: plugin/pkg/admission/security/podsecurity/admission.go and
// k8s.io/pod-security-admission/admission/admission.go.

import type { EphemeralContainer, Namespace, Pod } from '../../../generated/types.ts'
import { aggregate, type FieldError, forbidden, invalid } from '../../../src/api/errors.ts'
import { jsonEqual } from '../../../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import { controllerOf } from '../../../src/api/owners.ts'
import { Namespaces } from '../../../src/kinds/namespace.ts'
import { Pods } from '../../../src/kinds/pod.ts'
import type { Annotate } from '../../registry/registry.ts'
import { keyOf, prefixOf } from '../../storage/keys.ts'
import type { Present } from '../../storage/storage.ts'
import type { Admission, AdmissionRequest } from '../admission.ts'
import type { PodLike, Violation } from './checks.ts'
import { detailsText, reasonsText, violations } from './evaluate.ts'
import { isSameLevel, type LevelVersion, levelText, type Policy, policyOf, strictness } from './levels.ts'

/** Who and what is left alone (PodSecurityConfiguration). */
export interface Exemptions {
  readonly usernames?: readonly string[]
  readonly runtimeClasses?: readonly string[]
  readonly namespaces?: readonly string[]
}

const prefix = 'pod-security.kubernetes.io/'

/** Where each kind that makes pods keeps its template. */
const templates: Readonly<Record<string, (object: any) => PodLike | undefined>> = {
  podtemplates: ({ template }) => template,
  replicationcontrollers: ({ spec }) => spec?.template,
  'replicasets.apps': ({ spec }) => spec?.template,
  'deployments.apps': ({ spec }) => spec?.template,
  'statefulsets.apps': ({ spec }) => spec?.template,
  'daemonsets.apps': ({ spec }) => spec?.template,
  'jobs.batch': ({ spec }) => spec?.template,
  'cronjobs.batch': ({ spec }) => spec?.jobTemplate?.spec?.template,
}

/** Those that change what a pod runs are looked at. */
const harmless: readonly (string | undefined)[] = [
  'exec',
  'attach',
  'binding',
  'eviction',
  'log',
  'portforward',
  'proxy',
  'status',
]

export function podSecurity(exemptions: Exemptions = {}): Admission {
  const isExempt = ({ namespace, user, annotate }: AdmissionRequest): boolean => {
    const why = exemptions.namespaces?.includes(namespace ?? '')
      ? 'namespace'
      : exemptions.usernames?.includes(user.name)
        ? 'user'
        : undefined
    if (why !== undefined) annotate?.(`${prefix}exempt`, why)
    return why !== undefined
  }
  const hasExemptRuntime = ({ spec }: PodLike): boolean =>
    exemptions.runtimeClasses?.includes(spec.runtimeClassName ?? '') ?? false

  return {
    name: 'PodSecurity',
    concerns: kind => kind === Pods || kind === Namespaces || Object.hasOwn(templates, kind.resource),
    check(next, request) {
      const { kind, operation, subresource } = request
      if (operation === 'DELETE') return
      if (kind === Namespaces) checkNamespace(next as Frozen<Namespace>, request)
      else if (kind === Pods) {
        if (harmless.includes(subresource) || isExempt(request)) return
        const old = request.old as Frozen<Pod> | undefined
        if (old && !runsOther(next as Frozen<Pod>, old)) return
        judge(next as Frozen<Pod>, request, true)
      } else {
        if (subresource !== undefined || isExempt(request)) return
        const template = templates[kind.resource]!(next)
        if (template?.spec) judge({ metadata: template.metadata ?? {}, spec: template.spec }, request, false)
      }
    },
  }

  function judge(pod: PodLike, request: AdmissionRequest, isPod: boolean): void {
    const { kind, name, namespace, present } = request
    const found = present.get(keyOf(Namespaces, { name: namespace! }))
    const { policy, faults } = policyOf(found?.object.metadata.labels)
    const { enforce, warn } = policy
    if (request.annotate !== undefined) tellAudit(pod, policy, faults, isPod, request.annotate)
    if ((!isPod || enforce.level === 'privileged') && warn.level === 'privileged') return
    if (hasExemptRuntime(pod)) return
    const enforced = isPod ? violations(pod, enforce) : []
    if (enforced.length > 0) {
      throw forbidden(kind, name, `violates PodSecurity "${levelText(enforce)}": ${detailsText(enforced)}`)
    }
    const doubtful = violations(pod, warn)
    if (doubtful.length === 0) return
    request.warn(`would violate PodSecurity "${levelText(warn)}": ${detailsText(doubtful)}`)
  }

  /** What the audit log is told: the level that holds, and what there would be to say by the one that is only written down. */
  function tellAudit(
    pod: PodLike,
    { enforce, audit, warn }: Policy,
    faults: readonly FieldError[],
    isPod: boolean,
    annotate: Annotate,
  ): void {
    const isOpen = [audit, warn, ...(isPod ? [enforce] : [])].every(({ level }) => level === 'privileged')
    if (!(isOpen && faults.length === 0) && hasExemptRuntime(pod)) {
      annotate(`${prefix}exempt`, 'runtimeClass')
      return
    }
    if (faults.length > 0) annotate(`${prefix}error`, `Failed to parse policy: ${aggregate(faults)}`)
    if (isPod) annotate(`${prefix}enforce-policy`, levelText(enforce))
    const found = audit.level === 'privileged' ? [] : violations(pod, audit)
    if (found.length === 0) return
    annotate(`${prefix}audit-violations`, `would violate PodSecurity "${levelText(audit)}": ${detailsText(found)}`)
  }

  function checkNamespace(next: Frozen<Namespace>, request: AdmissionRequest): void {
    if (request.subresource !== undefined) return
    const { policy, faults } = policyOf(next.metadata.labels)
    const before = request.old && policyOf(request.old.metadata.labels)
    if (faults.length > 0 && !(before && jsonEqual(faults, before.faults))) {
      throw invalid(request.kind, request.name, faults)
    }
    if (exemptions.namespaces?.includes(next.metadata.name)) {
      if (!before || !isSameLevel(before.policy.enforce, policy.enforce)) warnOfExemption(next, policy, request)
      return
    }
    const { enforce } = policy
    if (!before || enforce.level === 'privileged' || isSameLevel(enforce, before.policy.enforce)) return
    const { level, version } = before.policy.enforce
    if (enforce.version === version && strictness(enforce.level) <= strictness(level)) return
    for (const text of warningsOf(next.metadata.name, enforce, request.present)) request.warn(text)
  }

  // ---- the pods that are there

  function warningsOf(namespace: string, enforce: LevelVersion, present: Present): readonly string[] {
    const pods = onePerController(present, namespace).filter(pod => !hasExemptRuntime(pod))
    const checked = pods.slice(0, mostPods)
    const byReasons = new Map<string, string[]>()
    for (const pod of checked) {
      const found: readonly Violation[] = violations(pod, enforce)
      if (found.length === 0) continue
      const reasons = reasonsText(found)
      byReasons.set(reasons, [...(byReasons.get(reasons) ?? []), pod.metadata.name])
    }
    const lines = [...byReasons].map(([reasons, names]) => `${counted(names)}: ${reasons}`).sort()
    const level = levelText(enforce)
    return [
      ...(checked.length < pods.length
        ? [
            `new PodSecurity enforce level only checked against the first ${checked.length} of ${pods.length} existing pods`,
          ]
        : []),
      ...(lines.length > 0
        ? [`existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${level}"`]
        : []),
      ...lines,
    ]
  }
}

const mostPods = 3000

/** First one pod of each controller, since the others will be like it. */
function onePerController(present: Present, namespace: string): readonly Frozen<Pod>[] {
  const seen = new Set<string>()
  const [first, others]: [Frozen<Pod>[], Frozen<Pod>[]] = [[], []]
  for (const { object } of present.list(`${prefixOf(Pods)}${namespace}/`)) {
    const uid = controllerOf(object)?.uid
    const list = uid !== undefined && seen.has(uid) ? others : first
    if (uid !== undefined) seen.add(uid)
    list.push(object as Frozen<KubeObject> as Frozen<Pod>)
  }
  return [...first, ...others]
}

function counted(names: readonly string[]): string {
  const first = [...names].sort()[0]!
  if (names.length === 1) return first
  return `${first} (and ${names.length - 1} other pod${names.length === 2 ? '' : 's'})`
}

/** Of a pod that is there, only its images change, and ephemeral containers come. */
function runsOther({ spec }: Frozen<Pod>, { spec: old }: Frozen<Pod>): boolean {
  if (spec === old) return false
  const differ = (list: 'containers' | 'initContainers'): boolean =>
    (spec[list]?.length ?? 0) !== (old[list]?.length ?? 0) ||
    (spec[list] ?? []).some((container, index) => container.image !== old[list]![index]!.image)
  if (differ('containers') || differ('initContainers')) return true
  const before = (name: string): Frozen<EphemeralContainer> | undefined =>
    old.ephemeralContainers?.find(each => each.name === name)
  return (spec.ephemeralContainers ?? []).some(each => before(each.name)?.image !== each.image)
}

function warnOfExemption({ metadata }: Frozen<Namespace>, policy: Policy, request: AdmissionRequest): void {
  const modes = (['enforce', 'audit', 'warn'] as const).filter(mode => {
    const label = prefix + mode
    const isGiven = metadata.labels?.[label] !== undefined || metadata.labels?.[`${label}-version`] !== undefined
    return isGiven && policy[mode].level !== 'privileged'
  })
  if (Object.values(policy).every(({ level }) => level === 'privileged')) return
  const text = modes.map(mode => `${mode}=${levelText(policy[mode])}`).join(', ')
  request.warn(`namespace "${metadata.name}" is exempt from Pod Security, and the policy (${text}) will be ignored`)
}
