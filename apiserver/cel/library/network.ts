// IP addresses and CIDRs. Upstream: k8s.io/apiserver/pkg/cel/library/{ip,cidr}.go, on Go's net/netip.

import type { Environment } from '@marcbachmann/cel-js'
import { type IpBytes, ipText, parseIp } from '../../../src/kinds/ip-address.ts'

export class CelIp {
  readonly bytes: IpBytes

  constructor(bytes: IpBytes) {
    this.bytes = bytes
  }

  get family(): 4 | 6 {
    return this.bytes.length === 4 ? 4 : 6
  }

  toString(): string {
    return ipText(this.bytes)
  }
}

export class CelCidr {
  readonly ip: CelIp
  readonly length: number

  constructor(ip: CelIp, length: number) {
    this.ip = ip
    this.length = length
  }

  contains({ bytes }: CelIp): boolean {
    return bytes.length === this.ip.bytes.length && isSameTo(bytes, this.ip.bytes, this.length)
  }

  masked(): CelCidr {
    const bytes = this.ip.bytes.map((byte, index) => {
      const bits = Math.min(Math.max(this.length - index * 8, 0), 8)
      return byte & (0xff << (8 - bits)) & 0xff
    })
    return new CelCidr(new CelIp(bytes), this.length)
  }

  toString(): string {
    return `${this.ip}/${this.length}`
  }
}

/** The function `ip` has functions of its own. */
class IpNamespace {}

const ipType = 'net.IP'
const cidrType = 'net.CIDR'

export function registerNetwork(environment: Environment): void {
  environment
    .registerType(ipType, CelIp)
    .registerType(cidrType, CelCidr)
    .registerFunction(`ip(string): ${ipType}`, ipOf)
    .registerFunction('isIP(string): bool', (text: string) => strictIp(text) !== undefined)
    .registerFunction(`string(${ipType}): string`, String)
    .registerFunction(`${ipType}.family(): int`, (ip: CelIp) => BigInt(ip.family))
    .registerFunction(`${ipType}.isUnspecified(): bool`, ({ bytes }: CelIp) => bytes.every(byte => byte === 0))
    .registerFunction(`${ipType}.isLoopback(): bool`, isLoopback)
    .registerFunction(`${ipType}.isLinkLocalMulticast(): bool`, isLinkLocalMulticast)
    .registerFunction(`${ipType}.isLinkLocalUnicast(): bool`, isLinkLocalUnicast)
    .registerFunction(`${ipType}.isGlobalUnicast(): bool`, isGlobalUnicast)
    .registerFunction('isCIDR(string): bool', (text: string) => strictCidr(text) !== undefined)
    .registerFunction(`cidr(string): ${cidrType}`, cidrOf)
    .registerFunction(`string(${cidrType}): string`, String)
    .registerFunction(`${cidrType}.containsIP(${ipType}): bool`, (cidr: CelCidr, ip: CelIp) => cidr.contains(ip))
    .registerFunction(`${cidrType}.containsIP(string): bool`, (cidr: CelCidr, ip: string) => cidr.contains(ipOf(ip)))
    .registerFunction(`${cidrType}.containsCIDR(${cidrType}): bool`, holds)
    .registerFunction(`${cidrType}.containsCIDR(string): bool`, (cidr: CelCidr, other: string) =>
      holds(cidr, cidrOf(other)),
    )
    .registerFunction(`${cidrType}.ip(): ${ipType}`, (cidr: CelCidr) => cidr.ip)
    .registerFunction(`${cidrType}.masked(): ${cidrType}`, (cidr: CelCidr) => cidr.masked())
    .registerFunction(`${cidrType}.prefixLength(): int`, (cidr: CelCidr) => BigInt(cidr.length))
    .registerOperator(`${ipType} == ${ipType}`, (one: CelIp, other: CelIp) => String(one) === String(other))
    .registerOperator(`${cidrType} == ${cidrType}`, (one: CelCidr, other: CelCidr) => String(one) === String(other))
  const namespace = 'kubernetes.IpNamespace'
  environment
    .registerType(namespace, IpNamespace)
    .registerConstant('ip', namespace, new IpNamespace())
    .registerFunction(
      `${namespace}.isCanonical(string): bool`,
      (_: unknown, text: string) => String(ipOf(text)) === text,
    )
}

/** Without zones and leading zeros, and no IPv4 dressed as IPv6. */
function strictIp(text: string): CelIp | undefined {
  if (text.includes('%') || /(?:^|\.)0\d/.test(text)) return undefined
  const bytes = parseIp(text)
  if (bytes === undefined || (bytes.length === 4 && text.includes(':'))) return undefined
  return new CelIp(bytes)
}

function ipOf(text: string): CelIp {
  const ip = strictIp(text)
  if (ip !== undefined) return ip
  throw new Error(
    `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
  )
}

function strictCidr(text: string): CelCidr | undefined {
  const parts = /^([^/]+)\/(0|[1-9]\d*)$/.exec(text)
  const ip = parts === null ? undefined : strictIp(parts[1]!)
  const length = Number(parts?.[2])
  return ip === undefined || length > ip.bytes.length * 8 ? undefined : new CelCidr(ip, length)
}

function cidrOf(text: string): CelCidr {
  const cidr = strictCidr(text)
  if (cidr !== undefined) return cidr
  throw new Error(
    `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): unable to parse`,
  )
}

const holds = (cidr: CelCidr, other: CelCidr): boolean => cidr.contains(other.ip) && cidr.length <= other.length

function isSameTo(one: IpBytes, other: IpBytes, bits: number): boolean {
  for (let index = 0; index * 8 < bits; index++) {
    const kept = Math.min(bits - index * 8, 8)
    const mask = (0xff << (8 - kept)) & 0xff
    if ((one[index]! & mask) !== (other[index]! & mask)) return false
  }
  return true
}

function isLoopback({ bytes, family }: CelIp): boolean {
  return family === 4 ? bytes[0] === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0))
}

function isLinkLocalMulticast({ bytes, family }: CelIp): boolean {
  if (family === 4) return bytes[0] === 224 && bytes[1] === 0 && bytes[2] === 0
  return bytes[0] === 0xff && (bytes[1]! & 0x0f) === 0x02
}

function isLinkLocalUnicast({ bytes, family }: CelIp): boolean {
  return family === 4 ? bytes[0] === 169 && bytes[1] === 254 : bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80
}

function isGlobalUnicast(ip: CelIp): boolean {
  const { bytes, family } = ip
  const isMulticast = family === 4 ? bytes[0]! >> 4 === 14 : bytes[0] === 0xff
  const isBroadcast = family === 4 && bytes.every(byte => byte === 255)
  const isNothing = bytes.every(byte => byte === 0)
  return !isMulticast && !isBroadcast && !isNothing && !isLoopback(ip) && !isLinkLocalUnicast(ip)
}
