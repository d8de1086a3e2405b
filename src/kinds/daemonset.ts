// DaemonSets: one pod of a template on every node, or on every node of a kind.

import type { DaemonSet, DaemonSetStatus } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, containerColumns, labelsText, nameColumn, selectorText } from './columns.ts'
import { daemonSetSpecRules, daemonSetStatusRules } from './daemonset-rules.ts'
import { Faults } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { defaultPodTemplate } from './pod-template.ts'
import { podTemplateWarnings } from './pod-warnings.ts'
import { specPath } from './workload-rules.ts'

/** Kind `DaemonSet` of `apps/v1`: `daemonsets`, in namespaces. */
export const DaemonSets = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status'],
  columns: [
    nameColumn,
    {
      name: 'Desired',
      type: 'integer',
      description: 'Nodes that should run a pod of it.',
      value: ds => ds.status.desiredNumberScheduled ?? 0,
    },
    {
      name: 'Current',
      type: 'integer',
      description: 'Nodes that should run a pod of it, and do.',
      value: ds => ds.status.currentNumberScheduled ?? 0,
    },
    { name: 'Ready', type: 'integer', description: 'Pods that are ready.', value: ds => ds.status.numberReady ?? 0 },
    {
      name: 'Up-to-date',
      type: 'integer',
      description: 'Pods made of the present template.',
      value: ds => ds.status.updatedNumberScheduled ?? 0,
    },
    {
      name: 'Available',
      type: 'integer',
      description: 'Pods ready for at least minReadySeconds.',
      value: ds => ds.status.numberAvailable ?? 0,
    },
    {
      name: 'Node Selector',
      type: 'string',
      description: 'Labels of the nodes it is for.',
      value: ds => labelsText(ds.spec.template?.spec?.nodeSelector),
    },
    ageColumn,
    ...containerColumns<DaemonSet>(ds => ds.spec.template?.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'By which labels its pods are found.',
      value: ds => selectorText(ds.spec.selector),
    },
  ],
  defaults(draft) {
    draft.spec ??= {} as DaemonSet['spec']
    const { spec } = draft
    spec.template ??= {}
    defaultPodTemplate(spec.template)
    spec.updateStrategy ??= {}
    spec.updateStrategy.type ||= 'RollingUpdate'
    if (spec.updateStrategy.type === 'RollingUpdate') {
      spec.updateStrategy.rollingUpdate ??= {}
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0
    }
    spec.revisionHistoryLimit ??= 10
    draft.status ??= {} as DaemonSetStatus
    draft.status.currentNumberScheduled ??= 0
    draft.status.desiredNumberScheduled ??= 0
    draft.status.numberMisscheduled ??= 0
    draft.status.numberReady ??= 0
  },
  prepare(draft, old) {
    if (!old) {
      draft.status = { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 }
    }
    countTemplate(draft, old)
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') daemonSetStatusRules(next.status, old.status, faults)
    else {
      daemonSetSpecRules(next.spec, faults)
      if (old) unchanged(next.spec.selector, old.spec.selector, specPath.child('selector'), faults)
    }
    return faults.list
  },
  warnings: (next, old) =>
    old && old.metadata.generation === next.metadata.generation
      ? []
      : podTemplateWarnings(next.spec.template, specPath.child('template')),
})

const templateGeneration = 'deprecated.daemonset.template.generation'

/** How often the template has changed, as v1 still tells it (pkg/apis/apps/v1/conversion.go, daemonset/strategy.go). */
function countTemplate(draft: DaemonSet, old: Frozen<DaemonSet> | undefined): void {
  const given = Number((old ?? draft).metadata.annotations?.[templateGeneration] ?? 0)
  let count = Number.isSafeInteger(given) ? given : 0
  if (!old) count = Math.max(count, 1)
  else if (!jsonEqual(draft.spec.template, old.spec.template)) count++
  draft.metadata.annotations ??= {}
  draft.metadata.annotations[templateGeneration] = String(count)
}
