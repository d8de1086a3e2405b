// Deployments: a template and how to move from one version of it to the next.

import type { Deployment } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import { ageColumn, containerColumns, nameColumn, selectorText } from './columns.ts'
import { deploymentSpecRules, deploymentStatusRules } from './deployment-rules.ts'
import { Faults } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { defaultPodTemplate } from './pod-template.ts'
import { podTemplateWarnings } from './pod-warnings.ts'
import { specPath } from './workload-rules.ts'

/** Kind `Deployment` of `apps/v1`: `deployments`, in namespaces. */
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
    draft.spec ??= {} as Deployment['spec']
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
  prepare(draft, old, { subresource }) {
    if (!old) draft.status = {}
    // Annotations count too, since they are copied to the replica sets (pkg/registry/apps/deployment/strategy.go).
    else if (subresource !== 'status' && !jsonEqual(draft.metadata.annotations, old.metadata.annotations)) {
      draft.metadata.generation = (old.metadata.generation ?? 0) + 1
    }
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') deploymentStatusRules(next.status, old.status, faults)
    else {
      deploymentSpecRules(next.spec, faults)
      if (old) unchanged(next.spec.selector, old.spec.selector, specPath.child('selector'), faults)
    }
    return faults.list
  },
  warnings(next, old) {
    if (old && old.metadata.generation === next.metadata.generation) return []
    const warnings: string[] = []
    const wrong = old ? [] : dns1123LabelFaults(next.metadata.name)
    if (wrong.length > 0) {
      const why = 'this is used in Pod names and hostnames, which can result in surprising behavior'
      warnings.push(`metadata.name: ${why}; a DNS label is recommended: [${wrong.join(' ')}]`)
    }
    warnings.push(...podTemplateWarnings(next.spec.template, specPath.child('template')))
    return warnings
  },
})
