// ReplicationControllers: the older ReplicaSet, with a selector of plain labels taken from its template when left out.

import type { ReplicationController } from '../../generated/types.ts'
import { ageColumn, containerColumns, labelsText, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'
import { defaultPodTemplate } from './pod-template.ts'

export const ReplicationControllers = defineKind<ReplicationController>({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status', 'scale'],
  // pkg/registry/core/replicationcontroller/strategy.go, DefaultGarbageCollectionPolicy of v1.
  defaultPropagation: 'Orphan',
  scale: {
    replicas: rc => rc.spec.replicas ?? 0,
    setReplicas(draft, replicas) {
      draft.spec.replicas = replicas
    },
    statusReplicas: rc => rc.status.replicas ?? 0,
    selector: rc => (rc.spec.selector ? labelsText(rc.spec.selector).replace('<none>', '') : ''),
  },
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'Pods wanted.', value: rc => rc.spec.replicas ?? 0 },
    { name: 'Current', type: 'integer', description: 'Pods that exist.', value: rc => rc.status.replicas ?? 0 },
    { name: 'Ready', type: 'integer', description: 'Pods that are ready.', value: rc => rc.status.readyReplicas ?? 0 },
    ageColumn,
    ...containerColumns<ReplicationController>(rc => rc.spec.template?.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'By which labels its pods are found.',
      value: rc => labelsText(rc.spec.selector),
    },
  ],
  fields: { 'status.replicas': rc => String(rc.status.replicas ?? 0) },
  defaults(draft) {
    draft.spec ??= {}
    draft.spec.replicas ??= 1
    const { template } = draft.spec
    if (template) {
      defaultPodTemplate(template)
      const labels = template.metadata?.labels
      if (labels) {
        if (!hasEntries(draft.spec.selector)) draft.spec.selector = { ...labels }
        if (!hasEntries(draft.metadata.labels)) draft.metadata.labels = { ...labels }
      }
    }
    draft.status ??= { replicas: 0 }
    draft.status.replicas ??= 0
  },
  prepare(draft, old) {
    if (!old) draft.status = { replicas: 0 }
  },
})

function hasEntries(map: object | undefined): boolean {
  return map !== undefined && Object.keys(map).length > 0
}
