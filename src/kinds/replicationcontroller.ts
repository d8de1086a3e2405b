// ReplicationControllers: the older ReplicaSet, with a selector of plain labels taken from its template when left out.

import type { ReplicationController } from '../../generated/types.ts'
import { selectorFromLabels } from '../api/labels.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, containerColumns, labelsText, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { nonNegative } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { defaultPodTemplate, runningTemplateRules } from './pod-template.ts'
import { podTemplateWarnings } from './pod-warnings.ts'
import { countedStatusRules, specPath } from './workload-rules.ts'

/** Kind `ReplicationController` of `v1`: `replicationcontrollers`, in namespaces. */
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
    selector: rc => selectorFromLabels(rc.spec.selector).toString(),
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
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') countedStatusRules(next.status, faults)
    else specRules(next, faults)
    return faults.list
  },
  warnings: (next, old) =>
    old && old.metadata.generation === next.metadata.generation
      ? []
      : podTemplateWarnings(next.spec.template, specPath.child('template')),
})

function specRules({ spec }: Frozen<ReplicationController>, faults: Faults): void {
  nonNegative(spec.minReadySeconds, specPath, 'minReadySeconds', faults)
  if (!hasEntries(spec.selector)) faults.required(specPath.child('selector'))
  if (spec.replicas === undefined) faults.required(specPath.child('replicas'))
  else nonNegative(spec.replicas, specPath, 'replicas', faults)
  const at = specPath.child('template')
  if (!spec.template) {
    faults.required(at)
    return
  }
  const isSelected = selectorFromLabels(spec.selector ?? {}).matches(spec.template.metadata?.labels)
  runningTemplateRules(spec.template, isSelected, 'ReplicationController', at, faults)
}

function hasEntries(map: object | undefined): boolean {
  return map !== undefined && Object.keys(map).length > 0
}
