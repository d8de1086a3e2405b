// CertificateApproval: who approves or denies a certificate request must be allowed to for its signer
// (plugin/pkg/admission/certificates/approval/admission.go).

import type { CertificateSigningRequest } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { CertificateSigningRequests } from '../../src/kinds/certificatesigningrequest.ts'
import type { Admission } from './admission.ts'
import { type Authorize, mayForSigner } from './signer-permission.ts'

export const certificateApproval = (authorize: Authorize): Admission => ({
  name: 'CertificateApproval',
  concerns: kind => kind === CertificateSigningRequests,
  check(_next, { kind, name, operation, subresource, user, old }) {
    if (operation !== 'UPDATE' || subresource !== 'approval') return
    // Of what is stored: the signer that somebody writes beside his approval does not count.
    const { signerName } = (old as Frozen<CertificateSigningRequest>).spec
    if (mayForSigner(authorize, user, 'approve', signerName)) return
    throw forbidden(kind, name, `user not permitted to approve requests with signerName "${signerName}"`)
  },
})
