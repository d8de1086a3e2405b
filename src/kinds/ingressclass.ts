// IngressClasses: which controller implements an Ingress.

import type { IngressClass } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, FieldPath } from './field-path.ts'
import { domainPrefixedPath, unchanged } from './field-rules.ts'
import { typedReferenceRules } from './ingress-rules.ts'
import { defineKind } from './kind.ts'

/** Kind `IngressClass` of `networking.k8s.io/v1`: `ingressclasses`, without a namespace. */
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
  validate(next, old) {
    const faults = new Faults()
    if (old) unchanged(next.spec.controller, old.spec.controller, path.child('controller'), faults)
    controllerRules(next.spec.controller ?? '', faults)
    parameterRules(next, faults)
    return faults.list
  },
})

const path = new FieldPath('spec')

function controllerRules(controller: string, faults: Faults): void {
  const at = path.child('controller')
  if (controller.length > 250) faults.tooLong(at, 250)
  domainPrefixedPath(controller, at, faults)
}

function parameterRules({ spec: { parameters } }: Frozen<IngressClass>, faults: Faults): void {
  if (!parameters) return
  const at = path.child('parameters')
  typedReferenceRules(parameters, at, faults)
  const { scope, namespace } = parameters
  if (scope === undefined) faults.required(at.child('scope'))
  else if (scope !== 'Cluster' && scope !== 'Namespace') {
    faults.notSupported(at.child('scope'), scope, ['Cluster', 'Namespace'])
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) faults.forbidden(at.child('namespace'), "`parameters.scope` is set to 'Cluster'")
  } else if (namespace === undefined) {
    faults.required(at.child('namespace'), "`parameters.scope` is set to 'Namespace'")
  } else faults.invalids(dns1123LabelFaults(namespace), namespace, at, 'namespace')
}
