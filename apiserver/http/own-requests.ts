// What kubesim serves of its own, below /kubesim/: requests to it as whoever answers them sees them, and answers that are an object or
// many lines. Called by answering.ts; src/own-paths.ts says what there is.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { badRequest } from '../../src/api/errors.ts'
import type { User } from '../registry/registry.ts'
import { noSuchPath } from '../registry/subresources.ts'
import { drained, type Headers, sendObject } from './reply.ts'
import { type Query, queryOf, readBody } from './request.ts'

/** Undefined where there is nothing. */
export type OwnPaths = (request: OwnRequest) => Promise<object | Lines | LiveLines | undefined>

/** An answer that is long, line by line. */
export class Lines {
  readonly each: Iterable<string>

  constructor(each: Iterable<string>) {
    this.each = each
  }
}

/** An answer that goes on until the reader leaves: texts of whole lines, as they come. */
export class LiveLines {
  readonly each: AsyncIterable<string>

  constructor(each: AsyncIterable<string>) {
    this.each = each
  }
}

/** A request to a path of kubesim's own, by somebody who may. */
export interface OwnRequest {
  readonly method: string
  readonly path: string
  readonly query: Query
  readonly user: User
  /** The body, a JSON object; {} when there is none. */
  readonly body: unknown
  /** Aborted when who asked has gone, or the server ends. */
  readonly signal: AbortSignal
}

/** Throws ApiError; `ending`: the server ends. */
export async function answerOwn(
  own: OwnPaths,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  user: User,
  headers: Headers,
  ending: AbortSignal,
): Promise<void> {
  const said = await own(await ownRequest(request, response, path, user, ending))
  if (said === undefined) throw noSuchPath()
  if (said instanceof Lines || said instanceof LiveLines) return sendLines(response, said, headers)
  sendObject(response, 200, said, headers)
}

async function sendLines(response: ServerResponse, { each }: Lines | LiveLines, headers: Headers): Promise<void> {
  response.writeHead(200, { ...headers, 'Content-Type': 'application/x-ndjson' })
  for await (const line of each) if (!response.write(line) && !(await drained(response))) return
  response.end()
}

async function ownRequest(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  user: User,
  ending: AbortSignal,
): Promise<OwnRequest> {
  const leaving = new AbortController()
  const leave = (): void => leaving.abort()
  ending.addEventListener('abort', leave, { once: true })
  response.once('close', () => {
    ending.removeEventListener('abort', leave)
    leave()
  })
  const bytes = await readBody(request)
  let body: unknown
  try {
    body = bytes.length === 0 ? {} : JSON.parse(bytes.toString())
  } catch (error) {
    throw badRequest(`the body is not JSON: ${(error as Error).message}`)
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest('the body is not a JSON object')
  }
  const { method = 'GET', url = path } = request
  return { method, path, query: queryOf(url), user, body, signal: leaving.signal }
}
