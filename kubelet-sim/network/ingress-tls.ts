// TLS at the ingress: which certificate a host gets, and whether plain requests to it are sent on to https. Rules:
// kubernetes/ingress-nginx internal/ingress/controller/controller.go (extractTLSSecretName, createServers).

import { X509Certificate } from 'node:crypto'
import type { Ingress, Secret } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'

export interface KeyPair {
  readonly cert: string
  readonly key: string
}

type FindSecret = (ref: { readonly namespace: string; readonly name: string }) => Promise<Frozen<Secret> | undefined>

/** Of the Ingress that names the host under tls, else of one whose certificate without hosts is good for it. */
export async function certificateFor(
  ingresses: readonly Frozen<Ingress>[],
  host: string,
  find: FindSecret,
): Promise<KeyPair | undefined> {
  for (const { metadata, spec } of ingresses) {
    for (const { hosts, secretName } of spec.tls ?? []) {
      if (!secretName || !hosts?.some(each => covers(each, host))) continue
      const pair = pairOf(await find({ namespace: metadata.namespace ?? '', name: secretName }))
      if (pair) return pair
    }
  }
  for (const { metadata, spec } of ingresses) {
    for (const { hosts, secretName } of spec.tls ?? []) {
      if (!secretName || hosts?.length) continue
      const pair = pairOf(await find({ namespace: metadata.namespace ?? '', name: secretName }))
      if (pair && new X509Certificate(pair.cert).checkHost(host)) return pair
    }
  }
  return undefined
}

/** Whether an Ingress wants the host to be spoken to in TLS alone. */
export function redirectsToTls({ metadata, spec }: Frozen<Ingress>, host: string): boolean {
  const annotations = metadata.annotations ?? {}
  if (annotations['nginx.ingress.kubernetes.io/force-ssl-redirect'] === 'true') return true
  if (annotations['nginx.ingress.kubernetes.io/ssl-redirect'] === 'false') return false
  return spec.tls?.some(({ hosts }) => hosts?.some(each => covers(each, host))) ?? false
}

/** A wildcard stands for one label. */
function covers(pattern: string, host: string): boolean {
  const wanted = pattern.toLowerCase()
  return wanted === host || (wanted.startsWith('*.') && wanted === `*.${host.slice(host.indexOf('.') + 1)}`)
}

/** Undefined where it holds no certificate that can be used. */
function pairOf(secret: Frozen<Secret> | undefined): KeyPair | undefined {
  const [cert, key] = [secret?.data?.['tls.crt'], secret?.data?.['tls.key']]
  if (cert === undefined || key === undefined) return undefined
  const pair = { cert: Buffer.from(cert, 'base64').toString(), key: Buffer.from(key, 'base64').toString() }
  try {
    new X509Certificate(pair.cert)
    return pair
  } catch {
    return undefined
  }
}
