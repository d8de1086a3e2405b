// What the programs of a container may do beyond what its user may (container-user.ts): what a program's setuid bit adds, and the
// capabilities, as containerd gives them by the security context (pkg/oci/spec.go).

import type { Container } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Program, User } from './process.ts'

/** A program as a path holds it. */
export interface Found {
  readonly program: Program
  readonly argv: readonly string[]
  /** It is the same whatever it is called with. */
  readonly isOwn?: boolean
  /** Whose rights its setuid and setgid bits give. */
  readonly as?: Partial<Pick<User, 'uid' | 'gid'>>
}

export function raised(user: User, { as }: Found): User {
  return as === undefined ? user : { ...user, ...as, realUid: user.realUid ?? user.uid }
}

/** Those that containerd gives (pkg/oci/spec.go defaultUnixCaps). */
const usual: readonly string[] = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP'],
  ...['NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
]

/** linux/capability.h: each is the bit of its place. */
const known: readonly string[] = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP'],
  ...['LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER'],
  ...['SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE'],
  ...['SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP'],
  ...['MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF'],
  'CHECKPOINT_RESTORE',
]

/** What root may in it; any other user has none of them. */
export function capabilitiesOf({ securityContext }: Frozen<Container>): ReadonlySet<string> {
  if (securityContext?.privileged) return new Set(known)
  const { add = [], drop = [] } = securityContext?.capabilities ?? {}
  const plain = (name: string) => name.toUpperCase().replace(/^CAP_/, '')
  const held = new Set(add.map(plain).includes('ALL') ? known : usual)
  if (drop.map(plain).includes('ALL')) held.clear()
  for (const name of drop) held.delete(plain(name))
  for (const name of add) if (known.includes(plain(name))) held.add(plain(name))
  return held
}

/** As /proc shows them. */
export function capabilityBits(held: ReadonlySet<string>): string {
  let bits = 0n
  for (const [place, name] of known.entries()) if (held.has(name)) bits |= 1n << BigInt(place)
  return bits.toString(16).padStart(16, '0')
}
