// Whether a signature holds: what the rules of certificate requests ask the server (WriteContext.verify), which has node:crypto.
// Faults are worded as Go's crypto/x509 words them.

import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { VerifySignature } from '../../src/kinds/kind.ts'

/** Object identifiers of RFC 3279, 4055, 5758 and 8410. */
const hashes: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
}
const ed25519 = '1.3.101.112'

const failures: Readonly<Record<string, string>> = {
  rsa: 'crypto/rsa: verification error',
  ec: 'x509: ECDSA verification failure',
  ed25519: 'x509: Ed25519 verification failure',
}

export const verifySignature: VerifySignature = (publicKey, algorithm, data, signature) => {
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
  } catch {
    return 'x509: unsupported public key'
  }
  const type = key.asymmetricKeyType ?? ''
  if (algorithm === 'proof') return isProof(key, data, signature) ? undefined : failures[type]
  const hash = hashes[algorithm]
  if (hash === undefined && algorithm !== ed25519) return 'x509: cannot verify signature: algorithm unimplemented'
  try {
    if (verify(hash, data, key, signature)) return undefined
  } catch {
    // The key is of another sort than the algorithm.
  }
  return failures[type] ?? 'x509: unsupported public key'
}

/** Of possession: PSS with SHA-256 by RSA keys, SHA-256 by curves, the bytes themselves by Ed25519. */
function isProof(key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  const { asymmetricKeyType: type } = key
  try {
    if (type === 'rsa') {
      const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
      return verify('sha256', data, pss, signature)
    }
    return verify(type === 'ed25519' ? undefined : 'sha256', data, key, signature)
  } catch {
    return false
  }
}
