// What processes of pods see of the network: connections, listeners, names. Run without a kernel, in virtual time.

import { describe, expect, test } from 'vitest'
import type { Connection, Sockets } from '../../kubelet-sim/machine/sockets.ts'
import type { Step } from '../../kubelet-sim/machine/wait.ts'
import { drive } from '../../kubelet-sim/network/drive.ts'
import { pass } from '../../kubelet-sim/network/waiting.ts'
import { Pods } from '../../src/kinds/index.ts'
import { get, type Room, textOf, virtualRoom } from './room.ts'

const quick = { pullDelay: 0, startDelay: 0 }
const idle = { containers: [{ name: 'main', image: 'pause-of-my-own' }] }
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (chunk: Uint8Array | undefined) => (chunk === undefined ? undefined : new TextDecoder().decode(chunk))

async function two() {
  const room = await virtualRoom(quick)
  await room.run('a', 'node-1', idle)
  await room.run('b', 'node-2', idle)
  const [a, b] = [await socketsOf(room, 'a'), await socketsOf(room, 'b')]
  const run = <T>(step: Step<T>) => drive(room.env, step)
  return { room, a, b, run, [Symbol.asyncDispose]: () => room[Symbol.asyncDispose]() }
}

async function socketsOf(room: Room, name: string) {
  return room.nodes.network.socketsFor({ pod: await room.pod(name) })
}

/** Says everything back until the other side ends. */
function* echo(sockets: Sockets, port: number, host?: string): Step<number> {
  const listener = sockets.listen(port, host)
  const connection = yield* listener.accept()
  let count = 0
  for (;;) {
    const chunk = yield* connection.read()
    if (chunk === undefined) break
    count += chunk.length
    yield* connection.write(chunk)
  }
  connection.close()
  listener.close()
  return count
}

function* readAll(connection: Connection): Step<string> {
  let all = ''
  for (;;) {
    const chunk = yield* connection.read()
    if (chunk === undefined) return all
    all += text(chunk)
  }
}

describe('connections', () => {
  test('bytes go both ways between pods on two nodes, and each end knows the other', async () => {
    await using net = await two()
    const server = net.run(echo(net.a, 7))
    const client = await net.run(net.b.connect({ host: '10.244.1.2', port: 7 }))
    expect([client.local.host, client.remote]).toEqual(['10.244.2.2', { host: '10.244.1.2', port: 7 }])
    await net.run(client.write(bytes('hello')))
    expect(text(await net.run(client.read()))).toBe('hello')
    client.end()
    expect(await net.run(readAll(client))).toBe('')
    expect(await server).toBe(5)
  })

  test('who writes faster than the other reads waits', async () => {
    await using net = await two()
    const listener = net.a.listen(9)
    const client = await net.run(net.b.connect({ host: '10.244.1.2', port: 9 }))
    const server = await net.run(listener.accept())
    let isWritten = false
    const writing = net.run(client.write(new Uint8Array(200_000))).then(() => {
      isWritten = true
    })
    await net.room.env.activity.idle()
    expect(isWritten).toBe(false)
    let received = 0
    while (received < 200_000) received += (await net.run(server.read(10_000)))!.length
    await writing
    server.close()
    await expect(net.run(client.write(bytes('more')))).rejects.toMatchObject({ errno: 'EPIPE' })
  })

  test('closed ports refuse, addresses of nobody are silent, the world outside has no route', async () => {
    await using net = await two()
    await expect(net.run(net.b.connect({ host: '10.244.1.2', port: 81 }))).rejects.toMatchObject({
      errno: 'ECONNREFUSED',
    })
    await expect(net.run(net.b.connect({ host: '93.184.215.14', port: 80 }))).rejects.toMatchObject({
      errno: 'ENETUNREACH',
    })
    const silent = expect(
      net.run(net.b.connect({ host: '10.244.1.77', port: 80 }, { timeout: 5000 })),
    ).rejects.toMatchObject({ errno: 'ETIMEDOUT' })
    await net.room.env.clock.advance(4999)
    await net.room.env.clock.advance(1)
    await silent
    net.room.nodes.silence('node-1')
    const dead = expect(net.run(net.b.connect({ host: '10.244.1.2', port: 80 }))).rejects.toMatchObject({
      errno: 'EHOSTUNREACH',
    })
    await net.room.env.clock.advance(3000)
    await dead
  })

  test('who asks again while the node is dead gets through once it is back', async () => {
    await using net = await two()
    const server = net.run(echo(net.a, 7))
    const client = await net.run(net.b.connect({ host: '10.244.1.2', port: 7 }))
    net.room.nodes.silence('node-1')
    await net.run(client.write(bytes('are you there')))
    let answer: string | undefined
    const reading = net.run(client.read()).then(chunk => {
      answer = text(chunk)
    })
    await net.room.env.clock.advance(10_000)
    expect(answer).toBeUndefined()
    net.room.nodes.revive('node-1')
    await reading
    expect(answer).toBe('are you there')
    client.close()
    await server
  })

  test('containers of a pod share localhost; nobody else reaches what listens there', async () => {
    await using net = await two()
    const other = await socketsOf(net.room, 'a')
    const server = net.run(echo(net.a, 8080, '127.0.0.1'))
    await expect(net.run(net.b.connect({ host: '10.244.1.2', port: 8080 }))).rejects.toMatchObject({
      errno: 'ECONNREFUSED',
    })
    expect(() => other.listen(8080)).toThrow('Address in use')
    const client = await net.run(other.connect({ host: 'localhost', port: 8080 }))
    await net.run(client.write(bytes('x')))
    client.end()
    expect(await net.run(readAll(client))).toBe('x')
    await server
    expect(other.listen(8080).address.port).toBe(8080)
  })

  test('with its process all that it opened is closed, with its pod all connections', async () => {
    await using net = await two()
    const listener = net.a.listen(9)
    const client = await net.run(net.b.connect({ host: '10.244.1.2', port: 9 }))
    const server = await net.run(listener.accept())
    net.a.closeAll()
    expect(await net.run(client.read())).toBeUndefined()
    await expect(net.run(server.read())).rejects.toMatchObject({ errno: 'EBADF' })
    const again = (await socketsOf(net.room, 'a')).listen(9)
    const second = await net.run(net.b.connect(again.address.port === 9 ? { host: '10.244.1.2', port: 9 } : never()))
    await net.room.client.of(Pods).delete({ name: 'a', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await net.room.env.clock.advance(60_000)
    await expect(net.run(second.read())).rejects.toMatchObject({ errno: 'ECONNRESET' })
  })
})

describe('HTTP', () => {
  test('a program that serves answers requests and bytes alike, by its Service too', async () => {
    await using net = await two()
    const { clock } = net.room.env
    net.a.serve(80, function* (request, from) {
      yield* pass(clock, 20)
      return { status: 201, headers: {}, body: bytes(`${request.method} ${request.path} from ${from.host}`) }
    })
    await net.room.serve('web', {}, ['a'])
    const asking = net.run(net.b.request({ host: 'web', port: 80 }, get('/x')))
    await clock.advance(20)
    const answer = await asking
    expect([answer.status, textOf(answer)]).toEqual([201, 'GET /x from 10.244.2.2'])

    const client = await net.run(net.b.connect({ host: '10.244.1.2', port: 80 }))
    await net.run(
      client.write(bytes('POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')),
    )
    const reply = net.run(readAll(client))
    await clock.advance(20)
    expect(await reply).toBe(
      'HTTP/1.1 201 Created\r\nContent-Length: 23\r\nConnection: close\r\n\r\nPOST /y from 10.244.2.2',
    )
  })

  test('a server that dies while it answers breaks the connection off', async () => {
    await using net = await two()
    net.a.serve(80, function* () {
      yield* pass(net.room.env.clock, 60_000)
      return { status: 200, headers: {}, body: bytes('late') }
    })
    const asking = expect(net.run(net.b.request({ host: '10.244.1.2', port: 80 }, get()))).rejects.toMatchObject({
      errno: 'ECONNRESET',
    })
    net.a.closeAll()
    await asking
  })

  test('a request times out though the connection was made', async () => {
    await using net = await two()
    net.a.listen(80)
    const asking = expect(
      net.run(net.b.request({ host: '10.244.1.2', port: 80 }, get(), { timeout: 3000 })),
    ).rejects.toMatchObject({ errno: 'ETIMEDOUT' })
    await net.room.env.clock.advance(3000)
    await asking
  })

  test('a program that reads bytes hears a request as HTTP, and its answer is read as such', async () => {
    await using net = await two()
    const listener = net.a.listen(8000)
    const heard = net.run(
      (function* (): Step<string | undefined> {
        const connection = yield* listener.accept()
        const asked = text(yield* connection.read())
        yield* connection.write(
          bytes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n'),
        )
        return asked
      })(),
    )
    const answer = await net.run(net.b.request({ host: '10.244.1.2', port: 8000 }, get('/p', { host: 'a:8000' })))
    expect(await heard).toBe('GET /p HTTP/1.1\r\nHost: a:8000\r\nConnection: close\r\n\r\n')
    expect([answer.status, textOf(answer)]).toEqual([200, 'abcde'])
  })

  test('through a connection to a pod: many requests, HEAD, chunks, nonsense', async () => {
    await using net = await two()
    const pod = await net.room.run('web', 'node-1')
    const there = await net.room.nodes.network.connectToPod(pod, 80)
    await there.write(
      bytes(
        'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\nHEAD / HTTP/1.1\r\nHost: x\r\n\r\n' +
          'POST /none HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nwhat is this\r\n\r\n',
      ),
    )
    let all = ''
    for (let chunk = await there.read(); chunk; chunk = await there.read()) all += text(chunk)
    const statuses = [...all.matchAll(/HTTP\/1.1 (\d+) /g)].map(([, status]) => status)
    expect(statuses).toEqual(['404', '200', '404', '400'])
    expect(all).toMatch(/200 OK[\s\S]*Content-Length: \d\d\d\r\n\r\nHTTP/)
    await expect(net.room.nodes.network.connectToPod(pod, 81)).rejects.toMatchObject({ errno: 'ECONNREFUSED' })
  })

  test('a port that is only told of is taken, until the container really runs', async () => {
    await using net = await two()
    const pod = await net.room.run('web', 'node-1')
    const sockets = net.room.nodes.network.socketsFor({ pod: await net.room.pod('web') })
    expect(() => sockets.listen(80)).toThrow('Address in use')
    const end = net.room.nodes.network.runs(pod.metadata.uid!, 'web')
    expect(sockets.listen(80).address.port).toBe(80)
    sockets.closeAll()
    await expect(net.run(net.b.request({ host: '10.244.1.3', port: 80 }, get()))).rejects.toMatchObject({
      errno: 'ECONNREFUSED',
    })
    end()
    expect((await net.run(net.b.request({ host: '10.244.1.3', port: 80 }, get()))).status).toBe(200)
  })
})

describe('datagrams', () => {
  test('a question and an answer; nobody there; nothing said', async () => {
    await using net = await two()
    const port = net.a.bind(5353)
    const serving = net.run(
      (function* (): Step<void> {
        const { from, bytes: asked } = yield* port.receive()
        port.send(from, bytes(`${text(asked)}!`))
        yield* port.receive()
      })(),
    )
    const to = { host: '10.244.1.2', port: 5353 }
    expect(text(await net.run(net.b.exchange(to, bytes('hi'), 1000)))).toBe('hi!')
    const silent = net.run(net.b.exchange(to, bytes('hi'), 1000))
    await net.room.env.clock.advance(1000)
    expect(await silent).toBeUndefined()
    await serving
    await expect(net.run(net.b.exchange({ ...to, port: 5354 }, bytes('hi'), 1000))).rejects.toMatchObject({
      errno: 'ECONNREFUSED',
    })
  })

  test('a socket of one side hears the other answer', async () => {
    await using net = await two()
    const [one, other] = [net.a.bind(1000), net.b.bind(2000)]
    other.send({ host: '10.244.1.2', port: 1000 }, bytes('ping'))
    const { from } = await net.run(one.receive())
    expect(from).toEqual({ host: '10.244.2.2', port: 2000 })
    one.send(from, bytes('pong'))
    expect(text((await net.run(other.receive())).bytes)).toBe('pong')
  })
})

test('ping: pods that are there, and those that are not', async () => {
  await using net = await two()
  expect(await net.run(net.b.ping('10.244.1.2', 1000))).toBeLessThan(1)
  const nobody = net.run(net.b.ping('10.244.1.9', 1000))
  await net.room.env.clock.advance(1000)
  expect(await nobody).toBeUndefined()
})

function never(): never {
  throw new Error('another port')
}
