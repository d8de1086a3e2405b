// Frames of SPDY/3.1, as kubectl before 1.30 speaks it and port-forward to this day inside a WebSocket: read from bytes that
// come in pieces of any length, and written. Of data frames each piece is told as it comes, so none is held whole.
// Draft-mbelshe-httpbis-spdy-00, 2.2 and 2.6. Used by spdy-connection.ts.

export const frameTypes = Object.freeze({
  synStream: 1,
  synReply: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
})

/** RST_STREAM's reasons. */
export const resets = Object.freeze({
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  internalError: 6,
})

/** GOAWAY's. */
export const partings = Object.freeze({ ok: 0, protocolError: 1 })

export const finFlag = 1

/** The other side does not speak SPDY, or breaks it: there is nothing more to be said. */
export class SpdyFault extends Error {
  override readonly name = 'SpdyFault'
}

export type Frame =
  | { readonly kind: 'control'; readonly type: number; readonly flags: number; readonly body: Buffer }
  | { readonly kind: 'data'; readonly stream: number; readonly bytes: Buffer; readonly isLast: boolean }

const longestControl = 64 * 1024
const headLength = 8

export class FrameReader {
  #kept: Buffer = Buffer.alloc(0)
  /** Of the data frame that is under way: what is still to come. */
  #data: { readonly stream: number; left: number; readonly isLast: boolean } | undefined;

  /** What of it is complete. Throws SpdyFault. */
  *push(bytes: Uint8Array): Generator<Frame, void, void> {
    const own = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    let rest = this.#kept.length === 0 ? own : Buffer.concat([this.#kept, own])
    this.#kept = Buffer.alloc(0)
    for (;;) {
      const data = this.#data
      if (data !== undefined) {
        if (rest.length === 0 && data.left > 0) return
        const piece = rest.subarray(0, data.left)
        rest = rest.subarray(piece.length)
        data.left -= piece.length
        if (data.left === 0) this.#data = undefined
        yield { kind: 'data', stream: data.stream, bytes: piece, isLast: data.isLast && data.left === 0 }
        continue
      }
      if (rest.length < headLength) break
      const first = rest.readUInt32BE(0)
      const flags = rest[4]!
      const length = rest.readUIntBE(5, 3)
      if (first < 0x80000000) {
        if (first === 0) throw new SpdyFault('data of no stream')
        rest = rest.subarray(headLength)
        this.#data = { stream: first, left: length, isLast: (flags & finFlag) !== 0 }
        continue
      }
      if (length > longestControl) throw new SpdyFault('a control frame is too long')
      if (rest.length < headLength + length) break
      const body = rest.subarray(headLength, headLength + length)
      rest = rest.subarray(headLength + length)
      yield { kind: 'control', type: first & 0xffff, flags, body }
    }
    this.#kept = rest
  }
}

export function controlFrame(type: number, flags: number, ...parts: readonly (number | Uint8Array)[]): Buffer {
  const body = parts.map(part => (typeof part === 'number' ? word(part) : part))
  const head = Buffer.alloc(headLength)
  head.writeUInt32BE((0x80030000 | type) >>> 0)
  head[4] = flags
  head.writeUIntBE(
    body.reduce((sum, { length }) => sum + length, 0),
    5,
    3,
  )
  return Buffer.concat([head, ...body])
}

/** What goes before the data itself. */
export function dataHead(stream: number, length: number, isLast: boolean): Buffer {
  const head = Buffer.alloc(headLength)
  head.writeUInt32BE(stream)
  head[4] = isLast ? finFlag : 0
  head.writeUIntBE(length, 5, 3)
  return head
}

/** A number of a control frame's body; the highest bit is not used. Throws SpdyFault. */
export function wordAt(body: Buffer, at: number): number {
  if (body.length < at + 4) throw new SpdyFault('a control frame is too short')
  return body.readUInt32BE(at) & 0x7fffffff
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
