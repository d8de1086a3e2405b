// StatefulSets: pods with names and volumes that stay theirs, made and ended in order.

import type { PersistentVolumeClaim, StatefulSet } from '../../generated/types.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import { claimSpecWarnings, defaultClaimSpec } from './claim-spec.ts'
import { ageColumn, containerColumns, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'
import { defaultPodTemplate } from './pod-template.ts'
import { podTemplateWarnings } from './pod-warnings.ts'
import { statefulSetRules, statefulSetStatusRules } from './statefulset-rules.ts'
import { specPath } from './workload-rules.ts'

/** Kind `StatefulSet` of `apps/v1`: `statefulsets`, in namespaces. */
export const StatefulSets = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status', 'scale'],
  nameRule: dns1123LabelFaults,
  scale: {
    replicas: set => set.spec.replicas ?? 0,
    setReplicas(draft, replicas) {
      draft.spec.replicas = replicas
    },
    statusReplicas: set => set.status.replicas ?? 0,
    selector: set => selectorFromLabelSelector(set.spec.selector).toString(),
  },
  columns: [
    nameColumn,
    {
      name: 'Ready',
      type: 'string',
      description: 'Ready pods of those wanted.',
      value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    },
    ageColumn,
    ...containerColumns<StatefulSet>(set => set.spec.template?.spec?.containers),
  ],
  defaults(draft) {
    draft.spec ??= {} as StatefulSet['spec']
    const { spec } = draft
    spec.serviceName ??= ''
    spec.podManagementPolicy ||= 'OrderedReady'
    spec.updateStrategy ??= {}
    const strategy = spec.updateStrategy
    if (!strategy.type) {
      strategy.type = 'RollingUpdate'
      strategy.rollingUpdate ??= {}
    }
    if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0
    spec.persistentVolumeClaimRetentionPolicy ??= {}
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain'
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain'
    spec.replicas ??= 1
    spec.revisionHistoryLimit ??= 10
    spec.template ??= {}
    defaultPodTemplate(spec.template)
    for (const claim of spec.volumeClaimTemplates ?? []) defaultClaimTemplate(claim)
    draft.status ??= { replicas: 0 }
    draft.status.replicas ??= 0
    draft.status.availableReplicas ??= 0
  },
  prepare(draft, old) {
    if (!old) draft.status = { replicas: 0, availableReplicas: 0 }
    // MaxUnavailableStatefulSet is behind a gate that is off by default in 1.36.
    if (old?.spec.updateStrategy?.rollingUpdate?.maxUnavailable === undefined) {
      delete draft.spec.updateStrategy?.rollingUpdate?.maxUnavailable
    }
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') statefulSetStatusRules(next.status, old.status, faults)
    else statefulSetRules(next, old, faults)
    return faults.list
  },
  warnings(next, old) {
    if (old && old.metadata.generation === next.metadata.generation) return []
    const { template, volumeClaimTemplates, revisionHistoryLimit } = next.spec
    const warnings = podTemplateWarnings(template, specPath.child('template'))
    for (const [index, { spec }] of (volumeClaimTemplates ?? []).entries()) {
      const at = specPath.child('volumeClaimTemplates').index(index)
      warnings.push(...claimSpecWarnings(spec, at.child('spec')))
    }
    if (revisionHistoryLimit !== undefined && revisionHistoryLimit < 0) {
      const why = 'a negative value retains all historical revisions; a value >= 0 is recommended'
      warnings.push(`spec.revisionHistoryLimit: ${why}`)
    }
    return warnings
  },
})

/** A whole claim stands in the list, so it says what it is. */
function defaultClaimTemplate(claim: PersistentVolumeClaim): void {
  claim.apiVersion = 'v1'
  claim.kind = 'PersistentVolumeClaim'
  claim.metadata ??= {} as PersistentVolumeClaim['metadata']
  claim.spec ??= {}
  defaultClaimSpec(claim.spec)
  claim.status ??= {}
  claim.status.phase ||= 'Pending'
}
