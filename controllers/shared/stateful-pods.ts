// The pods of a StatefulSet: named by ordinal, each with an identity and claims that stay its own. Pure. Rules:
// pkg/controller/statefulset/stateful_set_utils.go.

import type {
  PersistentVolumeClaim,
  Pod,
  PodSpec,
  PodTemplateSpec,
  StatefulSet,
  Volume,
} from '../../generated/types.ts'
import { draft } from '../../src/api/freeze.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { ownerReference } from '../../src/api/owners.ts'
import type { Millis } from '../../src/env/clock.ts'
import { StatefulSets } from '../../src/kinds/statefulset.ts'
import { availableAt, isReady, podFromTemplate } from './pods.ts'
import { revisionLabel } from './revisions.ts'

type Set = Frozen<StatefulSet>

export const podNameLabel = 'statefulset.kubernetes.io/pod-name'
export const podIndexLabel = 'apps.kubernetes.io/pod-index'

const ordinalName = /^(.*)-([0-9]+)$/

/** By its name: whose it is, and the how manieth; -1 of one that no StatefulSet could have made. */
export function nameAndOrdinal({ metadata }: Frozen<Pod>): { readonly parent: string; readonly ordinal: number } {
  const [, parent = '', digits] = ordinalName.exec(metadata.name) ?? []
  const ordinal = digits === undefined ? -1 : Number(digits)
  return { parent, ordinal: ordinal > 2 ** 31 - 1 ? -1 : ordinal }
}

export const ordinalOf = (pod: Frozen<Pod>): number => nameAndOrdinal(pod).ordinal
export const isMember = (set: Set, pod: Frozen<Pod>): boolean => nameAndOrdinal(pod).parent === set.metadata.name
export const startOrdinal = ({ spec }: Set): number => spec.ordinals?.start ?? 0
export const revisionOfPod = ({ metadata }: Frozen<Pod>): string => metadata.labels?.[revisionLabel] ?? ''

export function isInRange(set: Set, ordinal: number): boolean {
  const start = startOrdinal(set)
  return ordinal >= start && ordinal < start + (set.spec.replicas ?? 1)
}

// ---- how a pod is getting on

export const isDeleted = ({ metadata }: Frozen<Pod>): boolean => metadata.deletionTimestamp !== undefined
export const isRunningAndReady = (pod: Frozen<Pod>): boolean => pod.status.phase === 'Running' && isReady(pod)

export function isAvailable(pod: Frozen<Pod>, minReadySeconds: number, now: Millis): boolean {
  const at = availableAt(pod, minReadySeconds)
  return at !== undefined && (minReadySeconds === 0 || at <= now)
}

// ---- making one

/** A pod of the set with this ordinal and template, as it is asked for. */
export function statefulPod(
  set: Set,
  template: Frozen<PodTemplateSpec>,
  revision: string,
  ordinal: number,
): NewObject<Pod> {
  const { name, namespace } = set.metadata
  const pod = podFromTemplate(template, { name, namespace: namespace! }, ownerReference(set, StatefulSets))
  const podName = `${name}-${ordinal}`
  const labels = { ...pod.metadata.labels, ...identityLabels(set, ordinal), [revisionLabel]: revision }
  const spec: PodSpec = { ...pod.spec, hostname: podName }
  if (set.spec.serviceName) spec.subdomain = set.spec.serviceName
  const volumes = volumesWithClaims(set, template.spec, ordinal)
  if (volumes.length > 0) spec.volumes = volumes
  return { ...pod, metadata: { ...pod.metadata, name: podName, labels }, spec }
}

function identityLabels(set: Set, ordinal: number): Record<string, string> {
  return { [podNameLabel]: `${set.metadata.name}-${ordinal}`, [podIndexLabel]: String(ordinal) }
}

function volumesWithClaims(set: Set, spec: Frozen<PodTemplateSpec>['spec'], ordinal: number): Volume[] {
  const templates = set.spec.volumeClaimTemplates ?? []
  const ours = new Set(templates.map(({ metadata }) => metadata.name))
  const others = (spec?.volumes ?? []).filter(({ name }) => !ours.has(name))
  return [
    ...templates.map(({ metadata: { name } }) => ({
      name,
      persistentVolumeClaim: { claimName: claimName(set, name, ordinal) },
    })),
    ...(others as Volume[]),
  ]
}

// ---- one that should be as it was made

export function hasIdentity(set: Set, pod: Frozen<Pod>): boolean {
  const { parent, ordinal } = nameAndOrdinal(pod)
  if (ordinal < 0 || parent !== set.metadata.name || pod.metadata.name !== `${parent}-${ordinal}`) return false
  return Object.entries(identityLabels(set, ordinal)).every(([label, value]) => pod.metadata.labels?.[label] === value)
}

export function hasStorage(set: Set, pod: Frozen<Pod>): boolean {
  const ordinal = ordinalOf(pod)
  return (set.spec.volumeClaimTemplates ?? []).every(({ metadata: { name } }) => {
    const volume = pod.spec.volumes?.find(each => each.name === name)
    return volume?.persistentVolumeClaim?.claimName === claimName(set, name, ordinal)
  })
}

/** The pod with the labels and volumes that its ordinal has. */
export function restored(set: Set, pod: Frozen<Pod>): Pod {
  const next = draft<Pod>(pod)
  const ordinal = ordinalOf(pod)
  next.metadata.labels = { ...next.metadata.labels, ...identityLabels(set, ordinal) }
  if (!hasStorage(set, pod)) next.spec.volumes = volumesWithClaims(set, pod.spec, ordinal)
  return next
}

// ---- its claims

export const claimName = (set: Set, template: string, ordinal: number): string =>
  `${template}-${set.metadata.name}-${ordinal}`

/** The claims of an ordinal, as they are asked for. */
export function claimsOf(set: Set, ordinal: number): NewObject<PersistentVolumeClaim>[] {
  return (set.spec.volumeClaimTemplates ?? []).map(template => {
    const { status: _, ...claim } = draft<PersistentVolumeClaim>(template as Frozen<PersistentVolumeClaim>)
    const labels = { ...claim.metadata.labels, ...set.spec.selector.matchLabels }
    return {
      ...claim,
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        ...claim.metadata,
        name: claimName(set, template.metadata.name, ordinal),
        namespace: set.metadata.namespace!,
        labels,
      },
    }
  })
}
