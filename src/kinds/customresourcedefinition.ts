// CustomResourceDefinitions: kinds of the user's own. What they come to is served by apiserver/custom/, which also keeps
// their status; the rules of their schemas are there too, so this kind is judged by customresourcedefinition-rules.ts from
// there and has no `validate`. Upstream: apiextensions-apiserver pkg/apis/apiextensions/v1/defaults.go and
// pkg/registry/customresourcedefinition.

import type { CustomResourceDefinition } from '../../generated/types.ts'
import { isConditionTrue, setCondition } from '../api/conditions.ts'
import type { Frozen, KubeObject } from '../api/meta.ts'
import { dns1123SubdomainFaults } from '../api/names.ts'
import { rfc3339 } from '../api/time.ts'
import { nameColumn } from './columns.ts'
import { defineKind, type Kind } from './kind.ts'

/** Holds a definition until all objects of its kind are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

/** Kind `CustomResourceDefinition` of `apiextensions.k8s.io/v1`: `customresourcedefinitions`, without a namespace. */
export const CustomResourceDefinitions = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  subresources: ['status'],
  unconditionalUpdate: false,
  nameRule: (name, { spec }: Frozen<CustomResourceDefinition>) => [
    ...dns1123SubdomainFaults(name),
    ...(name === `${spec.names.plural ?? ''}.${spec.group ?? ''}` ? [] : ['must be spec.names.plural+"."+spec.group']),
  ],
  columns: [
    nameColumn,
    { name: 'Scope', type: 'string', description: 'Namespaced or Cluster.', value: ({ spec }) => spec.scope },
    {
      name: 'Versions',
      type: 'string',
      description: 'Served versions.',
      value: ({ spec }) =>
        spec.versions
          .filter(({ served }) => served)
          .map(({ name, storage }) => (storage ? `${name}(storage)` : name))
          .sort()
          .join(','),
    },
    {
      name: 'Created At',
      type: 'date',
      description: 'When the definition was created.',
      value: ({ metadata }) => metadata.creationTimestamp ?? '',
    },
    { name: 'Group', type: 'string', priority: 1, description: 'API group.', value: ({ spec }) => spec.group },
    {
      name: 'Kind',
      type: 'string',
      priority: 1,
      description: 'Kind of the objects that it defines.',
      value: ({ spec }) => spec.names.kind,
    },
    {
      name: 'ShortNames',
      type: 'string',
      priority: 1,
      description: 'Short names.',
      value: ({ spec }) => (spec.names.shortNames ?? []).join(','),
    },
    {
      name: 'Established',
      type: 'boolean',
      priority: 1,
      description: 'Whether the kind is served.',
      value: ({ status }) => isConditionTrue(status.conditions, 'Established'),
    },
  ],
  defaults(draft) {
    draft.spec ??= {} as CustomResourceDefinition['spec']
    const { spec } = draft
    spec.names ??= {} as typeof spec.names
    if (!spec.names.singular && spec.names.kind) spec.names.singular = spec.names.kind.toLowerCase()
    if (!spec.names.listKind && spec.names.kind) spec.names.listKind = `${spec.names.kind}List`
    spec.conversion ??= { strategy: 'None' }
    const service = spec.conversion.webhook?.clientConfig?.service
    if (service) service.port ??= 443
    spec.versions ??= []
  },
  prepare(draft, old, { subresource }) {
    if (old === undefined) {
      draft.status = { acceptedNames: { kind: '', plural: '' }, conditions: [], storedVersions: [] }
    }
    draft.status ??= {}
    if (subresource !== 'status') noteStorageVersion(draft)
  },
  beginEnding(draft, now) {
    draft.metadata.deletionTimestamp = rfc3339(now)
    const finalizers = draft.metadata.finalizers ?? []
    if (!finalizers.includes(cleanupFinalizer)) draft.metadata.finalizers = [...finalizers, cleanupFinalizer]
    draft.status.conditions ??= []
    const condition = {
      type: 'Terminating',
      status: 'True',
      reason: 'InstanceDeletionPending',
      message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    }
    setCondition(draft.status.conditions, condition, now)
  },
})

/** Objects may be stored in every version that ever was the storage version, until somebody says otherwise. */
function noteStorageVersion(draft: CustomResourceDefinition): void {
  const storage = draft.spec.versions.find(version => version.storage)?.name
  const stored = draft.status.storedVersions ?? []
  if (storage === undefined || stored.includes(storage)) return
  draft.status.storedVersions = [...stored, storage]
}

/**
 * What a definition defines, as clients ask for it: in the version that is stored when that is served, else in the first that
 * is. Undefined while nothing is served. It says nothing of schemas; those are the server's.
 */
export function definedKind(crd: Frozen<CustomResourceDefinition>): Kind<KubeObject> | undefined {
  const { group, scope, versions, names } = crd.spec
  const version = versions.find(({ served, storage }) => served && storage) ?? versions.find(({ served }) => served)
  if (version === undefined || !isEstablished(crd)) return undefined
  const { kind, plural, singular = kind.toLowerCase() } = crd.status.acceptedNames ?? names
  const namespaced = scope === 'Namespaced'
  return defineKind({ group, version: version.name, kind, plural, singular, namespaced, columns: [nameColumn] })
}

export function isEstablished(crd: Frozen<CustomResourceDefinition>): boolean {
  return isConditionTrue(crd.status.conditions, 'Established')
}
