// What the audit log needs to know of a request on the wire: where it came from, when its answer begins. Called by app.ts, only
// where there is an audit log; the log itself is in ../audit.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import type { Audit } from '../audit/audit.ts'
import type { RequestHead, Trail } from '../audit/trail.ts'
import type { Family } from './metric-families.ts'

export function requestHead(request: IncomingMessage, auditId: string): RequestHead {
  const { headers, url = '' } = request
  return { auditId, uri: url, userAgent: headers['user-agent'], sourceIPs: sourceIPs(request) }
}

/** Who it is said to come from, then who it does come from (apimachinery/pkg/util/net/http.go, SourceIPs). */
function sourceIPs({ headers, socket }: IncomingMessage): string[] {
  const ips = String(headers['x-forwarded-for'] ?? '')
    .split(',')
    .map(part => part.trim())
    .filter(part => isIP(part) !== 0)
  const real = String(headers['x-real-ip'] ?? '')
  if (isIP(real) !== 0 && !ips.includes(real)) ips.push(real)
  // An IPv4 address on a socket of both families has a prefix.
  const remote = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '')
  if (remote !== undefined && ips.at(-1) !== remote) ips.push(remote)
  return ips
}

/** Tells the trail when the answer begins. */
export function tellStart(response: ServerResponse, trail: Trail): void {
  onStart(response, code => trail.started(code))
}

export function onStart(response: ServerResponse, run: (code: number) => void): void {
  const writeHead = response.writeHead
  response.writeHead = function (this: ServerResponse, ...words: Parameters<typeof writeHead>) {
    response.writeHead = writeHead
    run(words[0])
    return writeHead.apply(response, words)
  } as typeof writeHead
}

/** pkg/audit/metrics.go. */
export function auditFamilies(audit: Audit | undefined): Family[] {
  const counter = (name: string, help: string, values: Family['values']): Family => ({
    name: `apiserver_audit_${name}`,
    help,
    type: 'counter',
    values,
  })
  const one = (value: number): Family['values'] => [{ labels: {}, value }]
  return [
    counter('event_total', 'Counter of audit events generated and sent to the audit backend.', one(audit?.events ?? 0)),
    counter(
      'requests_rejected_total',
      'Counter of apiserver requests rejected due to an error in audit logging backend.',
      one(0),
    ),
    counter(
      'error_total',
      'Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.',
      audit === undefined ? [] : [{ labels: { plugin: 'log' }, value: audit.lost }],
    ),
    counter(
      'level_total',
      'Counter of policy levels for audit events (1 per request).',
      [...(audit?.perLevel ?? [])].map(([level, value]) => ({ labels: { level }, value })),
    ),
  ]
}
