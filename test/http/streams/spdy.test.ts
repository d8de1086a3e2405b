// SPDY/3.1: frames and header blocks by themselves, and exec over it. Draft-mbelshe-httpbis-spdy-00; upstream:
// github.com/moby/spdystream, k8s.io/cri-streaming pkg/streaming/remotecommand (httpstream.go).

import { createHash } from 'node:crypto'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { controlFrame, dataHead, type Frame, FrameReader } from '../../../apiserver/http/streams/spdy-frames.ts'
import { HeaderReader, HeaderWriter, spdyDictionary } from '../../../apiserver/http/streams/spdy-headers.ts'
import type { NodeClient } from '../../../src/client/node-client.ts'
import { type Door, openDoor } from '../door.ts'
import { echo, ScriptedNode } from './scripted-node.ts'
import { headersOf, refusedSpdy, spdyClient } from './spdy-client.ts'

const bytes = fc.uint8Array({ maxLength: 300 })

describe('frames', () => {
  const frame = fc.oneof(
    fc
      .record({ type: fc.integer({ min: 1, max: 12 }), flags: fc.integer({ min: 0, max: 255 }), body: bytes })
      .map(({ type, flags, body }) => ({
        written: controlFrame(type, flags, body),
        read: { kind: 'control', type, flags, text: Buffer.from(body).toString('hex') },
      })),
    fc
      .record({ stream: fc.integer({ min: 1, max: 0x7fffffff }), isLast: fc.boolean(), body: bytes })
      .map(({ stream, isLast, body }) => ({
        written: Buffer.concat([dataHead(stream, body.length, isLast), body]),
        read: { kind: 'data', stream, isLast, text: Buffer.from(body).toString('hex') },
      })),
  )

  test('what is written is read, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 10 }), fc.array(fc.integer({ min: 1, max: 50 })), (frames, cuts) => {
        const reader = new FrameReader()
        const read: Frame[] = []
        let rest = Buffer.concat(frames.map(({ written }) => written))
        for (let cut = 0; rest.length > 0; cut++) {
          const size = cuts.length === 0 ? rest.length : cuts[cut % cuts.length]!
          for (const one of reader.push(rest.subarray(0, size))) read.push(one)
          rest = rest.subarray(size)
        }
        expect(joined(read.map(shown))).toEqual(joined(frames.map(({ read }) => read)))
      }),
    )
  })

  test('whatever comes, reading it ends, and only a fault of the other side is thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 300 }), (noise, size) => {
        const reader = new FrameReader()
        try {
          for (let at = 0; at < noise.length; at += size) Array.from(reader.push(noise.subarray(at, at + size)))
        } catch (error) {
          expect((error as Error).name).toBe('SpdyFault')
        }
      }),
    )
  })
})

interface Shown {
  readonly kind: string
  readonly stream?: number
  readonly type?: number
  readonly flags?: number
  isLast?: boolean
  text: string
}

const shown = (frame: Frame): Shown =>
  frame.kind === 'control'
    ? { kind: 'control', type: frame.type, flags: frame.flags, text: frame.body.toString('hex') }
    : { kind: 'data', stream: frame.stream, isLast: frame.isLast, text: frame.bytes.toString('hex') }

/** How a stream's bytes are cut says nothing: what follows upon itself is one. */
function joined(frames: readonly Shown[]): Shown[] {
  const all: Shown[] = []
  for (const one of frames) {
    const last = all.at(-1)
    if (one.kind === 'data' && last?.kind === 'data' && last.stream === one.stream && !last.isLast) {
      last.text += one.text
      last.isLast = one.isLast ?? false
    } else all.push({ ...one })
  }
  return all
}

describe('header blocks', () => {
  test('the dictionary is the specification’s', () => {
    expect(spdyDictionary.length).toBe(1423)
    expect(createHash('sha256').update(spdyDictionary).digest('hex')).toBe(
      '51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02',
    )
  })

  test('what is stored zlib can inflate, block by block', () => {
    const writer = new HeaderWriter()
    const one = writer.block(new Map([['streamtype', 'error']]))
    const two = writer.block(new Map())
    const inflated = zlib.inflateSync(Buffer.concat([one, two]), {
      dictionary: spdyDictionary,
      finishFlush: zlib.constants.Z_SYNC_FLUSH,
    })
    expect(inflated).toEqual(Buffer.concat([headersOf({ streamtype: 'error' }), headersOf({})]))
  })

  test('what zlib has deflated is read, and so is what is stored', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[ -~]{0,30}$/)), {
          maxLength: 4,
        }),
        async blocks => {
          const deflate = zlib.createDeflate({ dictionary: spdyDictionary, flush: zlib.constants.Z_SYNC_FLUSH })
          const [fromZlib, fromUs] = [new HeaderReader(), new HeaderReader()]
          const writer = new HeaderWriter()
          for (const block of blocks) {
            const headers = new Map(Object.entries(block))
            await new Promise(resolve => deflate.write(headersOf(block), resolve))
            expect(await fromZlib.read(deflate.read() as Buffer)).toEqual(headers)
            expect(await fromUs.read(writer.block(headers))).toEqual(headers)
          }
          fromZlib.close()
          fromUs.close()
          deflate.destroy()
        },
      ),
      { numRuns: 30 },
    )
  })

  test('noise, a bomb and what is cut off are faults', async () => {
    const bomb = zlib.deflateSync(Buffer.alloc(10_000_000), { dictionary: spdyDictionary })
    const cut = zlib.deflateSync(Buffer.from([0, 0, 0, 2, 0, 0, 0, 1]), {
      dictionary: spdyDictionary,
      finishFlush: zlib.constants.Z_SYNC_FLUSH,
    })
    for (const block of [Buffer.from('no zlib at all'), bomb, cut, zlib.deflateSync(Buffer.from('other'))]) {
      const reader = new HeaderReader()
      await expect(reader.read(block)).rejects.toMatchObject({ name: 'SpdyFault' })
    }
  })
})

const node = new ScriptedNode()
let door: Door
beforeAll(async () => {
  door = await openDoor({ nodes: node.client as NodeClient })
  const container = (name: string) => ({ name, image: 'busybox' })
  const body = { metadata: { name: 'web' }, spec: { nodeName: 'n', containers: [container('a'), container('gone')] } }
  await door.ask(pods, { method: 'POST', type: 'application/json', body: JSON.stringify(body) })
})
afterAll(() => door[Symbol.asyncDispose]())
beforeEach(() => {
  node.run = () => {}
  node.started.length = 0
})

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
}

const pods = '/api/v1/namespaces/default/pods'
const exec = (query: string) => `${pods}/web/exec?container=a&${query}`
const v4 = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']

describe('exec', () => {
  test('each stream goes its way; how it ended comes on the error stream, and then the end', async () => {
    node.run = started => {
      started.streams.stderr?.write(Buffer.from('complaint'))
      void echo({ ...started, end: () => started.end(3) })
    }
    const client = await spdyClient(door, exec('command=cat&stdin=1&stdout=1&stderr=1'), ...v4)
    expect(client.protocol).toBe('v4.channel.k8s.io')
    const error = await client.open({ streamtype: 'error' })
    const stdin = await client.open({ streamtype: 'stdin' })
    const stdout = await client.open({ streamtype: 'stdout' })
    const stderr = await client.open({ streamtype: 'stderr' })
    error.end()
    stdin.send('hello ')
    stdin.send('world')
    stdin.end()
    expect(await stdout.ended()).toBe('hello world')
    expect(await stderr.ended()).toBe('complaint')
    expect(JSON.parse(await error.ended())).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      message: 'command terminated with non-zero exit code: error executing command [cat], exit code 3',
    })
    expect(await client.parted()).toBe(0)
    await client.closed()
  })

  test.each(['v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io', undefined])(
    '%s tells the end in words',
    async name => {
      node.run = ({ end }) => end(2)
      const client = await spdyClient(door, exec('command=false&stdout=1'), ...(name ? [name] : []))
      expect(client.protocol).toBe(name)
      const error = await client.open({ streamtype: 'error' })
      const stdout = await client.open({ streamtype: 'stdout' })
      await stdout.ended()
      expect(await error.ended()).toContain('exit code 2')
      await client.closed()
    },
  )

  test('ten megabytes each way, and pings are answered meanwhile', async () => {
    node.run = started => void echo(started)
    const client = await spdyClient(door, exec('command=cat&stdin=1&stdout=1'), ...v4)
    const error = await client.open({ streamtype: 'error' })
    const stdin = await client.open({ streamtype: 'stdin' })
    const stdout = await client.open({ streamtype: 'stdout' })
    const block = Buffer.alloc(100_000, 'x')
    for (let sent = 0; sent < 100; sent++) stdin.send(block)
    await client.ping(7)
    stdin.end()
    await stdout.ended()
    expect(stdout.bytes()).toBe(10_000_000)
    expect(JSON.parse(await error.ended()).status).toBe('Success')
  })

  test('sizes of the terminal come on their stream', async () => {
    const client = await spdyClient(door, exec('command=sh&stdin=1&stdout=1&tty=1'), ...v4)
    await client.open({ streamtype: 'error' })
    await client.open({ streamtype: 'stdin' })
    await client.open({ streamtype: 'stdout' })
    const resize = await client.open({ streamtype: 'resize' })
    resize.send('{"Width":132,"Height":50}\n')
    await client.ping(1)
    await client.ping(3)
    expect(node.started[0]?.sizes).toEqual([{ columns: 132, rows: 50 }])
    node.started[0]?.end(0)
    await client.closed()
  })

  test('a client who goes, or wants no more of a stream, is told to the node', async () => {
    const client = await spdyClient(door, exec('command=yes&stdin=1&stdout=1&stderr=1'), ...v4)
    for (const streamtype of ['error', 'stdin', 'stderr']) await client.open({ streamtype })
    const stdout = await client.open({ streamtype: 'stdout' })
    stdout.reset()
    await client.ping(1)
    const { streams } = node.started[0]!
    expect([streams.stdout?.isAbandoned, streams.stderr?.isAbandoned, streams.signal.aborted]).toEqual([
      true,
      false,
      false,
    ])
    client.socket.destroy()
    await aborted(streams.signal)
    expect([streams.stdin?.isEnded, streams.stderr?.isAbandoned]).toEqual([true, true])
  })

  test('a client who does not open his streams is hung up on after half a minute', async () => {
    const client = await spdyClient(door, exec('command=ls&stdout=1'), ...v4)
    await client.open({ streamtype: 'error' })
    const { signal } = node.started[0]!.streams
    await door.server.env.clock.advance(30_000)
    expect(await client.parted()).toBe(0)
    await client.closed()
    await aborted(signal)
  })

  test('a client of whom nothing is heard for four hours is hung up on', async () => {
    const client = await spdyClient(door, exec('command=ls&stdout=1'), ...v4)
    await client.open({ streamtype: 'error' })
    await client.open({ streamtype: 'stdout' })
    await door.server.env.clock.advance(3 * 3_600_000)
    await client.ping(1)
    await door.server.env.clock.advance(3 * 3_600_000)
    await client.ping(3)
    const closed = client.closed()
    await door.server.env.clock.advance(4 * 3_600_000)
    await closed
  })

  test('refusals come before the protocol changes, in the kubelet’s words', async () => {
    const gone = await refusedSpdy(door, `${pods}/web/exec?container=gone&command=ls&stdout=1`, { protocols: v4 })
    expect([gone.code, gone.text]).toEqual([500, 'container not found ("gone")'])
    const none = await refusedSpdy(door, exec('command=ls'), { protocols: v4 })
    expect([none.code, none.text]).toEqual([400, 'you must specify at least 1 of stdin, stdout, stderr'])
    const stranger = await refusedSpdy(door, exec('command=ls&stdout=1'), { protocols: ['v9.channel.k8s.io'] })
    expect([stranger.code, stranger.headers['x-accepted-stream-protocol-versions']]).toEqual([
      403,
      'v4.channel.k8s.io, v3.channel.k8s.io, v2.channel.k8s.io, channel.k8s.io',
    ])
    const other = await refusedSpdy(door, exec('command=ls&stdout=1'), { upgrade: 'h2c' })
    expect([other.code, other.text]).toEqual([400, 'unable to upgrade: missing upgrade headers in request: "h2c"'])
    const missing = await refusedSpdy(door, `${pods}/none/exec?command=ls&stdout=1`)
    expect(JSON.parse(missing.text).message).toBe('pods "none" not found')
  })

  test('who breaks the protocol is sent away, and the server goes on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async noise => {
        const client = await spdyClient(door, exec('command=ls&stdout=1'), ...v4)
        client.socket.write(noise)
        client.socket.end()
        await client.closed()
      }),
      { numRuns: 40 },
    )
    expect((await door.ask('/readyz')).code).toBe(200)
    for (const started of node.started) await aborted(started.streams.signal)
  })

  test('the server’s end is the end of it', async () => {
    const own = await openDoor({ nodes: node.client as NodeClient })
    const body = { metadata: { name: 'web' }, spec: { nodeName: 'n', containers: [{ name: 'a', image: 'b' }] } }
    await own.ask(pods, { method: 'POST', type: 'application/json', body: JSON.stringify(body) })
    const client = await spdyClient(own, exec('command=ls&stdout=1'), ...v4)
    await own.close()
    await client.closed()
    await own[Symbol.asyncDispose]()
  })
})
