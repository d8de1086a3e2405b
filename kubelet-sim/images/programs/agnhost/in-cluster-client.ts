// agnhost inclusterclient: asks the API server of its pod for /healthz, again and again, and prints a digest of the token that
// it used, by which upstream's tests see it rotated (test/images/agnhost/inclusterclient/main.go).

import { createHash } from 'node:crypto'
import type { Process } from '../../../machine/process.ts'
import { NameError, TlsError } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { fatal, flagsOf, goWords, klog } from '../go.ts'

const account = '/var/run/secrets/kubernetes.io/serviceaccount'

export function* inClusterClient(process: Process, words: readonly string[]): Step<number> {
  const { text } = yield* flagsOf(process, words, { 'poll-interval': '30' })
  yield* klog(process, 'main.go:61', 'started')
  const { env, files } = process
  const [host, port] = [env.get('KUBERNETES_SERVICE_HOST'), env.get('KUBERNETES_SERVICE_PORT')]
  if (!host || !port || !files.exists(`${account}/token`)) {
    yield* fatal(
      process,
      'err: unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined',
    )
  }
  for (;;) {
    yield* process.sleep(Number(text['poll-interval']) * 1000)
    yield* klog(process, 'main.go:79', 'calling /healthz')
    const authorization = `Bearer ${files.readText(`${account}/token`).trim()}`
    const digest = createHash('sha256').update(`salt|${authorization}`).digest('base64url')
    yield* klog(process, 'main.go:96', `authz_header=${digest}`)
    const fault = yield* asked(process, host!, Number(port), authorization)
    if (fault === undefined) continue
    yield* klog(process, 'main.go:82', 'status=failed', 'E')
    yield* klog(process, 'main.go:83', `error checking /healthz: ${fault}`, 'E')
  }
}

function* asked(process: Process, host: string, port: number, authorization: string): Step<string | undefined> {
  const headers = { host: `${host}:${port}`, authorization, 'user-agent': 'agnhost', accept: 'application/json' }
  const request = { method: 'GET', path: '/healthz', headers, body: new Uint8Array() }
  const tls = { serverName: host, authorities: process.files.readText(`${account}/ca.crt`) }
  try {
    const { status, body } = yield* process.sockets.request({ host, port }, request, { tls })
    return status < 400 ? undefined : Buffer.from(body).toString()
  } catch (error) {
    const known = error instanceof SystemError || error instanceof NameError || error instanceof TlsError
    if (!known) throw error
    return `Get "https://${host}:${port}/healthz": dial tcp ${host}:${port}: ${goWords(error)}`
  }
}
