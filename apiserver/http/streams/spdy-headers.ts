// Header blocks of SPDY/3.1: names and values, compressed as one zlib stream over a connection's life, with the dictionary of
// the specification (draft-mbelshe-httpbis-spdy-00, 2.6.10). What is read is inflated; what is written is stored as it is,
// which is zlib as well and needs no compressor. Used by spdy-connection.ts.

import { constants, createInflate, type Inflate } from 'node:zlib'
import { SpdyFault } from './spdy-frames.ts'

/** No client of ours says more of a stream. */
const longestBlock = 64 * 1024

/** In the dictionary each word comes after its length; `_` stands for a space. */
const words = `
  options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age
  allow authorization cache-control connection content-base content-encoding content-language content-length
  content-location content-md5 content-range content-type date etag expect expires from host if-match
  if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma
  proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade
  user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie
  keep-alive origin
`

const rest =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Au' +
  'thoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidd' +
  'en404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr Ma' +
  'y Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,imag' +
  'e/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicpri' +
  'vatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.'

export const spdyDictionary: Buffer = dictionary()

function dictionary(): Buffer {
  const parts: Buffer[] = []
  for (const word of words.trim().split(/\s+/)) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(word.length)
    parts.push(length, Buffer.from(word.replaceAll('_', ' ')))
  }
  return Buffer.concat([...parts, Buffer.from(rest)])
}

export type SpdyHeaders = ReadonlyMap<string, string>

/** The blocks of one direction, in the order in which they come. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH })
  #pieces: Buffer[] = []
  #size = 0
  #fail: (fault: Error) => void = () => {}

  constructor() {
    this.#inflate.on('data', (piece: Buffer) => {
      this.#size += piece.length
      if (this.#size > longestBlock) this.#fail(new SpdyFault('a header block is too long'))
      else this.#pieces.push(piece)
    })
    this.#inflate.on('error', () => this.#fail(new SpdyFault('a header block cannot be read')))
  }

  /** Rejects with SpdyFault; no further block can be read then. */
  async read(block: Uint8Array): Promise<SpdyHeaders> {
    this.#pieces = []
    this.#size = 0
    await new Promise<void>((resolve, reject) => {
      this.#fail = fault => {
        this.close()
        reject(fault)
      }
      this.#inflate.write(block, error => (error ? reject(new SpdyFault('a header block cannot be read')) : resolve()))
    })
    return parsed(Buffer.concat(this.#pieces))
  }

  close(): void {
    this.#inflate.destroy()
  }
}

function parsed(bytes: Buffer): SpdyHeaders {
  let at = 0
  const number = (): number => {
    if (at + 4 > bytes.length) throw new SpdyFault('a header block ends too soon')
    at += 4
    return bytes.readUInt32BE(at - 4)
  }
  const text = (): string => {
    const length = number()
    if (length > bytes.length - at) throw new SpdyFault('a header block ends too soon')
    at += length
    return bytes.toString('latin1', at - length, at)
  }
  const headers = new Map<string, string>()
  for (let left = number(); left > 0; left--) {
    const name = text().toLowerCase()
    if (headers.has(name)) throw new SpdyFault('a header comes twice')
    headers.set(name, text())
  }
  return headers
}

export class HeaderWriter {
  #hasBegun = false

  block(headers: SpdyHeaders): Buffer {
    const parts = [number(headers.size)]
    for (const [name, value] of headers) {
      for (const text of [name, value])
        parts.push(number(Buffer.byteLength(text, 'latin1')), Buffer.from(text, 'latin1'))
    }
    const bytes = Buffer.concat(parts)
    const stored = Buffer.alloc(5)
    stored.writeUInt16LE(bytes.length, 1)
    stored.writeUInt16LE(~bytes.length & 0xffff, 3)
    const begin = this.#hasBegun ? [] : [streamHead]
    this.#hasBegun = true
    return Buffer.concat([...begin, stored, bytes, flush])
  }
}

/** Deflate with a window of 32 KiB and a preset dictionary, and which that is (RFC 1950). */
const streamHead = Buffer.concat([Buffer.of(0x78, 0x20), number(adler32(spdyDictionary))])

/** A stored block of nothing: so a reader has all that came before (RFC 1951, 3.2.4). */
const flush = Buffer.of(0, 0, 0, 0xff, 0xff)

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function adler32(bytes: Uint8Array): number {
  let [one, two] = [1, 0]
  for (const byte of bytes) {
    one = (one + byte) % 65_521
    two = (two + one) % 65_521
  }
  return ((two << 16) | one) >>> 0
}
