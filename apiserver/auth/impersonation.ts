// Impersonate-* headers: who speaks as another needs to be allowed each name, group, UID and extra of his. Called by
// http/answering.ts between authentication and authorization. Upstream: k8s.io/apiserver/pkg/endpoints/filters/impersonation.go.

import { badRequest } from '../../src/api/errors.ts'
import type { User } from '../registry/registry.ts'
import { type Asked, type Authorizer, refused } from './authorization.ts'

const serviceAccount = /^system:serviceaccount:([^:]+):([^:]+)$/
const extraPrefix = 'impersonate-extra-'

/** Whether there is anything to do: nearly every request ends here. */
export function isImpersonating(headers: Readonly<Record<string, unknown>>): boolean {
  for (const name in headers) {
    if (name.charCodeAt(0) === 0x69 && name.startsWith('impersonate-')) return true
  }
  return false
}

/**
 * `raw`: names and values by turns, as they were sent: the parsed ones join what comes twice. Throws ApiError Forbidden for
 * what may not be taken on.
 */
export function impersonated(user: User, raw: readonly string[], authorizer: Authorizer): User {
  const said = readHeaders(raw)
  if (said.name === '') {
    const asked = [
      ...said.groups.map(name => `{Group    ${name}  rbac.authorization.k8s.io/v1 }`),
      ...Object.entries(said.extra).flatMap(([key, values]) => values.map(value => `{UserExtra  ${value} ${key}}`)),
      ...(said.uid ? [`{UID  ${said.uid}}`] : []),
    ]
    if (asked.length === 0) return user
    throw badRequest(`requested [${asked.join(' ')}] without impersonating a user`)
  }
  const require = (asked: Partial<Asked>): void => {
    const whole = { ...impersonating, ...asked }
    const { allowed, reason } = authorizer.decide(user, whole)
    if (!allowed) throw refused(user, whole, reason)
  }
  const account = serviceAccount.exec(said.name)
  if (account) require({ resource: 'serviceaccounts', namespace: account[1]!, name: account[2]! })
  else require({ resource: 'users', name: said.name })
  for (const name of said.groups) require({ resource: 'groups', name })
  for (const [key, values] of Object.entries(said.extra)) {
    for (const name of values) {
      require({ resource: 'userextras', subresource: key, group: 'authentication.k8s.io', name })
    }
  }
  if (said.uid) require({ resource: 'uids', group: 'authentication.k8s.io', name: said.uid })
  return {
    name: said.name,
    ...(said.uid ? { uid: said.uid } : {}),
    groups: groupsOf(said.name, said.groups, account?.[1]),
    ...(Object.keys(said.extra).length > 0 ? { extra: said.extra } : {}),
  }
}

const impersonating: Asked = {
  isResource: true,
  path: '',
  verb: 'impersonate',
  group: '',
  version: 'v1',
  namespace: '',
  resource: '',
  subresource: '',
  name: '',
}

/** A service account is in its own groups unless others are named; whoever is not anonymous is authenticated. */
function groupsOf(name: string, named: readonly string[], namespace: string | undefined): string[] {
  const groups =
    namespace !== undefined && named.length === 0
      ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
      : [...named]
  const isAnonymous = name === 'system:anonymous'
  const must = isAnonymous ? 'system:unauthenticated' : 'system:authenticated'
  if (!groups.includes('system:authenticated') && !groups.includes('system:unauthenticated')) groups.push(must)
  return groups
}

interface Said {
  name: string
  uid: string
  readonly groups: string[]
  readonly extra: Record<string, string[]>
}

function readHeaders(raw: readonly string[]): Said {
  const said: Said = { name: '', uid: '', groups: [], extra: Object.create(null) }
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const header = raw[at]!.toLowerCase()
    const value = raw[at + 1]!
    if (header === 'impersonate-user') said.name ||= value
    else if (header === 'impersonate-uid') said.uid ||= value
    else if (header === 'impersonate-group') said.groups.push(value)
    else if (header.startsWith(extraPrefix)) {
      const key = decodedKey(header.slice(extraPrefix.length))
      said.extra[key] ??= []
      said.extra[key].push(value)
    }
  }
  return said
}

/** Keys may be percent-encoded, as header names cannot hold a slash. */
function decodedKey(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
