// kubeconfig: what it takes to reach an API server, and the file that tells kubectl. Reading files of others and editing the
// user's own is user-kubeconfig.ts, apart because it needs a YAML library and a start does not.

import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** How to reach an API server, and as whom. Certificates and keys are PEM. */
export interface Access {
  readonly server: string
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly token?: string | undefined
  readonly insecure?: boolean | undefined
}

/** Writes a kubeconfig of one context, readable by its owner alone. */
export function writeKubeconfig(file: string, name: string, access: Access): void {
  const { cluster, user } = entries(access)
  const lines = [
    'apiVersion: v1',
    'kind: Config',
    `current-context: ${name}`,
    'clusters:',
    `- name: ${name}`,
    '  cluster:',
    ...Object.entries(cluster).map(([key, value]) => `    ${key}: ${value}`),
    'users:',
    `- name: ${name}`,
    '  user:',
    ...Object.entries(user).map(([key, value]) => `    ${key}: ${value}`),
    'contexts:',
    `- name: ${name}`,
    '  context:',
    `    cluster: ${name}`,
    `    user: ${name}`,
    'preferences: {}',
    '',
  ]
  replaceFile(file, lines.join('\n'))
}

/** The entries of a cluster and a user, as they stand in the file. */
export function entries({ server, ca, cert, key, token, insecure }: Access) {
  const encoded = (pem: string) => Buffer.from(pem).toString('base64')
  return {
    cluster: {
      ...(ca ? { 'certificate-authority-data': encoded(ca) } : {}),
      ...(insecure ? { 'insecure-skip-tls-verify': true } : {}),
      server,
    },
    user: {
      ...(cert ? { 'client-certificate-data': encoded(cert) } : {}),
      ...(key ? { 'client-key-data': encoded(key) } : {}),
      ...(token ? { token } : {}),
    },
  }
}

/** Written beside and renamed, so that no reader sees half of it; readable by its owner alone. */
export function replaceFile(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const partial = `${file}.${process.pid}.partial`
  writeFileSync(partial, text, { mode: 0o600 })
  renameSync(partial, file)
}
