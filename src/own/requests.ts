// One simulated request, sent by somebody in the cluster or outside it, and the way it took: POST …/requests and GET …/trace.
// Called by own-paths.ts. What it meets on its way is part of the answer; only what was asked wrongly is an ApiError.

import type { TraceOrder, TraceReport } from '../../kubelet-sim/network/trace-request.ts'
import { parseDuration } from '../api/duration.ts'
import { badRequest } from '../api/errors.ts'
import type { Cluster } from '../cluster.ts'
import type { Millis } from '../env/clock.ts'
import { Nodes } from '../kinds/node.ts'
import { Pods } from '../kinds/pod.ts'

/** What is posted. */
export interface SendRequest {
  readonly from:
    | { readonly pod: string; readonly namespace?: string }
    | { readonly node: string }
    /** An address that is none of the cluster's; '' for some. */
    | { readonly outside: string }
  /** `http://web.default/`, `https://10.96.0.1`, or `db:5432`, to which only a connection is made. */
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Default: 2s. */
  readonly timeout?: string
}

export type SentRequest = { readonly kind: 'SentRequest'; readonly apiVersion: 'kubesim.dev/v1alpha1' } & TraceReport

/** Kept for documentation of networks (RFC 5737): nobody has it. */
const somewhereOutside = '203.0.113.1'
/** A paused cluster's requests come as far as they come without time. */
const patienceWhilePaused: Millis = 500

/** `isPaused`: no time passes in which a timeout could end it, so it is given up by the wall. Throws ApiError. */
export async function sendRequest(
  cluster: Cluster,
  body: unknown,
  { signal, isPaused }: { readonly signal: AbortSignal; readonly isPaused: boolean },
): Promise<SentRequest> {
  const { from, url, method, headers, body: text, timeout = '2s' } = asked(body)
  const order: TraceOrder = {
    from: await senderOf(cluster, from),
    url: urlOf(url),
    timeout: timeoutOf(timeout),
    ...(method === undefined ? {} : { method: method.toUpperCase() }),
    ...(headers === undefined ? {} : { headers }),
    ...(text === undefined ? {} : { body: Buffer.from(text) }),
  }
  const giveUp = new AbortController()
  const stop = (): void => giveUp.abort()
  signal.addEventListener('abort', stop, { once: true })
  const cancel = isPaused ? cluster.env.wall.after(patienceWhilePaused, stop) : () => {}
  try {
    const { traceRequest } = await import('../../kubelet-sim/network/trace-request.ts')
    const report = await traceRequest(cluster.nodes.network, { ...order, signal: giveUp.signal })
    return { kind: 'SentRequest', apiVersion: 'kubesim.dev/v1alpha1', ...report }
  } finally {
    cancel()
    signal.removeEventListener('abort', stop)
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'

function asked(body: unknown): SendRequest {
  const { from, url, method, headers, body: text, timeout } = body as Partial<Record<keyof SendRequest, unknown>>
  const isSender =
    typeof from === 'object' &&
    from !== null &&
    Object.values(from).every(isText) &&
    ('pod' in from || 'node' in from || 'outside' in from)
  if (!isSender) throw badRequest('"from" is who sends it: {"pod":…,"namespace":…}, {"node":…} or {"outside":""}')
  if (!isText(url)) throw badRequest('"url" is where it goes, such as "http://web/"')
  for (const [name, value] of Object.entries({ method, body: text, timeout })) {
    if (value !== undefined && !isText(value)) throw badRequest(`"${name}" is a text`)
  }
  const isMap = typeof headers === 'object' && headers !== null && Object.values(headers).every(isText)
  if (headers !== undefined && !isMap) throw badRequest('"headers" is an object of texts')
  return body as SendRequest
}

async function senderOf({ client, nodes }: Cluster, from: SendRequest['from']): Promise<TraceOrder['from']> {
  if ('pod' in from) {
    const ref = { namespace: from.namespace ?? 'default', name: from.pod }
    const pod = await client.of(Pods).get(ref)
    if (!pod.status.podIP) throw badRequest(`pod "${ref.name}" has no address yet`)
    return { pod }
  }
  if ('node' in from) {
    const { name } = (await client.of(Nodes).get({ name: from.node })).metadata
    if (nodes.network.isDead(name)) throw badRequest(`node "${name}" is dead: it sends nothing`)
    return { node: name }
  }
  return { outside: from.outside || somewhereOutside }
}

/** Throws ApiError BadRequest. */
export function urlOf(text: string): URL {
  const whole = /^(\[[\da-f:.]+\]|[\w.-]+):\d+$/i.test(text) ? `tcp://${text}` : text
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  const isKnown = url !== undefined && ['http:', 'https:', 'tcp:'].includes(url.protocol)
  if (!isKnown || url.hostname === '') throw badRequest(`"url" is one such as http://web:80/, not "${text}"`)
  if (url.protocol === 'tcp:' && url.port === '') throw badRequest(`"${text}" names no port, as tcp://db:5432 does`)
  return url
}

/** Throws ApiError BadRequest. */
export function timeoutOf(text: string): Millis {
  const timeout = parseDuration(text)
  if (timeout === undefined) throw badRequest('"timeout" is a duration such as "5s"')
  return timeout
}
