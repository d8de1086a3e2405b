// ResourceClaimTemplates: the pattern of the claim that each pod gets for its own. Kept as v1.

import type {
  ResourceClaimTemplate,
  ResourceClaimTemplateSpec,
  V1beta1ResourceClaimTemplate,
  V1beta2ResourceClaimTemplate,
} from '../../generated/types.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { claimSpecDevicesRules, defaultDeviceClaim } from './device-claim-rules.ts'
import { defaultV1beta1Requests, olderVersion, templateFromV1beta1, templateToV1beta1 } from './device-versions.ts'
import { Faults } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind, type KindSpec, sameInVersion } from './kind.ts'
import { validateTemplateMeta } from './object-meta.ts'
import { specPath } from './workload-rules.ts'

const spec: KindSpec<ResourceClaimTemplate> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  plural: 'resourceclaimtemplates',
  singular: 'resourceclaimtemplate',
  namespaced: true,
  hasGeneration: false,
  columns: [nameColumn, ageColumn],
  defaults(draft) {
    draft.spec ??= {} as ResourceClaimTemplateSpec
    draft.spec.metadata ??= {}
    draft.spec.spec ??= {}
    defaultDeviceClaim(draft.spec.spec)
  },
  validate(next, old) {
    const faults = new Faults()
    if (old) unchanged(next.spec, old.spec, specPath, faults)
    else {
      if (next.spec.metadata) validateTemplateMeta(next.spec.metadata, specPath.child('metadata'), faults)
      claimSpecDevicesRules(next.spec.spec, false, specPath.child('spec'), faults)
    }
    return faults.list
  },
}

/** Kind `ResourceClaimTemplate` of `resource.k8s.io/v1`: `resourceclaimtemplates`, in namespaces. */
export const ResourceClaimTemplates = defineKind(spec)

/** Kind `ResourceClaimTemplate` of `resource.k8s.io/v1beta2`: `resourceclaimtemplates`, in namespaces. */
export const ResourceClaimTemplatesV1beta2 = defineKind<V1beta2ResourceClaimTemplate>({
  ...(spec as unknown as KindSpec<V1beta2ResourceClaimTemplate>),
  version: 'v1beta2',
  storedAs: sameInVersion(ResourceClaimTemplates, 'v1beta2'),
})

/** Kind `ResourceClaimTemplate` of `resource.k8s.io/v1beta1`: `resourceclaimtemplates`, in namespaces. */
export const ResourceClaimTemplatesV1beta1 = defineKind<V1beta1ResourceClaimTemplate>({
  ...olderVersion(spec, 'v1beta1', templateFromV1beta1, templateToV1beta1, draft =>
    defaultV1beta1Requests(draft.spec?.spec),
  ),
  storedAs: { kind: ResourceClaimTemplates, fromStored: templateToV1beta1, toStored: templateFromV1beta1 },
})
