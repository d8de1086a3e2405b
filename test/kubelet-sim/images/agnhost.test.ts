// agnhost's subcommands, as upstream's tests read what they print and answer (test/images/agnhost, test/e2e/common).

import { describe, expect, test } from 'vitest'
import { ImageBook } from '../../../kubelet-sim/image-book.ts'
import { durationOf, modeText } from '../../../kubelet-sim/images/programs/go.ts'
import { argvOf, behaviourOf } from '../../../kubelet-sim/images.ts'
import type { Program } from '../../../kubelet-sim/machine/process.ts'
import { hostOf } from './host.ts'

const image = 'registry.k8s.io/e2e-test-images/agnhost:2.57'
const agnhost = (more: Readonly<Record<string, Program>> = {}) => hostOf(image, more)
const book = new ImageBook()

/** Just enough of a shell. */
const sh: Program = function* (process) {
  const command = process.argv[2] ?? ''
  if (command === 'fail') {
    yield* process.complain('sh: fail: not found\n')
    return 127
  }
  yield* process.print(`ran ${command}\n`)
  return 0
}

describe('Docker Containers', () => {
  // test/e2e/common/node/containers.go
  test.each([
    ['should use the image defaults if command and args are blank', {}, ['/agnhost', 'pause']],
    [
      "should be able to override the image's default arguments (container cmd)",
      { args: ['entrypoint-tester', 'override', 'arguments'] },
      ['/agnhost', 'entrypoint-tester', 'override', 'arguments'],
    ],
    [
      "should be able to override the image's default command (container entrypoint)",
      { command: ['/agnhost-2', 'entrypoint-tester'] },
      ['/agnhost-2', 'entrypoint-tester'],
    ],
    [
      "should be able to override the image's default command and arguments",
      { command: ['/agnhost-2'], args: ['entrypoint-tester', 'override', 'arguments'] },
      ['/agnhost-2', 'entrypoint-tester', 'override', 'arguments'],
    ],
  ])('%s', async (_, words, argv) => {
    expect(argvOf({ name: 'c', image, ...words }, book.find(image))).toEqual(argv)
    if (argv.includes('entrypoint-tester')) {
      expect(await agnhost().run(argv)).toEqual({ code: 0, stdout: `[${argv.join(' ')}]\n`, stderr: '' })
    }
  })

  test('pause is told: nothing runs for it, and it ends with 2', async () => {
    const container = { name: 'c', image }
    expect(behaviourOf({ ...container, args: ['netexec'] }, book.find(image), {}, 'p').isRun).toBe(true)
    expect(behaviourOf(container, book.find(image), {}, 'p')).toMatchObject({
      isRun: false,
      onTerm: 2,
      script: { lines: [{ text: 'Paused' }] },
    })
    const host = agnhost()
    const { running, text } = host.start(['/agnhost', 'pause'])
    await host.env.clock.advance(60_000)
    running.kill('TERM')
    await host.env.clock.advance(0)
    expect([running.exitCode, text()]).toEqual([2, 'Paused\n'])
  })
})

describe('mounttest', () => {
  test('prints type, mode, owner and content, in upstream words', async () => {
    const host = agnhost()
    host.machine.files.makeDirectory('/test-volume', { mode: 0o777 })
    host.machine.files.chmod('/test-volume', 0o1777)
    const flags = [
      '--fs_type=/dev',
      '--file_perm=/test-volume',
      '--file_mode=/test-volume',
      '--file_owner=/test-volume',
    ]
    expect(await host.run(['/agnhost', 'mounttest', ...flags])).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        `mount type of "/dev": ${host.machine.files.mounts().some(({ path }) => path === '/dev') ? 'tmpfs' : 2035054128}`,
        'mode of file "/test-volume": dtrwxrwxrwx',
        'perms of file "/test-volume": -rwxrwxrwx',
        'owner UID of "/test-volume": 0',
        'owner GID of "/test-volume": 0',
        '',
      ].join('\n'),
    })
  })

  test('new files have the mode that was asked for, whatever the umask', async () => {
    const host = agnhost()
    host.machine.files.makeDirectory('/test-volume')
    const path = '/test-volume/test-file'
    const { stdout } = await host.run(['/agnhost', 'mounttest', '--new_file_0666', path, `--file_perm=${path}`])
    expect(stdout).toBe(`content of file "${path}": mount-tester new file\n\nperms of file "${path}": -rw-rw-rw-\n`)
  })

  test('what is not there is said, and the exit code is 1', async () => {
    expect(await agnhost().run(['/agnhost', 'mounttest', '--file_content=/nothing', '--file_mode=/nothing'])).toEqual({
      code: 1,
      stderr: '',
      stdout:
        'error from Stat("/nothing"): stat /nothing: no such file or directory\nerror reading file content for "/nothing": open /nothing: no such file or directory\n',
    })
  })

  test('in a loop: every two seconds, until what is expected is there', async () => {
    const host = agnhost()
    const { running, text } = host.start(['/agnhost', 'mounttest', '--file_content_in_loop=/tmp/x', '--retry_time=60'])
    await host.env.clock.advance(3000)
    expect(text()).toBe('Error reading file /tmp/x: open /tmp/x: no such file or directory, retrying\n'.repeat(2))
    host.machine.files.write('/tmp/x', 'mount-tester new file\n')
    await host.env.clock.advance(2000)
    expect(text().endsWith('content of file "/tmp/x": mount-tester new file\n\n')).toBe(true)
    expect(running.exitCode).toBe(0)
  })

  test('modes as Go prints them', () => {
    expect([modeText(0o644, 'file'), modeText(0o755, 'directory'), modeText(0o1777, 'directory')]).toEqual([
      '-rw-r--r--',
      'drwxr-xr-x',
      'dtrwxrwxrwx',
    ])
    expect(modeText(0o2775, 'directory')).toBe('dgrwxrwxr-x')
  })
})

describe('netexec', () => {
  async function serving(...words: string[]) {
    const host = agnhost({ sh })
    const started = host.start(['/agnhost', 'netexec', ...words])
    await host.env.clock.advance(0)
    return { host, started }
  }
  const withoutUdp = '--udp-port=-1'

  test('hostname, echo, clientip, header, redirect', async () => {
    const { host, started } = await serving('--http-port=8083', withoutUdp)
    expect(started.errors()).toBe('2024/01/01 00:00:00 Started HTTP server on port 8083\n')
    const ask = async (path: string, request = {}) => {
      const { status, text } = await host.ask(8083, path, request)
      return [status, text]
    }
    expect(await ask('/hostname')).toEqual([200, 'web-1'])
    expect(await ask('/hostName')).toEqual([200, 'web-1'])
    expect(await ask('/echo?msg=hello%20you&code=202')).toEqual([202, 'hello you'])
    expect(await ask('/echo?msg=x&code=abc')).toEqual([
      200,
      'argument \'code\' must be an integer or empty, got "abc"\n',
    ])
    expect(await ask('/clientip')).toEqual([200, '10.244.0.9:40000'])
    expect(await ask('/header?key=X-Forwarded-For', { headers: { 'x-forwarded-for': '1.2.3.4' } })).toEqual([
      200,
      '1.2.3.4',
    ])
    expect(await ask('/')).toEqual([200, expect.stringMatching(/^NOW: 2024-01-01 00:00:00\.000000000 \+0000 UTC/)])
    const redirected = await host.ask(8083, '/redirect?location=/echo%3Fmsg%3Dhi&code=307')
    expect(redirected).toMatchObject({
      status: 307,
      headers: { location: '/echo?msg=hi' },
      text: '<a href="/echo?msg=hi">Temporary Redirect</a>.\n\n',
    })
    // Without its UDP server it is never ready.
    expect((await ask('/healthz'))[0]).toBe(412)
  })

  test('shell runs a command and tells how it went', async () => {
    const { host } = await serving(withoutUdp)
    expect(JSON.parse((await host.ask(8080, '/shell?shellCommand=date%20-u')).text)).toEqual({
      output: 'ran date -u\n',
    })
    expect(JSON.parse((await host.ask(8080, '/shell?cmd=fail')).text)).toEqual({
      error: 'exit status 127',
      output: 'sh: fail: not found\n',
    })
  })

  test('dial says what it heard, and what it did not', async () => {
    const { host } = await serving(withoutUdp)
    expect(await host.ask(8080, '/dial?host=a&port=1')).toMatchObject({
      status: 400,
      text: 'request parameter not specified. <nil>\n',
    })
    expect((await host.ask(8080, '/dial?host=a&port=1&request=hostname&protocol=carrier')).text).toBe(
      'unsupported protocol. carrier\n',
    )
  })

  test('upload writes a file that can be run', async () => {
    const { host } = await serving(withoutUdp)
    const body = Buffer.from(
      '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n#!/bin/sh\n\r\n--b--\r\n',
    )
    const headers = { 'content-type': 'multipart/form-data; boundary=b' }
    const { status, text } = await host.ask(8080, '/upload', { method: 'POST', headers, body })
    expect(status).toBe(201)
    const { output } = JSON.parse(text) as { output: string }
    expect(host.machine.files.readText(output)).toBe('#!/bin/sh\n')
    expect(host.machine.files.stat(output).mode).toBe(0o700)
  })

  test('exit and signals end it with their codes', async () => {
    const { host, started } = await serving(withoutUdp)
    const before = host.env.clock.now()
    await expect(host.ask(8080, '/exit?code=3&wait=2s')).rejects.toThrow()
    expect(host.env.clock.now() - before).toBe(2000)
    expect(started.running.exitCode).toBe(3)
  })
})

test('serve-hostname goes on for a minute after SIGTERM', async () => {
  const host = agnhost()
  const { running, errors } = host.start(['/agnhost', 'serve-hostname', '--port', '9376'])
  await host.env.clock.advance(0)
  expect((await host.ask(9376, '/')).text).toBe('web-1')
  running.kill('TERM')
  await host.env.clock.advance(59_000)
  expect(running.exitCode).toBeUndefined()
  await host.env.clock.advance(1000)
  expect(running.exitCode).toBe(0)
  expect(errors()).toContain('Serving on port 9376.\n')
  expect(errors()).toContain('Shutting down after receiving signal: terminated.\n')
})

test('liveness is well for ten seconds', async () => {
  const host = agnhost()
  host.start(['/agnhost', 'liveness'])
  await host.env.clock.advance(10_000)
  expect(await host.ask(8080, '/healthz')).toMatchObject({ status: 200, text: 'ok' })
  await host.env.clock.advance(1000)
  expect(await host.ask(8080, '/healthz')).toMatchObject({ status: 500, text: 'error: 11' })
  expect((await host.ask(8080, '/redirect?loc=http%3A%2F%2F0.0.0.0%2F')).headers.location).toBe('http://0.0.0.0/')
})

test('test-webserver serves the files of its container', async () => {
  const host = agnhost()
  host.machine.files.write('/tmp/a.txt', 'a')
  host.start(['/agnhost', 'test-webserver'])
  await host.env.clock.advance(0)
  expect(await host.ask(80, '/tmp/a.txt')).toMatchObject({ text: 'a', headers: { 'access-control-allow-origin': '*' } })
  expect((await host.ask(80, '/tmp/')).text).toContain('<a href="a.txt">a.txt</a>')
  expect(await host.ask(80, '/nothing')).toMatchObject({ status: 404, text: '404 page not found\n' })
})

test('logs-generator prints so many lines over so long', async () => {
  const host = agnhost()
  const before = host.env.clock.now()
  const words = ['logs-generator', '--log-lines-total', '10', '--run-duration', '5s']
  const { code, stderr } = await host.run(['/agnhost', ...words])
  expect([code, host.env.clock.now() - before]).toEqual([0, 5000])
  const lines = stderr.trimEnd().split('\n')
  expect(lines).toHaveLength(10)
  expect(lines[9]).toMatch(
    /^I0101 00:00:04\.500000 {7}1 logs_generator\.go:87\] 9 (GET|POST|PUT) \/api\/v1\/namespaces\/(kube-system|default|ns)\/pods\/\w{3,4} \d{3}$/,
  )
})

test('porter serves what its environment says; resource-consumer takes what it is told to take', async () => {
  const host = agnhost()
  host.start(['/agnhost', 'porter'], { env: new Map([['SERVE_PORT_81', 'foo']]) })
  await host.env.clock.advance(0)
  expect((await host.ask(81, '/')).text).toBe('foo')
  const consumer = agnhost()
  consumer.start(['/agnhost', 'resource-consumer'])
  await consumer.env.clock.advance(0)
  const path = '/ConsumeMem?megabytes=100&durationSec=30'
  expect((await consumer.ask(8080, path, { method: 'POST' })).text).toBe('ConsumeMem\n100 megabytes\n30 durationSec\n')
  await consumer.env.clock.advance(1000)
  expect(consumer.machine.usage.memory).toBeGreaterThanOrEqual(100 * 1024 * 1024)
  await consumer.env.clock.advance(30_000)
  expect(consumer.machine.usage.memory).toBeLessThan(100 * 1024 * 1024)
})

test('what it does not have is refused by name', async () => {
  expect(await agnhost().run(['/agnhost', 'nonewprivs'])).toMatchObject({
    code: 1,
    stderr: 'agnhost: kubesim does not have the subcommand nonewprivs yet\n',
  })
  expect((await agnhost().run(['/agnhost', 'netexec', '--nothing'])).stderr).toBe('Error: unknown flag: --nothing\n')
})

test('durations as Go reads them', () => {
  expect(['1h2m', '1.5s', '0', '10ms', '5', 'x'].map(durationOf)).toEqual([
    3_720_000,
    1500,
    0,
    10,
    undefined,
    undefined,
  ])
})
