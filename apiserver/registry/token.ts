// The subresource `token` of service accounts: a TokenRequest comes back with its answer, and nothing is stored. Called by
// registry.ts; the answer is given to it (auth/token-requests.ts).

import type { ServiceAccount, AuthenticationV1TokenRequest as TokenRequest } from '../../generated/types.ts'
import { freeze } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import type { WriteOptions } from '../../src/client/client.ts'
import { admitted } from './acting.ts'
import { type Collection, readingOf } from './collection.ts'
import { matchName, matchNamespace } from './metadata.ts'
import { get } from './read.ts'
import type { RequestInfo, Wrote } from './registry.ts'
import { decodeBody } from './validate.ts'

/** Fills in what was left open, and the status. Throws ApiError. */
export type AnswerTokenRequest = (account: Frozen<ServiceAccount>, request: TokenRequest) => Promise<void>

const requestKind = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' }

export async function requestToken(
  collection: Collection,
  ref: Ref,
  body: unknown,
  options: WriteOptions,
  info: RequestInfo,
  answer: AnswerTokenRequest,
): Promise<Wrote> {
  const decoded = decodeBody(requestKind, body, options.fieldValidation ?? 'Warn', info.warn)
  const sent = decoded as unknown as TokenRequest & KubeObject
  sent.metadata ??= {} as TokenRequest['metadata'] & KubeObject['metadata']
  const request = await admitted(collection, ref, 'token', sent, options, info)
  request.spec ??= { audiences: [] }
  if (request.metadata.name) matchName(request, ref)
  matchNamespace(collection.kind, request.metadata, ref.namespace)
  const { object } = get(collection, ref, undefined)
  await answer(object as unknown as Frozen<ServiceAccount>, request)
  info.annotate?.('authentication.kubernetes.io/issued-credential-id', `JTI=${idOf(request.status?.token ?? '')}`)
  return { reading: readingOf(freeze(request) as Frozen<KubeObject>), code: 201 }
}

/** Of a token that has just been made, by which the log names it (pkg/serviceaccount/claims.go). */
function idOf(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti?: string }
  return claims.jti ?? ''
}
