// Signs approved certificate requests of the signers that are Kubernetes' own, with the cluster's authority; one that asks
// for what its signer does not give has failed. Upstream: pkg/controller/certificates/signer/signer.go,
// pkg/controller/certificates/authority/policies.go.

import type { CertificateSigningRequest } from '../generated/types.ts'
import { isConditionTrue } from '../src/api/conditions.ts'
import type { Frozen } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { CertificateSigningRequests } from '../src/kinds/certificatesigningrequest.ts'
import { type CertificateRequest, requestOfSpec } from '../src/kinds/x509-reading.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { clientFault, kubeletClientFault, kubeletServingFault } from './shared/certificate-usages.ts'

/** Who has the authority's key: a certificate of the request's key, subject and names, as PEM. */
export interface CertificateSigner {
  sign(request: CertificateRequest, terms: CertificateTerms): string
}

export interface CertificateTerms {
  readonly usages: readonly string[]
  readonly notBefore: Millis
  readonly notAfter: Millis
}

const signers: Readonly<
  Record<string, (request: CertificateRequest, usages: readonly string[]) => string | undefined>
> = {
  'kubernetes.io/kube-apiserver-client': (_request, usages) => clientFault(usages),
  'kubernetes.io/kube-apiserver-client-kubelet': kubeletClientFault,
  'kubernetes.io/kubelet-serving': kubeletServingFault,
}

const longest = 365 * 86_400_000
const shortest = 600_000
/** For clocks that go after; a certificate that lives less than eight hours does not end the sooner for it. */
const backdate = 300_000
const short = 8 * 3_600_000

export function certificateSigningController(signer: CertificateSigner): ControllerSpec<CertificateSigningRequest> {
  return defineController<CertificateSigningRequest>({
    name: 'certificatesigningrequest-signing-controller',
    for: CertificateSigningRequests,
    concerns: ({ spec, status }) =>
      Object.hasOwn(signers, spec.signerName) &&
      !status.certificate &&
      isConditionTrue(status.conditions, 'Approved') &&
      !isConditionTrue(status.conditions, 'Failed'),
    async reconcile(csr, { client, clock }) {
      const { request, signerName, usages = [], expirationSeconds } = csr.spec
      const now = clock.now()
      const asked = requestOfSpec(request)
      const fault = signers[signerName]!(asked, usages)
      const status = fault === undefined ? { ...csr.status } : failed(csr, fault, now)
      if (fault === undefined) {
        const life =
          expirationSeconds === undefined ? longest : Math.min(longest, Math.max(shortest, expirationSeconds * 1000))
        const notAfter = now + (life < short ? life : life - backdate)
        const pem = signer.sign(asked, { usages, notBefore: now - backdate, notAfter })
        status.certificate = btoa(pem)
      }
      await client.of(CertificateSigningRequests).updateStatus({ ...csr, status })
    },
  })
}

function failed(
  { status }: Frozen<CertificateSigningRequest>,
  message: string,
  now: Millis,
): {
  -readonly [K in keyof Frozen<CertificateSigningRequest>['status']]: Frozen<CertificateSigningRequest>['status'][K]
} {
  const condition = {
    type: 'Failed',
    status: 'True',
    reason: 'SignerValidationFailure',
    message,
    lastUpdateTime: rfc3339(now),
  }
  return { ...status, conditions: [...(status.conditions ?? []), condition] }
}
