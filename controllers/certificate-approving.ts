// Approves what nodes ask of themselves: a kubelet's client certificate, when whoever asks may have it. Upstream:
// pkg/controller/certificates/approver/sarapprove.go.

import type { CertificateSigningRequest, SubjectAccessReview } from '../generated/types.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { CertificateSigningRequests } from '../src/kinds/certificatesigningrequest.ts'
import { SubjectAccessReviews } from '../src/kinds/reviews.ts'
import { requestOfSpec } from '../src/kinds/x509-reading.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { kubeletClientFault } from './shared/certificate-usages.ts'

type Csr = Frozen<CertificateSigningRequest>

const signerName = 'kubernetes.io/kube-apiserver-client-kubelet'

export function certificateApprovingController(): ControllerSpec<CertificateSigningRequest> {
  return defineController<CertificateSigningRequest>({
    name: 'certificatesigningrequest-approving-controller',
    for: CertificateSigningRequests,
    concerns: ({ spec, status }) =>
      spec.signerName === signerName &&
      !status.certificate &&
      !status.conditions?.some(({ type }) => type === 'Approved' || type === 'Denied'),
    async reconcile(csr, context) {
      const request = requestOfSpec(csr.spec.request)
      if (kubeletClientFault(request, csr.spec.usages ?? []) !== undefined) return
      const isSelf = csr.spec.username === request.subject.commonName
      for (const subresource of isSelf ? ['selfnodeclient', 'nodeclient'] : ['nodeclient']) {
        if (!(await mayHave(csr, subresource, context))) continue
        const whose = subresource === 'selfnodeclient' ? 'self kubelet' : 'kubelet'
        const message = `Auto approving ${whose} client certificate after SubjectAccessReview.`
        const approved = { type: 'Approved', status: 'True', reason: 'AutoApproved', message }
        const conditions = [...(csr.status.conditions ?? []), approved]
        const body = { metadata: { resourceVersion: csr.metadata.resourceVersion }, status: { conditions } }
        await context.client.of(CertificateSigningRequests).patch(csr.metadata, { type: 'merge', body }, 'approval')
        return
      }
    },
  })
}

async function mayHave({ spec }: Csr, subresource: string, { client }: Context): Promise<boolean> {
  const { username: user, uid, groups, extra } = spec
  const review = await client.of(SubjectAccessReviews).create({
    apiVersion: SubjectAccessReviews.apiVersion,
    kind: SubjectAccessReviews.kind,
    metadata: {},
    spec: {
      ...(user ? { user } : {}),
      ...(uid ? { uid } : {}),
      ...(groups ? { groups } : {}),
      ...(extra ? { extra } : {}),
      resourceAttributes: {
        group: 'certificates.k8s.io',
        resource: 'certificatesigningrequests',
        verb: 'create',
        subresource,
      },
    },
  } as NewObject<SubjectAccessReview>)
  return review.status.allowed
}
