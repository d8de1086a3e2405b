// The continue token of a list that came in parts: where to go on, and at which revision, so that all parts show one
// moment. The format is a public one (k8s.io/apiserver/pkg/storage/continue.go).

import { ApiError, badRequest, type Status } from '../../src/api/errors.ts'
import type { Revision } from '../storage/storage.ts'

const version = 'meta.k8s.io/v1'

export interface Continuation {
  /** The key at which to go on. */
  readonly from: string
  /** Negative: at the present, whatever it is. */
  readonly at: Revision
}

/** To go on right after `last`. */
export function encodeContinue(last: string, prefix: string, at: Revision): string {
  return encode(`${last.slice(prefix.length)}\0`, at)
}

function encode(start: string, at: Revision): string {
  return Buffer.from(JSON.stringify({ v: version, rv: at, start })).toString('base64url')
}

export function decodeContinue(token: string, prefix: string): Continuation {
  const { v, rv, start } = parse(token)
  if (v !== version) throw badToken(`continue key is not valid: server does not recognize this encoded version ${v}`)
  if (rv === 0) {
    throw badToken(`continue key is not valid: incorrect encoded start resourceVersion (version ${version})`)
  }
  if (start === '') throw badToken(`continue key is not valid: encoded start key empty (version ${version})`)
  // A key that climbs out of its collection would list what the request does not name.
  const rooted = start.startsWith('/') ? start : `/${start}`
  if (/\/(?:\.{0,2})(?:\/|$)/.test(rooted)) throw badToken(`continue key is not valid: ${start}`)
  return { from: prefix + rooted.slice(1), at: rv }
}

function parse(token: string): { v: string; rv: number; start: string } {
  if (!/^[A-Za-z0-9_-]+$/.test(token)) throw badToken('continue key is not valid: illegal base64 data')
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString())
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw badToken(`continue key is not valid: ${error.message}`)
  }
  const { v = '', rv = 0, start = '' } = (value ?? {}) as Record<string, unknown>
  if (typeof v !== 'string' || typeof start !== 'string' || !Number.isSafeInteger(rv)) {
    throw badToken('continue key is not valid: fields of another type')
  }
  return { v, rv: rv as number, start }
}

const badToken = (why: string): ApiError => badRequest(`invalid continue token: ${why}`)

/** The moment is forgotten. With the answer comes a token to get the rest as it is now, for those whom that suffices. */
export class ContinueExpired extends ApiError {
  readonly continue: string

  constructor(continuation: Continuation, prefix: string) {
    super(
      'Expired',
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
        'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
        'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
        'deleted between the time the first chunk was returned and now may show up in the list.',
    )
    this.continue = encode(continuation.from.slice(prefix.length), -1)
  }

  override toStatus(): Status {
    return { ...super.toStatus(), metadata: { continue: this.continue } }
  }
}
