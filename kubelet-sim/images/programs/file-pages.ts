// Files of a container as pages of a web server: which file a path asks for, its type, what is said when there is none. Each
// server has its own words for errors and listings.

import type { SimulatedRequest, SimulatedResponse } from '../../../src/client/node-client.ts'
import type { FileSystem } from '../../machine/file-system.ts'
import { SystemError } from '../../machine/system-error.ts'

const types: Readonly<Record<string, string>> = {
  html: 'text/html',
  htm: 'text/html',
  css: 'text/css',
  js: 'application/javascript',
  json: 'application/json',
  txt: 'text/plain',
  xml: 'text/xml',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  ico: 'image/x-icon',
}

export interface Pages {
  readonly root: string
  readonly index: readonly string[]
  /** As the server names itself. */
  readonly server?: string
  readonly otherType?: string
  error(status: number, path: string): { readonly type: string; readonly body: string }
  /** A folder without an index; undefined: it is forbidden. */
  list?(path: string, names: readonly string[]): string
}

export function pageOf(files: FileSystem, pages: Pages, request: SimulatedRequest): SimulatedResponse {
  const { path, status: fault } = pathIn(request.path)
  const found = fault === undefined ? look(files, pages, path) : { status: fault }
  const isHead = request.method === 'HEAD'
  if (request.method !== 'GET' && !isHead) return failed(pages, 405, path)
  if ('location' in found) {
    return answer(
      pages,
      301,
      { ...failed(pages, 301, path).headers, location: found.location },
      failed(pages, 301, path).body,
    )
  }
  if ('body' in found) {
    const headers = { 'content-type': found.type, 'content-length': String(found.body.length) }
    return answer(pages, 200, headers, isHead ? new Uint8Array() : found.body)
  }
  return failed(pages, found.status, path)
}

type Found =
  | { readonly body: Uint8Array; readonly type: string }
  | { readonly location: string }
  | { readonly status: number }

function look(files: FileSystem, pages: Pages, path: string): Found {
  const whole = `${pages.root.replace(/\/$/, '')}${path}`
  try {
    if (!files.exists(whole)) return { status: 404 }
    if (files.stat(whole).kind !== 'directory') {
      return path.endsWith('/') ? { status: 404 } : { body: files.read(whole), type: typeOf(path, pages) }
    }
    if (!path.endsWith('/')) return { location: `${path}/` }
    for (const name of pages.index) {
      if (files.exists(whole + name)) return { body: files.read(whole + name), type: typeOf(name, pages) }
    }
    if (pages.list === undefined) return { status: 403 }
    const names = files.list(whole).map(name => (files.stat(whole + name).kind === 'directory' ? `${name}/` : name))
    return { body: Buffer.from(pages.list(path, names)), type: 'text/html; charset=utf-8' }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return { status: error.errno === 'EACCES' ? 403 : 404 }
  }
}

export function typeOf(name: string, { otherType }: Pick<Pages, 'otherType'>): string {
  const dot = name.lastIndexOf('.')
  const ending = dot < 0 ? '' : name.slice(dot + 1).toLowerCase()
  return Object.hasOwn(types, ending) ? types[ending]! : (otherType ?? 'application/octet-stream')
}

/** Decoded, without its query, and never above the root. */
function pathIn(pathAndQuery: string): { readonly path: string; readonly status?: number } {
  const end = pathAndQuery.search(/[?#]/)
  const raw = end < 0 ? pathAndQuery : pathAndQuery.slice(0, end)
  let path: string
  try {
    path = decodeURIComponent(raw)
  } catch {
    return { path: raw, status: 400 }
  }
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') {
      if (parts.length === 0) return { path: raw, status: 400 }
      parts.pop()
    } else if (part !== '' && part !== '.') parts.push(part)
  }
  return { path: `/${parts.join('/')}${parts.length > 0 && path.endsWith('/') ? '/' : ''}` }
}

function failed(pages: Pages, status: number, path: string): SimulatedResponse {
  const { type, body } = pages.error(status, path)
  const bytes = Buffer.from(body)
  return answer(pages, status, { 'content-type': type, 'content-length': String(bytes.length) }, bytes)
}

function answer(
  { server }: Pages,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): SimulatedResponse {
  return { status, headers: server === undefined ? headers : { server, ...headers }, body }
}

export const reasons: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Authorization Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Not Allowed',
  413: 'Request Entity Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
}
