// May they? Asked by the reviews (reviews.ts). There are no roles yet: whoever the server knows may do everything, which is
// also why nothing else asks.

import type { NonResourceAttributes, ResourceAttributes, SubjectRulesReviewStatus } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { User } from '../registry/registry.ts'

/** What somebody would do: to a resource, or to a path that is none. */
export type Attributes =
  | { readonly resource: Frozen<ResourceAttributes> }
  | { readonly path: Frozen<NonResourceAttributes> }

export interface Decision {
  readonly allowed: boolean
  /** For people; absent where there is nothing to say. */
  readonly reason?: string
}

export function authorize(user: User, _attributes: Attributes): Decision {
  return { allowed: isKnown(user) }
}

/** All that `authorize` would say yes to in a namespace. */
export function rulesFor(user: User, _namespace: string): SubjectRulesReviewStatus {
  if (!isKnown(user)) return { resourceRules: [], nonResourceRules: [], incomplete: false }
  return {
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    incomplete: false,
  }
}

function isKnown({ groups }: User): boolean {
  return groups.includes('system:masters') || groups.includes('system:authenticated')
}
