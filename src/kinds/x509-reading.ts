// Reads what the certificates.k8s.io kinds must know of PEM, of certificate requests (RFC 2986) and of certificates (RFC
// 5280), in plain code: whether a signature holds, the server says (WriteContext.verify). Throws Error, worded as near to Go's
// as can be, for what cannot be read. Also for admission plugins that look into a request.

export interface PemBlock {
  readonly type: string
  readonly hasHeaders: boolean
  readonly bytes: Uint8Array
}

export interface Subject {
  readonly commonName: string
  readonly organizations: readonly string[]
}

export interface AlternativeNames {
  readonly dns: readonly string[]
  readonly emails: readonly string[]
  readonly uris: readonly string[]
  /** As bytes. */
  readonly addresses: readonly Uint8Array[]
}

export interface CertificateRequest {
  readonly subject: Subject
  /** DER of the subject's name, as it is to stand in the certificate. */
  readonly subjectName: Uint8Array
  /** DER of the alternative names that are asked for, and what they are; absent: none. */
  readonly alternativeNames?: Uint8Array
  readonly names: AlternativeNames
  /** DER of the SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array
  /** What is signed, by which algorithm (an object identifier), and the signature. */
  readonly signed: Uint8Array
  readonly algorithm: string
  readonly signature: Uint8Array
}

export interface Certificate {
  readonly publicKey: Uint8Array
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly hasBasicConstraints: boolean
  readonly isAuthority: boolean
  readonly dnsNames: readonly string[]
}

export function bytesOfBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), character => character.charCodeAt(0))
}

export function textOfBase64(text: string): string {
  return new TextDecoder('utf-8').decode(bytesOfBase64(text))
}

const block = /^-----BEGIN ([^\n]*?)-----[ \t\r]*\n([\s\S]*?)^-----END \1-----[ \t\r]*$/gm

/** Every block of a PEM text, as encoding/pem finds them: what stands between them is not looked at. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = []
  for (const [, type = '', body = ''] of text.matchAll(block)) {
    const hasHeaders = body.includes(':')
    const encoded = (hasHeaders ? body.slice(body.lastIndexOf(':')).replace(/^.*\n/, '') : body).replace(/\s/g, '')
    try {
      blocks.push({ type, hasHeaders, bytes: bytesOfBase64(encoded) })
    } catch {
      // Not base64: encoding/pem goes on to the next block.
    }
  }
  return blocks
}

/** A request as it stands in `spec.request`: base64 of a PEM block (pkg/apis/certificates/helpers.go, ParseCSR). */
export function requestOfSpec(request: string): CertificateRequest {
  const [first] = pemBlocks(textOfBase64(request))
  if (first?.type !== 'CERTIFICATE REQUEST') throw new Error('PEM block type must be CERTIFICATE REQUEST')
  return readCertificateRequest(first.bytes)
}

export function readCertificateRequest(bytes: Uint8Array): CertificateRequest {
  const [info, algorithm, signature] = partsOf(whole(bytes, sequence), 3)
  const [, subject, publicKey] = partsOf(info, 3)
  const alternativeNames = alternativeNamesOf(info)
  return {
    subject: subjectOf(subject),
    subjectName: subject.all,
    ...(alternativeNames ? { alternativeNames } : {}),
    names: namesIn(alternativeNames),
    publicKey: publicKey.all,
    signed: info.all,
    algorithm: oidOf(partsOf(algorithm, 1)[0]),
    signature: signature.body.subarray(1),
  }
}

/** Of the attribute extensionRequest (RFC 2985 5.4.2). */
function alternativeNamesOf(info: Part): Uint8Array | undefined {
  const attributes = children(info).find(({ tag }) => tag === 0xa0)
  for (const attribute of attributes ? children(attributes) : []) {
    const [id, values] = partsOf(attribute, 2)
    if (oidOf(id) !== '1.2.840.113549.1.9.14') continue
    for (const extension of children(children(values)[0] ?? noPart)) {
      const [name, ...rest] = children(extension)
      const value = rest.at(-1)
      if (name && value && oidOf(name) === '2.5.29.17') return value.body
    }
  }
  return undefined
}

function namesIn(alternativeNames: Uint8Array | undefined): AlternativeNames {
  const found = alternativeNames ? children(whole(alternativeNames, sequence)) : []
  const of = (tag: number): Part[] => found.filter(each => each.tag === tag)
  return {
    dns: of(0x82).map(textOf),
    emails: of(0x81).map(textOf),
    uris: of(0x86).map(textOf),
    addresses: of(0x87).map(({ body }) => body),
  }
}

/** The bits of a public key, without its algorithm: what its identifier is made of. */
export function keyBits(publicKey: Uint8Array): Uint8Array {
  return partsOf(whole(publicKey, sequence), 2)[1].body.subarray(1)
}

export function readCertificate(bytes: Uint8Array): Certificate {
  const [toBeSigned] = partsOf(whole(bytes, sequence), 3)
  const fields = children(toBeSigned)
  const at = fields[0]?.tag === 0xa0 ? 1 : 0
  const [notBefore, notAfter] = partsOf(fields[at + 3], 2)
  const publicKey = fields[at + 5]
  if (publicKey?.tag !== sequence) throw malformed
  let basic: Part[] | undefined
  const dnsNames: string[] = []
  for (const extensions of fields.filter(each => each.tag === 0xa3)) {
    for (const extension of children(children(extensions)[0]!)) {
      const [id, ...rest] = children(extension)
      const value = rest.at(-1)
      if (!id || !value) throw malformed
      if (oidOf(id) === '2.5.29.19') basic = children(whole(value.body, sequence))
      if (oidOf(id) === '2.5.29.17') {
        for (const name of children(whole(value.body, sequence))) if (name.tag === 0x82) dnsNames.push(textOf(name))
      }
    }
  }
  return {
    publicKey: publicKey.all,
    notBefore: timeOf(notBefore),
    notAfter: timeOf(notAfter),
    hasBasicConstraints: basic !== undefined,
    isAuthority: basic?.[0]?.tag === 0x01 && basic[0].body[0] !== 0,
    dnsNames,
  }
}

/** The sort of a public key: `RSA` with its bits, `ECDSA` with its curve's name in Go. */
export function keyOf(
  publicKey: Uint8Array,
): { type: 'RSA'; bits: number } | { type: 'ECDSA'; curve: string } | { type: 'Ed25519' } | undefined {
  const [algorithm, key] = partsOf(whole(publicKey, sequence), 2)
  const [id, parameters] = children(algorithm)
  switch (id && oidOf(id)) {
    case '1.2.840.113549.1.1.1': {
      const [modulus] = partsOf(whole(key.body.subarray(1), sequence), 2)
      return { type: 'RSA', bits: (modulus.body.length - (modulus.body[0] === 0 ? 1 : 0)) * 8 }
    }
    case '1.2.840.10045.2.1':
      return { type: 'ECDSA', curve: curves[parameters ? oidOf(parameters) : ''] ?? '' }
    case '1.3.101.112':
      return { type: 'Ed25519' }
    default:
      return undefined
  }
}

const curves: Readonly<Record<string, string>> = {
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.33': 'P-224',
  '1.3.132.0.34': 'P-384',
  '1.3.132.0.35': 'P-521',
}

// ---- DER

interface Part {
  readonly tag: number
  readonly all: Uint8Array
  readonly body: Uint8Array
}

const sequence = 0x30
const noPart: Part = { tag: 0x30, all: new Uint8Array(), body: new Uint8Array() }
const malformed = new Error('asn1: structure error: tags do not match')

function partAt(bytes: Uint8Array, offset: number): Part {
  const truncated = new Error('asn1: syntax error: data truncated')
  const [tag, first] = [bytes[offset], bytes[offset + 1]]
  if (tag === undefined || first === undefined) throw truncated
  let length = first
  let start = offset + 2
  if (first > 0x80) {
    length = 0
    for (let left = first & 0x7f; left > 0; left--) length = length * 256 + (bytes[start++] ?? 0)
  }
  if (start + length > bytes.length) throw truncated
  return { tag, all: bytes.subarray(offset, start + length), body: bytes.subarray(start, start + length) }
}

function whole(bytes: Uint8Array, tag: number): Part {
  const part = partAt(bytes, 0)
  if (part.tag !== tag) throw malformed
  if (part.all.length !== bytes.length) throw new Error('asn1: syntax error: trailing data')
  return part
}

function children({ body }: Part): Part[] {
  const parts: Part[] = []
  for (let offset = 0; offset < body.length; offset += parts.at(-1)!.all.length) parts.push(partAt(body, offset))
  return parts
}

type Several<Count extends number> = Count extends 1 ? [Part] : Count extends 2 ? [Part, Part] : [Part, Part, Part]

function partsOf<Count extends 1 | 2 | 3>(part: Part | undefined, count: Count): Several<Count> {
  if (part?.tag !== sequence) throw malformed
  const parts = children(part)
  if (parts.length < count) throw new Error('asn1: syntax error: sequence truncated')
  return parts as Several<Count>
}

function oidOf({ tag, body }: Part): string {
  if (tag !== 0x06 || body.length === 0) throw malformed
  const arcs: number[] = []
  let arc = 0
  for (const byte of body) {
    arc = arc * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    if (arcs.length === 0) arcs.push(Math.min(Math.floor(arc / 40), 2), arc - Math.min(Math.floor(arc / 40), 2) * 40)
    else arcs.push(arc)
    arc = 0
  }
  return arcs.join('.')
}

function textOf({ body }: Part): string {
  return new TextDecoder('utf-8').decode(body)
}

function subjectOf(name: Part): Subject {
  let commonName = ''
  const organizations: string[] = []
  for (const set of children(name)) {
    for (const attribute of children(set)) {
      const [id, value] = partsOf(attribute, 2)
      if (oidOf(id) === '2.5.4.3') commonName = textOf(value)
      if (oidOf(id) === '2.5.4.10') organizations.push(textOf(value))
    }
  }
  return { commonName, organizations }
}

/** UTCTime until 2049, GeneralizedTime with four digits of year. */
function timeOf(part: Part): number {
  const text = textOf(part)
  const full = part.tag === 0x17 ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? []
  if (year === undefined) throw malformed
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
}
