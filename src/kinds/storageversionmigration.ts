// StorageVersionMigrations: that all objects of a resource are to be written anew, in the version of today. Rules:
// pkg/apis/storagemigration/validation/validation.go, pkg/registry/storagemigration/storagemigration/strategy.go.

import type { V1beta1StorageVersionMigration } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1035LabelFaults, dns1123SubdomainFaults } from '../api/names.ts'
import { nameColumn } from './columns.ts'
import { conditionsRules } from './condition-rules.ts'
import { Faults } from './field-path.ts'
import { immutable, unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { notActedUpon } from './not-acted-upon.ts'
import { keepMetadata } from './object-meta.ts'
import { specPath, statusPath } from './workload-rules.ts'

type Migration = Frozen<V1beta1StorageVersionMigration>

/** Kind `StorageVersionMigration` of `storagemigration.k8s.io/v1beta1`: `storageversionmigrations`, without a namespace. */
export const StorageVersionMigrations = defineKind<V1beta1StorageVersionMigration>({
  group: 'storagemigration.k8s.io',
  version: 'v1beta1',
  kind: 'StorageVersionMigration',
  plural: 'storageversionmigrations',
  singular: 'storageversionmigration',
  namespaced: false,
  hasGeneration: false,
  unconditionalUpdate: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    {
      name: 'Resource',
      type: 'string',
      description: 'Whose objects are to be written anew.',
      value: ({ spec: { resource } }) => [resource?.resource, resource?.group].filter(Boolean).join('.'),
    },
  ],
  defaults(draft) {
    draft.spec ??= {} as V1beta1StorageVersionMigration['spec']
    draft.spec.resource ??= { group: '', resource: '' }
    draft.status ??= {}
  },
  prepare(draft, old, { subresource }) {
    if (!old) draft.status = {}
    else if (subresource === 'status') keepMetadata(draft, old)
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') statusRules(next, old, faults)
    else {
      resourceRules(next, faults)
      if (old) unchanged(next.spec, old.spec, specPath, faults)
    }
    return faults.list
  },
  warnings: (_next, old) => notActedUpon('StorageVersionMigrations', old),
})

function resourceRules({ spec }: Migration, faults: Faults): void {
  const { group, resource } = spec.resource
  const path = specPath.child('resource')
  if (!resource) faults.required(path.child('resource'), 'resource is required to be set')
  else {
    const sentences = dns1035LabelFaults(resource)
    if (sentences.length > 0) faults.invalid(path.child('resource'), resource, sentences.join(','))
  }
  if (!group) return
  const sentences = dns1123SubdomainFaults(group)
  if (sentences.length > 0) faults.invalid(path.child('group'), group, sentences.join(','))
}

function statusRules(next: Migration, old: Migration, faults: Faults): void {
  const { resourceVersion: version = '', conditions = [] } = next.status
  const at = statusPath.child('resourceVersion')
  // apimachinery/pkg/util/resourceversion.
  if (!/^[1-9][0-9]*$/.test(version)) faults.invalid(at, version, `resource version is not well formed: ${version}`)
  const path = statusPath.child('conditions')
  conditionsRules(conditions, path, faults)
  if (old.status.resourceVersion && old.status.resourceVersion !== version) faults.invalid(at, version, immutable)
  const [succeeded, failed, running] = ['Succeeded', 'Failed', 'Running'].map(type => isTrue(next, type))
  if (succeeded && failed) {
    faults.invalid(path, conditions, 'Both success and failed conditions cannot be true at the same time')
  }
  if (succeeded && running) {
    faults.invalid(path, conditions, 'Running condition cannot be true when success condition is true')
  }
  if (failed && running) {
    faults.invalid(path, conditions, 'Running condition cannot be true when failed condition is true')
  }
  if (isTrue(old, 'Succeeded') && !succeeded) {
    faults.invalid(path, conditions, 'Success condition cannot be set to false once it is true')
  }
  if (isTrue(old, 'Failed') && !failed) {
    faults.invalid(path, conditions, 'Failed condition cannot be set to false once it is true')
  }
}

const isTrue = ({ status }: Migration, type: string): boolean =>
  status.conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false
