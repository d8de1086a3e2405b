// Reviews: questions to the API server that are answered at once and never stored. Who am I, may I do this, what may I do?
// So they can only be created. The answers are given in apiserver/auth/reviews.ts.

import type { SelfSubjectAccessReview, SelfSubjectReview, SelfSubjectRulesReview } from '../../generated/types.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, root } from './field-path.ts'
import { defineKind } from './kind.ts'

const asked = {
  version: 'v1',
  namespaced: false,
  hasGeneration: false,
  columns: [nameColumn, ageColumn],
  withoutVerbs: ['delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
} as const

export const SelfSubjectReviews = defineKind<SelfSubjectReview>({
  ...asked,
  group: 'authentication.k8s.io',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  singular: 'selfsubjectreview',
})

export const SelfSubjectAccessReviews = defineKind<SelfSubjectAccessReview>({
  ...asked,
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  singular: 'selfsubjectaccessreview',
  // pkg/apis/authorization/validation/validation.go, ValidateSelfSubjectAccessReview.
  validate({ metadata, spec: { resourceAttributes, nonResourceAttributes } }) {
    const faults = new Faults()
    const path = root.child('spec')
    if (resourceAttributes && nonResourceAttributes) {
      const why = 'cannot be specified in combination with resourceAttributes'
      faults.invalid(path.child('nonResourceAttributes'), nonResourceAttributes, why)
    }
    if (!resourceAttributes && !nonResourceAttributes) {
      const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
      faults.invalid(path.child('resourceAttributes'), null, why)
    }
    const { managedFields: _, ...given } = metadata
    if (Object.keys(given).length > 0) faults.invalid(root.child('metadata'), given, 'must be empty')
    return faults.list
  },
})

export const SelfSubjectRulesReviews = defineKind<SelfSubjectRulesReview>({
  ...asked,
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  singular: 'selfsubjectrulesreview',
})
