// IP addresses and CIDRs as the API takes them: any spelling of an address in the older fields, the canonical one in the
// newer, nowhere leading zeros or IPv4 inside IPv6 (apimachinery/pkg/util/validation/ip.go, with StrictIPCIDRValidation as
// since 1.36). What stood in a field before may stay. No network is touched.

import { Faults, type FieldPath, root } from './field-path.ts'

/** The bytes: 4 of IPv4 (also when written inside IPv6), 16 of IPv6. */
export type IpBytes = readonly number[]

export function parseIp(text: string): IpBytes | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): IpBytes | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes: number[] = []
  for (const part of parts) {
    if (!/^[0-9]+$/.test(part) || Number(part) > 255) return undefined
    bytes.push(Number(part))
  }
  return bytes
}

function parseIpv6(text: string): IpBytes | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groupsOf(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : []
  if (!head || !tail) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  const bytes = [...head, ...new Array<number>(halves.length === 1 ? 0 : missing).fill(0), ...tail]
  const isMapped = bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 255 && bytes[11] === 255
  return isMapped ? bytes.slice(12) : bytes
}

function groupsOf(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    if (mayEndInIpv4 && index === groups.length - 1 && group.includes('.')) {
      const last = parseIpv4(group)
      if (!last) return undefined
      bytes.push(...last)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 255)
    }
  }
  return bytes
}

export function isIpv6(text: string): boolean {
  return parseIp(text)?.length === 16
}

export function isIpv4(text: string): boolean {
  return parseIp(text)?.length === 4
}

/** An address in any spelling; `kept` are the values that stand there already. */
export function ipRule(text: string, path: FieldPath, faults: Faults, kept?: readonly string[] | undefined): boolean {
  if (kept?.includes(text)) return true
  const bytes = parseIp(text)
  if (!bytes) faults.invalid(path, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')
  else if (bytes.length === 16) return true
  else if (text.includes(':')) faults.invalid(path, text, 'must not be an IPv4-mapped IPv6 address')
  else if (text !== bytes.join('.')) faults.invalid(path, text, 'must not have leading 0s')
  else return true
  return false
}

/** An address in the one form that it should be written in. */
export function canonicalIpRule(text: string, path: FieldPath, faults: Faults): boolean {
  if (!ipRule(text, path, faults)) return false
  const canonical = ipText(parseIp(text) ?? [])
  if (text === canonical) return true
  faults.invalid(path, text, `must be in canonical form (${JSON.stringify(canonical)})`)
  return false
}

/** Why a name is not an address in the one form that it should be written in, without a path (ValidateIPAddressName). */
export function canonicalIpFaults(text: string): readonly string[] {
  const faults = new Faults()
  canonicalIpRule(text, root, faults)
  return faults.list.map(({ message }) => message.slice(message.indexOf(': ', prefix.length) + 2))
}

const prefix = 'Invalid value: '

/** RFC 5952: the longest run of zeros, of two groups at least, becomes `::`. */
export function ipText(bytes: IpBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups: number[] = []
  for (let at = 0; at < 16; at += 2) groups.push((bytes[at]! << 8) | bytes[at + 1]!)
  let start = -1
  let length = 1
  for (let at = 0; at < 8; at++) {
    let end = at
    while (end < 8 && groups[end] === 0) end++
    if (end - at > length) {
      start = at
      length = end - at
    }
    at = Math.max(at, end - 1)
  }
  const shown = groups.map(group => group.toString(16))
  if (start < 0) return shown.join(':')
  return `${shown.slice(0, start).join(':')}::${shown.slice(start + length).join(':')}`
}

export function cidrRule(text: string, path: FieldPath, faults: Faults, kept?: readonly string[] | undefined): void {
  if (kept?.includes(text)) return
  const slash = text.indexOf('/')
  const address = text.slice(0, Math.max(slash, 0))
  const length = text.slice(slash + 1)
  const bytes = parseIp(address)
  if (!bytes || !/^[0-9]{1,3}$/.test(length) || Number(length) > bytes.length * 8) {
    faults.invalid(path, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')
  } else if (bytes.length === 4 && address.includes(':')) {
    faults.invalid(path, text, 'must not have an IPv4-mapped IPv6 address')
  } else if (length !== String(Number(length)) || (bytes.length === 4 && address !== bytes.join('.'))) {
    faults.invalid(path, text, 'must not have leading 0s in IP or prefix length')
  } else if (!isMasked(bytes, Number(length))) {
    faults.invalid(path, text, 'must not have bits set beyond the prefix length')
  }
}

/** An address with the length of its network's prefix, as an interface has it (IsValidInterfaceAddress). */
export function interfaceAddressRule(text: string, path: FieldPath, faults: Faults): void {
  const [address = '', length = '', ...more] = text.split('/')
  const bytes = parseIp(address)
  const width = (address.includes(':') ? 16 : 4) * 8
  if (!bytes || more.length > 0 || !/^[0-9]{1,3}$/.test(length) || Number(length) > width) {
    faults.invalid(path, text, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)')
    return
  }
  const isMapped = bytes.length === 4 && width === 128
  const canonical = `${ipText(bytes)}/${Number(length) - (isMapped ? 96 : 0)}`
  if (text !== canonical) faults.invalid(path, text, `must be in canonical form (${JSON.stringify(canonical)})`)
}

export interface Cidr {
  readonly bytes: IpBytes
  /** Of the prefix, in bits. */
  readonly length: number
}

/** A range in any spelling, `10.0.0.7/8` too. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/')
  const bytes = parseIp(text.slice(0, Math.max(slash, 0)))
  const length = text.slice(slash + 1)
  if (!bytes || !/^[0-9]{1,3}$/.test(length) || Number(length) > bytes.length * 8) return undefined
  return { bytes, length: Number(length) }
}

export function isInSubnet(bytes: IpBytes, { bytes: network, length }: Cidr): boolean {
  if (bytes.length !== network.length) return false
  return bytes.every((byte, index) => {
    const mask = (0xff00 >> Math.min(8, Math.max(0, length - index * 8))) & 0xff
    return (byte & mask) === (network[index]! & mask)
  })
}

/** A range in the one form that it should be written in (validation.IsValidCIDR). */
export function canonicalCidrRule(text: string, path: FieldPath, faults: Faults): void {
  const before = faults.count
  cidrRule(text, path, faults)
  const cidr = parseCidr(text)
  if (faults.count > before || !cidr) return
  const canonical = `${ipText(cidr.bytes)}/${cidr.length}`
  if (text !== canonical) faults.invalid(path, text, `must be in canonical form (${JSON.stringify(canonical)})`)
}

function isMasked(bytes: IpBytes, length: number): boolean {
  return bytes.every((byte, index) => (byte & (0xff >> Math.min(8, Math.max(0, length - index * 8)))) === 0)
}

/**
 * An address that traffic can be sent to: ValidateEndpointIP, but for the loopback range, which upstream refuses and in
 * which simulated nodes and their API server live (docs/decisions/0005-loopback-endpoints.md).
 */
export function endpointIpRule(text: string, path: FieldPath, faults: Faults): void {
  const bytes = parseIp(text)
  if (!bytes) {
    faults.invalid(path, text, 'must be a valid IP address')
    return
  }
  const [first = 0, second = 0] = bytes
  const isV4 = bytes.length === 4
  if (bytes.every(byte => byte === 0)) faults.invalid(path, text, `may not be unspecified (${text})`)
  if (isV4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80) {
    faults.invalid(path, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')
  }
  if (isV4 ? first === 224 && second === 0 && bytes[2] === 0 : first === 0xff && (second & 0x0f) === 0x02) {
    faults.invalid(path, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')
  }
}

/** The whole of upstream's ValidateEndpointIP, for addresses that are not the simulation's to give. */
export function outsideIpRule(text: string, path: FieldPath, faults: Faults): void {
  const bytes = parseIp(text)
  if (bytes && isLoopback(bytes)) {
    faults.invalid(path, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')
  } else endpointIpRule(text, path, faults)
}

function isLoopback(bytes: IpBytes): boolean {
  return bytes.length === 4 ? bytes[0] === 127 : bytes.slice(0, 15).every(byte => byte === 0) && bytes[15] === 1
}

/** Whether two addresses are of the two families. */
export function areDualStack(texts: readonly string[]): boolean {
  return texts.some(isIpv4) && texts.some(isIpv6)
}
