// What a container's port says: the text its image is known for, and which pod and node said it. Called by the network for
// requests from outside, from other pods and from probes alike.

import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Behaviour } from '../images.ts'

export interface Speaker {
  readonly pod: string
  readonly node: string
  /** The container is past the time up to which it is well. */
  readonly unhealthy: boolean
}

const encoder = new TextEncoder()

export function respond(behaviour: Behaviour, request: SimulatedRequest, speaker: Speaker): SimulatedResponse {
  const path = pathOf(request.path)
  const text = speaker.unhealthy ? undefined : textAt(behaviour, path)
  const status = speaker.unhealthy ? 500 : text === undefined ? 404 : 200
  const said = text ?? (status === 500 ? 'unhealthy' : 'not found')
  const type = status === 200 ? typeOf(said, behaviour) : 'text/plain; charset=utf-8'
  // A JSON answer stays JSON: who said it is in the headers alone.
  const body = encoder.encode(
    type === 'application/json' ? `${said}\n` : `${said}\npod ${speaker.pod} on ${speaker.node}\n`,
  )
  return {
    status,
    headers: {
      'content-type': type,
      'content-length': String(body.length),
      'x-kubesim-pod': speaker.pod,
      'x-kubesim-node': speaker.node,
    },
    body: request.method === 'HEAD' ? encoder.encode('') : body,
  }
}

/** The status alone: all that a probe wants to know. */
export function statusAt(behaviour: Behaviour, path: string, unhealthy: boolean): number {
  return unhealthy ? 500 : textAt(behaviour, pathOf(path)) === undefined ? 404 : 200
}

function textAt({ routes, body }: Behaviour, path: string): string | undefined {
  if (routes === undefined) return body
  const exact = routes[path]
  if (exact !== undefined) return exact
  // `/users/<name>` and `/users/{name}`: Flask's and FastAPI's parameters.
  for (const route of Object.keys(routes)) {
    if (!/[<{]/.test(route)) continue
    const parts = route.split('/')
    const asked = path.split('/')
    if (parts.length === asked.length && parts.every((part, at) => /^[<{]/.test(part) || part === asked[at]))
      return routes[route]
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
