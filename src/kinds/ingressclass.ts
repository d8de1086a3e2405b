// IngressClasses: which controller implements an Ingress.

import type { IngressClass } from '../../generated/types.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'

export const IngressClasses = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  namespaced: false,
  columns: [
    nameColumn,
    {
      name: 'Controller',
      type: 'string',
      description: 'The controller that serves this class.',
      value: ({ spec }) => spec.controller ?? '',
    },
    {
      name: 'Parameters',
      type: 'string',
      description: 'The object with further settings for the controller.',
      value: ({ spec: { parameters } }) => {
        if (!parameters) return '<none>'
        const group = parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`
        return `${parameters.kind}${group}/${parameters.name}`
      },
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    if (draft.spec.parameters) draft.spec.parameters.scope ??= 'Cluster'
  },
})
