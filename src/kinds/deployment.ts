// Deployments: a template and how to move from one version of it to the next.

import type { Deployment } from '../../generated/types.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import { ageColumn, containerColumns, nameColumn, selectorText } from './columns.ts'
import { defineKind } from './kind.ts'
import { defaultPodTemplate } from './pod-template.ts'

export const Deployments = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status', 'scale'],
  scale: {
    replicas: deployment => deployment.spec.replicas ?? 0,
    setReplicas(draft, replicas) {
      draft.spec.replicas = replicas
    },
    statusReplicas: deployment => deployment.status.replicas ?? 0,
    selector: deployment => selectorFromLabelSelector(deployment.spec.selector).toString(),
  },
  columns: [
    nameColumn,
    {
      name: 'Ready',
      type: 'string',
      description: 'Ready pods of those wanted.',
      value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    },
    {
      name: 'Up-to-date',
      type: 'string',
      description: 'Pods made of the present template.',
      value: ({ status }) => String(status.updatedReplicas ?? 0),
    },
    {
      name: 'Available',
      type: 'string',
      description: 'Pods ready for at least minReadySeconds.',
      value: ({ status }) => String(status.availableReplicas ?? 0),
    },
    ageColumn,
    ...containerColumns<Deployment>(deployment => deployment.spec.template?.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'By which labels its pods are found.',
      value: deployment => selectorText(deployment.spec.selector),
    },
  ],
  defaults(draft) {
    const { spec } = draft
    spec.replicas ??= 1
    spec.template ??= {}
    defaultPodTemplate(spec.template)
    spec.strategy ??= {}
    spec.strategy.type ||= 'RollingUpdate'
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {}
      spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
      spec.strategy.rollingUpdate.maxSurge ??= '25%'
    }
    spec.revisionHistoryLimit ??= 10
    spec.progressDeadlineSeconds ??= 600
    draft.status ??= {}
  },
  prepare(draft, old) {
    if (!old) draft.status = {}
  },
})
