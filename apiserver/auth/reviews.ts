// The answers to reviews (src/kinds/reviews.ts): who asks, and what they may do. Given to the registry by server.ts.
// Upstream: pkg/registry/authentication/selfsubjectreview and pkg/registry/authorization, rest.go each.

import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  TokenReview,
} from '../../generated/types.ts'
import { badRequest } from '../../src/api/errors.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import {
  LocalSubjectAccessReviews,
  SelfSubjectAccessReviews,
  SelfSubjectReviews,
  SelfSubjectRulesReviews,
  SubjectAccessReviews,
  TokenReviews,
} from '../../src/kinds/reviews.ts'
import type { Answer, Review, User } from '../registry/registry.ts'
import type { Attributes, Authorizer } from './authorization.ts'
import type { Remarks, ServiceAccountTokens } from './service-account-tokens.ts'

export const builtinReviews = (authorizer: Authorizer, tokens: ServiceAccountTokens): readonly Review[] => [
  review<SelfSubjectReview>(SelfSubjectReviews, (draft, { name, uid, groups, extra }, now) => {
    draft.metadata = { creationTimestamp: rfc3339(now) } as SelfSubjectReview['metadata']
    const more = extra && shownExtra(extra)
    draft.status = {
      userInfo: { username: name, ...(uid ? { uid } : {}), groups: [...groups], ...(more ? { extra: more } : {}) },
    }
  }),
  review<TokenReview>(TokenReviews, (draft, _user, _now, info) => answerToToken(draft, tokens, info)),
  review<SelfSubjectAccessReview>(SelfSubjectAccessReviews, (draft, user) => {
    draft.status = answerTo(authorizer, user, draft.spec)
  }),
  review<SubjectAccessReview>(SubjectAccessReviews, draft => {
    draft.status = answerTo(authorizer, userOf(draft.spec), draft.spec)
  }),
  review<LocalSubjectAccessReview>(LocalSubjectAccessReviews, draft => {
    draft.status = answerTo(authorizer, userOf(draft.spec), draft.spec)
  }),
  review<SelfSubjectRulesReview>(SelfSubjectRulesReviews, (draft, user) => {
    if (!draft.spec.namespace) throw badRequest('no namespace on request')
    draft.status = authorizer.rulesFor(user, draft.spec.namespace)
  }),
]

/** pkg/registry/authentication/tokenreview/storage.go; the words of a token that does not hold are the union authenticator's. */
async function answerToToken(draft: TokenReview, tokens: ServiceAccountTokens, remarks: Remarks): Promise<void> {
  const { token = '', audiences } = draft.spec ?? {}
  if (token === '') throw badRequest('token is required for TokenReview in authentication')
  const proven = await tokens.authenticate(token, audiences?.length ? audiences : undefined, remarks)
  if (typeof proven !== 'object') {
    draft.status = { error: proven === undefined ? 'invalid bearer token' : `[invalid bearer token, ${proven}]` }
    return
  }
  const { name, uid, groups, extra } = proven.user
  draft.status = {
    authenticated: true,
    user: {
      username: name,
      ...(uid ? { uid } : {}),
      groups: [...groups],
      ...(extra ? { extra: shownExtra(extra) } : {}),
    },
    audiences: [...proven.audiences],
  }
}

function answerTo(authorizer: Authorizer, user: User, spec: SelfSubjectAccessReview['spec']) {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec
  const { allowed, reason } = authorizer.authorize(user, (resource ? { resource } : { path: path! }) as Attributes)
  return { allowed, ...(reason ? { reason } : {}) }
}

function userOf({ user = '', uid, groups = [], extra }: SubjectAccessReview['spec']): User {
  return { name: user, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }
}

const shownExtra = (extra: NonNullable<User['extra']>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]))

function review<T extends KubeObject>(kind: Kind<T>, answer: Answer<T>): Review {
  return { kind, answer: answer as unknown as Answer<KubeObject> }
}
