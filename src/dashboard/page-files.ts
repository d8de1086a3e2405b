// The files of the page, as the build has left them beside the bundle (dist/dashboard): read once, when first asked for. Served by
// listener.ts, with what a page of ours may do and nothing else.

import { readFileSync } from 'node:fs'

export interface PageFile {
  readonly bytes: Buffer
  readonly headers: Readonly<Record<string, string>>
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  md: 'text/markdown; charset=utf-8',
  json: 'application/json',
}

/** Styles may stand in the page, since the terminal and the editor write theirs into it; scripts only come from here. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export class PageFiles {
  readonly #folder: URL
  readonly #read = new Map<string, PageFile>()

  constructor(folder: URL) {
    this.#folder = folder
  }

  /** `/` and what is below `/assets/`; undefined for what is no file of the page. */
  at(path: string): PageFile | undefined {
    const name = path === '/' ? 'index.html' : /^\/(assets\/[\w.-]+)$/.exec(path)?.[1]
    if (name === undefined) return undefined
    const known = this.#read.get(name)
    if (known !== undefined) return known
    let bytes: Buffer
    try {
      bytes = readFileSync(new URL(name, this.#folder))
    } catch {
      return undefined
    }
    const isPage = name === 'index.html'
    const file = {
      bytes,
      headers: {
        'content-type': types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
        'content-security-policy': policy,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        // What has a hash in its name never changes.
        'cache-control': isPage ? 'no-cache' : 'private, max-age=31536000, immutable',
      },
    }
    // The page itself is read anew: a build may have changed it under a listener that runs.
    if (!isPage) this.#read.set(name, file)
    return file
  }
}
