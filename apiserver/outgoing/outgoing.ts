// What the API server asks of others over HTTPS: webhooks, and servers behind it. The port; https-outgoing.ts is the real
// thing, a test may give another. Nothing outside this room opens a connection of its own.

import type { Duplex } from 'node:stream'
import type { Millis } from '../../src/env/clock.ts'

export interface OutgoingRequest {
  readonly method: string
  /** As the one who wrote it would know it: `https://webhook.default.svc:443/mutate?timeout=10s`. Errors name it. */
  readonly url: string
  /** Where to connect when that is not the URL's own host and port. */
  readonly address?: { readonly host: string; readonly port: number } | undefined
  /** The name that the certificate must carry, when it is not the URL's host. */
  readonly serverName?: string | undefined
  /** PEM; absent: the authorities that the system trusts. */
  readonly authorities?: string | undefined
  /** The certificate that the server shows of itself, PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined
  /** Whoever answers is taken at its word (APIService.spec.insecureSkipTLSVerify). */
  readonly unverified?: boolean | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Uint8Array | undefined
  readonly timeout: Millis
  /** No more of the answer than so many bytes is read; a longer one is a failure. Default 16 MiB. */
  readonly mostBytes?: number | undefined
}

export interface OutgoingResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Rejects with OutgoingError only. */
export type Outgoing = (request: OutgoingRequest) => Promise<OutgoingResponse>

/** A connection to an address of the simulation. Rejects with the system's error, by its code. */
export type DialSimulated = (to: { readonly host: string; readonly port: number }) => Promise<Duplex>

/** Nobody answered, or not in a way that HTTP knows. The message is Go's, as its HTTP client words it, URL and all. */
export class OutgoingError extends Error {
  constructor(request: Pick<OutgoingRequest, 'method' | 'url'>, why: string, cause?: unknown) {
    const verb = request.method.charAt(0) + request.method.slice(1).toLowerCase()
    super(`${verb} ${JSON.stringify(request.url)}: ${why}`, { cause })
    this.name = 'OutgoingError'
  }
}
