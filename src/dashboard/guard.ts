// Who may speak to the dashboard's listener. It lends the user's own credentials to whoever is let in, so it must be a page that
// it has served itself, in a browser that was given the key: neither another site that has the browser ask (Origin,
// Sec-Fetch-Site), nor one whose name has been turned to the loopback (Host), nor another user of this machine (the key).

import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export type Verdict =
  | { readonly kind: 'welcome' }
  /** He brings the key in the address: it goes into a cookie, and the page takes it out of the address. */
  | { readonly kind: 'key'; readonly cookie: string }
  | { readonly kind: 'refused'; readonly code: 401 | 403; readonly why: string }

const welcome: Verdict = { kind: 'welcome' }
/** A year: the key is kept with the cluster, so that a bookmark still works tomorrow. */
const cookieAge = 365 * 86_400

export function createGuard(key: string, port: number): (request: IncomingMessage) => Verdict {
  const names = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]
  // Cookies know no ports: one name for each.
  const cookieName = `kubesim-dashboard-${port}`
  return request => {
    const { host = '', origin, cookie = '' } = request.headers
    if (!names.includes(host))
      return refused(403, `"${host}" is not the name of this address: it is http://${names[0]}/`)
    if (origin !== undefined && origin !== `http://${host}`) {
      return refused(403, `the page at ${origin} may not speak to this cluster`)
    }
    const url = new URL(request.url ?? '/', `http://${host}`)
    if (url.pathname === '/' && request.method === 'GET' && url.searchParams.has('key')) {
      if (!isSame(url.searchParams.get('key')!, key))
        return refused(401, 'the key in the address is not the one of this cluster')
      return { kind: 'key', cookie: `${cookieName}=${key}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${cookieAge}` }
    }
    // Absent from programs that are no browsers, which cannot be tricked into asking.
    const site = request.headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      return refused(403, 'another page may not speak to this cluster')
    }
    return isSame(cookieOf(cookie, cookieName), key) ? welcome : refused(401, 'the address lacks its key')
  }
}

const refused = (code: 401 | 403, why: string): Verdict => ({ kind: 'refused', code, why })

function cookieOf(header: string, name: string): string {
  for (const part of header.split(';')) {
    const at = part.indexOf('=')
    if (part.slice(0, at).trim() === name) return part.slice(at + 1).trim()
  }
  return ''
}

function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
