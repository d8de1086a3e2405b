// SPDY inside a WebSocket, as kubectl since 1.31 forwards ports: the subprotocol is `SPDY/3.1+portforward.k8s.io`, which no
// WebSocket library takes for a token, so the few frames that are needed are written here (RFC 6455, 5.2).

import { once } from 'node:events'
import https from 'node:https'
import { Duplex } from 'node:stream'
import type { Door } from '../door.ts'
import { overWire, type SpdyClient } from './spdy-client.ts'

function ask(door: Door, path: string, protocol: string) {
  const { ca, admin } = door.certificates
  const request = https.request({
    host: '127.0.0.1',
    port: door.port,
    path,
    agent: false,
    ca: ca.cert,
    cert: admin.cert,
    key: admin.key,
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol': protocol,
    },
  })
  request.end()
  return request
}

/** The code of an upgrade that must be refused. */
export async function refusedTunnel(door: Door, path: string, protocol: string): Promise<number> {
  const [response] = await once(ask(door, path, protocol), 'response')
  response.resume()
  return response.statusCode
}

export async function tunnelClient(door: Door, path: string, protocol: string): Promise<SpdyClient> {
  const [response, socket, head] = await once(ask(door, path, protocol), 'upgrade')
  const bytes = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      socket.write(binaryFrame(chunk), done)
    },
    final: done => socket.end(Buffer.of(0x88, 0x80, 0, 0, 0, 0), done),
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  let kept: Buffer = head
  const take = (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk])
    for (let frame = nextFrame(kept); frame !== undefined; frame = nextFrame(kept)) {
      kept = frame.rest
      if (frame.code === 8) bytes.push(null)
      else bytes.push(frame.payload)
    }
  }
  take(Buffer.alloc(0))
  socket.on('data', take)
  socket.on('error', () => {})
  socket.on('close', () => bytes.destroy())
  return overWire(bytes, Buffer.alloc(0), response.headers['sec-websocket-protocol'])
}

/** Masked with zeros, which is a mask. */
function binaryFrame(payload: Buffer): Buffer {
  const head = Buffer.alloc(14)
  head[0] = 0x82
  head[1] = 0x80 | 127
  head.writeBigUInt64BE(BigInt(payload.length), 2)
  return Buffer.concat([head, payload])
}

function nextFrame(bytes: Buffer): { code: number; payload: Buffer; rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined
  const short = bytes[1]! & 0x7f
  const at = short < 126 ? 2 : short === 126 ? 4 : 10
  if (bytes.length < at) return undefined
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (bytes.length < at + length) return undefined
  return { code: bytes[0]! & 0x0f, payload: bytes.subarray(at, at + length), rest: bytes.subarray(at + length) }
}
