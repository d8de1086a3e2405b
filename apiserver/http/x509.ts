// X.509 certificates with EC P-256 keys, made with node:crypto and the few DER shapes of RFC 5280 they need: a library would
// cost ten times a whole start (docs/decisions/0004-http.md). What is made passes `openssl verify -x509_strict`.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { keyBits, type CertificateRequest as Requested } from '../../src/kinds/x509-reading.ts'
import {
  bitString,
  boolean,
  implicit,
  integer,
  objectId,
  octets,
  sequence,
  set,
  tagged,
  time,
  toPem,
  utf8,
} from './der.ts'

export interface Subject {
  readonly commonName: string
  /** O: the groups of a client. */
  readonly organizations?: readonly string[]
}

export interface CertificateRequest {
  readonly subject: Subject
  /** At most 20 bytes, positive. */
  readonly serial: Uint8Array
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly use: 'ca' | 'server' | 'client'
  /** DNS names and IP addresses the certificate is for. */
  readonly names?: readonly string[]
}

export interface KeyPair {
  /** PEM. */
  readonly cert: string
  readonly key: string
}

/** Issued by `issuer`, or by itself when there is none. */
export function issue(request: CertificateRequest, issuer?: KeyPair & { readonly subject: Subject }): KeyPair {
  // A secret, not a chance of the simulation: so it comes from the system and not from the cluster's seed.
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' })
  const issuerKey = issuer ? createPrivateKey(issuer.key) : pair.privateKey
  const issuerId = issuer
    ? keyId(createPublicKey(issuer.key).export({ type: 'spki', format: 'der' }))
    : keyId(publicKey)
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(request.serial),
    ecdsaWithSha256,
    name(issuer?.subject ?? request.subject),
    sequence(time(request.notBefore), time(request.notAfter)),
    name(request.subject),
    publicKey,
    tagged(3, sequence(...extensions(request, keyId(publicKey), issuerId))),
  )
  const signature = sign('sha256', toBeSigned, issuerKey)
  const certificate = sequence(toBeSigned, ecdsaWithSha256, bitString(signature))
  return {
    cert: toPem('CERTIFICATE', certificate),
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

export interface Terms {
  /** As in a CertificateSigningRequest: `client auth`, `digital signature`. */
  readonly usages: readonly string[]
  readonly notBefore: number
  readonly notAfter: number
  readonly serial: Uint8Array
}

/** A certificate for somebody else's key, of the names that are asked for; nothing else of the request counts. */
export function signRequest(request: Requested, terms: Terms, issuer: KeyPair & { readonly subject: Subject }): string {
  const issuerId = keyId(createPublicKey(issuer.key).export({ type: 'spki', format: 'der' }))
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(terms.serial),
    ecdsaWithSha256,
    name(issuer.subject),
    sequence(time(terms.notBefore), time(terms.notAfter)),
    Buffer.from(request.subjectName),
    Buffer.from(request.publicKey),
    tagged(3, sequence(...requestedExtensions(request, terms.usages, issuerId))),
  )
  const signature = sign('sha256', toBeSigned, createPrivateKey(issuer.key))
  return toPem('CERTIFICATE', sequence(toBeSigned, ecdsaWithSha256, bitString(signature)))
}

function requestedExtensions(request: Requested, usages: readonly string[], issuerId: Buffer): Buffer[] {
  const list: Buffer[] = []
  const bits = usages.flatMap(usage => keyUsages[usage] ?? [])
  if (bits.length > 0) list.push(extension('2.5.29.15', true, usageBits(bits)))
  const purposes = [...new Set(usages.flatMap(usage => purposeOf[usage] ?? []))].sort()
  if (purposes.length > 0) list.push(extension('2.5.29.37', false, sequence(...purposes.map(objectId))))
  list.push(extension('2.5.29.19', true, sequence()))
  const subjectId = createHash('sha1').update(keyBits(request.publicKey)).digest()
  list.push(extension('2.5.29.14', false, octets(subjectId)))
  list.push(extension('2.5.29.35', false, sequence(implicit(0, issuerId))))
  if (request.alternativeNames) list.push(extension('2.5.29.17', false, Buffer.from(request.alternativeNames)))
  return list
}

/** The first bit is the highest; trailing zeros are left out. */
function usageBits(bits: readonly number[]): Buffer {
  const last = Math.max(...bits)
  const bytes = Buffer.alloc((last >> 3) + 1)
  for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7)
  return bitString(bytes, 7 - (last & 7))
}

const keyUsages: Readonly<Record<string, number>> = {
  signing: 0,
  'digital signature': 0,
  'content commitment': 1,
  'key encipherment': 2,
  'data encipherment': 3,
  'key agreement': 4,
  'cert sign': 5,
  'crl sign': 6,
  'encipher only': 7,
  'decipher only': 8,
}

const purposeOf: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
}

const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'))
const organization = '2.5.4.10'
const commonName = '2.5.4.3'
const serverAuth = '1.3.6.1.5.5.7.3.1'
const clientAuth = '1.3.6.1.5.5.7.3.2'

function name({ organizations = [], commonName: common }: Subject): Buffer {
  const parts = [...organizations.map(value => [organization, value] as const), [commonName, common] as const]
  return sequence(...parts.map(([type, value]) => set(sequence(objectId(type), utf8(value)))))
}

/** RFC 5280 4.2.1.2, method 1: the SHA-1 of the key's bits. */
function keyId(spki: Buffer): Buffer {
  // The bits of a P-256 key are the last 65 bytes of its SubjectPublicKeyInfo.
  return createHash('sha1').update(spki.subarray(-65)).digest()
}

function extensions(request: CertificateRequest, subjectId: Buffer, issuerId: Buffer): Buffer[] {
  const isCa = request.use === 'ca'
  // keyCertSign and cRLSign for an authority, digitalSignature for the rest.
  const usage = isCa ? bitString(Buffer.from([0b0000_0110]), 1) : bitString(Buffer.from([0b1000_0000]), 7)
  const list = [
    extension('2.5.29.19', true, isCa ? sequence(boolean(true)) : sequence()),
    extension('2.5.29.15', true, usage),
    extension('2.5.29.14', false, octets(subjectId)),
    extension('2.5.29.35', false, sequence(implicit(0, issuerId))),
  ]
  if (!isCa) {
    const purpose = request.use === 'server' ? serverAuth : clientAuth
    list.push(extension('2.5.29.37', false, sequence(objectId(purpose))))
  }
  if (request.names?.length) list.push(extension('2.5.29.17', false, sequence(...request.names.map(generalName))))
  return list
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(critical ? [boolean(true)] : []), octets(value))
}

function generalName(host: string): Buffer {
  const version = isIP(host)
  if (version === 4) return implicit(7, Buffer.from(host.split('.').map(Number)))
  if (version === 6) return implicit(7, ipv6Bytes(host))
  return implicit(2, Buffer.from(host))
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::')
  const words = (text: string) => (text === '' ? [] : text.split(':').map(word => Number.parseInt(word, 16)))
  const front = words(head)
  const back = tail === undefined ? [] : words(tail)
  const all = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back]
  return Buffer.from(all.flatMap(word => [word >> 8, word & 0xff]))
}
