// gRPC's health protocol (grpc.health.v1.Health/Check) over connections of the simulation, spoken by Node's own HTTP/2: what a
// kubelet's gRPC probe asks, and what a program answers that serves it. HTTP/2 is loaded with the first of either.
// Protocol: grpc/grpc doc/health-checking.md and doc/PROTOCOL-HTTP2.md.

import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import type { HealthCheck, HealthStatus } from '../machine/sockets.ts'
import type { ConnectionEnd } from './connection.ts'
import { streamOf, whileNodeWorks } from './stream.ts'

const numbers: Readonly<Record<HealthStatus, number>> = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 }
const names = Object.keys(numbers) as HealthStatus[]

/** Of gRPC's codes those that are said here. */
const codes = { DeadlineExceeded: 4, NotFound: 5, Unimplemented: 12, Internal: 13, Unavailable: 14 } as const
const codeNames: Readonly<Record<number, string>> = {
  1: 'Canceled',
  2: 'Unknown',
  3: 'InvalidArgument',
  ...Object.fromEntries(Object.entries(codes).map(([name, number]) => [number, name])),
}

const path = '/grpc.health.v1.Health/Check'

/** Takes connections, and answers each question with what `check` says; undefined: it does not know the service. */
export function healthTaker(env: Pick<Env, 'activity'>, check: HealthCheck): (end: ConnectionEnd) => void {
  let server: Promise<{ emit(event: 'connection', stream: Duplex): unknown }> | undefined
  return end => {
    void env.activity.track(async () => {
      server ??= import('node:http2').then(({ createServer }) => {
        const made = createServer()
        made.on('stream', (stream, headers) => answer(stream, headers, check))
        // Who speaks something else is hung up on.
        made.on('sessionError', () => {})
        return made
      })
      ;(await server).emit('connection', streamOf(env, end))
      whileNodeWorks(env.activity)
    })
  }
}

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, check: HealthCheck): void {
  const refuse = (code: number, message: string): void => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(code), 'grpc-message': message },
      { endStream: true },
    )
  }
  stream.on('error', () => {})
  if (headers[':path'] !== path) {
    const [, service, method] = String(headers[':path']).split('/')
    const known = service === 'grpc.health.v1.Health'
    refuse(codes.Unimplemented, known ? `unknown method ${method}` : `unknown service ${service}`)
    return
  }
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  stream.on('end', () => {
    const status = check(serviceIn(Buffer.concat(parts)))
    if (status === undefined) {
      refuse(codes.NotFound, 'unknown service')
      return
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(framed(Buffer.from([0x08, numbers[status]])))
  })
}

export type HealthAnswer =
  | { readonly status: HealthStatus }
  /** `connect`: nobody there speaks HTTP/2. */
  | { readonly fault: 'connect' }
  | { readonly fault: 'late' }
  | { readonly fault: 'refused'; readonly code: string; readonly message: string }

/** One question over a connection that is there, which is closed after it; given up at that moment of the cluster's clock. */
export async function askHealth(
  env: Pick<Env, 'activity' | 'clock'>,
  connection: Duplex,
  service: string,
  due: Millis,
): Promise<HealthAnswer> {
  const { connect } = await env.activity.track(() => import('node:http2'))
  return new Promise(resolve => {
    let isConnected = false
    let isDone = false
    const session = connect('http://health', { createConnection: () => connection })
    const finish = (answer: HealthAnswer): void => {
      if (isDone) return
      isDone = true
      cancel()
      resolve(answer)
      session.destroy()
      connection.destroy()
    }
    const lost = () => finish(isConnected ? refusal(codes.Unavailable, 'connection error') : { fault: 'connect' })
    const cancel = env.clock.after(Math.max(0, due - env.clock.now()), () =>
      finish({ fault: isConnected ? 'late' : 'connect' }),
    )
    session.once('remoteSettings', () => {
      isConnected = true
    })
    session.on('error', lost)
    session.on('close', lost)
    const request = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      'user-agent': 'kube-probe/1.36 grpc-go/1.72.2',
      te: 'trailers',
    })
    let said: IncomingHttpHeaders = {}
    const parts: Buffer[] = []
    request.on('error', lost)
    request.on('response', headers => {
      said = { ...said, ...headers }
    })
    request.on('trailers', headers => {
      said = { ...said, ...headers }
    })
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => finish(answerIn(said, Buffer.concat(parts))))
    request.end(framed(service === '' ? Buffer.alloc(0) : stringField(service)))
    whileNodeWorks(env.activity)
  })
}

function answerIn(headers: IncomingHttpHeaders, body: Buffer): HealthAnswer {
  const code = Number(headers['grpc-status'] ?? codes.Internal)
  if (code !== 0) return refusal(code, decodeURIComponent(String(headers['grpc-message'] ?? '')))
  // An enumeration that is zero is left out.
  const number = body.length > 6 && body[5] === 0x08 ? body[6]! : 0
  return { status: names[number] ?? 'UNKNOWN' }
}

const refusal = (code: number, message: string): HealthAnswer => ({
  fault: 'refused',
  code: codeNames[code] ?? `Code(${code})`,
  message,
})

function serviceIn(body: Buffer): string {
  if (body.length < 7 || body[5] !== 0x0a) return ''
  return body.subarray(7, 7 + body[6]!).toString()
}

function stringField(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([0x0a, bytes.length]), bytes])
}

/** Not compressed, and how long it is. */
function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}
