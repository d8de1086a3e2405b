// CertificateSigningRequests: what someone wants a certificate for, whether it is approved, and the certificate once a signer
// has made it. Rules: pkg/registry/certificates/certificates/strategy.go, pkg/apis/certificates/validation/validation.go.

import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  CertificateSigningRequestStatus,
} from '../../generated/types.ts'
import { draft as thaw } from '../api/freeze.ts'
import type { Frozen } from '../api/meta.ts'
import { pathSegmentFaults } from '../api/names.ts'
import { humanDuration, rfc3339 } from '../api/time.ts'
import { requestRules, requestUpdateRules } from './certificate-request-rules.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { defineKind, type WriteContext } from './kind.ts'

type Condition = CertificateSigningRequestCondition

/** Kind `CertificateSigningRequest` of `certificates.k8s.io/v1`: `certificatesigningrequests`, without a namespace. */
export const CertificateSigningRequests = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  shortNames: ['csr'],
  namespaced: false,
  hasGeneration: false,
  subresources: ['status', 'approval'],
  // Upstream does not care what a request is called.
  nameRule: pathSegmentFaults,
  columns: [
    nameColumn,
    ageColumn,
    {
      name: 'SignerName',
      type: 'string',
      description: 'Who is to sign it.',
      value: ({ spec }) => spec.signerName || '<none>',
    },
    { name: 'Requestor', type: 'string', description: 'Who asks.', value: ({ spec }) => spec.username ?? '' },
    {
      name: 'RequestedDuration',
      type: 'string',
      description: 'For how long it shall be valid.',
      value: ({ spec: { expirationSeconds: seconds } }) =>
        seconds === undefined ? '<none>' : humanDuration(seconds * 1000),
    },
    {
      name: 'Condition',
      type: 'string',
      description: 'Whether it is approved or denied, failed or issued.',
      value: ({ status }) => conditionText(status),
    },
  ],
  fields: { 'spec.signerName': ({ spec }) => spec.signerName ?? '' },
  defaults(draft) {
    draft.spec ??= {} as CertificateSigningRequest['spec']
    draft.status ??= {}
  },
  prepare(draft, old, context) {
    if (!old) {
      stampRequestor(draft, context)
      draft.status = {}
    } else if (context.subresource === undefined) draft.spec = thaw(old.spec) as CertificateSigningRequest['spec']
    else {
      if (context.subresource === 'status') {
        keepInstances(draft.status, old.status, 'Approved')
        keepInstances(draft.status, old.status, 'Denied')
      }
      stampConditions(draft.status, old.status, context)
    }
  },
  validate(next, old, context) {
    const faults = new Faults()
    requestRules(next, old, context.verify, faults)
    if (old) requestUpdateRules(next, old, context.subresource, faults)
    return faults.list
  },
})

/** Whoever asks is not whom the body says. */
function stampRequestor({ spec }: CertificateSigningRequest, { user }: WriteContext): void {
  delete spec.username
  delete spec.uid
  delete spec.groups
  delete spec.extra
  if (!user) return
  if (user.name) spec.username = user.name
  if (user.uid) spec.uid = user.uid
  if (user.groups.length > 0) spec.groups = [...user.groups]
  const extra = Object.entries(user.extra ?? {})
  if (extra.length > 0) spec.extra = Object.fromEntries(extra.map(([key, values]) => [key, [...values]]))
}

/** As many of a type as before are those of before; one more or less is found at fault. */
function keepInstances(
  status: CertificateSigningRequestStatus,
  old: Frozen<CertificateSigningRequestStatus>,
  type: string,
): void {
  const before = (old.conditions ?? []).filter(each => each.type === type)
  const count = (status.conditions ?? []).filter(each => each.type === type).length
  if (before.length !== count || count === 0) return
  status.conditions = status.conditions!.map(each => (each.type === type ? (thaw(before.shift()!) as Condition) : each))
}

function stampConditions(
  status: CertificateSigningRequestStatus,
  old: Frozen<CertificateSigningRequestStatus>,
  { now }: WriteContext,
): void {
  for (const condition of status.conditions ?? []) {
    condition.lastUpdateTime ||= rfc3339(now)
    condition.lastTransitionTime ||=
      old.conditions?.find(each => each.type === condition.type && each.status === condition.status)
        ?.lastTransitionTime || rfc3339(now)
  }
}

/** `Approved,Issued` (extractCSRStatus). */
function conditionText({ conditions = [], certificate }: Frozen<CertificateSigningRequestStatus>): string {
  const has = (type: string) => conditions.some(each => each.type === type)
  const decided = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return `${decided}${has('Failed') ? ',Failed' : ''}${certificate ? ',Issued' : ''}`
}
