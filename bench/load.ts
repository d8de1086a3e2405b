// The load generator: a closed loop of N connections against one HTTPS server. The same for the server that is measured
// and for its yardstick, so that what the generator itself costs falls out of their ratio.

import https from 'node:https'

export interface Target {
  readonly host: string
  readonly port: number
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly token?: string | undefined
}

export interface Request {
  readonly method: string
  readonly path: string
  readonly contentType?: string
  readonly body?: string
}

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly failures: number
  /** The body of the last answer, for the yardstick to send again. */
  readonly sample: Buffer
}

export function agentFor(connections: number, target: Target): https.Agent {
  return new https.Agent({
    keepAlive: true,
    maxSockets: connections,
    ...(target.ca ? { ca: target.ca } : { rejectUnauthorized: false }),
    ...(target.cert ? { cert: target.cert, key: target.key } : {}),
    // Names are checked by the tests; here the yardstick serves a certificate of its own.
    checkServerIdentity: () => undefined,
  })
}

/** Sends `count` requests over `connections` connections, each connection one at a time. */
export async function load(
  target: Target,
  connections: number,
  count: number,
  request: (index: number) => Request,
): Promise<LoadResult> {
  const agent = agentFor(connections, target)
  const latencies = new Float64Array(count)
  let next = 0
  let failures = 0
  let sample: Buffer = Buffer.alloc(0)
  const began = performance.now()
  const one = async () => {
    while (next < count) {
      const index = next++
      const sent = performance.now()
      const answer = await send(target, agent, request(index))
      latencies[index] = performance.now() - sent
      if (answer.status >= 300) failures++
      sample = answer.body
    }
  }
  await Promise.all(Array.from({ length: connections }, one))
  const seconds = (performance.now() - began) / 1000
  agent.destroy()
  latencies.sort()
  return {
    requests: count,
    seconds,
    p50: latencies[Math.floor(count * 0.5)] ?? 0,
    p99: latencies[Math.floor(count * 0.99)] ?? 0,
    failures,
    sample,
  }
}

export function send(target: Target, agent: https.Agent, request: Request): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const outgoing = https.request(
      {
        host: target.host,
        port: target.port,
        agent,
        method: request.method,
        path: request.path,
        headers: {
          accept: 'application/json',
          ...(target.token ? { authorization: `Bearer ${target.token}` } : {}),
          ...(request.body === undefined
            ? {}
            : {
                'content-type': request.contentType ?? 'application/json',
                'content-length': Buffer.byteLength(request.body),
              }),
        },
      },
      incoming => {
        const chunks: Buffer[] = []
        incoming.on('data', chunk => chunks.push(chunk))
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }))
        incoming.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(request.body)
  })
}

/** Opens `count` streaming GETs and resolves when each has answered its headers. */
export async function openStreams(
  target: Target,
  path: string,
  count: number,
  onData: (bytes: Buffer) => void,
): Promise<() => void> {
  const agent = agentFor(count, target)
  const streams: { destroy(): void }[] = []
  // In small groups: a thousand TLS handshakes at once would overflow the accept queue.
  for (let opened = 0; opened < count; opened += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, count - opened) }, () => {
        return new Promise<void>((resolve, reject) => {
          const outgoing = https.get(
            {
              host: target.host,
              port: target.port,
              agent,
              path,
              headers: target.token ? { authorization: `Bearer ${target.token}` } : {},
            },
            incoming => {
              streams.push(incoming)
              incoming.on('data', onData)
              incoming.on('error', () => {})
              resolve()
            },
          )
          outgoing.on('error', reject)
        })
      }),
    )
  }
  return () => {
    for (const stream of streams) stream.destroy()
    agent.destroy()
  }
}
