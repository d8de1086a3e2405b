// Who is asking: a client certificate signed by the cluster's authority, or a bearer token; without either, nobody in
// particular. Called once a request by http/answering.ts; what a connection's certificate says is read once a connection.
// Upstream: k8s.io/apiserver/pkg/authentication/request (x509, bearertoken, anonymous, union).

import type { PeerCertificate, TLSSocket } from 'node:tls'
import { ApiError } from '../../src/api/errors.ts'
import type { User } from '../registry/registry.ts'
import type { Proven, Remarks, ServiceAccountTokens } from './service-account-tokens.ts'

/** Whom a token speaks for. Undefined: nobody knows it. A string says why it does not hold. */
export type TokenAuthenticator = (token: string, remarks?: Remarks) => Told | Promise<Told>
type Told = User | string | undefined

export interface AuthenticationOptions {
  /** Bearer tokens and whom each speaks for. */
  readonly tokens?: ReadonlyMap<string, User> | undefined
  /** Asked about the tokens that are not among those. */
  readonly serviceAccounts?: Pick<ServiceAccountTokens, 'authenticate'> | undefined
}

/** What of a request tells who asks. `connection` is what lives as long as the TLS connection does. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly socket: Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>
  readonly connection: object
  /** Where to say what is to be said of a token. */
  readonly remarks?: Remarks | undefined
}

/** At once, but for a token that nobody has looked at before. */
export type Authenticate = (credentials: Credentials) => User | Promise<User>

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** Throws ApiError Unauthorized for credentials that do not hold; who brings none is anonymous. */
export function createAuthenticator(options: AuthenticationOptions = {}): Authenticate {
  const byConnection = new WeakMap<object, User | 'none' | 'foreign'>()
  const ofToken = tokenAuthenticator(options)

  function certified({ socket, connection }: Credentials): User | 'none' | 'foreign' {
    let user = byConnection.get(connection)
    if (user === undefined) {
      const certificate = socket.getPeerCertificate()
      if (socket.authorized) user = userOf(certificate) ?? 'none'
      else user = certificate?.raw === undefined ? 'none' : 'foreign'
      byConnection.set(connection, user)
    }
    return user
  }

  return credentials => {
    // As upstream's union authenticator: a certificate first, then a token.
    const user = certified(credentials)
    if (typeof user === 'object') return user
    const token = bearerToken(credentials.headers.authorization)
    if (token !== undefined) {
      const told = ofToken(token, credentials.remarks)
      return told instanceof Promise ? told.then(known) : known(told)
    }
    if (user === 'foreign') throw unauthorized()
    return anonymous
  }
}

/** Throws ApiError Unauthorized: why is not told to whom it may not concern. */
function known(told: Told): User {
  if (typeof told === 'object') return told
  throw unauthorized()
}

const unauthorized = (): ApiError => new ApiError('Unauthorized', 'Unauthorized')

function tokenAuthenticator({ tokens, serviceAccounts }: AuthenticationOptions): TokenAuthenticator {
  return (token, remarks) => {
    const user = tokens?.get(token)
    if (user !== undefined || serviceAccounts === undefined) return user
    const proven = serviceAccounts.authenticate(token, undefined, remarks)
    return proven instanceof Promise ? proven.then(userOfProven) : userOfProven(proven)
  }
}

const userOfProven = (proven: Proven | string | undefined): Told => (typeof proven === 'object' ? proven.user : proven)

/** The CN is the user's name, each O a group (k8s.io/apiserver/pkg/authentication/request/x509, CommonNameUserConversion). */
function userOf({ subject }: PeerCertificate): User | undefined {
  if (!subject?.CN) return undefined
  // Several of one attribute come as a list, though the types say a string.
  const organizations = subject.O as unknown as string | string[] | undefined
  const groups = organizations === undefined ? [] : [organizations].flat()
  return { name: [subject.CN].flat()[0]!, groups: [...groups, 'system:authenticated'] }
}

/** The second word, if the first is "bearer"; nothing when there are two spaces between them (request/bearertoken). */
function bearerToken(header: string | string[] | undefined): string | undefined {
  const text = [header].flat()[0]
  if (text === undefined) return undefined
  const [scheme, token] = text.trim().split(' ', 2)
  return scheme!.toLowerCase() === 'bearer' ? token || undefined : undefined
}
