// Probes of containers of which nobody can tell beforehand what they answer: their own programs run, or the probe leads
// elsewhere. They are really asked, each time. Wording: pkg/probe/{http,tcp,exec,grpc}, pkg/kubelet/prober/prober.go.

import type { GRPCAction, HTTPGetAction, Probe } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { SimulatedRequest, SimulatedResponse } from '../src/client/node-client.ts'
import type { Millis } from '../src/env/clock.ts'
import type { Begin, Outcome } from './errands.ts'
import { execFault, isUnknown } from './hooks.ts'
import type { ContainerView } from './pod-view.ts'
import { portNumber } from './ports.ts'
import { isToldCommand } from './told-probes.ts'

/** Whether a probe has to be asked; of all others the answer is known. */
export function isLive(view: ContainerView, probe: Frozen<Probe>): boolean {
  if (view.pod.outside === undefined) return false
  return isUnsteady(view, probe) || (probe.exec !== undefined && !isToldCommand(view, probe.exec.command ?? []))
}

/**
 * Whether the answer may be another each time. In a container in which nothing runs by itself a command finds what it found
 * before, as long as nobody else was in there.
 */
export function isUnsteady({ pod, spec }: ContainerView, probe: Frozen<Probe>): boolean {
  const { outside } = pod
  if (outside === undefined) return false
  if (probe.exec) return outside.isRun(pod.pod, spec.name)
  const host = probe.httpGet?.host || probe.tcpSocket?.host
  if (host !== undefined && host !== '' && host !== pod.status.podIP) return true
  return pod.containers.some(({ spec: { name } }) => outside.isRun(pod.pod, name))
}

/** The outcome's fault is what is wrong with the container. */
export function askLive(view: ContainerView, probe: Frozen<Probe>, now: Millis): Begin {
  const timeout = (probe.timeoutSeconds ?? 1) * 1000
  return done => {
    void answerOf(view, probe, timeout).then(
      ([fault, extra]) => done({ at: view.pod.now(), fault, ...extra }),
      error => done({ at: now, fault: error instanceof Error ? error.message : String(error) }),
    )
    return undefined
  }
}

type Answer = readonly [fault: string | undefined, extra?: Partial<Outcome>]

async function answerOf(view: ContainerView, probe: Frozen<Probe>, timeout: Millis): Promise<Answer> {
  if (probe.exec) return execAnswer(view, probe.exec.command ?? [], timeout)
  if (probe.httpGet) return httpAnswer(view, probe.httpGet, timeout)
  const { pod, spec } = view
  const host = probe.tcpSocket?.host || (pod.status.podIP ?? '')
  if (probe.grpc) return grpcAnswer(view, probe.grpc, timeout)
  const port = portNumber(spec, probe.tcpSocket?.port) ?? 0
  const failed = await pod.outside!.connect(pod.pod, { host, port }, timeout).then(
    () => undefined,
    (error: Error) => error.message,
  )
  return [failed]
}

/** pkg/probe/grpc/grpc.go. */
async function grpcAnswer(
  { pod }: ContainerView,
  { port, service = '' }: Frozen<GRPCAction>,
  timeout: Millis,
): Promise<Answer> {
  const host = pod.status.podIP ?? ''
  const answer = await pod.outside!.health(pod.pod, { host, port }, service, timeout)
  const within = `${timeout / 1000}s`
  if ('status' in answer) {
    return [answer.status === 'SERVING' ? undefined : `service unhealthy (responded with "${answer.status}")`]
  }
  switch (answer.fault) {
    case 'connect': {
      const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
      return [`timeout: failed to connect service "${at}" within ${within}: context deadline exceeded`]
    }
    case 'late':
      return [`timeout: health rpc did not complete within ${within}`]
    case 'refused': {
      const { code, message } = answer
      if (code === 'Unimplemented') {
        return [`error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}`]
      }
      return [`error: health rpc probe failed: rpc error: code = ${code} desc = ${message}`]
    }
  }
}

async function execAnswer({ pod, spec }: ContainerView, argv: readonly string[], timeout: Millis): Promise<Answer> {
  try {
    const ran = await pod.outside!.run(pod.pod, spec, argv, timeout, true)
    if (ran.timedOut) return [`command ${JSON.stringify(argv.join(' '))} timed out`]
    return [ran.code === 0 || (isUnknown(ran) && !pod.outside!.isRun(pod.pod, spec.name)) ? undefined : ran.output]
  } catch (error) {
    return [execFault(error), { isError: true }]
  }
}

const mostRedirects = 10

async function httpAnswer(view: ContainerView, action: Frozen<HTTPGetAction>, timeout: Millis): Promise<Answer> {
  const { pod, spec } = view
  const host = action.host || (pod.status.podIP ?? '')
  const port = portNumber(spec, action.port) ?? 0
  const isTls = action.scheme === 'HTTPS'
  const headers = headersOf(action)
  let url = new URL(`${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`)
  let path = `/${(action.path ?? '/').replace(/^\//, '')}`
  const first = `Get "${isTls ? 'https' : 'http'}://${host}:${port}${path}"`
  const until = pod.now() + timeout
  for (let redirects = 0; ; redirects++) {
    const to = { host: url.hostname, port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)), tls: isTls }
    let answer: SimulatedResponse
    try {
      const request: SimulatedRequest = { method: 'GET', path, headers, body: new Uint8Array() }
      answer = await pod.outside!.ask(pod.pod, to, request, Math.max(1, until - pod.now()))
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const isLate = pod.now() >= until || /timeout|timed out/.test(why)
      return [
        `${first}: ${isLate ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)' : why}`,
      ]
    }
    const { status } = answer
    const { location } = answer.headers
    if (status >= 300 && status < 400 && location !== undefined) {
      const next = new URL(location, `${url.origin}${path}`)
      // Followed on the same host alone; the way to another is as good as an answer.
      if (next.hostname !== url.hostname) {
        const body = Buffer.from(answer.body).subarray(0, 10_240).toString('utf8')
        return [undefined, { warning: `Probe terminated redirects, Response body: ${body}` }]
      }
      if (redirects >= mostRedirects) return [`${first}: stopped after 10 redirects`]
      url = next
      path = `${next.pathname}${next.search}`
      continue
    }
    return [status >= 200 && status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`]
  }
}

function headersOf({ httpHeaders }: Frozen<HTTPGetAction>): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close' }
  for (const { name, value } of httpHeaders ?? []) {
    const key = name.toLowerCase()
    // Said empty, they are left out.
    if (value === '' && (key === 'accept' || key === 'user-agent')) delete headers[key]
    else headers[key] = value
  }
  return headers
}
