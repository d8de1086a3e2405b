// exec, attach and port-forward of the real fake nodes: in process, and over the door of a kubelet in another one, the same.

import { afterEach, describe, expect, test } from 'vitest'
import { type NodeDoor, openNodeDoor } from '../../kubelet-sim/node-http.ts'
import { createHttpNodeClient } from '../../src/client/http-node-client.ts'
import type { CommandStreams, NodeClient } from '../../src/client/node-client.ts'
import { BytePipe } from '../../src/env/byte-pipe.ts'
import type { VirtualEnv } from '../../src/env/virtual-env.ts'
import { type Room, virtualRoom } from './room.ts'

const doors: NodeDoor[] = []
afterEach(async () => {
  for (const door of doors.splice(0)) await door.close()
})

async function overTheWire(nodes: NodeClient, token = 'right'): Promise<NodeClient> {
  const door = await openNodeDoor('right', () => nodes)
  doors.push(door)
  return createHttpNodeClient({ port: door.port, token })
}

async function opened(): Promise<Room<VirtualEnv>> {
  const room = await virtualRoom({ pullDelay: 0, startDelay: 0 })
  await room.run('box', 'node-1', { containers: [{ name: 'box', image: 'busybox', command: ['sleep', '1000'] }] })
  await room.run('web', 'node-1')
  await room.env.clock.advance(1000)
  return room
}

function streams(how: Partial<Pick<CommandStreams, 'tty'>> = {}) {
  const gone = new AbortController()
  const pipes = { stdin: new BytePipe(), stdout: new BytePipe(), stderr: new BytePipe() }
  return { ...pipes, tty: how.tty ?? false, signal: gone.signal, gone }
}

async function read(pipe: BytePipe): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of pipe) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe.each([
  ['in process', async (nodes: NodeClient) => nodes],
  ['over the wire', overTheWire],
])('%s', (_where, reached) => {
  test('a command runs, prints, and has an exit code', async () => {
    await using room = await opened()
    const client = await reached(room.nodes.nodeClient)
    const pod = await room.pod('box')
    const one = streams()
    const execution = await client.exec(pod, 'box', ['echo', 'hello', 'world'], one)
    expect([await read(one.stdout), await execution.ended]).toEqual(['hello world\n', 0])
    const two = streams()
    const failing = await client.exec(pod, 'box', ['ls', '/nowhere'], two)
    const [said, complained, code] = await Promise.all([read(two.stdout), read(two.stderr), failing.ended])
    expect([said, code]).toEqual(['', 1])
    expect(complained).toBe('ls: /nowhere: No such file or directory\n')
  })

  test('megabytes go in and come out while nothing is held whole', async () => {
    await using room = await opened()
    const client = await reached(room.nodes.nodeClient)
    const both = streams()
    const execution = await client.exec(await room.pod('box'), 'box', ['cat'], both)
    const block = Buffer.alloc(100_000, '0123456789')
    const sending = (async () => {
      for (let count = 0; count < 100; count++) {
        await both.stdin.room()
        both.stdin.write(block)
      }
      both.stdin.end()
    })()
    let [bytes, most] = [0, 0]
    for await (const chunk of both.stdout) {
      bytes += chunk.length
      most = Math.max(most, both.stdout.size + both.stdin.size)
    }
    await sending
    expect([bytes, await execution.ended]).toEqual([10_000_000, 0])
    expect(most).toBeLessThan(1_000_000)
  })

  test('on a terminal what is typed is echoed; Ctrl-C ends it, sizes are taken', async () => {
    await using room = await opened()
    const client = await reached(room.nodes.nodeClient)
    const typed = streams({ tty: true })
    const execution = await client.exec(await room.pod('box'), 'box', ['cat'], typed)
    execution.resize({ columns: 120, rows: 40 })
    typed.stdin.write(Buffer.from('hi\r'))
    let said = ''
    while (said !== 'hi\r\nhi\r\n') {
      const chunk = typed.stdout.take()
      if (chunk === undefined) await typed.stdout.changed()
      else said += Buffer.from(chunk)
    }
    typed.stdin.write(Buffer.of(3))
    expect(await execution.ended).toBe(130)
  })

  test('what is refused is told in the kubelet’s words and code', async () => {
    await using room = await opened()
    const client = await reached(room.nodes.nodeClient)
    const pod = await room.pod('box')
    await expect(client.exec(pod, 'other', ['ls'], streams())).rejects.toMatchObject({
      code: 500,
      message: 'container not found ("other")',
    })
    await expect(client.attach(pod, 'other', streams())).rejects.toThrow('container other not found in pod box_default')
    const missing = await client.exec(pod, 'box', ['nope'], streams())
    await expect(missing.ended).rejects.toThrow('exec: "nope": executable file not found in $PATH: unknown')
    const elsewhere = { ...pod, metadata: { ...pod.metadata, uid: 'another' } }
    await expect(client.exec(elsewhere, 'box', ['ls'], streams())).rejects.toMatchObject({ code: 404 })
  })

  test('a client who leaves is told to the program: its input ends', async () => {
    await using room = await opened()
    const client = await reached(room.nodes.nodeClient)
    const left = streams()
    const pod = await room.pod('box')
    const execution = await client.exec(pod, 'box', ['cat'], left)
    execution.ended.catch(() => {})
    const machine = (await room.nodes.runs.machines()).made(pod.metadata.uid ?? '', 'box')!
    expect(machine.processes().map(({ argv }) => argv.join(' '))).toContain('cat')
    // As the door leaves: nobody reads, and it is said so.
    left.stdin.end()
    left.stdout.abandon()
    left.gone.abort()
    while (machine.processes().length > 1) await new Promise(resolve => setImmediate(resolve))
  })

  test('a connection into a pod carries HTTP; where nobody listens it is told', async () => {
    await using room = await opened()
    const client = await reached(room.nodes.nodeClient)
    const pod = await room.pod('web')
    const forwarded = { toPod: new BytePipe(), fromPod: new BytePipe(), signal: new AbortController().signal }
    const ended = client.portForward(pod, 80, forwarded)
    forwarded.toPod.write(Buffer.from('GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n'))
    expect(await read(forwarded.fromPod)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    await ended
    const nobody = { toPod: new BytePipe(), fromPod: new BytePipe(), signal: new AbortController().signal }
    await expect(client.portForward(pod, 81, nobody)).rejects.toThrow(/^error forwarding port 81 to pod .*refused $/)
  })
})

test('who has not the token, and a kubelet that ends, are told of as an unavailable node', async () => {
  await using room = await opened()
  const pod = await room.pod('box')
  const stranger = await overTheWire(room.nodes.nodeClient, 'wrong')
  await expect(stranger.exec(pod, 'box', ['ls'], streams())).rejects.toMatchObject({ code: 503 })
  const known = await overTheWire(room.nodes.nodeClient)
  const execution = await known.exec(pod, 'box', ['sleep', '100'], streams())
  for (const door of doors.splice(0)) await door.close()
  await expect(execution.ended).rejects.toMatchObject({ code: 503, message: 'the kubelet broke off the connection' })
  await expect(known.exec(pod, 'box', ['ls'], streams())).rejects.toMatchObject({
    code: 503,
    message: expect.stringMatching(/cannot be reached/),
  })
})
