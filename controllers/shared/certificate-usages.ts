// What may be asked of the signers of Kubernetes: pure. Rules and words: pkg/apis/certificates/helpers.go,
// pkg/controller/certificates/signer/signer.go. Called by what signs and what approves.

import type { CertificateRequest } from '../../src/kinds/x509-reading.ts'

export function clientFault(usages: readonly string[]): string | undefined {
  const other = usages.find(usage => !['digital signature', 'key encipherment', 'client auth'].includes(usage))
  if (other !== undefined) return `invalid usage for client certificate: ${other}`
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth'
}

export function kubeletServingFault(request: CertificateRequest, usages: readonly string[]): string | undefined {
  const { subject, names } = request
  if (!isOfNodes(subject.organizations)) return notNodes
  if (names.dns.length + names.addresses.length < 1) return 'DNS or IP subjectAltName is required'
  if (names.emails.length > 0) return 'Email subjectAltNames are not allowed'
  if (names.uris.length > 0) return 'URI subjectAltNames are not allowed'
  return usagesFault(usages, 'server auth') ?? nameFault(subject.commonName)
}

export function kubeletClientFault(request: CertificateRequest, usages: readonly string[]): string | undefined {
  const { subject, names } = request
  if (!isOfNodes(subject.organizations)) return notNodes
  if (names.dns.length > 0) return 'DNS subjectAltNames are not allowed'
  if (names.emails.length > 0) return 'Email subjectAltNames are not allowed'
  if (names.addresses.length > 0) return 'IP subjectAltNames are not allowed'
  if (names.uris.length > 0) return 'URI subjectAltNames are not allowed'
  return nameFault(subject.commonName) ?? usagesFault(usages, 'client auth')
}

const notNodes = 'subject organization is not system:nodes'
const isOfNodes = (organizations: readonly string[]): boolean =>
  organizations.length === 1 && organizations[0] === 'system:nodes'

function nameFault(commonName: string): string | undefined {
  return commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:'
}

/** A key that cannot encipher need not be asked for it. */
function usagesFault(usages: readonly string[], purpose: string): string | undefined {
  const required = ['digital signature', purpose]
  const isRight = required.every(usage => usages.includes(usage))
  const others = usages.filter(usage => !required.includes(usage) && usage !== 'key encipherment')
  if (isRight && others.length === 0) return undefined
  return `usages did not match [${['digital signature', 'key encipherment', purpose].sort().join(' ')}]`
}
