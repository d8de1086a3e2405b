// The answers to reviews (src/kinds/reviews.ts): who asks, and what they may do. Given to the registry by server.ts.
// Upstream: pkg/registry/authentication/selfsubjectreview and pkg/registry/authorization, rest.go each.

import type { SelfSubjectAccessReview, SelfSubjectReview, SelfSubjectRulesReview } from '../../generated/types.ts'
import { badRequest } from '../../src/api/errors.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { SelfSubjectAccessReviews, SelfSubjectReviews, SelfSubjectRulesReviews } from '../../src/kinds/reviews.ts'
import type { Answer, Review } from '../registry/registry.ts'
import { authorize, rulesFor } from './authorization.ts'

export const builtinReviews: readonly Review[] = [
  review<SelfSubjectReview>(SelfSubjectReviews, (draft, { name, uid, groups }, now) => {
    draft.metadata = { creationTimestamp: rfc3339(now) } as SelfSubjectReview['metadata']
    draft.status = { userInfo: { username: name, ...(uid ? { uid } : {}), groups: [...groups] } }
  }),
  review<SelfSubjectAccessReview>(SelfSubjectAccessReviews, (draft, user) => {
    const { resourceAttributes: resource, nonResourceAttributes: path } = draft.spec
    const { allowed, reason } = authorize(user, resource ? { resource } : { path: path! })
    draft.status = { allowed, ...(reason ? { reason } : {}) }
  }),
  review<SelfSubjectRulesReview>(SelfSubjectRulesReviews, (draft, user) => {
    if (!draft.spec.namespace) throw badRequest('no namespace on request')
    draft.status = rulesFor(user, draft.spec.namespace)
  }),
]

function review<T extends KubeObject>(kind: Kind<T>, answer: Answer<T>): Review {
  return { kind, answer: answer as unknown as Answer<KubeObject> }
}
