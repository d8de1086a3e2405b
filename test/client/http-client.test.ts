// The client over HTTPS: the contract of every client, upon the HTTP door of a server in memory; and what only a wire has.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { ApiError } from '../../src/api/errors.ts'
import { createHttpClient } from '../../src/client/http-client.ts'
import { ConfigMaps, Pods } from '../../src/kinds/index.ts'
import { clientContract } from '../contracts/client.ts'
import { type Door, openDoor } from '../http/door.ts'
import { refusal } from '../registry/harness.ts'

clientContract('over HTTPS', async () => {
  const door = await openDoor()
  return {
    client: door.connection.client,
    forgetHistory: () => door.server.storage.compact(door.server.storage.revision),
    [Symbol.asyncDispose]: () => door[Symbol.asyncDispose](),
  }
})

test('a server that is not there is ServiceUnavailable, and the message says where it should have been', async () => {
  const door = await openDoor()
  await door[Symbol.asyncDispose]()
  const { client, close } = createHttpClient({ server: `https://127.0.0.1:${door.port}` })
  const error = await refusal(client.of(Pods).list())
  expect(error.reason).toBe('ServiceUnavailable')
  expect(error.message).toMatch(`the API server at https://127.0.0.1:${door.port} cannot be reached: `)
  close()
})

test('a certificate of another authority is not taken for the server’s', async () => {
  await using door = await openDoor()
  const { client, close } = createHttpClient({ server: `https://127.0.0.1:${door.port}` })
  const error = await refusal(client.of(Pods).list())
  expect(error.message).toMatch(/self-signed certificate|unable to (get|verify)/)
  close()
})

/** A watch that is open: its first event has come. */
async function openWatch(door: Door) {
  const maps = door.connection.client.of(ConfigMaps)
  const { resourceVersion: after } = await maps.list()
  const watch = maps.watch({ after, signal: new AbortController().signal })[Symbol.asyncIterator]()
  await maps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'first', namespace: 'default' } })
  expect(await watch.next()).toMatchObject({ value: { type: 'ADDED' } })
  return watch
}

test('whoever leaves a watch while nothing happens is not kept', async () => {
  await using door = await openDoor()
  const watch = await openWatch(door)
  const waiting = watch.next()
  expect(await watch.return?.()).toMatchObject({ done: true })
  expect(await waiting).toMatchObject({ done: true })
})

test('a watch ends when the server does, and its reader is not told an error', async () => {
  await using door = await openDoor()
  const watch = await openWatch(door)
  const waiting = watch.next()
  await door.close()
  expect(await waiting).toMatchObject({ done: true })
})

test('of a server that answers in other words than a Status, the code says what it is', async () => {
  const server = createServer((_request, response) => response.writeHead(403).end('no entry'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { client, close } = createHttpClient({ server: `http://127.0.0.1:${port}`, token: 't' })
  const error = await refusal(client.of(Pods).list())
  expect(error).toBeInstanceOf(ApiError)
  expect(error).toMatchObject({ reason: 'Forbidden', code: 403, message: 'the server answered 403: no entry' })
  close()
  server.close()
})

test('token, agent, path prefix and selectors stand where a server looks for them', async () => {
  const seen: { url?: string | undefined; token?: string | undefined; agent?: string | undefined }[] = []
  const server = createServer((request, response) => {
    seen.push({ url: request.url, token: request.headers.authorization, agent: request.headers['user-agent'] })
    response.end(
      JSON.stringify({ metadata: { resourceVersion: '5', continue: 'c', remainingItemCount: 3 }, items: null }),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { client, close } = createHttpClient({ server: `http://127.0.0.1:${port}/clusters/a/`, token: 'secret' })
  const list = await client.as('tester').of(Pods).list({ namespace: 'default', labelSelector: 'a in (b, c)', limit: 2 })
  expect(list).toEqual({ items: [], resourceVersion: '5', continue: 'c', remainingItemCount: 3 })
  expect(seen).toEqual([
    {
      url: '/clusters/a/api/v1/namespaces/default/pods?labelSelector=a+in+%28b%2C+c%29&limit=2',
      token: 'Bearer secret',
      agent: 'tester',
    },
  ])
  close()
  server.close()
})
