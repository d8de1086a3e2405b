// What a client of certificates.k8s.io makes of a key of its own: a request to sign, and the proof of its possession.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import {
  bitString,
  implicit,
  integer,
  objectId,
  octets,
  sequence,
  set,
  tagged,
  toPem,
  utf8,
} from '../../apiserver/http/der.ts'

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64')

/** As it stands in `spec.request`: base64 of the PEM. */
export function signingRequest(commonName: string, ...organizations: string[]): string {
  return base64(toPem('CERTIFICATE REQUEST', requestBytes(commonName, organizations)))
}

/** `names`: the DNS names it is to be for, as an extension that is asked for. */
export function requestBytes(
  commonName: string,
  organizations: readonly string[],
  pair = curveKey(),
  names: readonly string[] = [],
): Buffer {
  const named = (id: string, text: string) => set(sequence(objectId(id), utf8(text)))
  const subject = [named('2.5.4.3', commonName), ...organizations.map(each => named('2.5.4.10', each))]
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' })
  const alternative = sequence(...names.map(each => implicit(2, Buffer.from(each))))
  const extension = sequence(objectId('2.5.29.17'), octets(alternative))
  const asked = names.length > 0 ? [sequence(objectId('1.2.840.113549.1.9.14'), set(sequence(extension)))] : []
  const info = sequence(integer(Buffer.from([0])), sequence(...subject), publicKey, tagged(0, ...asked))
  const algorithm = sequence(objectId('1.2.840.10045.4.3.2'))
  return sequence(info, algorithm, bitString(sign('sha256', info, pair.privateKey)))
}

export function curveKey(namedCurve = 'P-256'): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve })
}

/** What a kubelet sends of a pod's key. */
export function podKey(podUID: string): { pkixPublicKey: string; proofOfPossession: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    pkixPublicKey: base64(publicKey.export({ type: 'spki', format: 'der' })),
    proofOfPossession: base64(sign(undefined, Buffer.from(podUID), privateKey)),
  }
}

export { base64 }
