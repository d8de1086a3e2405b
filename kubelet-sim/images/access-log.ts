// The line that a server prints for a request it has answered. Called by the network and by the programs that serve.

import type { Millis } from '../../src/env/clock.ts'
import { fillFacts, fillTimes } from './placeholders.ts'

/** Apache's and nginx's combined format. */
export const combined =
  '$(client) - - [$(access-time)] "$(method) $(path) HTTP/1.1" $(status) $(bytes) "$(referer)" "$(agent)"'
export const common = '$(client) - - [$(access-time)] "$(method) $(path) HTTP/1.1" $(status) $(bytes)'

export interface Served {
  readonly at: Millis
  readonly client: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly status: number
  readonly bytes: number
}

/** undefined: this one prints none. */
export function accessLine(format: string | undefined, served: Served): string | undefined {
  if (format === 'none') return undefined
  const { headers, at } = served
  return fillFacts(fillTimes(format ?? combined, at), {
    client: served.client,
    method: served.method,
    path: served.path,
    status: String(served.status),
    bytes: String(served.bytes),
    host: headers.host ?? '-',
    referer: headers.referer ?? '-',
    agent: headers['user-agent'] ?? '-',
    'forwarded-for': headers['x-forwarded-for'] ?? '-',
  })
}
