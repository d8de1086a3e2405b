// /healthz, /livez and /readyz, for everyone: `ok`, or with ?verbose a line for each check. Called by app.ts.
// Form: k8s.io/apiserver/pkg/server/healthz/healthz.go.

export interface HealthReport {
  readonly status: 200 | 404 | 500
  readonly text: string
}

/** Whether a check holds; false is a failure without a reason told. */
export type HealthChecks = Readonly<Record<string, () => boolean>>

/** `path` is whole, e.g. `/readyz` or `/readyz/etcd`. Undefined: not a path of these. */
export function healthReport(path: string, isVerbose: boolean, checks: HealthChecks): HealthReport | undefined {
  const match = /^\/(healthz|livez|readyz)(?:\/(.*))?$/.exec(path)
  if (!match) return undefined
  const [, endpoint, only] = match
  if (only) {
    const check = checks[only]
    if (check === undefined) return { status: 404, text: '404 page not found\n' }
    return check() ? { status: 200, text: 'ok' } : { status: 500, text: `internal server error: ${only} failed\n` }
  }
  const lines = Object.entries(checks).map(([name, check]) => ({
    isOk: check(),
    name,
  }))
  const isOk = lines.every(line => line.isOk)
  if (isOk && !isVerbose) return { status: 200, text: 'ok' }
  const told = lines.map(line => (line.isOk ? `[+]${line.name} ok` : `[-]${line.name} failed: reason withheld`))
  return { status: isOk ? 200 : 500, text: `${told.join('\n')}\n${endpoint} check ${isOk ? 'passed' : 'failed'}\n` }
}
