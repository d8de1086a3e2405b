// APIServices: who serves a group and version of the API – this server itself, or another behind it, reached by a Service
// (apiserver/aggregation/). Upstream: kube-aggregator/pkg/apis/apiregistration, pkg/registry/apiservice.

import type { APIService, APIServiceCondition } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1035LabelFaults, dns1123SubdomainFaults } from '../api/names.ts'
import { rfc3339 } from '../api/time.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { defineKind } from './kind.ts'
import { specPath, statusPath } from './workload-rules.ts'

/** Kind `APIService` of `apiregistration.k8s.io/v1`: `apiservices`, without a namespace. */
export const APIServices = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  singular: 'apiservice',
  categories: ['api-extensions'],
  namespaced: false,
  hasGeneration: false,
  subresources: ['status'],
  nameRule: (name, { spec }) => {
    const { version = '', group = '' } = spec ?? {}
    const wanted = `${version}.${group}`
    return name === wanted ? [] : [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`]
  },
  columns: [
    nameColumn,
    {
      name: 'Service',
      type: 'string',
      description: 'The Service that leads to the server, or Local.',
      value: ({ spec: { service } }) => (service ? `${service.namespace}/${service.name}` : 'Local'),
    },
    {
      name: 'Available',
      type: 'string',
      description: 'Whether it answers.',
      value: ({ status }) => {
        const found = availableOf(status.conditions)
        if (!found) return 'Unknown'
        return found.status === 'True' ? 'True' : `${found.status} (${found.reason ?? ''})`
      },
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= { groupPriorityMinimum: 0, versionPriority: 0 }
    if (draft.spec.service) draft.spec.service.port ??= 443
    draft.status ??= {}
  },
  prepare(draft, old, { now }) {
    if (old) return
    draft.status = draft.spec.service ? {} : { conditions: [localCondition(rfc3339(now))] }
  },
  validate(next, _old, { subresource }) {
    const faults = new Faults()
    if (subresource === 'status') statusRules(next, faults)
    else specRules(next, faults)
    return faults.list
  },
})

export function availableOf(
  conditions: readonly Frozen<APIServiceCondition>[] | undefined,
): Frozen<APIServiceCondition> | undefined {
  return conditions?.find(({ type }) => type === 'Available')
}

export function localCondition(lastTransitionTime: string): APIServiceCondition {
  return {
    type: 'Available',
    status: 'True',
    lastTransitionTime,
    reason: 'Local',
    message: 'Local APIServices are always available',
  }
}

function specRules({ spec }: Frozen<APIService>, faults: Faults): void {
  const { group = '', version = '', service, caBundle, insecureSkipTLSVerify = false } = spec
  if (group === '' && version !== 'v1') {
    faults.required(specPath.child('group'), 'only v1 may have an empty group and it better be legacy kube')
  }
  if (group !== '') faults.invalids(dns1123SubdomainFaults(group), group, specPath, 'group')
  faults.invalids(dns1035LabelFaults(version), version, specPath, 'version')
  bounded(spec.groupPriorityMinimum, 20_000, specPath.child('groupPriorityMinimum'), faults)
  bounded(spec.versionPriority, 1_000, specPath.child('versionPriority'), faults)
  if (!service) {
    if (caBundle) {
      const size = `${Buffer.from(caBundle, 'base64').length} bytes`
      faults.invalid(specPath.child('caBundle'), size, 'local APIServices may not have a caBundle')
    }
    if (insecureSkipTLSVerify) {
      faults.invalid(
        specPath.child('insecureSkipTLSVerify'),
        true,
        'local APIServices may not have insecureSkipTLSVerify',
      )
    }
    return
  }
  if (!service.namespace) faults.required(specPath.child('service', 'namespace'))
  if (!service.name) faults.required(specPath.child('service', 'name'))
  const { port } = service
  if (port !== undefined && (port < 1 || port > 65535)) {
    faults.invalid(specPath.child('service', 'port'), port, 'must be between 1 and 65535, inclusive')
  }
  if (insecureSkipTLSVerify && caBundle) {
    faults.invalid(specPath.child('insecureSkipTLSVerify'), true, 'may not be true if caBundle is present')
  }
}

function bounded(value: number | undefined, most: number, path: FieldPath, faults: Faults): void {
  const given = value ?? 0
  if (given <= 0 || given > most) faults.invalid(path, given, `must be positive and less than ${most}`)
}

function statusRules({ status }: Frozen<APIService>, faults: Faults): void {
  status.conditions?.forEach((condition, index) => {
    if (['True', 'False', 'Unknown'].includes(condition.status)) return
    const path = statusPath.child('conditions').index(index).child('status')
    faults.notSupported(path, condition.status, ['True', 'False', 'Unknown'])
  })
}
