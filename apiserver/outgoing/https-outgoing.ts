// Outgoing over real sockets: one connection a request, HTTP/1.1, TLS that is verified. Made by src/cluster.ts and given to
// the API server. Simulated addresses are never dialled.

import type { Env } from '../../src/env/env.ts'
import { type Outgoing, OutgoingError, type OutgoingRequest, type OutgoingResponse } from './outgoing.ts'
import { isSimulatedAddress } from './service-endpoint.ts'

const mostBytes = 16 * 1024 * 1024

export function httpsOutgoing(env: Env): Outgoing {
  // Counts as work, so that virtual time stands still while somebody real is asked.
  return request => env.activity.track(() => ask(env, request))
}

async function ask(env: Env, asked: OutgoingRequest): Promise<OutgoingResponse> {
  const { request } = await import('node:https')
  const url = new URL(asked.url)
  const host = asked.address?.host ?? url.hostname.replace(/^\[|\]$/g, '')
  const port = asked.address?.port ?? Number(url.port || 443)
  const target = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  if (isSimulatedAddress(host)) {
    throw new OutgoingError(asked, `dial tcp ${target}: the address is simulated and leads nowhere outside kubesim`)
  }
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
      agent: false,
      // The clock may be virtual, the peer is not: a silent one is not waited for either way.
      timeout: asked.timeout,
      ...(isAddress(serverName) ? {} : { servername: serverName }),
      ...(asked.authorities === undefined ? {} : { ca: asked.authorities }),
      ...asked.certificate,
      rejectUnauthorized: asked.unverified !== true,
      headers: { Host: url.host, ...asked.headers, 'Content-Length': String(asked.body?.length ?? 0) },
    })
    const cancel = env.wall.after(asked.timeout, () => fail(new Error('context deadline exceeded')))
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
