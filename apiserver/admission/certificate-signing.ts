// CertificateSigning: who gives a certificate to a request, or says how its signing went, must be allowed to sign as its signer
// (plugin/pkg/admission/certificates/signing/admission.go).

import type { CertificateSigningRequest, V1beta1PodCertificateRequest } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { CertificateSigningRequests } from '../../src/kinds/certificatesigningrequest.ts'
import { PodCertificateRequests } from '../../src/kinds/podcertificaterequest.ts'
import type { Admission } from './admission.ts'
import { type Authorize, mayForSigner } from './signer-permission.ts'

type Request = Frozen<CertificateSigningRequest>

export const certificateSigning = (authorize: Authorize): Admission => ({
  name: 'CertificateSigning',
  concerns: kind => kind === CertificateSigningRequests || kind === PodCertificateRequests,
  check(next, { kind, name, operation, subresource, user, old }) {
    if (operation !== 'UPDATE' || subresource !== 'status') return
    const before = old as Request | Frozen<V1beta1PodCertificateRequest>
    if (kind === CertificateSigningRequests) {
      const [status, was] = [(next as Request).status, (before as Request).status]
      const isSame = status.certificate === was.certificate && jsonEqual(status.conditions ?? [], was.conditions ?? [])
      if (isSame) return
    } else if (jsonEqual((next as typeof before).status, before.status)) return
    const { signerName } = before.spec
    if (mayForSigner(authorize, user, 'sign', signerName)) return
    throw forbidden(kind, name, `user not permitted to sign requests with signerName "${signerName}"`)
  },
})
