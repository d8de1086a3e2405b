// Requests to the API server, through the listener the page came from. Every path is a public one; of the past (`at`) only reading
// ones are answered. What the server refuses is thrown as an ApiError, in its own words.

import { ApiError, type Status } from '../../src/api/errors.ts'
import { reachable } from './reachable.ts'

export interface Sending {
  readonly method?: string
  readonly body?: unknown
  /** Of the body. */
  readonly type?: string
  readonly accept?: string
  readonly signal?: AbortSignal
}

/** `/at/42/api/v1/pods`: the same path of the cluster as it was. */
export function pathAt(path: string, at: number | undefined): string {
  return at === undefined ? path : `/at/${at}${path}`
}

export async function send(path: string, sending: Sending = {}): Promise<Response> {
  const { method = 'GET', body, type = 'application/json', accept = 'application/json', signal } = sending
  let response: Response
  try {
    response = await fetch(path, {
      method,
      headers: { accept, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    })
  } catch (cause) {
    if (signal?.aborted) throw cause
    reachable.lost('the dashboard itself does not answer')
    throw new ApiError(
      'ServiceUnavailable',
      'the dashboard itself does not answer: is "kubesim dashboard" still running?',
    )
  }
  if (response.ok) {
    reachable.found()
    return response
  }
  const error = await refusalOf(response)
  if (error.code === 503 && error.message.includes('cannot be reached')) reachable.lost(error.message)
  else reachable.found()
  throw error
}

export async function getJson<R>(path: string, sending?: Sending): Promise<R> {
  return (await send(path, sending)).json() as Promise<R>
}

export async function getText(path: string, sending?: Sending): Promise<string> {
  return (await send(path, { accept: '*/*', ...sending })).text()
}

export async function postJson<R>(path: string, body: unknown = {}): Promise<R> {
  return getJson(path, { method: 'POST', body })
}

async function refusalOf(response: Response): Promise<ApiError> {
  const text = await response.text()
  try {
    const status = JSON.parse(text) as Status
    if (status.kind === 'Status') return ApiError.fromStatus(status)
  } catch {
    // Not the API's own words.
  }
  return new ApiError(
    'InternalError',
    `the server answered ${response.status}: ${text.trim().slice(0, 200)}`,
    undefined,
    response.status,
  )
}
