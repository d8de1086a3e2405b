// Pods: the unit that is scheduled and run. The spec is the user's and, but for a few fields, fixed at creation; the node
// is given by the `binding` subresource, the status by the kubelet.

import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { imageIsTrimmed } from './container-rules.ts'
import { Faults, FieldPath } from './field-path.ts'
import { defineKind } from './kind.ts'
import { mergeLabelKeys } from './label-keys.ts'
import { podAnnotationRules, podAnnotationUpdateRules, profileAgreementRules } from './pod-annotation-rules.ts'
import { ephemeralUpdateRules, keepAllButEphemeral, keepAllButResources, resizeRules } from './pod-part-updates.ts'
import { defaultPodOnly, defaultPodSpec } from './pod-spec-defaults.ts'
import { podSpecRules } from './pod-spec-rules.ts'
import { keepPodStatus, podStatusRules } from './pod-status-rules.ts'
import { summarizePod } from './pod-status-text.ts'
import { podUpdateRules } from './pod-update-rules.ts'
import { podWarnings } from './pod-warnings.ts'
import { qosClassOf } from './qos-class.ts'

/** Kind `Pod` of `v1`: `pods`, in namespaces. */
export const Pods = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  subresources: [
    'status',
    'ephemeralcontainers',
    'resize',
    'binding',
    'eviction',
    'log',
    'proxy',
    'exec',
    'attach',
    'portforward',
  ],
  columns: [
    nameColumn,
    {
      name: 'Ready',
      type: 'string',
      description: 'Ready containers of all.',
      value: (pod, now) => summarizePod(pod, now).ready,
    },
    {
      name: 'Status',
      type: 'string',
      description: 'What its containers are doing, in a word.',
      value: (pod, now) => summarizePod(pod, now).status,
    },
    {
      name: 'Restarts',
      type: 'string',
      description: 'How often its containers were restarted, and when last.',
      value: (pod, now) => summarizePod(pod, now).restarts,
    },
    ageColumn,
    {
      name: 'IP',
      type: 'string',
      priority: 1,
      description: 'Its address in the cluster.',
      value: ({ status }) => status.podIPs?.[0]?.ip || '<none>',
    },
    {
      name: 'Node',
      type: 'string',
      priority: 1,
      description: 'The node it is bound to.',
      value: ({ spec }) => spec.nodeName || '<none>',
    },
    {
      name: 'Nominated Node',
      type: 'string',
      priority: 1,
      description: 'The node on which others are being preempted for it.',
      value: ({ status }) => status.nominatedNodeName || '<none>',
    },
    {
      name: 'Readiness Gates',
      type: 'string',
      priority: 1,
      description: 'Conditions it waits for that hold, of all.',
      value: gatesText,
    },
  ],
  fields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.host': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy,
    'spec.schedulerName': ({ spec }) => spec.schedulerName,
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status.phase,
    'status.podIP': ({ status }) => status.podIPs?.[0]?.ip ?? '',
    // Upstream admits the name but never fills it (pkg/registry/core/pod/strategy.go, ToSelectableFields).
    'status.podIPs': () => '',
    'status.nominatedNodeName': ({ status }) => status.nominatedNodeName ?? '',
  },
  indexedFields: ['spec.nodeName'],
  gracePeriod: podGrace,
  defaults(draft) {
    draft.spec ??= { containers: [] }
    defaultPodSpec(draft.spec)
    defaultPodOnly(draft.spec)
    draft.status ??= {}
  },
  prepare(draft, old, { subresource }) {
    if (old) {
      if (subresource === 'status') keepPodStatus(draft, old)
      else if (subresource === 'ephemeralcontainers') keepAllButEphemeral(draft, old)
      else if (subresource === 'resize') keepAllButResources(draft, old)
      return
    }
    draft.status = { phase: 'Pending', qosClass: qosClassOf(draft.spec) }
    if (draft.spec.schedulingGates?.length) {
      const message = 'Scheduling is blocked due to non-empty scheduling gates'
      draft.status.conditions = [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message }]
    }
    mergeLabelKeys(draft)
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') podStatusRules(next, old, faults)
    else if (subresource === undefined) {
      podRules(next, old, faults)
      if (old) podUpdateRules(next, old, faults)
    } else if (old && subresource === 'ephemeralcontainers') {
      podRules(next, old, faults)
      ephemeralUpdateRules(next, old, faults)
    } else if (old && subresource === 'resize') {
      podRules(next, old, faults)
      resizeRules(next, old, faults)
    }
    return faults.list
  },
  warnings: (next, old) => (old ? [] : podWarnings(next)),
})

const specPath = new FieldPath('spec')
const annotationsPath = new FieldPath('metadata').child('annotations')

function podRules(pod: Frozen<Pod>, old: Frozen<Pod> | undefined, faults: Faults): void {
  const { spec, metadata } = pod
  const { annotations } = metadata
  if (old && annotations !== old.metadata.annotations) {
    podAnnotationUpdateRules(annotations, old.metadata.annotations, annotationsPath, faults)
  }
  if (annotations) podAnnotationRules(annotations, spec, annotationsPath, faults)
  // What is stored has been judged; claims alone depend on what may change beside them.
  if (spec === old?.spec && !spec.resourceClaims?.length) return
  podSpecRules(spec, metadata, specPath, faults)
  if (!spec.serviceAccountName && spec.volumes) tokenRules(pod, faults)
  for (const [index, each] of (spec.containers ?? []).entries()) {
    imageIsTrimmed(each, specPath.child('containers').index(index), faults)
  }
  for (const [index, each] of (spec.initContainers ?? []).entries()) {
    imageIsTrimmed(each, specPath.child('initContainers').index(index), faults)
  }
  if (old) return
  if (spec.ephemeralContainers?.length) {
    faults.forbidden(specPath.child('ephemeralContainers'), 'cannot be set on create')
  }
  if (spec.nodeName && spec.schedulingGates?.length) {
    faults.forbidden(specPath.child('nodeName'), 'cannot be set until all schedulingGates have been cleared')
  }
  profileAgreementRules(annotations, spec, specPath, faults)
}

function tokenRules({ spec }: Frozen<Pod>, faults: Faults): void {
  for (const [index, { projected }] of (spec.volumes ?? []).entries()) {
    for (const [position, source] of (projected?.sources ?? []).entries()) {
      if (!source.serviceAccountToken) continue
      const at = specPath.child('volumes').index(index).child('projected', 'sources').index(position)
      const detail = 'must not be specified when serviceAccountName is not set'
      faults.forbidden(at.child('serviceAccountToken'), detail)
    }
  }
}

/** Seconds a pod is given to end when a delete asks for so many, or for none in particular (CheckGracefulDelete). */
export function podGrace({ spec, status }: Frozen<Pod>, asked?: number | undefined): number {
  if (!spec.nodeName || status.phase === 'Failed' || status.phase === 'Succeeded') return 0
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 0
  return seconds < 0 ? 1 : seconds
}

function gatesText({ spec, status }: Frozen<Pod>): string {
  const gates = spec.readinessGates ?? []
  if (gates.length === 0) return '<none>'
  const held = gates.filter(
    gate => status.conditions?.find(condition => condition.type === gate.conditionType)?.status === 'True',
  )
  return `${held.length}/${gates.length}`
}
