// The certificate of an authority, for those who must trust one.

import { issue } from '../../apiserver/http/x509.ts'

export function certificate(use: 'ca' | 'server' | 'client', commonName: string, hours = 24): string {
  const notBefore = Date.parse('2024-05-01T12:00:00Z')
  const serial = Buffer.from([1, commonName.length])
  return issue({ subject: { commonName }, serial, notBefore, notAfter: notBefore + hours * 3_600_000, use }).cert
}

export const trustAnchor = certificate('ca', 'anchor')
