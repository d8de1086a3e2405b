// The HTTP door, open on a free port of loopback before an API server in memory: for tests that speak to it over sockets.
// Time is virtual, as in the harness; the certificates' is the wall's, since TLS asks the wall.

import type http from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import type { Audit } from '../../apiserver/audit/audit.ts'
import { createAuthenticator } from '../../apiserver/auth/authentication.ts'
import { createHttpServer } from '../../apiserver/http/app.ts'
import { type Certificates, loadOrCreateCertificates } from '../../apiserver/http/certificates.ts'
import type { User } from '../../apiserver/registry/registry.ts'
import type { Status } from '../../src/api/errors.ts'
import { createHttpClient, type HttpConnection } from '../../src/client/http-client.ts'
import type { NodeClient } from '../../src/client/node-client.ts'
import type { Env } from '../../src/env/env.ts'
import { realEnv } from '../../src/env/real-env.ts'
import { type TestServer, testServer } from '../registry/harness.ts'

export interface Ask {
  readonly method?: string
  readonly accept?: string
  readonly type?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
  /** As whom: the admin's certificate (the default), a bearer token, or nobody. */
  readonly as?: 'admin' | 'nobody' | { readonly token: string }
}

export interface Answer {
  readonly code: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
  /** The body, parsed. */
  readonly json: any
}

export interface Door extends AsyncDisposable {
  readonly server: TestServer
  readonly certificates: Certificates
  readonly port: number
  readonly connection: HttpConnection
  ask(path: string, ask?: Ask): Promise<Answer>
  /** The Status of a request that must fail. */
  refused(path: string, ask?: Ask): Promise<Status>
  open(path: string, ask?: Ask): Promise<http.IncomingMessage>
  close(): Promise<void>
}

export interface DoorOptions {
  readonly tokens?: ReadonlyMap<string, User>
  readonly nodes?: NodeClient
  /** The audit log, given the door's time. */
  readonly audit?: (env: Env) => Audit
}

/** Made once for all tests of a file: keys take milliseconds each. */
let made: Certificates | undefined

export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const server = await testServer()
  await server.server.bootstrapRoles()
  made ??= loadOrCreateCertificates(undefined, realEnv({ logLevel: 'silent' }))
  const certificates = made
  const door = createHttpServer({
    env: server.env,
    registry: server.server.registry,
    flows: server.server.flows,
    aggregation: server.server.aggregation,
    authenticate: createAuthenticator({ tokens: options.tokens, serviceAccounts: server.server.tokens }),
    authorizer: server.server.authorizer,
    tokens: server.server.tokens,
    past: revision => server.server.past.at(revision),
    certificates,
    nodes: options.nodes,
    audit: options.audit?.(server.env),
  })
  const { port } = await door.listen(0, '127.0.0.1')
  const { ca, admin } = certificates
  const agent = new https.Agent({ keepAlive: true, ca: ca.cert, cert: admin.cert, key: admin.key })
  const bare = new https.Agent({ keepAlive: true, ca: ca.cert })
  const access = { server: `https://127.0.0.1:${port}`, ca: ca.cert, cert: admin.cert, key: admin.key }
  const connection = createHttpClient(access)

  function open(path: string, { method = 'GET', accept, type, headers, body, as = 'admin' }: Ask = {}) {
    return new Promise<http.IncomingMessage>((resolve, reject) => {
      const request = https.request({
        host: '127.0.0.1',
        port,
        path,
        method,
        agent: as === 'admin' ? agent : bare,
        headers: {
          ...(accept ? { accept } : {}),
          ...(type ? { 'content-type': type } : {}),
          // Of these Node would not say how long the body is.
          ...(body && (method === 'DELETE' || method === 'GET')
            ? { 'content-length': String(Buffer.byteLength(body)) }
            : {}),
          ...(typeof as === 'object' ? { authorization: `Bearer ${as.token}` } : {}),
          ...headers,
        },
      })
      request.on('response', resolve)
      request.on('error', reject)
      request.end(body)
    })
  }

  async function ask(path: string, how?: Ask): Promise<Answer> {
    const response = await open(path, how)
    let text = ''
    response.setEncoding('utf8')
    for await (const chunk of response) text += chunk
    return {
      code: response.statusCode ?? 0,
      headers: response.headers,
      text,
      get json() {
        return JSON.parse(text)
      },
    }
  }

  let isClosed = false
  async function close(): Promise<void> {
    if (isClosed) return
    isClosed = true
    await door.close()
  }

  return {
    server,
    certificates,
    port,
    connection,
    open,
    ask,
    async refused(path, how) {
      const answer = await ask(path, how)
      const status = answer.json as Status
      if (status.kind !== 'Status' || status.status !== 'Failure') throw new Error(`not refused: ${answer.text}`)
      if (status.code !== answer.code) throw new Error(`the head says ${answer.code}, the Status ${status.code}`)
      return status
    },
    close,
    async [Symbol.asyncDispose]() {
      connection.close()
      agent.destroy()
      bare.destroy()
      await close()
      server.server.close()
      await server.storage.close()
    },
  }
}

/** The lines of a watch as they come. */
export async function* eventsOf(response: Readable): AsyncGenerator<any> {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    const lines = (text + chunk).split('\n')
    text = lines.pop()!
    for (const line of lines) yield JSON.parse(line)
  }
}
