// The dashboard's own listener: on the loopback, the page at `/`, and every other path forwarded to the API server with the
// user's credentials. Opened by `kubesim dashboard` and by `kubesim start --dashboard-port`.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { ApiError } from '../api/errors.ts'
import type { Access } from '../client/kubeconfig.ts'
import { ConfigError } from '../config.ts'
import { createForward, sendStatus } from './forward.ts'
import { createGuard } from './guard.ts'
import { PageFiles } from './page-files.ts'

export interface Dashboard {
  /** With the key: what a browser opens. */
  readonly url: string
  close(): void
}

export interface DashboardOptions {
  readonly access: Access
  /** 0: a free one. */
  readonly port: number
  /** Where the key is kept, so that an open page and a bookmark outlive a restart. */
  readonly dataDir: string
  readonly files?: URL
}

/** Beside the bundle this file is part of. */
const builtPage = new URL('./dashboard/', import.meta.url)

/** Throws ConfigError when the port cannot be had. */
export async function openDashboard({ access, port: wanted, dataDir, files }: DashboardOptions): Promise<Dashboard> {
  const key = keyIn(dataDir)
  const pages = new PageFiles(files ?? builtPage)
  const forward = createForward(access)
  const server = createServer({ maxHeaderSize: 65_536 })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', error => reject(listenError(wanted, error)))
    server.listen(wanted, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
  const guard = createGuard(key, port)
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (request, response) => {
    const verdict = guard(request)
    if (verdict.kind === 'refused') {
      if (!request.headers.accept?.includes('text/html')) {
        return sendStatus(response, new ApiError(verdict.code === 401 ? 'Unauthorized' : 'Forbidden', verdict.why))
      }
      response.writeHead(verdict.code, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
      return void response.end(refusalPage(verdict.why))
    }
    const path = (request.url ?? '/').split('?', 1)[0]!
    const file = request.method === 'GET' || request.method === 'HEAD' ? pages.at(path) : undefined
    if (file === undefined) return forward.request(request, response)
    // No redirect: coming from another site's link, the browser would leave the strict cookie out of the second request.
    const cookie = verdict.kind === 'key' ? { 'set-cookie': verdict.cookie } : {}
    response.writeHead(200, { ...file.headers, ...cookie, 'content-length': file.bytes.length })
    response.end(request.method === 'HEAD' ? undefined : file.bytes)
  })
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    if (guard(request).kind === 'welcome') return forward.upgrade(request, socket, head)
    socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n')
  })
  return {
    url: `http://127.0.0.1:${port}/?key=${key}`,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      forward.close()
    },
  }
}

/** Readable by its owner alone, as the kubeconfig is that it stands for. */
function keyIn(dataDir: string): string {
  const file = join(dataDir, 'dashboard-key')
  try {
    const kept = readFileSync(file, 'utf8').trim()
    if (/^[\w-]{32}$/.test(kept)) return kept
  } catch {
    // None yet.
  }
  const key = randomBytes(24).toString('base64url')
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  writeFileSync(file, `${key}\n`, { mode: 0o600 })
  return key
}

function refusalPage(why: string): string {
  const text = why.replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>kubesim</title><meta name="color-scheme" content="light dark">
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1.5rem">
<h1 style="font-size: 1.25rem">This page needs its key</h1>
<p>${text}.</p><p>Run <code>kubesim dashboard</code>: it opens the address with the key in it, once for each browser.</p>`
}

function listenError(port: number, error: Error): Error {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return new ConfigError(`port ${port} of 127.0.0.1 is in use: choose another, or 0 for a free one`)
  if (code === 'EACCES') return new ConfigError(`port ${port} may not be used by this user: choose one above 1023`)
  return error
}
