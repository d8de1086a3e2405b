// kubeconfig: what it takes to reach an API server, and the file that tells kubectl. Reading files of others and editing the
// user's own is user-kubeconfig.ts, apart because it needs a YAML library and a start does not.

import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
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
  replaceFile(file, kubeconfigText(name, access))
}

export function kubeconfigText(name: string, access: Access): string {
  const { cluster, user } = entries(access)
  return [
    'apiVersion: v1',
    'kind: Config',
    `current-context: ${scalar(name)}`,
    'clusters:',
    `- name: ${scalar(name)}`,
    '  cluster:',
    ...Object.entries(cluster).map(([key, value]) => `    ${key}: ${scalar(value)}`),
    'users:',
    `- name: ${scalar(name)}`,
    '  user:',
    ...Object.entries(user).map(([key, value]) => `    ${key}: ${scalar(value)}`),
    'contexts:',
    `- name: ${scalar(name)}`,
    '  context:',
    `    cluster: ${scalar(name)}`,
    `    user: ${scalar(name)}`,
    'preferences: {}',
    '',
  ].join('\n')
}

/** Plain where YAML cannot take it for anything but this text, else quoted. */
function scalar(value: string | boolean): string {
  const isPlain =
    typeof value === 'boolean' || /^(?!(?:true|false|yes|no|on|off|null|y|n)$)[a-z][\w./:+=-]*$/i.test(value)
  return isPlain && !String(value).endsWith(':') ? String(value) : JSON.stringify(value)
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

/** Written beside and renamed, so that no reader sees half of it; readable by its owner alone, if it is new. */
export function replaceFile(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const partial = `${file}.${process.pid}.partial`
  const mode = (statSync(file, { throwIfNoEntry: false })?.mode ?? 0o600) & 0o777
  writeFileSync(partial, text, { mode })
  renameSync(partial, file)
}
