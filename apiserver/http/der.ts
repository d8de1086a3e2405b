// DER, as far as an X.509 certificate needs it (ITU-T X.690). Pure; used by x509.ts.

export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag]), length(body.length), body])
}

function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes])
  const digits: number[] = []
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256)
  return Buffer.from([0x80 | digits.length, ...digits])
}

export const sequence = (...contents: readonly Uint8Array[]) => der(0x30, ...contents)
export const set = (...contents: readonly Uint8Array[]) => der(0x31, ...contents)
export const octets = (bytes: Uint8Array) => der(0x04, bytes)
export const boolean = (value: boolean) => der(0x01, Buffer.from([value ? 0xff : 0]))
export const utf8 = (text: string) => der(0x0c, Buffer.from(text))
/** Context-specific, constructed. */
export const tagged = (number: number, ...contents: readonly Uint8Array[]) => der(0xa0 | number, ...contents)
/** Context-specific, primitive. */
export const implicit = (number: number, bytes: Uint8Array) => der(0x80 | number, bytes)

/** A non-negative integer from its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const digits = bytes.subarray(start)
  return der(0x02, ...((digits[0] ?? 0) >= 0x80 ? [Buffer.from([0])] : []), digits)
}

/** Bits without unused ones at the end. */
export const bitString = (bytes: Uint8Array, unused = 0) => der(0x03, Buffer.from([unused]), bytes)

/** `1.2.840.10045.4.3.2` */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const digits = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
    bytes.push(...digits)
  }
  return der(0x06, Buffer.from(bytes))
}

/** UTCTime until 2049, GeneralizedTime from then on, as RFC 5280 4.1.2.5 asks. */
export function time(millis: number): Buffer {
  const text = new Date(millis).toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return text < '2050' ? der(0x17, Buffer.from(`${text.slice(2)}Z`)) : der(0x18, Buffer.from(`${text}Z`))
}

/** The bytes between a PEM's lines. */
export function fromPem(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64')
}

export function toPem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
