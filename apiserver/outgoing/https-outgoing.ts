// Outgoing over real sockets: one connection a request, HTTP/1.1, TLS that is verified. Made by src/cluster.ts and given to
// the API server. Simulated addresses are never dialled for real: they are reached by the simulation's own connections.

import type { Duplex } from 'node:stream'
import type { Env } from '../../src/env/env.ts'
import {
  type DialSimulated,
  type Outgoing,
  OutgoingError,
  type OutgoingRequest,
  type OutgoingResponse,
} from './outgoing.ts'
import { type Endpoint, isSimulatedAddress } from './service-endpoint.ts'
import { tlsUpon } from './tls-upon.ts'

const mostBytes = 16 * 1024 * 1024

/** `dial` absent: nothing of the simulation is reached. */
export function httpsOutgoing(env: Env, dial?: DialSimulated): Outgoing {
  return request => {
    const url = new URL(request.url)
    const host = request.address?.host ?? url.hostname.replace(/^\[|\]$/g, '')
    const at = { host, port: request.address?.port ?? Number(url.port || 443) }
    // A program of a pod lives by the cluster's clock, which has to go on meanwhile.
    if (isSimulatedAddress(host) && dial) return askSimulated(env, request, at, dial)
    // Counts as work, so that virtual time stands still while somebody real is asked.
    return env.activity.track(() => ask(env, request, at))
  }
}

async function askSimulated(
  env: Env,
  asked: OutgoingRequest,
  at: Endpoint,
  dial: DialSimulated,
): Promise<OutgoingResponse> {
  const serverName = asked.serverName ?? new URL(asked.url).hostname
  let stream: Duplex
  try {
    stream = await dial(at)
  } catch (error) {
    throw new OutgoingError(asked, sentenceOf(error as NodeJS.ErrnoException, placeOf(at), serverName), error)
  }
  return ask(env, asked, at, await tlsUpon(stream, { ...asked, serverName }))
}

const placeOf = ({ host, port }: Endpoint): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

/** `upon`: a connection that is there already. */
async function ask(
  env: Env,
  asked: OutgoingRequest,
  at: Endpoint,
  upon?: Duplex | undefined,
): Promise<OutgoingResponse> {
  const { request } = await import('node:https')
  const url = new URL(asked.url)
  const { host, port } = at
  const target = placeOf(at)
  if (isSimulatedAddress(host) && !upon) {
    throw new OutgoingError(asked, `dial tcp ${target}: the address is simulated and leads nowhere outside kubesim`)
  }
  const clock = upon ? env.clock : env.wall
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      cancel()
      reject(new OutgoingError(asked, sentenceOf(error, target, asked.serverName), error))
      outgoing.destroy()
    }
    const serverName = asked.serverName ?? url.hostname
    const outgoing = request({
      host,
      port,
      method: asked.method,
      path: `${url.pathname}${url.search}`,
      // The clock may be virtual, a real peer is not: a silent one is not waited for either way.
      ...(upon ? { createConnection: () => upon } : { agent: false, timeout: asked.timeout }),
      ...(isAddress(serverName) ? {} : { servername: serverName }),
      ...(asked.authorities === undefined ? {} : { ca: asked.authorities }),
      ...asked.certificate,
      rejectUnauthorized: asked.unverified !== true,
      headers: { Host: url.host, ...asked.headers, 'Content-Length': String(asked.body?.length ?? 0) },
    })
    const cancel = clock.after(asked.timeout, () => fail(new Error('context deadline exceeded')))
    outgoing.on('timeout', () => fail(new Error('context deadline exceeded')))
    outgoing.on('error', fail)
    outgoing.on('response', response => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        length += chunk.length
        if (length > (asked.mostBytes ?? mostBytes)) fail(new Error('http: response body too large'))
      })
      response.on('error', fail)
      response.on('end', () => {
        cancel()
        const headers: Record<string, string> = {}
        for (const [name, value] of Object.entries(response.headers)) {
          if (value !== undefined) headers[name] = [value].flat().join(', ')
        }
        resolve({ status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks) })
      })
    })
    outgoing.end(asked.body)
  })
}

const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name)

/** Node's faults in the words of Go's net and crypto packages, as far as there are such words. */
export function sentenceOf(error: NodeJS.ErrnoException, target: string, serverName: string | undefined): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return `dial tcp ${target}: connect: connection refused`
    case 'ENOTFOUND':
      return `dial tcp: lookup ${target.replace(/:\d+$/, '')}: no such host`
    case 'EHOSTUNREACH':
      return `dial tcp ${target}: connect: no route to host`
    case 'ETIMEDOUT':
      return `dial tcp ${target}: i/o timeout`
    case 'ECONNRESET':
      return 'EOF'
    case 'CERT_HAS_EXPIRED':
      return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `tls: failed to verify certificate: x509: certificate is not valid for ${serverName ?? target}`
    case 'EPROTO':
      return 'http: server gave HTTP response to HTTPS client'
  }
  if (unknownAuthority.has(error.code ?? '')) {
    return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  }
  return error.message
}

const unknownAuthority: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])
