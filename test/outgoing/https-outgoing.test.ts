// Calls over real TLS on loopback: what is verified, and the words when it fails (Go's net/http, crypto/tls, crypto/x509).

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createPlainServer } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, createServer as createSocket, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Certificates, loadOrCreateCertificates } from '../../apiserver/http/certificates.ts'
import { httpsOutgoing } from '../../apiserver/outgoing/https-outgoing.ts'
import { isSimulatedAddress } from '../../apiserver/outgoing/service-endpoint.ts'
import { realEnv } from '../../src/env/real-env.ts'

const env = realEnv({ logLevel: 'silent' })
const ask = httpsOutgoing(env)
const folder = mkdtempSync(join(tmpdir(), 'kubesim-outgoing-'))
const servers: Server[] = []
let certificates: Certificates

beforeAll(() => {
  certificates = loadOrCreateCertificates(join(folder, 'pki'), env, { names: ['hook.default.svc'] })
})
afterAll(() => {
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true })
})

function listen(server: Server): Promise<number> {
  servers.push(server)
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

async function echo(): Promise<number> {
  const { cert, key } = certificates.server
  return listen(
    createServer({ cert, key }, (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('end', () =>
        response.end(`${request.method} ${request.url} ${request.headers.host} ${Buffer.concat(chunks)}`),
      )
    }),
  )
}

const body = Buffer.from('hello')
const base = () => ({ method: 'POST', authorities: certificates.ca.cert, body, timeout: 5000 })
const why = async (work: Promise<unknown>) => ((await work.catch(error => error)) as Error).message

test('a server is reached at another address than its name says, and held to that name', async () => {
  const port = await echo()
  const url = 'https://hook.default.svc:443/check?timeout=10s'
  const there = { ...base(), url, address: { host: '127.0.0.1', port }, serverName: 'hook.default.svc' }
  const { status, body: answer } = await ask(there)
  expect([status, answer.toString()]).toEqual([200, 'POST /check?timeout=10s hook.default.svc hello'])
  expect(await why(ask({ ...there, serverName: 'other.default.svc' }))).toBe(
    `Post "${url}": tls: failed to verify certificate: x509: certificate is not valid for other.default.svc`,
  )
})

test('a server of another authority is not believed, unless nobody wants to know', async () => {
  const url = `https://127.0.0.1:${await echo()}/`
  const stranger = { ...base(), url, authorities: loadOrCreateCertificates(join(folder, 'other'), env).ca.cert }
  expect(await why(ask(stranger))).toBe(
    `Post "${url}": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
  )
  expect((await ask({ ...stranger, unverified: true })).status).toBe(200)
})

test('who is not there, speaks no TLS or says nothing is told so', async () => {
  const free = await listen(createSocket())
  await new Promise(resolve => servers.pop()!.close(resolve))
  expect(await why(ask({ ...base(), url: `https://127.0.0.1:${free}/` }))).toBe(
    `Post "https://127.0.0.1:${free}/": dial tcp 127.0.0.1:${free}: connect: connection refused`,
  )
  const plain = `https://127.0.0.1:${await listen(createPlainServer())}/`
  expect(await why(ask({ ...base(), url: plain }))).toBe(
    `Post "${plain}": http: server gave HTTP response to HTTPS client`,
  )
  const silent = `https://127.0.0.1:${await listen(createSocket())}/`
  expect(await why(ask({ ...base(), url: silent, timeout: 50 }))).toBe(`Post "${silent}": context deadline exceeded`)
})

test('an answer longer than is wanted is a failure', async () => {
  const url = `https://127.0.0.1:${await echo()}/`
  expect(await why(ask({ ...base(), url, mostBytes: 10 }))).toBe(`Post "${url}": http: response body too large`)
})

test('simulated addresses are never dialled', async () => {
  expect(['10.244.0.1', '10.96.0.1', '10.111.255.255'].map(isSimulatedAddress)).toEqual([true, true, true])
  expect(['10.0.0.1', '10.112.0.1', '127.0.0.1', 'hook', '::1'].map(isSimulatedAddress)).toEqual(Array(5).fill(false))
  expect(await why(ask({ ...base(), url: 'https://10.244.0.1/' }))).toBe(
    'Post "https://10.244.0.1/": dial tcp 10.244.0.1:443: the address is simulated and leads nowhere outside kubesim',
  )
})
