// May somebody approve for a signer, sign as it, or attest its trust bundle? Asked of whoever authorizes, by the plugins about
// certificates (plugin/pkg/admission/certificates/util.go, IsAuthorizedForSignerName).

import type { Attributes, Decision } from '../auth/authorization.ts'
import type { User } from '../registry/registry.ts'

/** The authorizer, as far as admission asks it. */
export type Authorize = (user: User, attributes: Attributes) => Pick<Decision, 'allowed'>

export type SignerVerb = 'approve' | 'sign' | 'attest'

/** For the signer itself, or for all of its domain: `example.com/*`. */
export function mayForSigner(authorize: Authorize, user: User, verb: SignerVerb, signer: string): boolean {
  const asked = (name: string): Attributes => ({
    resource: { verb, name, group: 'certificates.k8s.io', version: '*', resource: 'signers' },
  })
  const domain = signer.split('/')[0]!
  return authorize(user, asked(signer)).allowed || authorize(user, asked(`${domain}/*`)).allowed
}
