// What a container's port says: the text its image is known for, and which pod and node said it. Called by the network for
// requests from outside, from other pods and from probes alike.

import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Route } from '../images/image.ts'
import { fillFacts, hasPlaceholder } from '../images/placeholders.ts'
import type { Behaviour } from '../images.ts'

export interface Speaker {
  readonly pod: string
  readonly node: string
  /** The pod's own address, and who asks: for answers that tell of them. */
  readonly address?: string | undefined
  readonly client?: string | undefined
  /** Between 0 and 1, for answers that fail now and then. */
  readonly chance?: () => number
  /** The container is past the time up to which it is well. */
  readonly unhealthy: boolean
}

const encoder = new TextEncoder()

export function respond(behaviour: Behaviour, request: SimulatedRequest, speaker: Speaker): SimulatedResponse {
  if (behaviour.answers !== undefined && !speaker.unhealthy) {
    return declared(behaviour, behaviour.answers, request, speaker)
  }
  const path = pathOf(request.path)
  const text = speaker.unhealthy ? undefined : textAt(behaviour, path)
  const status = speaker.unhealthy ? 500 : text === undefined ? 404 : 200
  if (status === 404 && behaviour.server !== undefined) return missing(behaviour.server, request, speaker)
  const said =
    text === undefined ? (status === 500 ? 'unhealthy' : 'not found') : told(text, behaviour, request, speaker)
  const type = status === 200 ? typeOf(said, behaviour) : 'text/plain; charset=utf-8'
  // A JSON answer stays JSON: who said it is in the headers alone.
  const isPlain = type === 'application/json' || !behaviour.isSigned
  const body = encoder.encode(isPlain ? `${said}\n` : `${said}\npod ${speaker.pod} on ${speaker.node}\n`)
  return {
    status,
    headers: {
      ...(behaviour.server && { server: behaviour.server.name }),
      'content-type': behaviour.server ? type.replace('; charset=utf-8', '') : type,
      'content-length': String(body.length),
      'x-kubesim-pod': speaker.pod,
      'x-kubesim-node': speaker.node,
    },
    body: request.method === 'HEAD' ? encoder.encode('') : body,
  }
}

function missing(
  { name, missing }: NonNullable<Behaviour['server']>,
  { method }: SimulatedRequest,
  { pod, node }: Speaker,
): SimulatedResponse {
  const body = encoder.encode(missing)
  return {
    status: 404,
    headers: {
      server: name,
      'content-type': 'text/html',
      'content-length': String(body.length),
      'x-kubesim-pod': pod,
      'x-kubesim-node': node,
    },
    body: method === 'HEAD' ? encoder.encode('') : body,
  }
}

function told(text: string, behaviour: Behaviour, request: SimulatedRequest, speaker: Speaker): string {
  if (!hasPlaceholder(text)) return text
  const headers = Object.entries(request.headers)
  const query = request.path.indexOf('?')
  return fillFacts(text, {
    hostname: speaker.pod,
    node: speaker.node,
    address: speaker.address,
    client: speaker.client,
    method: request.method,
    path: request.path,
    query: query < 0 ? 'nil' : request.path.slice(query + 1),
    host: request.headers.host ?? speaker.address,
    headers: headers.map(([name, value]) => `\t${name}=${value}`).join('\n'),
    request: [
      `${request.method} ${request.path} HTTP/1.1`,
      ...headers.map(([name, value]) => `${canonical(name)}: ${value}`),
      '',
    ].join('\n'),
    'image-version': behaviour.version,
  })
}

/** As Go writes a header's name. */
const canonical = (name: string): string => name.replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())

/** The status alone: all that a probe wants to know. */
export function statusAt(behaviour: Behaviour, path: string, unhealthy: boolean): number {
  const { answers } = behaviour
  if (answers !== undefined && answers.length > 0 && !unhealthy)
    return routeFor(answers, 'GET', pathOf(path))?.status ?? 404
  return unhealthy ? 500 : textAt(behaviour, pathOf(path)) === undefined ? 404 : 200
}

/** How long the answer to this takes. */
export function latencyOf({ answers }: Behaviour, { method, path }: SimulatedRequest): Millis {
  return answers === undefined ? 0 : (routeFor(answers, method, pathOf(path))?.latency ?? 0)
}

function declared(
  behaviour: Behaviour,
  answers: readonly Route[],
  request: SimulatedRequest,
  speaker: Speaker,
): SimulatedResponse {
  const path = pathOf(request.path)
  const route = routeFor(answers, request.method, path)
  const isMissing = route === undefined && answers.length > 0
  const wrongMethod = isMissing && routeFor(answers, undefined, path) !== undefined
  const fails = route !== undefined && route.errorPercent > 0 && (speaker.chance?.() ?? 1) * 100 < route.errorPercent
  const status = fails ? route.errorStatus : wrongMethod ? 405 : isMissing ? 404 : (route?.status ?? 200)
  const own = route?.body === undefined ? undefined : told(route.body, behaviour, request, speaker)
  const fault = status === 405 ? 'method not allowed' : status === 404 ? 'not found' : 'error'
  const text = fails || isMissing ? `${fault}\n` : withoutBody(status) ? '' : (own ?? signed(behaviour.body, speaker))
  const body = encoder.encode(text)
  return {
    status,
    headers: {
      'content-type': typeOf(text, behaviour),
      ...(fails || isMissing ? {} : route?.headers),
      'content-length': String(body.length),
      'x-kubesim-pod': speaker.pod,
      'x-kubesim-node': speaker.node,
    },
    body: request.method === 'HEAD' ? encoder.encode('') : body,
  }
}

const withoutBody = (status: number): boolean => status === 204 || status === 304
const signed = (text: string, { pod, node }: Speaker): string => `${text}\npod ${pod} on ${node}\n`

/** The first that fits: routes stand in the order in which they are asked. */
function routeFor(answers: readonly Route[], method: string | undefined, path: string): Route | undefined {
  return answers.find(
    route =>
      (method === undefined ||
        route.methods === undefined ||
        route.methods.includes(method) ||
        (method === 'HEAD' && route.methods.includes('GET'))) &&
      fits(route.path, path),
  )
}

function fits(pattern: string, path: string): boolean {
  if (pattern.endsWith('*')) return path.startsWith(pattern.slice(0, -1))
  return pattern === path || (/[<{]/.test(pattern) && fitsParts(pattern, path))
}

/** `/users/<name>` and `/users/{name}`: Flask's and FastAPI's parameters. */
function fitsParts(pattern: string, path: string): boolean {
  const [parts, asked] = [pattern.split('/'), path.split('/')]
  return parts.length === asked.length && parts.every((part, at) => /^[<{]/.test(part) || part === asked[at])
}

function textAt({ routes, body }: Behaviour, path: string): string | undefined {
  if (routes === undefined) return body
  const exact = routes[path]
  if (exact !== undefined) return exact
  for (const route of Object.keys(routes)) {
    if (!/[<{]/.test(route)) continue
    if (fitsParts(route, path)) return routes[route]
  }
  return undefined
}

function typeOf(text: string, behaviour: Behaviour): string {
  if (/^\s*</.test(text)) return 'text/html; charset=utf-8'
  if (/^\s*[{[]/.test(text)) return 'application/json'
  return behaviour.contentType
}

function pathOf(pathAndQuery: string): string {
  const end = pathAndQuery.search(/[?#]/)
  return end < 0 ? pathAndQuery : pathAndQuery.slice(0, end)
}
