// Who is asking: a client certificate signed by the cluster's authority, or a bearer token. Called once a request by
// http/app.ts; what a connection's certificate says is read once a connection.

import type { PeerCertificate, TLSSocket } from 'node:tls'
import { ApiError, badRequest } from '../../src/api/errors.ts'
import type { User } from '../registry/registry.ts'

export interface AuthenticationOptions {
  /** Bearer tokens and whom each speaks for. */
  readonly tokens?: ReadonlyMap<string, User>
}

/** What of a request tells who asks. `connection` is what lives as long as the TLS connection does. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly socket: Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>
  readonly connection: object
}

export type Authenticate = (credentials: Credentials) => User

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

const masters = 'system:masters'

/** Throws ApiError Unauthorized when nobody is named, Forbidden when someone may not be impersonated. */
export function createAuthenticator(options: AuthenticationOptions = {}): Authenticate {
  const byConnection = new WeakMap<object, User | 'none'>()

  function certified({ socket, connection }: Credentials): User | undefined {
    let user = byConnection.get(connection)
    if (user === undefined) {
      user = (socket.authorized && userOf(socket.getPeerCertificate())) || 'none'
      byConnection.set(connection, user)
    }
    return user === 'none' ? undefined : user
  }

  return credentials => {
    const { headers } = credentials
    const token = bearerToken(headers.authorization)
    // As upstream's union authenticator: a certificate first, then a token; a token that nobody knows is refused.
    const user = certified(credentials) ?? (token === undefined ? undefined : options.tokens?.get(token))
    if (user === undefined) throw new ApiError('Unauthorized', 'Unauthorized')
    if (headers['impersonate-user'] !== undefined) return impersonated(user, headers)
    if (headers['impersonate-group'] !== undefined || headers['impersonate-uid'] !== undefined) {
      throw badRequest('requested groups or a UID without impersonating a user')
    }
    return user
  }
}

/** The CN is the user's name, each O a group (k8s.io/apiserver/pkg/authentication/request/x509, CommonNameUserConversion). */
function userOf({ subject }: PeerCertificate): User | undefined {
  if (!subject?.CN) return undefined
  // Several of one attribute come as a list, though the types say a string.
  const organizations = subject.O as unknown as string | string[] | undefined
  const groups = organizations === undefined ? [] : [organizations].flat()
  return { name: [subject.CN].flat()[0]!, groups: [...groups, 'system:authenticated'] }
}

function bearerToken(header: string | string[] | undefined): string | undefined {
  const match = /^Bearer +(\S+)$/i.exec([header].flat()[0] ?? '')
  return match?.[1]
}

function impersonated(user: User, headers: Credentials['headers']): User {
  const name = [headers['impersonate-user']].flat()[0] ?? ''
  if (!user.groups.includes(masters)) {
    const why = `User "${user.name}" cannot impersonate resource "users" in API group "" at the cluster scope`
    throw new ApiError('Forbidden', `users "${name}" is forbidden: ${why}`, { name, kind: 'users' })
  }
  const groups = [headers['impersonate-group'] ?? []].flat().flatMap(value => value.split(', '))
  const uid = [headers['impersonate-uid']].flat()[0]
  return { name, groups: [...new Set([...groups, 'system:authenticated'])], ...(uid ? { uid } : {}) }
}
