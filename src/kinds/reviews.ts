// Reviews: questions to the API server that are answered at once and never stored. Who am I, may I do this, what may I do?
// So they can only be created. The answers are given in apiserver/auth/reviews.ts.

import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  TokenReview,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
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
  validate({ metadata, spec }) {
    const faults = new Faults()
    attributeRules(spec, faults)
    emptyMeta(metadata, faults)
    return faults.list
  },
})

export const SubjectAccessReviews = defineKind<SubjectAccessReview>({
  ...asked,
  group: 'authorization.k8s.io',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  singular: 'subjectaccessreview',
  validate({ metadata, spec }) {
    const faults = new Faults()
    attributeRules(spec, faults)
    subjectRules(spec, faults)
    emptyMeta(metadata, faults)
    return faults.list
  },
})

export const LocalSubjectAccessReviews = defineKind<LocalSubjectAccessReview>({
  ...asked,
  group: 'authorization.k8s.io',
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  singular: 'localsubjectaccessreview',
  namespaced: true,
  validate({ metadata, spec }) {
    const faults = new Faults()
    attributeRules(spec, faults)
    subjectRules(spec, faults)
    const { namespace = '', ...given } = metadata
    emptyMeta(given, faults)
    const at = root.child('spec', 'resourceAttributes', 'namespace')
    const { resourceAttributes: resource, nonResourceAttributes: path } = spec
    if (resource && (resource.namespace ?? '') !== namespace) {
      faults.invalid(at, resource.namespace ?? '', 'must match metadata.namespace')
    }
    if (path) {
      faults.invalid(root.child('spec', 'nonResourceAttributes'), path, 'disallowed on this kind of request')
    }
    return faults.list
  },
})

export const TokenReviews = defineKind<TokenReview>({
  ...asked,
  group: 'authentication.k8s.io',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  singular: 'tokenreview',
})

type Spec = Frozen<SubjectAccessReview['spec']>

// pkg/apis/authorization/validation/validation.go.

function attributeRules({ resourceAttributes, nonResourceAttributes }: Spec, faults: Faults): void {
  const path = root.child('spec')
  if (resourceAttributes && nonResourceAttributes) {
    const why = 'cannot be specified in combination with resourceAttributes'
    faults.invalid(path.child('nonResourceAttributes'), nonResourceAttributes, why)
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
    faults.invalid(path.child('resourceAttributes'), null, why)
  }
}

function subjectRules({ user = '', groups = [] }: Spec, faults: Faults): void {
  if (user !== '' || groups.length > 0) return
  faults.invalid(root.child('spec', 'user'), user, 'at least one of user or group must be specified')
}

function emptyMeta(metadata: Frozen<{ managedFields?: unknown }>, faults: Faults): void {
  const { managedFields: _, ...given } = metadata
  if (Object.keys(given).length > 0) faults.invalid(root.child('metadata'), given, 'must be empty')
}

export const SelfSubjectRulesReviews = defineKind<SelfSubjectRulesReview>({
  ...asked,
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  singular: 'selfsubjectrulesreview',
})
