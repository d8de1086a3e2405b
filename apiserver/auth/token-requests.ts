// What answers a TokenRequest: a token for a service account, bound to a pod, a Secret or a node when that is asked for. Given
// to the registry by server.ts. Upstream: pkg/registry/core/serviceaccount/storage/token.go, pkg/apis/authentication/validation.

import type { Pod, ServiceAccount, AuthenticationV1TokenRequest as TokenRequest } from '../../generated/types.ts'
import { badRequest, conflict, type FieldError, invalid, invalidValue, notFound } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { Env } from '../../src/env/env.ts'
import type { AnswerTokenRequest } from '../registry/registry.ts'
import { keyOf } from '../storage/keys.ts'
import type { Storage } from '../storage/storage.ts'
import { type Bound, issuer, type ServiceAccountTokens } from './service-account-tokens.ts'

const kind = { group: 'authentication.k8s.io', plural: 'tokenrequests', kind: 'TokenRequest' }
/** What the kubelet asks for pods' own tokens: these live a year, for clients that do not read them again. */
const extendable = 3607
const aYear = 365 * 24 * 3600

export function tokenRequests(env: Env, storage: Storage, tokens: ServiceAccountTokens): AnswerTokenRequest {
  return async (account, request) => {
    const { metadata, spec } = request
    spec.expirationSeconds ??= 3600
    const faults = secondsFaults(spec.expirationSeconds)
    if (faults.length > 0) throw invalid(kind, metadata.name ?? '', faults)
    const bound = spec.boundObjectRef && boundTo(storage, account, spec.boundObjectRef)
    if (!spec.audiences?.length) spec.audiences = [issuer]
    const { audiences, expirationSeconds } = spec
    const isExtended = bound?.kind === 'pod' && expirationSeconds === extendable && audiences.join() === issuer
    const token = await tokens.issue(account, {
      audiences,
      seconds: isExtended ? aYear : expirationSeconds,
      bound,
      ...(isExtended ? { warnAfterSeconds: expirationSeconds } : {}),
    })
    const { name, namespace } = account.metadata
    const now = env.clock.now()
    request.metadata = { name, namespace, creationTimestamp: rfc3339(now) } as TokenRequest['metadata']
    request.status = { token, expirationTimestamp: rfc3339(now + expirationSeconds * 1000) }
  }
}

function secondsFaults(seconds: number): FieldError[] {
  const path = 'spec.expirationSeconds'
  if (seconds < 600) return [invalidValue(path, seconds, 'may not specify a duration less than 10 minutes')]
  if (seconds > 2 ** 32) return [invalidValue(path, seconds, 'may not specify a duration larger than 2^32 seconds')]
  return []
}

function boundTo(
  storage: Storage,
  { metadata }: Frozen<ServiceAccount>,
  ref: NonNullable<TokenRequest['spec']['boundObjectRef']>,
): Bound {
  const { apiVersion = '', kind: word = '', name = '', uid = '' } = ref
  const plural = apiVersion === 'v1' ? { Pod: 'pods', Secret: 'secrets', Node: 'nodes' }[word] : undefined
  if (plural === undefined) {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/', 2) : ['', apiVersion]
    throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${word}`)
  }
  const place = plural === 'nodes' ? { name } : { name, namespace: metadata.namespace }
  const found = storage.get(keyOf({ group: '', plural, namespaced: plural !== 'nodes' }, place))?.object
  if (found === undefined) throw notFound({ group: '', plural, kind: word }, name)
  const pod = plural === 'pods' ? (found as unknown as Frozen<Pod>) : undefined
  if (pod && pod.spec.serviceAccountName !== metadata.name) {
    const [own, its] = [metadata.name, pod.spec.serviceAccountName ?? ''].map(each => JSON.stringify(each))
    throw badRequest(`cannot bind token for serviceaccount ${own} to pod running with serviceaccount ${its}`)
  }
  if (uid !== '' && uid !== found.metadata.uid) {
    throw conflict(
      { group: '', plural: word, kind: word },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  }
  return {
    kind: word.toLowerCase() as Bound['kind'],
    name,
    uid: found.metadata.uid ?? '',
    node: pod?.spec.nodeName ? nodeOf(storage, pod.spec.nodeName) : undefined,
  }
}

function nodeOf(storage: Storage, name: string): Bound['node'] {
  const uid = storage.get(keyOf({ group: '', plural: 'nodes' }, { name }))?.object.metadata.uid
  return uid === undefined ? { name } : { name, uid }
}
