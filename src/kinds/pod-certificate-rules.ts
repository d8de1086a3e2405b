// The rules of PodCertificateRequests (pkg/apis/certificates/validation/validation.go, ValidatePodCertificateRequest…). Of the
// newer `stubPKCS10Request` the signature and the key are judged as those of the older fields.

import type { V1beta1PodCertificateRequest } from '../../generated/types.ts'
import { type FieldError, invalidValue, tooLong } from '../api/errors.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { annotationFaults, dns1123SubdomainFaults } from '../api/names.ts'
import { parseTime } from '../api/time.ts'
import type { Millis } from '../env/clock.ts'
import { conditionsRules } from './condition-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { textSize } from './keyed-data-rules.ts'
import type { VerifySignature } from './kind.ts'
import { signerRule } from './projected-volume-rules.ts'
import { specPath, statusPath } from './workload-rules.ts'
import { bytesOfBase64, keyOf, pemBlocks, readCertificate, readCertificateRequest } from './x509-reading.ts'

type Request = Frozen<V1beta1PodCertificateRequest>

const bytesLimit = 10 * 1024

export function podCertificateRules(request: Request, verify: VerifySignature | undefined, faults: Faults): void {
  const { spec } = request
  signerRule(spec.signerName ?? '', specPath.child('signerName'), faults)
  faults.addAll(annotationFaults(spec.unverifiedUserAnnotations, 'spec.unverifiedUserAnnotations'))
  for (const owner of ['pod', 'serviceAccount', 'node'] as const) {
    const [name, uid] = [spec[`${owner}Name`] ?? '', spec[`${owner}UID`] ?? '']
    faults.invalids(dns1123SubdomainFaults(name), name, specPath, `${owner}Name`)
    if (uid === '') faults.invalid(specPath.child(`${owner}UID`), uid, 'must not be empty')
    if (uid.length > 128) faults.tooLong(specPath.child(`${owner}UID`), 128)
  }
  expirationRules(request, faults)
  keyRules(request, verify, faults)
}

function expirationRules({ spec }: Request, faults: Faults): void {
  const seconds = spec.maxExpirationSeconds ?? 0
  const most = /^(.*\.)?kubernetes\.io(\/|$)/.test(spec.signerName ?? '') ? 86_400 : 7_862_400
  if (seconds >= 3600 && seconds <= most) return
  faults.invalid(specPath.child('maxExpirationSeconds'), seconds, `must be in the range [3600, ${most}]`)
}

/** The first fault of the key ends it: upstream returns then. */
function keyRules({ spec }: Request, verify: VerifySignature | undefined, faults: Faults): void {
  const [stub, key, proof] = [spec.stubPKCS10Request ?? '', spec.pkixPublicKey ?? '', spec.proofOfPossession ?? '']
  for (const [field, text] of Object.entries({
    pkixPublicKey: key,
    proofOfPossession: proof,
    stubPKCS10Request: stub,
  })) {
    if (bytesOfBase64(text).length <= bytesLimit) continue
    faults.tooLong(specPath.child(field), bytesLimit)
    return
  }
  if (stub !== '') {
    const path = specPath.child('stubPKCS10Request')
    if (key !== '') faults.forbidden(specPath.child('pkixPublicKey'), 'must be empty if stubPKCS10Request is set')
    if (proof !== '') faults.forbidden(specPath.child('proofOfPossession'), 'must be empty if stubPKCS10Request is set')
    try {
      const { publicKey, algorithm, signed, signature } = readCertificateRequest(bytesOfBase64(stub))
      if (!isKeyAllowed(publicKey, path, stub, faults)) return
      if (verify?.(publicKey, algorithm, signed, signature)) faults.invalidUnshown(path, 'could not verify signature')
    } catch {
      faults.invalid(path, stub, 'must be a valid PKCS#10 certificate signing request')
    }
    return
  }
  const path = specPath.child('pkixPublicKey')
  try {
    const publicKey = bytesOfBase64(key)
    if (!isKeyAllowed(publicKey, path, key, faults)) return
    if (verify?.(publicKey, 'proof', new TextEncoder().encode(spec.podUID), bytesOfBase64(proof))) {
      faults.invalidUnshown(specPath.child('proofOfPossession'), 'could not verify proof-of-possession signature')
    }
  } catch {
    faults.invalid(path, key, 'must be a valid PKIX-serialized public key')
  }
}

function isKeyAllowed(publicKey: Uint8Array, path: FieldPath, shown: string, faults: Faults): boolean {
  const key = keyOf(publicKey)
  if (key?.type === 'ECDSA' && !['P-256', 'P-384', 'P-521'].includes(key.curve)) {
    faults.invalid(path, `curve ${key.curve}`, 'elliptic public keys must use curve P256 or P384')
  } else if (key?.type === 'RSA' && key.bits !== 3072 && key.bits !== 4096) {
    faults.invalid(path, `${key.bits}-bit modulus`, 'RSA keys must have modulus size 3072 or 4096')
  } else if (key === undefined) {
    faults.invalid(path, shown, 'unknown public key type; supported types are Ed25519, ECDSA, and RSA')
  } else return true
  return false
}

const ends = ['Issued', 'Denied', 'Failed']

export function podCertificateStatusRules(next: Request, old: Request, now: Millis, faults: Faults): void {
  const { status } = next
  let count = 0
  for (const [index, { type, status: is }] of (status.conditions ?? []).entries()) {
    const at = statusPath.child('conditions').child(`[${index}]`)
    if (!ends.includes(type)) {
      faults.notSupported(at.child('type'), type, ends)
      continue
    }
    count++
    const why = 'There may be at most one condition with type "Issued", "Denied", or "Failed"'
    if (count > 1) faults.invalid(at.child('type'), type, why)
    if (is !== 'True') faults.notSupported(at.child('status'), is, ['True'])
  }
  conditionsRules(status.conditions, statusPath.child('conditions'), faults)
  if (faults.count > 0) return
  const isSame = jsonEqual(status, old.status)
  if (old.status.conditions?.some(each => ends.includes(each.type))) {
    const why = 'immutable after PodCertificateRequest is issued, denied, or failed'
    if (!isSame) faults.invalidUnshown(statusPath, why)
    return
  }
  const end = status.conditions?.[0]?.type
  if (end === 'Issued') {
    const fault = issuedFault(next, now, faults)
    if (fault) faults.add(fault)
  } else if (end !== undefined) {
    const { conditions: _, ...others } = status
    const why = 'non-condition status fields must be empty when denying or failing the PodCertificateRequest'
    if (Object.keys(others).length > 0) faults.invalidUnshown(statusPath, why)
  } else if (!isSame) {
    const why = 'status is immutable unless transitioning to "Issued", "Denied", or "Failed"'
    faults.invalidUnshown(statusPath, why)
  }
}

const minute = 60_000

/** What is found at the end of its way; here too it ends at the first. */
function issuedFault({ spec, status }: Request, now: Millis, faults: Faults): FieldError | undefined {
  const { certificateChain: chain = '', notBefore, notAfter, beginRefreshAt } = status
  const path = statusPath.child('certificateChain')
  if (textSize(chain) > bytesLimit) return tooLong(`${path}`, bytesLimit)
  const [first, ...others] = pemBlocks(chain)
  const wrong = (why: string) => invalidValue(`${path}`, chain, why)
  if (!first) return wrong('issued certificate chain must contain at least one certificate')
  if (first.type !== 'CERTIFICATE') {
    return wrong('issued certificate chain must consist entirely of CERTIFICATE PEM blocks')
  }
  const leaf = tried(() => readCertificate(first.bytes))
  if (!leaf) return wrong('leaf certificate does not parse as valid X.509')
  for (const name of leaf.dnsNames) {
    if (name === '') faults.invalid(path, name, 'leaf certificate should not contain empty DNSName')
    if (name.includes('..')) faults.invalid(path, name, "leaf certificate's DNSName should not contain '..'")
    if (name.startsWith('.') || name.endsWith('.')) {
      faults.invalid(path, name, "leaf certificate's DNSName should not start or end with '.'")
    }
  }
  const asked = spec.stubPKCS10Request
    ? readCertificateRequest(bytesOfBase64(spec.stubPKCS10Request)).publicKey
    : bytesOfBase64(spec.pkixPublicKey ?? '')
  if (asked.join() !== leaf.publicKey.join())
    return wrong('leaf certificate was not issued to the requested public key')
  const consistent = 'must be present and consistent with the issued certificate'
  if (!notBefore) faults.required(statusPath.child('notBefore'), consistent)
  if (!notAfter) faults.required(statusPath.child('notAfter'), consistent)
  if (!beginRefreshAt) {
    const why = 'must be present and in the range [notbefore+10min, notafter-10min]'
    faults.required(statusPath.child('beginRefreshAt'), why)
  }
  if (!notBefore || !notAfter || !beginRefreshAt || faults.count > 0) return undefined
  const [begin, end, refresh] = [parseTime(notBefore), parseTime(notAfter), parseTime(beginRefreshAt)]
  const fault = (field: string, value: string, why: string) => invalidValue(`status.${field}`, value, why)
  if (begin !== leaf.notBefore) {
    return fault('notBefore', notBefore, 'must be set to the NotBefore time encoded in the leaf certificate')
  }
  if (Math.abs(begin - now) >= 5 * minute) {
    return fault('notBefore', notBefore, "must be set to within 5 minutes of kube-apiserver's current time")
  }
  if (end !== leaf.notAfter) {
    return fault('notAfter', notAfter, 'must be set to the NotAfter time encoded in the leaf certificate')
  }
  // A duration stands in Go's JSON as its nanoseconds.
  const lifetime = (end - begin) * 1e6
  if (end - begin < 60 * minute) return invalidValue(`${path}`, lifetime, 'leaf certificate lifetime must be >= 1 hour')
  const most = spec.maxExpirationSeconds ?? 0
  if (end - begin > most * 1000) {
    return invalidValue(`${path}`, lifetime, `leaf certificate lifetime must be <= spec.maxExpirationSeconds (${most})`)
  }
  if (refresh < begin + 10 * minute) {
    return fault('beginRefreshAt', beginRefreshAt, 'must be at least 10 minutes after status.notBefore')
  }
  if (refresh > end - 10 * minute) {
    return fault('beginRefreshAt', beginRefreshAt, 'must be at least 10 minutes before status.notAfter')
  }
  for (const { type, bytes } of others) {
    if (type !== 'CERTIFICATE') {
      return wrong('issued certificate chain must consist entirely of CERTFICATE PEM blocks')
    }
    if (!tried(() => readCertificate(bytes))) return wrong('intermediate certificate does not parse as valid X.509')
  }
  return undefined
}

function tried<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
