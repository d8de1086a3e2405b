// PodCertificateRequests: what a kubelet asks of a signer for a pod it starts: a certificate for the pod's service account.
// Kubelets here ask for none; kept and judged for whoever does (pkg/registry/certificates/podcertificaterequest/strategy.go).

import type {
  V1beta1PodCertificateRequest,
  V1beta1PodCertificateRequestSpec,
  V1beta1PodCertificateRequestStatus,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { podCertificateRules, podCertificateStatusRules } from './pod-certificate-rules.ts'
import { specPath } from './workload-rules.ts'

type Request = Frozen<V1beta1PodCertificateRequest>

/** Kind `PodCertificateRequest` of `certificates.k8s.io/v1beta1`: `podcertificaterequests`, in namespaces. */
export const PodCertificateRequests = defineKind<V1beta1PodCertificateRequest>({
  group: 'certificates.k8s.io',
  version: 'v1beta1',
  kind: 'PodCertificateRequest',
  plural: 'podcertificaterequests',
  singular: 'podcertificaterequest',
  namespaced: true,
  hasGeneration: false,
  unconditionalUpdate: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    { name: 'PodName', type: 'string', description: 'The pod it is for.', value: ({ spec }) => spec.podName ?? '' },
    {
      name: 'ServiceAccountName',
      type: 'string',
      description: 'As whom the pod runs.',
      value: ({ spec }) => spec.serviceAccountName ?? '',
    },
    { name: 'NodeName', type: 'string', description: 'Where the pod is.', value: ({ spec }) => spec.nodeName ?? '' },
    {
      name: 'SignerName',
      type: 'string',
      description: 'Who is to sign it.',
      value: ({ spec }) => spec.signerName ?? '',
    },
    { name: 'State', type: 'string', description: 'Pending, Issued, Denied or Failed.', value: stateText },
  ],
  fields: {
    'spec.signerName': ({ spec }) => spec.signerName ?? '',
    'spec.podName': ({ spec }) => spec.podName ?? '',
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
  },
  defaults(draft) {
    draft.spec ??= {} as V1beta1PodCertificateRequestSpec
    draft.spec.maxExpirationSeconds ??= 86_400
    draft.status ??= {} as V1beta1PodCertificateRequestStatus
  },
  prepare(draft, old) {
    if (!old) draft.status = {}
  },
  validate(next, old, { subresource, verify, now }) {
    const faults = new Faults()
    if (!old) podCertificateRules(next, verify, faults)
    else if (subresource === 'status') podCertificateStatusRules(next, old, now, faults)
    else unchanged(next.spec, old.spec, specPath, faults)
    return faults.list
  },
})

function stateText({ status }: Request): string {
  return status.conditions?.find(each => ['Issued', 'Denied', 'Failed'].includes(each.type))?.type ?? 'Pending'
}
