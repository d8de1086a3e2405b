// Documents that clients keep: discovery and OpenAPI, sent with a tag of their contents, or not at all to who has them already.
// Called by plain-pages.ts. Upstream: pkg/endpoints/discovery/aggregated/etag.go, kube-openapi/pkg/handler3.

import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Document } from './discovery.ts'
import { type Headers, sendBytes } from './reply.ts'

export class Documents {
  readonly #digests = new WeakMap<Buffer, string>()

  send(
    request: IncomingMessage,
    response: ServerResponse,
    { status, contentType, bytes, etag, headers: own }: Document,
    headers: Headers,
  ): void {
    Object.assign(headers, own)
    if (etag !== undefined) {
      const tag = JSON.stringify(etag === true ? this.#digest(bytes) : etag)
      headers.ETag = tag
      if (status === 200 && names(request.headers['if-none-match'], tag)) {
        response.writeHead(304, headers)
        response.end()
        return
      }
    }
    sendBytes(response, status, contentType, bytes, headers)
  }

  #digest(bytes: Buffer): string {
    let known = this.#digests.get(bytes)
    if (known === undefined) {
      known = createHash('sha512').update(bytes).digest('hex').toUpperCase()
      this.#digests.set(bytes, known)
    }
    return known
  }
}

/** What If-None-Match says (RFC 9110 13.1.2). */
function names(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some(each => each.trim() === '*' || each.trim().replace(/^W\//, '') === tag)
}
