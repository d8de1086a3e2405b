// /healthz, /livez and /readyz, for everyone: `ok`, or with ?verbose a line for each check; ?exclude= leaves checks out.
// Called by answering.ts. Form: k8s.io/apiserver/pkg/server/healthz/healthz.go.

import type { Headers } from './reply.ts'

export interface HealthReport {
  readonly status: 200 | 404 | 500
  readonly text: string
  readonly headers: Headers
}

/** Whether a check holds; false is a failure without a reason told. */
export type HealthChecks = Readonly<Record<string, () => boolean>>

/** What only says whether requests should come, and not whether the process should live on. */
const readinessOnly: ReadonlySet<string> = new Set(['etcd-readiness', 'informer-sync', 'shutdown'])

const noHeaders: Headers = {}
const notSniffed: Headers = { 'X-Content-Type-Options': 'nosniff' }

/** `path` is whole, e.g. `/readyz` or `/readyz/etcd`; `search` the query. Undefined: not a path of these. */
export function healthReport(path: string, search: string, checks: HealthChecks): HealthReport | undefined {
  const match = /^\/(healthz|livez|readyz)(?:\/(.*))?$/.exec(path)
  if (!match) return undefined
  const endpoint = match[1]!
  const names = Object.keys(checks).filter(name => endpoint === 'readyz' || !readinessOnly.has(name))
  if (match[2]) return single(match[2], names, checks)
  if (search === '' && names.every(name => checks[name]!())) return { status: 200, text: 'ok', headers: notSniffed }
  return whole(endpoint, names, checks, new URLSearchParams(search))
}

function single(name: string, names: readonly string[], checks: HealthChecks): HealthReport {
  if (!names.includes(name)) return { status: 404, text: '404 page not found\n', headers: notSniffed }
  if (checks[name]!()) return { status: 200, text: 'ok', headers: noHeaders }
  return { status: 500, text: `internal server error: ${name} failed\n`, headers: notSniffed }
}

function whole(endpoint: string, names: readonly string[], checks: HealthChecks, query: URLSearchParams): HealthReport {
  const excluded = new Set(query.getAll('exclude'))
  const lines: string[] = []
  let isOk = true
  for (const name of names) {
    if (excluded.delete(name)) lines.push(`[+]${name} excluded: ok`)
    else if (checks[name]!()) lines.push(`[+]${name} ok`)
    else {
      isOk = false
      lines.push(`[-]${name} failed: reason withheld`)
    }
  }
  if (excluded.size > 0) {
    const unknown = [...excluded].sort().map(name => JSON.stringify(name))
    lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.join(',')}`)
  }
  const told = `${lines.join('\n')}\n${endpoint} check ${isOk ? 'passed' : 'failed'}\n`
  if (!isOk) return { status: 500, text: told, headers: notSniffed }
  return { status: 200, text: query.has('verbose') ? told : 'ok', headers: notSniffed }
}
