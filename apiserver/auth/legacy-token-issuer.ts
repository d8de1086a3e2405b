// Signs the tokens that Secrets hold with a key of one's own, in a process that is no API server: as kube-controller-manager's
// --service-account-private-key-file. Made by src/component.ts. Upstream: pkg/serviceaccount/jwt.go (signerFromPrivateKey), legacy.go.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { Secret, ServiceAccount } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { keyIdOf } from './service-account-keys.ts'
import { legacyClaims } from './service-account-tokens.ts'

/** `pem`: the private key. Throws when it is none that tokens are signed with. */
export function legacyTokenIssuer(
  pem: string,
): (account: Frozen<ServiceAccount>, secret: Frozen<Secret>) => Promise<string> {
  const key = createPrivateKey(pem)
  const alg = algorithmOf(key)
  if (alg === undefined) throw new Error('it is neither an RSA key nor one on the curves P-256, P-384 and P-521')
  const kid = keyIdOf(createPublicKey(key))
  return async (account, secret) => {
    const { SignJWT } = await import('jose')
    return new SignJWT(legacyClaims(account, secret)).setProtectedHeader({ alg, kid }).sign(key)
  }
}

const curves: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  if (asymmetricKeyType === 'rsa') return 'RS256'
  return asymmetricKeyType === 'ec' ? curves[asymmetricKeyDetails?.namedCurve ?? ''] : undefined
}
