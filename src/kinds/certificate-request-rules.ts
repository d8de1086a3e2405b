// The rules of CertificateSigningRequests (pkg/apis/certificates/validation/validation.go). What the older version of the API
// let pass, and upstream therefore goes on to bear in objects that have it, nothing here can have.

import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import type { Faults } from './field-path.ts'
import type { Subresource, VerifySignature } from './kind.ts'
import { signerRule } from './projected-volume-rules.ts'
import { specPath, statusPath } from './workload-rules.ts'
import { pemBlocks, readCertificate, requestOfSpec, textOfBase64 } from './x509-reading.ts'

type Request = Frozen<CertificateSigningRequest>

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]

export function requestRules(
  { spec, status }: Request,
  old: Request | undefined,
  verify: VerifySignature | undefined,
  faults: Faults,
): void {
  // What was found good once is the same still: a request never changes.
  const wrong = old?.spec.request === spec.request ? undefined : requestFault(spec.request ?? '', verify)
  if (wrong !== undefined) faults.invalid(specPath.child('request'), spec.request ?? '', wrong)
  const path = specPath.child('usages')
  const asked = spec.usages ?? []
  if (asked.length === 0) faults.required(path)
  for (const [index, usage] of asked.entries()) {
    if (!usages.includes(usage)) faults.notSupported(path.index(index), usage, usages)
  }
  const seen = new Set<string>()
  for (const [index, usage] of asked.entries()) {
    if (seen.has(usage)) faults.duplicate(path.index(index), usage)
    seen.add(usage)
  }
  const signer = spec.signerName ?? ''
  if (signer === 'kubernetes.io/legacy-unknown') {
    faults.invalid(specPath.child('signerName'), signer, 'the legacy signerName is not allowed via this API version')
  } else signerRule(signer, specPath.child('signerName'), faults)
  const { expirationSeconds: seconds } = spec
  if (seconds !== undefined && seconds < 600) {
    const why = 'may not specify a duration less than 600 seconds (10 minutes)'
    faults.invalid(specPath.child('expirationSeconds'), seconds, why)
  }
  conditionsRules(status.conditions ?? [], faults)
  if (old && old.status.certificate === status.certificate) return
  const bad = certificateFault(status.certificate)
  if (bad !== undefined) faults.invalid(statusPath.child('certificate'), '<certificate data>', bad)
}

function requestFault(request: string, verify: VerifySignature | undefined): string | undefined {
  try {
    const { publicKey, algorithm, signed, signature } = requestOfSpec(request)
    return verify?.(publicKey, algorithm, signed, signature)
  } catch (error) {
    return (error as Error).message
  }
}

const decisions = ['Approved', 'Denied', 'Failed']
const statuses = ['False', 'True', 'Unknown']

function conditionsRules(conditions: readonly Frozen<CertificateSigningRequestCondition>[], faults: Faults): void {
  const seen = new Set<string>()
  for (const [index, { type, status }] of conditions.entries()) {
    const at = statusPath.child('conditions').index(index)
    if (!type) faults.required(at.child('type'))
    const allowed = decisions.includes(type) ? ['True'] : statuses
    if (!status) faults.required(at.child('status'))
    else if (!allowed.includes(status)) faults.notSupported(at.child('status'), status, allowed)
    if ((type === 'Approved' && seen.has('Denied')) || (type === 'Denied' && seen.has('Approved'))) {
      faults.invalid(at.child('type'), type, 'Approved and Denied conditions are mutually exclusive')
    }
    if (seen.has(type)) faults.duplicate(at.child('type'), type)
    seen.add(type)
  }
}

function certificateFault(certificate: string | undefined): string | undefined {
  if (!certificate) return undefined
  const blocks = pemBlocks(textOfBase64(certificate))
  for (const { type, hasHeaders, bytes } of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`
    if (hasHeaders) return 'no PEM block headers are permitted'
    if (bytes.length === 0) return 'found CERTIFICATE PEM block containing 0 certificates'
    try {
      readCertificate(bytes)
    } catch {
      return 'x509: malformed certificate'
    }
  }
  return blocks.length === 0 ? 'must contain at least one CERTIFICATE PEM block' : undefined
}

export function requestUpdateRules(
  next: Request,
  old: Request,
  subresource: Subresource | undefined,
  faults: Faults,
): void {
  const path = statusPath.child('conditions')
  const of = ({ status }: Request, type: string) => (status.conditions ?? []).filter(each => each.type === type)
  for (const type of decisions) {
    if (of(next, type).length >= of(old, type).length) continue
    faults.forbidden(path, `updates may not remove a condition of type "${type}"`)
  }
  for (const type of subresource === 'approval' ? [] : ['Approved', 'Denied']) {
    const [now, before] = [of(next, type), of(old, type)]
    if (now.length > before.length) faults.forbidden(path, `updates may not add a condition of type "${type}"`)
    else if (now.length === before.length && !jsonEqual(now, before)) {
      faults.forbidden(path, `updates may not modify a condition of type "${type}"`)
    }
  }
  if (next.status.certificate === old.status.certificate) return
  const at = statusPath.child('certificate')
  if (subresource !== 'status') faults.forbidden(at, 'updates may not set certificate content')
  else if (old.status.certificate) faults.forbidden(at, 'updates may not modify existing certificate content')
}
