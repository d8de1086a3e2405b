// The tar format (POSIX ustar, with GNU's long names and pax headers read): one header, its content, padding. Pure.

export interface ArchiveEntry {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'symlink' | 'link'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** Seconds. */
  readonly modified: number
  /** Of links. */
  readonly target: string
  readonly user: string
  readonly group: string
}

export const blockSize = 512
const longName = '././@LongLink'

const typeFlags: Readonly<Record<ArchiveEntry['kind'], string>> = { file: '0', link: '1', symlink: '2', directory: '5' }

/** The header's blocks, before them those of names that are too long for it. */
export function headerOf(entry: ArchiveEntry): Uint8Array {
  const parts: Uint8Array[] = []
  if (Buffer.byteLength(entry.target) > 100) parts.push(...longBlocks('K', entry.target))
  if (Buffer.byteLength(entry.name) > 100) parts.push(...longBlocks('L', entry.name))
  parts.push(block(entry, typeFlags[entry.kind]))
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

function longBlocks(type: string, text: string): readonly Uint8Array[] {
  const bytes = Buffer.from(`${text}\0`)
  const facts = { kind: 'file', mode: 0, uid: 0, gid: 0, modified: 0, target: '', user: '', group: '' } as const
  return [block({ ...facts, name: longName, size: bytes.length }, type), bytes, padding(bytes.length)]
}

export function padding(size: number): Uint8Array {
  return new Uint8Array((blockSize - (size % blockSize)) % blockSize)
}

function block(entry: ArchiveEntry, type: string): Uint8Array {
  const bytes = Buffer.alloc(blockSize)
  const octal = (value: number, at: number, width: number) =>
    bytes.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1')
  bytes.write(entry.name, 0, 100)
  octal(entry.mode & 0o7777, 100, 8)
  octal(entry.uid, 108, 8)
  octal(entry.gid, 116, 8)
  octal(entry.size, 124, 12)
  octal(Math.max(0, entry.modified), 136, 12)
  bytes.write('        ', 148, 'latin1')
  bytes.write(type, 156, 'latin1')
  bytes.write(entry.target, 157, 100)
  bytes.write('ustar  \0', 257, 'latin1')
  bytes.write(entry.user, 265, 32)
  bytes.write(entry.group, 297, 32)
  let sum = 0
  for (const byte of bytes) sum += byte
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}

export interface RawHeader extends Omit<ArchiveEntry, 'kind'> {
  readonly type: string
}

/** undefined: an empty block. Throws a RangeError when its sum is wrong. */
export function parseHeader(bytes: Buffer): RawHeader | undefined {
  if (bytes.every(byte => byte === 0)) return undefined
  const text = (from: number, length: number) => {
    const part = bytes.subarray(from, from + length)
    const end = part.indexOf(0)
    return part.subarray(0, end < 0 ? length : end).toString()
  }
  const octal = (from: number, length: number) => {
    // GNU writes what is too large for digits as a number of base 256.
    if ((bytes[from]! & 0x80) !== 0) return Number(bytes.readBigUInt64BE(from + length - 8) & 0x7fffffffffffffffn)
    return Number.parseInt(text(from, length).trim() || '0', 8)
  }
  let sum = 0
  for (const [index, byte] of bytes.entries()) sum += index >= 148 && index < 156 ? 32 : byte
  if (sum !== octal(148, 8)) throw new RangeError('the checksum of a header is wrong')
  const prefix = text(257, 5) === 'ustar' && bytes[263] === 0x30 ? text(345, 155) : ''
  const name = text(0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: bytes[156] === 0 ? '0' : String.fromCharCode(bytes[156]!),
    mode: octal(100, 8),
    uid: octal(108, 8),
    gid: octal(116, 8),
    size: octal(124, 12),
    modified: octal(136, 12),
    target: text(157, 100),
    user: text(265, 32),
    group: text(297, 32),
  }
}

/** A pax header's records: `27 path=…\n`. */
export function parseRecords(bytes: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at)
    const length = Number(bytes.subarray(at, space).toString())
    if (!(length > 0)) break
    const record = bytes.subarray(space + 1, at + length - 1).toString()
    const equals = record.indexOf('=')
    records.set(record.slice(0, equals), record.slice(equals + 1))
    at += length
  }
  return records
}
