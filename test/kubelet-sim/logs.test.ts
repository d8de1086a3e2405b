import { describe, expect, test } from 'vitest'
import { Logs, nextLine, scripted } from '../../kubelet-sim/logs.ts'
import type { LogOptions } from '../../src/client/node-client.ts'
import { begin } from './live.ts'
import { get, virtualRoom } from './room.ts'

const never = new AbortController().signal

describe('kubectl logs', () => {
  const quick = { pullDelay: 0, startDelay: 0, count: 1 }
  const shell = (script: string) => ({
    containers: [{ name: 'app', image: 'busybox:1.36', command: ['sh', '-c', script] }],
  })
  async function read(
    room: Awaited<ReturnType<typeof virtualRoom>>,
    name: string,
    options: Partial<LogOptions> = {},
  ): Promise<string> {
    let text = ''
    for await (const chunk of room.nodes.nodeClient.logs(await room.pod(name), { signal: never, ...options }))
      text += chunk
    return text
  }

  test('what a script prints, when it prints it', async () => {
    await using room = await virtualRoom(quick)
    await room.run('app', 'node-1', shell('echo begin; sleep 5; echo middle; while true; do date; sleep 10; done'))
    expect(await read(room, 'app')).toBe('begin\n')
    await room.env.clock.advance(16_000)
    expect(await read(room, 'app')).toBe('begin\nmiddle\nMon Jan  1 00:00:05 UTC 2024\nMon Jan  1 00:00:15 UTC 2024\n')
    expect(await read(room, 'app', { tailLines: 1, timestamps: true })).toBe(
      '2024-01-01T00:00:15.000000000Z Mon Jan  1 00:00:15 UTC 2024\n',
    )
    expect(await read(room, 'app', { sinceSeconds: 2 })).toBe('Mon Jan  1 00:00:15 UTC 2024\n')
    expect(await read(room, 'app', { limitBytes: 7 })).toBe('begin\nm')
    expect(await read(room, 'app', { tailLines: 0 })).toBe('')
  })

  test('a server writes a line for each request', async () => {
    await using room = await virtualRoom(quick)
    await room.run('web', 'node-1')
    await room.nodes.network.toPod('10.244.1.2', 80, get('/index.html', { 'user-agent': 'curl/8' }), '10.244.0.9')
    expect((await read(room, 'web')).split('\n').at(-2)).toBe(
      '10.244.0.9 - - [01/Jan/2024:00:00:00 +0000] "GET /index.html HTTP/1.1" 200 615 "-" "curl/8" "-"',
    )
  })

  test('follow: lines come as time passes, and it ends with the container', async () => {
    await using room = await virtualRoom(quick)
    await room.run('app', 'node-1', {
      ...shell('echo one; sleep 2; echo two; sleep 2; echo three; sleep 1'),
      restartPolicy: 'Never',
    })
    const seen: string[] = []
    const reading = (async () => {
      for await (const chunk of room.nodes.nodeClient.logs(await room.pod('app'), { signal: never, follow: true })) {
        seen.push(`${(room.env.clock.now() - begin) / 1000}s ${chunk.trim()}`)
      }
      seen.push('end')
    })()
    await room.env.clock.advance(10_000)
    await reading
    expect(seen).toEqual(['0s one', '2s two', '4s three', 'end'])
  })

  test('follow is told of requests at once, and ends when the reader goes', async () => {
    await using room = await virtualRoom(quick)
    await room.run('web', 'node-1')
    const leaving = new AbortController()
    const seen: string[] = []
    const reading = (async () => {
      for await (const chunk of room.nodes.nodeClient.logs(await room.pod('web'), {
        signal: leaving.signal,
        follow: true,
        tailLines: 0,
      }))
        seen.push(chunk)
    })()
    await room.env.clock.advance(1000)
    for (const path of ['/a', '/b']) await room.nodes.network.toPod('10.244.1.2', 80, get(path))
    await room.env.clock.advance(1000)
    await room.nodes.network.toPod('10.244.1.2', 80, get('/c'))
    await room.env.clock.advance(1000)
    expect(seen.join('').match(/GET \/./g)).toEqual(['GET /a', 'GET /b', 'GET /c'])
    leaving.abort()
    await reading
  })

  test('a crash loop shows its last run, --previous the one before', async () => {
    await using room = await virtualRoom(quick)
    await room.run('app', 'node-1', shell('date; exit 1'))
    await room.env.clock.advance(15_000)
    expect(await read(room, 'app')).toBe('Mon Jan  1 00:00:10 UTC 2024\n')
    await expect(read(room, 'app', { container: 'nope' })).rejects.toMatchObject({
      code: 400,
      message: 'container nope is not valid for pod app',
    })
  })

  test.each([
    ['<bad>', 'container "app" in pod "app" is waiting to start: image can\'t be pulled'],
    ['nginx:1.161', 'container "app" in pod "app" is waiting to start: trying and failing to pull image'],
  ])('%s has no log', async (image, message) => {
    await using room = await virtualRoom(quick)
    await room.run('app', 'node-1', { containers: [{ name: 'app', image }] })
    await expect(read(room, 'app')).rejects.toMatchObject({ code: 400, message })
  })

  test('several containers: one has to be named', async () => {
    await using room = await virtualRoom(quick)
    const containers = ['a', 'b'].map(name => ({ name, image: 'nginx' }))
    await room.run('app', 'node-1', { containers })
    await expect(read(room, 'app')).rejects.toMatchObject({
      message: 'a container name must be specified for pod app, choose one of: [a b]',
    })
    expect(await read(room, 'app', { container: 'b' })).toContain('start worker processes')
    await expect(read(room, 'app', { container: 'b', previous: true })).rejects.toMatchObject({
      message: 'previous terminated container "b" in pod "app" not found',
    })
  })
})

describe('the lines of a script', () => {
  const loop = { lines: [], files: [], loop: { from: 1000, period: 10, lines: [{ at: 0, text: 'x' }] } }
  test('a loop that ran for a year gives its last thousand, and quickly', () => {
    expect(scripted(loop, begin, begin, begin + 31_536_000_000).length).toBeLessThanOrEqual(1001)
  })
  test('the next line', () => {
    expect(nextLine(loop, begin, begin)).toBe(begin + 1000)
    expect(nextLine(loop, begin, begin + 1000)).toBe(begin + 1010)
    expect(nextLine({ lines: [{ at: 5, text: 'y' }], files: [] }, begin, begin + 5)).toBeUndefined()
  })
})

test('a ring keeps the last thousand lines, and those of the run before', () => {
  const logs = new Logs()
  const script = { lines: [], files: [] }
  for (let index = 0; index < 1500; index++) logs.print('uid', 'c', 0, begin + index, `line ${index}`)
  logs.print('uid', 'c', 1, begin + 5000, 'again')
  const run = (restart: number) =>
    logs.lines('uid', 'c', { script, startedAt: begin, until: undefined, restart }, begin, begin + 9000)
  expect([run(0).length, run(0)[0]?.text, run(1).map(({ text }) => text), run(2)]).toEqual([
    1000,
    'line 500',
    ['again'],
    [],
  ])
  logs.forget('uid')
  expect(run(1)).toEqual([])
})
