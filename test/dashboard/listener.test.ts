// The dashboard's listener: what it serves, what it forwards, and whom it lets in.

import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type DashboardServer, startDashboard } from '../support/browser.ts'
import { kubesim } from '../support/server.ts'

let server: DashboardServer
let origin: string
let key: string

beforeAll(async () => {
  server = await startDashboard()
  const url = new URL(server.page)
  origin = url.origin
  key = url.searchParams.get('key')!
})

afterAll(() => server[Symbol.asyncDispose]())

interface Answer {
  readonly code: number | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

function ask(path: string, headers: Record<string, string> = {}, method = 'GET', body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(`${origin}${path}`, { method, headers, agent: false }, answer => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', chunk => {
        text += chunk
      })
      answer.on('end', () => resolve({ code: answer.statusCode, headers: answer.headers, text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const cookie = () => `kubesim-dashboard-${new URL(origin).port}=${key}`

test('the address with its key opens the page, and the cookie it leaves opens the API', async () => {
  const page = await ask(`/?key=${key}`)
  expect(page.code).toBe(200)
  expect(page.text).toContain('<div id="page">')
  expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
  const left = String(page.headers['set-cookie'])
  expect(left).toMatch(/HttpOnly; SameSite=Strict/)
  const pods = await ask('/api/v1/pods', { cookie: left.split(';')[0]! })
  expect([pods.code, JSON.parse(pods.text).kind]).toEqual([200, 'PodList'])
})

test('nobody is let in without the key, and is told what to do', async () => {
  const stranger = await ask('/api/v1/pods')
  expect([stranger.code, JSON.parse(stranger.text)]).toMatchObject([401, { kind: 'Status', reason: 'Unauthorized' }])
  const wrong = await ask('/?key=guessed', { accept: 'text/html' })
  expect([wrong.code, wrong.headers['set-cookie']]).toEqual([401, undefined])
  expect(wrong.text).toContain('kubesim dashboard')
})

test('a name that was turned to the loopback is not the name of this address', async () => {
  const rebound = await ask('/api/v1/pods', { cookie: cookie(), host: 'evil.example:80' })
  expect([rebound.code, JSON.parse(rebound.text).message]).toMatchObject([403, expect.stringContaining('evil.example')])
  expect((await ask(`/?key=${key}`, { host: 'evil.example' })).code).toBe(403)
})

test('another page can neither write, nor read, nor open a watch', async () => {
  const body = JSON.stringify({ metadata: { name: 'theirs' } })
  const theirs = { cookie: cookie(), origin: 'http://127.0.0.1:9999', 'content-type': 'application/json' }
  expect((await ask('/api/v1/namespaces', theirs, 'POST', body)).code).toBe(403)
  expect((await ask('/api/v1/secrets', { cookie: cookie(), 'sec-fetch-site': 'same-site' })).code).toBe(403)
  const watch = (from: string): Promise<string> =>
    new Promise(resolve => {
      const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/pods?watch=true`, {
        headers: { cookie: cookie(), origin: from },
      })
      socket.on('open', () => {
        socket.terminate()
        resolve('open')
      })
      socket.on('error', error => resolve(error.message))
    })
  expect(await watch('http://evil.example')).toContain('403')
  expect(await watch(origin)).toBe('open')
})

test('what a pod answers through a proxy path runs in no page of ours', async () => {
  const { kubectl } = server
  await kubectl('run', 'web', '--image=nginx')
  await kubectl('wait', 'pod/web', '--for=condition=Ready')
  const page = await ask('/api/v1/namespaces/default/pods/web/proxy/', { cookie: cookie() })
  expect([page.code, page.headers['content-security-policy']]).toEqual([200, 'sandbox allow-scripts allow-forms'])
  expect(page.text).toContain('nginx')
})

test('refusals of the API come through in its own words', async () => {
  const missing = await ask('/api/v1/namespaces/default/pods/nobody', { cookie: cookie() })
  expect([missing.code, JSON.parse(missing.text).message]).toEqual([404, 'pods "nobody" not found'])
})

test('kubesim status and kubesim dashboard tell the address', async () => {
  const told = await kubesim(server.home, 'dashboard', '--no-open', '--data-dir', server.dataDir)
  expect([told.code, told.stdout]).toEqual([0, `kubesim dashboard: ${server.page}\n`])
  expect((await kubesim(server.home, 'status', '--data-dir', server.dataDir)).stdout).toContain(
    `dashboard:  ${server.page}`,
  )
})
