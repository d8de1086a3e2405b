// A request to a server behind this one, whose answer is handed on as it comes: watches through the aggregator live long.
// Called by http/aggregated.ts.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { sentenceOf } from './https-outgoing.ts'
import type { DialSimulated } from './outgoing.ts'
import { type Endpoint, isSimulatedAddress } from './service-endpoint.ts'
import { tlsUpon } from './tls-upon.ts'

export interface StreamedRequest {
  readonly method: string
  readonly path: string
  readonly endpoint: Endpoint
  /** The name that the certificate must carry. */
  readonly serverName: string
  readonly authorities: string | undefined
  readonly unverified: boolean
  readonly certificate: { readonly cert: string; readonly key: string } | undefined
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Readable
  /** How an address of the simulation is reached; absent: not at all. */
  readonly dial?: DialSimulated | undefined
}

export interface StreamedAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: IncomingMessage
  /** The raw connection, when the other side has changed the protocol. */
  readonly upgraded?: { readonly socket: Duplex; readonly head: Buffer }
}

/** Rejects with Go's words when nobody answers. Aborted when the client goes away. */
export async function openStream(asked: StreamedRequest, signal: AbortSignal): Promise<StreamedAnswer> {
  const { request } = await import('node:https')
  const { host, port } = asked.endpoint
  const target = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const upon = isSimulatedAddress(host) ? await simulated(asked, target) : undefined
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host,
      port,
      method: asked.method,
      path: asked.path,
      ...(upon ? { createConnection: () => upon } : { agent: false }),
      servername: asked.serverName,
      ...(asked.authorities === undefined ? {} : { ca: asked.authorities }),
      ...asked.certificate,
      rejectUnauthorized: !asked.unverified,
      headers: asked.headers as Record<string, string | string[]>,
      signal,
    })
    outgoing.on('error', error => reject(new Error(sentenceOf(error, target, asked.serverName), { cause: error })))
    outgoing.on('response', body => resolve({ status: body.statusCode ?? 502, headers: body.headers, body }))
    outgoing.on('upgrade', (body, socket, head) =>
      resolve({ status: 101, headers: body.headers, body, upgraded: { socket, head } }),
    )
    asked.body.pipe(outgoing)
  })
}

async function simulated(asked: StreamedRequest, target: string): Promise<Duplex> {
  if (asked.dial === undefined) throw new Error(`dial tcp ${target}: the address is simulated and leads nowhere`)
  try {
    return await tlsUpon(await asked.dial(asked.endpoint), asked)
  } catch (error) {
    throw new Error(sentenceOf(error as NodeJS.ErrnoException, target, asked.serverName), { cause: error })
  }
}
