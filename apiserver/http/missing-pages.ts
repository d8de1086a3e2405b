// Paths that nobody serves: upstream's REST router answers below its roots with a Status, its plain multiplexer everywhere else
// with a line of text (apiserver's pkg/server/handler.go, director; notfoundhandler). Called by answering.ts when nothing was found.

import type { ServerResponse } from 'node:http'
import type { ApiError } from '../../src/api/errors.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { isNoSuchPath } from '../registry/subresources.ts'
import { type Headers, sendBytes } from './reply.ts'

const roots = ['/api', '/version', '/.well-known/openid-configuration', '/openid/v1/jwks']

/** True when it has answered. */
export function sendMissingPage(
  response: ServerResponse,
  error: ApiError,
  path: string,
  kinds: readonly Kind<any>[],
  headers: Headers,
): boolean {
  if (!isNoSuchPath(error) || isRouted(path, kinds)) return false
  const told = { ...headers, 'X-Content-Type-Options': 'nosniff' }
  sendBytes(response, 404, 'text/plain; charset=utf-8', Buffer.from('404 page not found\n'), told)
  return true
}

/** Groups of custom resources have no routes: their handler passes on what it does not know. */
function isRouted(path: string, kinds: readonly Kind<any>[]): boolean {
  if (path === '/apis' || path === '/apis/') return true
  if (!path.startsWith('/apis/')) return roots.some(root => path === root || path.startsWith(`${root}/`))
  const group = path.split('/', 3)[2]
  return kinds.some(kind => kind.group === group && kind.custom === undefined)
}
