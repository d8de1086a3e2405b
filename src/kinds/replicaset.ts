// ReplicaSets: so many pods of one template, found by a selector that never changes.

import type { ReplicaSet } from '../../generated/types.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import { ageColumn, containerColumns, nameColumn, selectorText } from './columns.ts'
import { Faults } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { defaultPodTemplate } from './pod-template.ts'
import { podTemplateWarnings } from './pod-warnings.ts'
import { countedStatusRules, selectingSpecRules, specPath } from './workload-rules.ts'

/** Kind `ReplicaSet` of `apps/v1`: `replicasets`, in namespaces. */
export const ReplicaSets = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status', 'scale'],
  scale: {
    replicas: rs => rs.spec.replicas ?? 0,
    setReplicas(draft, replicas) {
      draft.spec.replicas = replicas
    },
    statusReplicas: rs => rs.status.replicas ?? 0,
    selector: rs => selectorFromLabelSelector(rs.spec.selector).toString(),
  },
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'Pods wanted.', value: rs => rs.spec.replicas ?? 0 },
    { name: 'Current', type: 'integer', description: 'Pods that exist.', value: rs => rs.status.replicas ?? 0 },
    { name: 'Ready', type: 'integer', description: 'Pods that are ready.', value: rs => rs.status.readyReplicas ?? 0 },
    ageColumn,
    ...containerColumns<ReplicaSet>(rs => rs.spec.template?.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'By which labels its pods are found.',
      value: rs => selectorText(rs.spec.selector),
    },
  ],
  defaults(draft) {
    draft.spec ??= {} as ReplicaSet['spec']
    draft.spec.replicas ??= 1
    draft.spec.template ??= {}
    defaultPodTemplate(draft.spec.template)
    draft.status ??= { replicas: 0 }
    draft.status.replicas ??= 0
  },
  prepare(draft, old) {
    if (!old) draft.status = { replicas: 0 }
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') countedStatusRules(next.status, faults)
    else {
      selectingSpecRules(next.spec, faults)
      if (old) unchanged(next.spec.selector, old.spec.selector, specPath.child('selector'), faults)
    }
    return faults.list
  },
  warnings: (next, old) =>
    old && old.metadata.generation === next.metadata.generation
      ? []
      : podTemplateWarnings(next.spec.template, specPath.child('template')),
})
