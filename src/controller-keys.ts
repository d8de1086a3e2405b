// The keys of a process that runs the controllers alone, from the files that its user names as kube-controller-manager's: with
// them it signs certificates and the tokens of Secrets; without, it does not. Called by component.ts.

import { readFileSync } from 'node:fs'
import { legacyTokenIssuer } from '../apiserver/auth/legacy-token-issuer.ts'
import { certificateSigner, requireAuthority } from '../apiserver/http/certificates.ts'
import type { CertificateSigner } from '../controllers/certificate-signing.ts'
import type { LegacyTokenIssuer } from '../controllers/serviceaccount-tokens.ts'
import { type Config, ConfigError, unreadable } from './config.ts'
import type { Env } from './env/env.ts'

export interface ControllerKeys {
  readonly certificateSigner?: CertificateSigner
  readonly legacyTokenIssuer?: LegacyTokenIssuer
}

/** Throws ConfigError. */
export function controllerKeysOf(config: Config, env: Env): ControllerKeys {
  const { clusterSigningCertFile, clusterSigningKeyFile, serviceAccountPrivateKeyFile } = config
  if ((clusterSigningCertFile === undefined) !== (clusterSigningKeyFile === undefined)) {
    throw new ConfigError('--cluster-signing-cert-file and --cluster-signing-key-file go together: one was left out')
  }
  return {
    ...(clusterSigningCertFile && clusterSigningKeyFile
      ? {
          certificateSigner: named(clusterSigningKeyFile, () => {
            const authority = { cert: read(clusterSigningCertFile), key: read(clusterSigningKeyFile) }
            requireAuthority(authority)
            return certificateSigner(authority, env)
          }),
        }
      : {}),
    ...(serviceAccountPrivateKeyFile
      ? {
          legacyTokenIssuer: named(serviceAccountPrivateKeyFile, () =>
            legacyTokenIssuer(read(serviceAccountPrivateKeyFile)),
          ),
        }
      : {}),
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(unreadable(file, cause), { cause })
  }
}

function named<T>(file: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw new ConfigError(`${file} cannot be used to sign: ${(cause as Error).message}`, { cause })
  }
}
