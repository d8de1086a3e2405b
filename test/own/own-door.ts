// A test's cluster behind its door, asked at kubesim's own paths as a client in any language would ask them.

import https from 'node:https'
import { createInterface } from 'node:readline'
import type { NewObject } from '../../src/api/meta.ts'
import { createHttpClient } from '../../src/client/http-client.ts'
import { builtinKinds } from '../../src/kinds/index.ts'
import type { Listening } from '../../src/testing/listening.ts'
import type { TestCluster } from '../support/cluster.ts'

export interface OwnAnswer {
  readonly code: number
  /** The body, parsed. */
  readonly json: any
}

export interface OwnDoor extends AsyncDisposable {
  get(path: string, as?: 'admin' | 'nobody'): Promise<OwnAnswer>
  post(path: string, body: unknown, as?: 'admin' | 'nobody'): Promise<OwnAnswer>
  /** Creates an object as a client outside would; rejects with what the server says. */
  apply(object: NewObject<any>): Promise<void>
  /** The lines of a stream, parsed, until it is closed by either side. */
  stream(path: string): Promise<{ readonly lines: AsyncIterator<any>; close(): void }>
}

export async function openOwnDoor(cluster: TestCluster): Promise<OwnDoor> {
  const listening: Listening = await cluster.listen()
  const { ca, cert, key } = listening.access
  const agent = new https.Agent({ ca, cert, key, keepAlive: true })
  const bare = new https.Agent({ ca })
  const send = (method: string, path: string, body: unknown, as: 'admin' | 'nobody') =>
    new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      const options = { method, agent: as === 'admin' ? agent : bare }
      const request = https.request(`${listening.url}/kubesim/v1alpha1/${path}`, options, resolve)
      request.on('error', reject)
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  const asked = async (method: string, path: string, body: unknown, as: 'admin' | 'nobody'): Promise<OwnAnswer> => {
    const response = await send(method, path, body, as)
    let text = ''
    response.setEncoding('utf8')
    for await (const chunk of response) text += chunk
    return { code: response.statusCode ?? 0, json: text.startsWith('{') ? JSON.parse(text) : text }
  }
  return {
    get: (path, as = 'admin') => asked('GET', path, undefined, as),
    post: (path, body, as = 'admin') => asked('POST', path, body, as),
    async apply(object) {
      const connection = createHttpClient(listening.access)
      try {
        const kind = builtinKinds.find(each => each.apiVersion === object.apiVersion && each.kind === object.kind)!
        await connection.client.of(kind).create(object)
      } finally {
        connection.close()
      }
    },
    async stream(path) {
      const response = await send('GET', path, undefined, 'admin')
      if (response.statusCode !== 200) throw new Error(`the stream is refused with ${response.statusCode}`)
      const lines = createInterface({ input: response })[Symbol.asyncIterator]()
      const parsed: AsyncIterator<any> = {
        async next() {
          const { done, value } = await lines.next()
          return done ? { done: true, value: undefined } : { done: false, value: JSON.parse(value) }
        },
      }
      return { lines: parsed, close: () => void response.destroy() }
    },
    async [Symbol.asyncDispose]() {
      await listening.close()
      agent.destroy()
      bare.destroy()
    },
  }
}
