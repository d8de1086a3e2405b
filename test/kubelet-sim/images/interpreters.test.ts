// What interpreters do here with what they are given, and what they refuse.

import { describe, expect, test } from 'vitest'
import { interpreted } from '../../../kubelet-sim/images/interpreters.ts'
import { get, virtualRoom } from '../room.ts'

describe('what is understood', () => {
  test.each([
    [['python3', '-m', 'http.server'], { does: 'serve', port: 8000, host: '0.0.0.0', folder: '.' }],
    [
      ['/usr/local/bin/python', '-u', '-m', 'http.server', '8080', '--directory', '/srv', '--bind=::'],
      { does: 'serve', port: 8080, host: '::', folder: '/srv' },
    ],
    [['python', '--version'], { does: 'print', text: 'Python 3.13.7\n' }],
    [['python', '-c', 'print("a; b\\tc")'], { does: 'steps', steps: [{ does: 'print', text: 'a; b\tc\n' }] }],
    [
      ['python3', '-c', 'import time, sys\nprint(1); time.sleep(0.5)\nsys.exit(3)'],
      {
        does: 'steps',
        steps: [
          { does: 'print', text: '1\n' },
          { does: 'sleep', seconds: 0.5 },
          { does: 'exit', code: 3 },
        ],
      },
    ],
    [
      ['node', '-e', "console.log('hi'); process.exit(1)"],
      {
        does: 'steps',
        steps: [
          { does: 'print', text: 'hi\n' },
          { does: 'exit', code: 1 },
        ],
      },
    ],
    [['php', '-r', 'echo "hi";'], { does: 'steps', steps: [{ does: 'print', text: 'hi' }] }],
    [['python', '-c', 'print(sum(range(4)))'], undefined],
    [['python', 'app.py'], undefined],
    [['ruby', '-e', 'puts 1'], undefined],
  ])('%j', (argv, expected) => {
    expect(interpreted(argv)).toEqual(expected)
  })
})

test('python serves the files of its container, and logs who asked', async () => {
  await using room = await virtualRoom({ pullDelay: 0, startDelay: 0, count: 1 })
  const command = ['sh', '-c', 'mkdir /site; echo hello > /site/a.txt; cd /site; exec python3 -m http.server 8080']
  await room.run('web', 'node-1', { containers: [{ name: 'c', image: 'python:3.13', command }] })
  await room.env.clock.advance(1000)
  const { podIP } = (await room.pod('web')).status
  const ask = async (path: string) => {
    const { status, body } = await room.nodes.network.toPod(podIP!, 8080, get(path))
    return [status, Buffer.from(body).toString()] as const
  }
  expect(await ask('/a.txt')).toEqual([200, 'hello\n'])
  expect((await ask('/'))[1]).toContain('<li><a href="a.txt">a.txt</a></li>')
  expect((await ask('/none'))[0]).toBe(404)
  let said = ''
  const { signal } = new AbortController()
  for await (const part of room.nodes.nodeClient.logs(await room.pod('web'), { signal })) said += part
  expect(said).toMatch(/^Serving HTTP on 0\.0\.0\.0 port 8080 \(http:\/\/0\.0\.0\.0:8080\/\) \.\.\.\n/)
  expect(said).toMatch(/"GET \/a\.txt HTTP\/1\.1" 200 -\n/)
  expect(said).toContain('code 404, message File not found\n')
})

test('code of one’s own is refused by name, and a probe does not hold it against the container', async () => {
  await using room = await virtualRoom({ pullDelay: 0, startDelay: 0, count: 1 })
  const code = 'import socket; socket.create_connection(("localhost", 80))'
  const livenessProbe = { exec: { command: ['python', '-c', code] }, periodSeconds: 1 }
  await room.run('app', 'node-1', {
    containers: [{ name: 'c', image: 'python:3.13', command: ['python', 'app.py'], livenessProbe }],
  })
  const script = `python -c '${code}'; echo "code $?"`
  await room.run('job', 'node-1', {
    restartPolicy: 'Never',
    containers: [{ name: 'c', image: 'python:3.13', command: ['sh', '-c', script] }],
  })
  await room.env.clock.advance(30_000)
  expect((await room.pod('app')).status.containerStatuses![0]).toMatchObject({ ready: true, restartCount: 0 })
  let said = ''
  const { signal } = new AbortController()
  for await (const part of room.nodes.nodeClient.logs(await room.pod('job'), { signal })) said += part
  expect(said).toMatch(/^python: kubesim does not run Python programs: import socket/)
  expect(said).toMatch(/code 126\n$/)
})
