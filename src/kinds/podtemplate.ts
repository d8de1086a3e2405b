// PodTemplates: a pod's pattern, kept for its own sake.

import type { PodTemplate } from '../../generated/types.ts'
import { labelsText, nameColumn } from './columns.ts'
import { Faults, FieldPath } from './field-path.ts'
import { defineKind } from './kind.ts'
import { defaultPodTemplate, podTemplateRules } from './pod-template.ts'
import { podTemplateWarnings } from './pod-warnings.ts'

/** Kind `PodTemplate` of `v1`: `podtemplates`, in namespaces. */
export const PodTemplates = defineKind<PodTemplate>({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  singular: 'podtemplate',
  namespaced: true,
  columns: [
    nameColumn,
    {
      name: 'Containers',
      type: 'string',
      description: 'Names of the containers of the template.',
      value: ({ template }) => template?.spec?.containers.map(each => each.name).join(',') ?? '',
    },
    {
      name: 'Images',
      type: 'string',
      description: 'Images of the containers of the template.',
      value: ({ template }) => template?.spec?.containers.map(each => each.image).join(',') ?? '',
    },
    {
      name: 'Pod Labels',
      type: 'string',
      description: 'Labels that pods made of it get.',
      value: ({ template }) => labelsText(template?.metadata?.labels),
    },
  ],
  defaults(draft) {
    draft.template ??= {}
    defaultPodTemplate(draft.template)
  },
  validate(next) {
    const faults = new Faults()
    podTemplateRules(next.template ?? {}, path, faults)
    return faults.list
  },
  warnings: next => podTemplateWarnings(next.template, path),
})

const path = new FieldPath('template')
