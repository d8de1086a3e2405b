// Answers in gzip, for who says that he takes it, from 128 KiB on: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters
// (writers.go, compression.go). Called by reply.ts with what is long enough; zlib works in threads of its own and is loaded
// when first asked for.

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Headers } from './reply.ts'

export const gzipThreshold = 128 * 1024
/** The quickest: upstream's choice, too. */
const level = 1

export function takesGzip({ req }: ServerResponse): boolean {
  const accepted = req?.headers['accept-encoding']
  if (accepted === undefined) return false
  return String(accepted)
    .split(',')
    .some(token => token.trim() === 'gzip')
}

function announce(headers: Headers): void {
  const { Vary } = headers
  headers.Vary = Vary === undefined ? 'Accept-Encoding' : [Vary, 'Accept-Encoding'].flat().map(String)
  headers['Content-Encoding'] = 'gzip'
  delete headers['Content-Length']
}

/** What takes a long body piece by piece, compresses it and hands it on. */
export interface Compressed {
  /** Resolves when more may come; to false when nobody wants any. */
  write(bytes: Uint8Array): Promise<boolean>
  end(): void
}

export async function compressedTo(response: ServerResponse, status: number, headers: Headers): Promise<Compressed> {
  const { createGzip } = await import('node:zlib')
  announce(headers)
  const gzip = createGzip({ level })
  response.on('close', () => gzip.destroy())
  gzip.on('error', () => response.destroy())
  response.writeHead(status, headers)
  gzip.pipe(response)
  return {
    async write(bytes) {
      if (gzip.destroyed) return false
      // zlib takes what it is given and works on it elsewhere: what is to be used again must be a copy.
      if (!gzip.write(bytes)) await Promise.race([once(gzip, 'drain'), once(gzip, 'close')]).catch(() => {})
      return !gzip.destroyed
    },
    end: () => void gzip.end(),
  }
}
