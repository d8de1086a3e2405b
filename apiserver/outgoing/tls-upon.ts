// TLS upon a connection that is there already: with programs of simulated pods. Called by https-outgoing.ts, streaming.ts and
// the proxies of http/.

import type { Duplex } from 'node:stream'

export interface TlsTerms {
  /** The name that the certificate must carry. */
  readonly serverName: string
  /** PEM; absent: the authorities that the system trusts. */
  readonly authorities?: string | undefined
  readonly unverified?: boolean | undefined
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined
}

export async function tlsUpon(
  socket: Duplex,
  { serverName, authorities, unverified, certificate }: TlsTerms,
): Promise<Duplex> {
  const { connect } = await import('node:tls')
  const isAddress = /^[\d.]+$|:/.test(serverName)
  return connect({
    socket,
    host: serverName,
    ...(isAddress ? {} : { servername: serverName }),
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...certificate,
    rejectUnauthorized: unverified !== true,
  })
}
