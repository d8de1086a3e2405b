// A SPDY/3.1 client of exec, attach and port-forward, as kubectl's spdystream is one: header blocks are deflated by zlib with
// the dictionary, and what comes back is inflated by it.

import { once } from 'node:events'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import zlib from 'node:zlib'
import { controlFrame, dataHead, FrameReader, frameTypes, resets } from '../../../apiserver/http/streams/spdy-frames.ts'
import { spdyDictionary } from '../../../apiserver/http/streams/spdy-headers.ts'
import type { Door } from '../door.ts'

export interface ClientStream {
  readonly id: number
  said(): string
  bytes(): number
  readonly hasEnded: boolean
  readonly wasReset: boolean
  readonly isReplied: boolean
  send(text: string | Uint8Array): boolean
  end(): void
  reset(): void
  /** Resolves when the server has ended or reset it. */
  ended(): Promise<string>
}

export interface SpdyClient {
  readonly socket: Duplex
  readonly protocol: string | undefined
  open(headers: Record<string, string>): Promise<ClientStream>
  ping(id: number): Promise<void>
  /** Resolves with the reason of the server's GOAWAY. */
  parted(): Promise<number>
  closed(): Promise<void>
}

export interface RefusedSpdy {
  readonly code: number
  readonly text: string
  readonly headers: Record<string, unknown>
}

interface Asking {
  readonly protocols?: readonly string[]
  readonly upgrade?: string
  readonly method?: string
}

function ask(door: Door, path: string, { protocols = [], upgrade = 'SPDY/3.1', method = 'POST' }: Asking) {
  const request = https.request({
    host: '127.0.0.1',
    port: door.port,
    path,
    method,
    agent: false,
    ca: door.certificates.ca.cert,
    cert: door.certificates.admin.cert,
    key: door.certificates.admin.key,
    headers: {
      Connection: 'Upgrade',
      Upgrade: upgrade,
      'X-Stream-Protocol-Version': [...protocols],
      ...(method === 'POST' ? { 'Content-Length': '0' } : {}),
    },
  })
  request.end()
  return request
}

export function refusedSpdy(door: Door, path: string, asking: Asking = {}): Promise<RefusedSpdy> {
  const request = ask(door, path, asking)
  return new Promise((resolve, reject) => {
    request.on('upgrade', () => reject(new Error('not refused')))
    request.on('error', reject)
    request.on('response', async response => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ code: response.statusCode ?? 0, text, headers: response.headers })
    })
  })
}

export async function spdyClient(door: Door, path: string, ...protocols: string[]): Promise<SpdyClient> {
  const request = ask(door, path, { protocols })
  request.on('response', response => {
    response.resume()
    request.destroy(new Error(`refused with ${response.statusCode}`))
  })
  const [response, socket, head] = await once(request, 'upgrade')
  return overWire(socket, head, response.headers['x-stream-protocol-version'])
}

/** Also over what a tunnel gives. */
export function overWire(socket: Duplex, head: Buffer, protocol?: string): SpdyClient {
  const deflate = zlib.createDeflate({ dictionary: spdyDictionary, flush: zlib.constants.Z_SYNC_FLUSH })
  const inflate = zlib.createInflate({ dictionary: spdyDictionary, flush: zlib.constants.Z_SYNC_FLUSH })
  const streams = new Map<number, ReturnType<typeof made>>()
  const reader = new FrameReader()
  let nextId = 1
  let pinged = (_id: number): void => {}
  let part = (_why: number): void => {}
  const parted = new Promise<number>(resolve => {
    part = resolve
  })
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  let replies: Promise<unknown> = Promise.resolve()
  let opening: Promise<unknown> = Promise.resolve()

  function made(id: number) {
    const got: Buffer[] = []
    let size = 0
    let end = (_text: string): void => {}
    const ended = new Promise<string>(resolve => {
      end = resolve
    })
    const stream = {
      id,
      hasEnded: false,
      wasReset: false,
      isReplied: false,
      reply: (): void => {},
      said: () => Buffer.concat(got).toString(),
      bytes: () => size,
      send: (text: string | Uint8Array) => {
        const bytes = Buffer.from(text)
        return socket.write(Buffer.concat([dataHead(id, bytes.length, false), bytes]))
      },
      end: () => void socket.write(dataHead(id, 0, true)),
      reset: () => void socket.write(controlFrame(frameTypes.reset, 0, id, resets.cancel)),
      ended: () => ended,
      take(bytes: Buffer, isLast: boolean) {
        got.push(Buffer.from(bytes))
        size += bytes.length
        if (isLast) stream.over()
      },
      over() {
        stream.hasEnded = true
        end(stream.said())
      },
    }
    return stream
  }

  function take(chunk: Uint8Array): void {
    for (const frame of reader.push(chunk)) {
      if (frame.kind === 'data') {
        streams.get(frame.stream)?.take(frame.bytes, frame.isLast)
        continue
      }
      const id = frame.body.length >= 4 ? frame.body.readUInt32BE(0) : 0
      const stream = streams.get(id)
      if (frame.type === frameTypes.synReply) {
        const block = Buffer.from(frame.body.subarray(4))
        replies = replies.then(async () => {
          let text = Buffer.alloc(0)
          const on = (piece: Buffer) => {
            text = Buffer.concat([text, piece])
          }
          inflate.on('data', on)
          await new Promise(resolve => inflate.write(block, resolve))
          inflate.off('data', on)
          if (text.toString('hex') !== '00000000') throw new Error(`a reply with headers ${text.toString('hex')}`)
          if (stream) stream.isReplied = true
          stream?.reply()
        })
      } else if (frame.type === frameTypes.reset && stream) {
        stream.wasReset = true
        stream.over()
        stream.reply()
      } else if (frame.type === frameTypes.ping) pinged(id)
      else if (frame.type === frameTypes.goAway) part(frame.body.readUInt32BE(4))
    }
  }
  if (head.length > 0) take(head)
  socket.on('data', take)
  socket.on('end', () => socket.end())
  socket.on('error', () => {})

  return {
    socket,
    protocol,
    async open(headers) {
      const id = nextId
      nextId += 2
      const stream = made(id)
      streams.set(id, stream)
      const replied = new Promise<void>(resolve => {
        stream.reply = resolve
      })
      // Blocks are one zlib stream: one after the other, in the order of the streams.
      opening = opening.then(async () => {
        const block = await deflated(headersOf(headers))
        socket.write(controlFrame(frameTypes.synStream, 0, id, 0, Buffer.alloc(2), block))
      })
      await replied
      return stream
    },
    ping: id =>
      new Promise(resolve => {
        pinged = answered => answered === id && resolve()
        socket.write(controlFrame(frameTypes.ping, 0, id))
      }),
    parted: () => parted,
    closed: () => closed,
  }

  async function deflated(bytes: Buffer): Promise<Buffer> {
    const pieces: Buffer[] = []
    const on = (piece: Buffer) => pieces.push(piece)
    deflate.on('data', on)
    await new Promise(resolve => deflate.write(bytes, resolve))
    deflate.off('data', on)
    return Buffer.concat(pieces)
  }
}

export function headersOf(headers: Record<string, string>): Buffer {
  const number = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
  }
  const entries = Object.entries(headers)
  return Buffer.concat([
    number(entries.length),
    ...entries.flatMap(([name, value]) => [
      number(name.length),
      Buffer.from(name),
      number(value.length),
      Buffer.from(value),
    ]),
  ])
}
