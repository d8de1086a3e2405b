// Tokens of service accounts: signed by the cluster's key, bound to what they were asked for, and good only while account and
// bound object are there. Issued to TokenRequests (token-requests.ts) and to Secrets (controllers/serviceaccount-tokens.ts),
// asked by authentication.ts and TokenReviews. Upstream: pkg/serviceaccount (jwt.go, claims.go, legacy.go, openidmetadata.go).

import type { Secret, ServiceAccount } from '../../generated/types.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { parseTime } from '../../src/api/time.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import type { Random } from '../../src/env/random.ts'
import { invalidSinceLabel } from '../../src/kinds/legacy-tokens.ts'
import type { User } from '../registry/registry.ts'
import { keyOf } from '../storage/keys.ts'
import type { Storage } from '../storage/storage.ts'
import type { SigningKey } from './service-account-keys.ts'

/** What a token is good for: as the one who has it, and for whom of those that were asked for. */
export interface Proven {
  readonly user: User
  readonly audiences: readonly string[]
}

/** Takes what is to be said of a token beside whose it is: to who sent it, and to the audit log. */
export interface Remarks {
  warn(text: string): void
  readonly annotate?: ((key: string, value: string) => void) | undefined
}

export type BoundKind = 'pod' | 'secret' | 'node'

export interface Bound {
  readonly kind: BoundKind
  readonly name: string
  readonly uid: string
  /** Where a bound pod is; its uid is absent when nobody knows that node. */
  readonly node?: { readonly name: string; readonly uid?: string } | undefined
}

export interface TokenTerms {
  readonly audiences: readonly string[]
  readonly seconds: number
  readonly bound?: Bound | undefined
  /** From then on its use is told as stale. */
  readonly warnAfterSeconds?: number | undefined
}

export interface ServiceAccountTokensOptions {
  readonly env: Env
  readonly storage: Storage
  /** Called once, when a token is issued or read for the first time. */
  readonly key: () => SigningKey
  /** Told of each use of a Secret's token; what it promises is waited for. */
  readonly used?: (secret: Frozen<Secret>) => Promise<void> | undefined
}

/** As kubeadm sets --service-account-issuer; also the API server's own audience. */
export const issuer = 'https://kubernetes.default.svc.cluster.local'
const legacyIssuer = 'kubernetes/serviceaccount'

/** How far clocks may differ (go-jose's DefaultLeeway). */
const leeway: Millis = 60_000
/** Signatures that hold are not looked at again; a flood of tokens forgets the oldest. */
const mostKnown = 10_000

interface Ref {
  readonly name?: string
  readonly uid?: string
}

interface Claims {
  readonly iss?: string
  readonly sub?: string
  readonly aud?: string | readonly string[]
  readonly exp?: number
  readonly nbf?: number
  readonly iat?: number
  readonly jti?: string
  readonly 'kubernetes.io'?: {
    readonly namespace?: string
    readonly serviceaccount?: Ref
    readonly pod?: Ref
    readonly secret?: Ref
    readonly node?: Ref
  }
}

export class ServiceAccountTokens {
  readonly #env: Env
  readonly #storage: Storage
  readonly #random: Random
  readonly #makeKey: () => SigningKey
  #madeKey: SigningKey | undefined
  readonly #used: ServiceAccountTokensOptions['used']
  readonly #known = new Map<string, Claims>()

  constructor({ env, storage, key, used }: ServiceAccountTokensOptions) {
    this.#env = env
    this.#storage = storage
    this.#random = env.random.fork('service-account-tokens')
    this.#makeKey = key
    this.#used = used
  }

  get #key(): SigningKey {
    this.#madeKey ??= this.#makeKey()
    return this.#madeKey
  }

  /** A token for the account, from now on. */
  async issue({ metadata }: Frozen<ServiceAccount>, terms: TokenTerms): Promise<string> {
    const now = Math.floor(this.#env.clock.now() / 1000)
    const { namespace, name, uid } = metadata
    const { bound, warnAfterSeconds } = terms
    const node = bound?.kind === 'node' ? { name: bound.name, uid: bound.uid } : bound?.node
    return this.#signed({
      aud: terms.audiences,
      exp: now + terms.seconds,
      iat: now,
      iss: issuer,
      jti: this.#random.uid(),
      'kubernetes.io': {
        namespace,
        ...(node ? { node } : {}),
        ...(bound && bound.kind !== 'node' ? { [bound.kind]: { name: bound.name, uid: bound.uid } } : {}),
        serviceaccount: { name, uid },
        ...(warnAfterSeconds === undefined ? {} : { warnafter: now + warnAfterSeconds }),
      },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${name}`,
    })
  }

  /** The token that a Secret of type service-account-token holds: it never ends, but with its Secret. */
  issueForSecret(account: Frozen<ServiceAccount>, secret: Frozen<Secret>): Promise<string> {
    return this.#signed(legacyClaims(account, secret))
  }

  /**
   * Whose token it is; a sentence when it is one of ours and does not hold; undefined when it is none of ours.
   * `wanted`: the audiences that will do; default: the API server's.
   */
  authenticate(
    token: string,
    wanted: readonly string[] = [issuer],
    remarks?: Remarks,
  ): Proven | string | undefined | Promise<Proven | string | undefined> {
    const known = this.#known.get(token)
    if (known !== undefined) return this.#judge(token, known, wanted, remarks)
    const from = issuerOf(token)
    if (from !== issuer && from !== legacyIssuer) return undefined
    return this.#verify(token, wanted, remarks)
  }

  /** For /openid/v1/jwks. */
  keySet(): object {
    const { kty, crv, x, y } = this.#key.public.export({ format: 'jwk' })
    return { keys: [{ use: 'sig', kty, kid: this.#key.id, crv, alg: this.#key.algorithm, x, y }] }
  }

  /** For /.well-known/openid-configuration. `server`: where the API server is reached from outside. */
  configuration(server: string): object {
    return {
      issuer,
      jwks_uri: `${server}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [this.#key.algorithm],
    }
  }

  async #signed(claims: Record<string, unknown>): Promise<string> {
    const { SignJWT } = await import('jose')
    const { algorithm, id, private: key } = this.#key
    return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: id }).sign(key)
  }

  async #verify(
    token: string,
    wanted: readonly string[],
    remarks: Remarks | undefined,
  ): Promise<Proven | string | undefined> {
    const { compactVerify, decodeProtectedHeader } = await import('jose')
    const { algorithm, id, public: key } = this.#key
    let claims: Claims
    try {
      const { alg, kid } = decodeProtectedHeader(token)
      if (alg !== algorithm) return undefined
      if (kid !== undefined && kid !== id) return 'invalid signature, no keys found'
      const { payload } = await compactVerify(token, key, { algorithms: [algorithm] })
      claims = JSON.parse(new TextDecoder().decode(payload)) as Claims
    } catch {
      return 'error in cryptographic primitive'
    }
    if (this.#known.size >= mostKnown) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(token, claims)
    return this.#judge(token, claims, wanted, remarks)
  }

  /** What may have changed since it was signed. */
  #judge(
    token: string,
    claims: Claims,
    wanted: readonly string[],
    remarks: Remarks | undefined,
  ): Proven | string | Promise<Proven | string> {
    const own = claims.aud === undefined ? [issuer] : [claims.aud].flat()
    const audiences = own.filter(each => wanted.includes(each))
    if (audiences.length === 0) {
      return `token audiences ${quoted(own)} is invalid for the target audiences ${quoted(wanted)}`
    }
    if (claims.iss === legacyIssuer) return this.#judgeLegacy(token, claims, audiences, remarks)
    const user = this.#boundUser(claims, this.#env.clock.now())
    return typeof user === 'string' ? user : { user, audiences }
  }

  #boundUser(claims: Claims, now: Millis): User | string {
    const { exp, nbf, iat, jti, 'kubernetes.io': about = {} } = claims
    if (exp !== undefined && now - leeway > exp * 1000) return 'service account token has expired'
    if (nbf !== undefined && now + leeway < nbf * 1000) return 'service account token is not valid yet'
    if (iat !== undefined && now + leeway < iat * 1000) {
      return 'service account token claims could not be validated due to unexpected validation error'
    }
    const { namespace = '', serviceaccount = {}, pod, secret, node } = about
    const account = this.#find('serviceaccounts', serviceaccount.name ?? '', namespace)
    if (account === undefined) return `serviceaccounts ${JSON.stringify(serviceaccount.name ?? '')} not found`
    if (isGone(account, now)) return `service account ${namespace}/${serviceaccount.name} has been deleted`
    if (account.metadata.uid !== serviceaccount.uid) {
      return `service account UID (${account.metadata.uid}) does not match claim (${serviceaccount.uid})`
    }
    for (const [plural, ref, word] of [
      ['secrets', secret, 'secret'],
      ['pods', pod, 'pod'],
      ['nodes', pod === undefined && secret === undefined ? node : undefined, 'node'],
    ] as const) {
      if (ref === undefined) continue
      const found = this.#find(plural, ref.name ?? '', plural === 'nodes' ? undefined : namespace)
      if (found === undefined || isGone(found, now)) return 'service account token has been invalidated'
      if (found.metadata.uid !== ref.uid) {
        return `${word} UID (${found.metadata.uid}) does not match service account ${word} ref claim (${ref.uid})`
      }
    }
    const extra = {
      ...(pod ? { [`${prefix}pod-name`]: [pod.name ?? ''], [`${prefix}pod-uid`]: [pod.uid ?? ''] } : {}),
      ...(jti === undefined ? {} : { [`${prefix}credential-id`]: [`JTI=${jti}`] }),
      ...(node ? { [`${prefix}node-name`]: [node.name ?? ''] } : {}),
      ...(node?.uid ? { [`${prefix}node-uid`]: [node.uid] } : {}),
    }
    return { ...userOf(account), ...(Object.keys(extra).length > 0 ? { extra } : {}) }
  }

  /** Its use is noted, also of one that is not let in any more. */
  #judgeLegacy(
    token: string,
    claims: Claims,
    audiences: readonly string[],
    remarks: Remarks | undefined,
  ): Proven | string | Promise<Proven | string> {
    const found = this.#legacyHolders(token, claims)
    if (typeof found === 'string') return found
    const { secret, account } = found
    const { name, namespace, labels } = secret.metadata
    let told: Proven | string
    if (labels?.[invalidSinceLabel]) {
      remarks?.annotate?.(`${auditPrefix}legacy-token-invalidated`, `${name}/${namespace}`)
      told = `the token in secret ${namespace}/${name} for service account ${namespace}/${account.metadata.name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSinceLabel}' label from the secret to temporarily allow use of this token`
    } else {
      const isGenerated = account.secrets?.some(each => each.name === name) ?? false
      if (isGenerated) remarks?.warn(generatedWarning)
      remarks?.annotate?.(`${auditPrefix}legacy-token-${isGenerated ? 'autogenerated' : 'manual'}-secret`, name ?? '')
      told = { user: userOf(account), audiences }
    }
    const noting = this.#used?.(secret)
    return noting === undefined ? told : noting.then(() => told)
  }

  #legacyHolders(
    token: string,
    claims: Claims,
  ): { readonly secret: Frozen<Secret>; readonly account: Frozen<ServiceAccount> } | string {
    const said = claims as Readonly<Record<string, string | undefined>>
    const claim = (name: string): string => said[`kubernetes.io/serviceaccount/${name}`] ?? ''
    const [namespace, name, uid] = [claim('namespace'), claim('service-account.name'), claim('service-account.uid')]
    if (claims.sub !== `system:serviceaccount:${namespace}:${name}`) return 'sub claim is invalid'
    const secret = this.#find('secrets', claim('secret.name'), namespace) as Frozen<Secret> | undefined
    if (secret === undefined || secret.metadata.deletionTimestamp !== undefined) {
      return 'service account token has been invalidated'
    }
    if (Buffer.from(secret.data?.token ?? '', 'base64').toString() !== token) {
      return "service account token does not match server's copy"
    }
    const account = this.#find('serviceaccounts', name, namespace) as Frozen<ServiceAccount> | undefined
    if (account === undefined) return `serviceaccounts ${JSON.stringify(name)} not found`
    if (account.metadata.deletionTimestamp !== undefined) {
      return `service account ${namespace}/${name} has been deleted`
    }
    if (account.metadata.uid !== uid) {
      return `service account UID (${account.metadata.uid}) does not match claim (${uid})`
    }
    return { secret, account }
  }

  #find(plural: string, name: string, namespace: string | undefined): Frozen<KubeObject> | undefined {
    const namespaced = namespace !== undefined
    return this.#storage.get(keyOf({ group: '', plural, namespaced }, { name, ...(namespaced ? { namespace } : {}) }))
      ?.object
  }
}

/** What the token says that a Secret holds. */
export function legacyClaims(
  { metadata: { namespace, name, uid } }: Frozen<ServiceAccount>,
  secret: Frozen<Secret>,
): Record<string, unknown> {
  return {
    iss: legacyIssuer,
    'kubernetes.io/serviceaccount/namespace': namespace,
    'kubernetes.io/serviceaccount/secret.name': secret.metadata.name,
    'kubernetes.io/serviceaccount/service-account.name': name,
    'kubernetes.io/serviceaccount/service-account.uid': uid,
    sub: `system:serviceaccount:${namespace}:${name}`,
  }
}

const prefix = 'authentication.kubernetes.io/'
const auditPrefix = 'authentication.k8s.io/'

const generatedWarning =
  'Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens.'

/** Deleted so long ago that no clock can be the reason. */
function isGone({ metadata }: Frozen<KubeObject>, now: Millis): boolean {
  return metadata.deletionTimestamp !== undefined && parseTime(metadata.deletionTimestamp) < now - leeway
}

function userOf({ metadata }: Frozen<KubeObject>): User {
  const { name, namespace, uid } = metadata
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  }
}

/** Who says that he has signed it; nothing is believed yet. */
function issuerOf(token: string): string | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  try {
    return (JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()) as Claims | null)?.iss
  } catch {
    return undefined
  }
}

const quoted = (list: readonly string[]): string => `[${list.map(each => JSON.stringify(each)).join(' ')}]`
