// The variable `authorizer` of expressions: what a user may do, asked of whoever decides it. Given to admission by server.ts.

import { type AuthorizerQuestion, CelAuthorizer } from '../cel/library/authorizer.ts'
import type { User } from '../registry/registry.ts'
import type { Attributes, Authorizer } from './authorization.ts'

export function celAuthorizerOf(user: User, authorizer: Authorizer): CelAuthorizer {
  return new CelAuthorizer(question => {
    const { allowed, reason = '' } = authorizer.authorize(meant(user, question), attributesOf(question))
    return { allowed, reason }
  })
}

function meant(user: User, { serviceAccount }: AuthorizerQuestion): User {
  if (serviceAccount === undefined) return user
  const { namespace, name } = serviceAccount
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  }
}

function attributesOf({ path, verb, group, resource, subresource, namespace, name }: AuthorizerQuestion): Attributes {
  if (path !== undefined) return { path: { path, verb } }
  return {
    resource: {
      verb,
      ...(group ? { group } : {}),
      ...(resource ? { resource } : {}),
      ...(subresource ? { subresource } : {}),
      ...(namespace ? { namespace } : {}),
      ...(name ? { name } : {}),
    },
  }
}
