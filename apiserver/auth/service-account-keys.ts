// The key with which the cluster signs the tokens of its service accounts: kept in the data directory, or in memory only.
// An elliptic one (ES256), which kube-apiserver takes as well and which is made in a moment (docs/decisions/0009).

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface SigningKey {
  readonly algorithm: 'ES256'
  readonly private: KeyObject
  readonly public: KeyObject
  /** Upstream's keyIDFromPublicKey (pkg/serviceaccount/jwt.go): a hash of the public key. */
  readonly id: string
}

/** Without a folder: made anew, kept nowhere. */
export function loadOrCreateSigningKey(folder: string | undefined): SigningKey {
  const file = folder === undefined ? undefined : join(folder, 'sa.key')
  const kept = file === undefined ? undefined : read(file)
  if (kept !== undefined) return signingKey(createPrivateKey(kept))
  const made = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  if (folder !== undefined && file !== undefined) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(file, made.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    writeFileSync(join(folder, 'sa.pub'), made.publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o644 })
  }
  return signingKey(made.privateKey)
}

function signingKey(key: KeyObject): SigningKey {
  const publicKey = createPublicKey(key)
  return { algorithm: 'ES256', private: key, public: publicKey, id: keyIdOf(publicKey) }
}

export const keyIdOf = (publicKey: KeyObject): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
