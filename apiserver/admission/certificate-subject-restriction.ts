// CertificateSubjectRestriction: nobody asks the signer of API clients for a certificate of the group that may do everything
// (plugin/pkg/admission/certificates/subjectrestriction/admission.go).

import type { CertificateSigningRequest } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { CertificateSigningRequests } from '../../src/kinds/certificatesigningrequest.ts'
import { requestOfSpec } from '../../src/kinds/x509-reading.ts'
import type { Admission } from './admission.ts'

const signer = 'kubernetes.io/kube-apiserver-client'
const masters = 'system:masters'

export const certificateSubjectRestriction: Admission = {
  name: 'CertificateSubjectRestriction',
  concerns: kind => kind === CertificateSigningRequests,
  check(next, { kind, name, operation, subresource }) {
    if (operation !== 'CREATE' || subresource !== undefined) return
    const { spec } = next as Frozen<CertificateSigningRequest>
    // What cannot be read has been found at fault by the kind's own rules.
    if (spec.signerName !== signer || !requestOfSpec(spec.request).subject.organizations.includes(masters)) return
    throw forbidden(kind, name, `use of ${signer} signer with ${masters} group is not allowed`)
  },
}
