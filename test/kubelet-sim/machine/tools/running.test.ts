// Tools that take time, follow, start others, or speak with each other.

import { expect, test } from 'vitest'
import { programBytes, programIn } from '../../../../kubelet-sim/machine/files/layer.ts'
import { tools } from '../../../../kubelet-sim/machine/tools/index.ts'
import { type TestMachine, testMachine } from '../machine.ts'

/** Its process 1 waits, so that others can come and go. */
function waitingMachine(): TestMachine {
  const made = testMachine({ programs: tools })
  made.start(['sleep', 'inf'])
  return made
}

test('tail -f prints what is appended, waits without end, and starts again when the file was cut', async () => {
  const { machine, start, env } = waitingMachine()
  machine.files.write('/tmp/log', 'one\ntwo\n')
  const { running, text } = start(['tail', '-n1', '-f', '/tmp/log'])
  await env.clock.advance(1000)
  expect(text()).toBe('two\n')
  machine.files.append('/tmp/log', 'three\n')
  await env.clock.advance(0)
  expect(text()).toBe('two\nthree\n')
  machine.files.write('/tmp/other', 'x')
  await env.clock.advance(60_000)
  expect(text()).toBe('two\nthree\n')
  expect(running.exitCode).toBeUndefined()
  running.kill('TERM')
  await env.clock.advance(0)
  expect(running.exitCode).toBe(143)
})

test('tail -F goes on with the file that has taken the name', async () => {
  const { machine, start, env } = waitingMachine()
  machine.files.write('/tmp/log', 'old\n')
  const { text } = start(['tail', '-F', '/tmp/log'])
  await env.clock.advance(0)
  machine.files.rename('/tmp/log', '/tmp/log.1')
  machine.files.write('/tmp/log', 'new\n')
  await env.clock.advance(0)
  expect(text()).toBe('old\nnew\n')
})

test('tar packs a folder and unpacks it elsewhere with modes, links and long names, as kubectl cp does', async () => {
  const { machine, run } = waitingMachine()
  const { files } = machine
  const long = `/src/${'very-long-folder-name/'.repeat(8)}file`
  files.makeDirectory(long.slice(0, long.lastIndexOf('/')), { recursive: true })
  files.write(long, 'deep')
  files.write('/src/script', '#!/bin/sh\n', 0o755)
  files.write('/src/tool', programBytes('cat'), 0o700)
  files.symlink('script', '/src/link')
  files.chown('/src/script', 1000, 2000)
  files.write('/src/large', new Uint8Array(200_000).fill(65))
  expect(await run(['tar', 'cf', '/tmp/a.tar', '/src'])).toMatchObject({
    code: 0,
    stderr: "tar: removing leading '/' from member names\n",
  })
  files.makeDirectory('/out')
  expect(await run(['tar', 'xmf', '/tmp/a.tar', '-C', '/out'])).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(files.readText(`/out${long}`)).toBe('deep')
  expect(files.stat('/out/src/script')).toMatchObject({ mode: 0o755, uid: 1000, gid: 2000 })
  expect(files.readlink('/out/src/link')).toBe('script')
  expect(programIn(files.read('/out/src/tool'))).toBe('cat')
  expect(files.stat('/out/src/large').size).toBe(200_000)
  expect((await run(['tar', 'tf', '/tmp/a.tar', 'src/link'])).stdout).toBe('src/link\n')
  expect(await run(['tar', 'cf', '-', 'nothing'])).toMatchObject({
    code: 1,
    stderr: 'tar: nothing: No such file or directory\ntar: error exit delayed from previous errors\n',
  })
  await run(['tar', 'czf', '/tmp/a.tgz', '-C', '/src', '.'])
  expect(files.read('/tmp/a.tgz').subarray(0, 2)).toEqual(new Uint8Array([0x1f, 0x8b]))
  files.makeDirectory('/zip')
  expect((await run(['tar', 'xzvf', '/tmp/a.tgz', '-C', '/zip', './script'])).stdout).toBe('./script\n')
  expect(files.list('/zip')).toEqual(['script'])
})

test('tar of coreutils is read by this one, and the other way round', async () => {
  const { machine, run } = waitingMachine()
  machine.files.write('/tmp/x', 'hello')
  await run(['tar', 'cf', '/tmp/a.tar', '-C', '/tmp', 'x'])
  const bytes = machine.files.read('/tmp/a.tar')
  expect(bytes.length % 512).toBe(0)
  expect(Buffer.from(bytes.subarray(257, 262)).toString()).toBe('ustar')
  expect(Buffer.from(bytes.subarray(512, 517)).toString()).toBe('hello')
})

test('sleep sleeps by the cluster clock, several words are added', async () => {
  const { run, env } = waitingMachine()
  const from = env.clock.now()
  expect((await run(['sleep', '1m', '30'])).code).toBe(0)
  expect(env.clock.now() - from).toBe(90_000)
})

test('timeout ends what takes too long, and lets the others be', async () => {
  const { run, env } = waitingMachine()
  const from = env.clock.now()
  expect((await run(['timeout', '5', 'sleep', '60'])).code).toBe(143)
  expect(env.clock.now() - from).toBe(5000)
  expect((await run(['timeout', '5', 'false'])).code).toBe(1)
  expect((await run(['timeout', '5', 'echo', 'hi'])).stdout).toBe('hi\n')
  expect(await run(['timeout', '5', 'nothing'])).toMatchObject({ code: 127 })
})

test('env starts programs in a changed environment', async () => {
  const { run } = waitingMachine()
  expect((await run(['env', 'A=1', 'B=2', 'printenv', 'A', 'B'])).stdout).toBe('1\n2\n')
  expect(await run(['env', 'nothing'])).toEqual({
    code: 127,
    stdout: '',
    stderr: "env: can't execute 'nothing': No such file or directory\n",
  })
})

test('who writes without end to a reader that has gone ends', async () => {
  const { start, env } = waitingMachine()
  let taken = 0
  const { running } = start(['yes'], {
    stdout: {
      write: bytes => {
        taken += bytes.length
      },
      get isGone() {
        return taken > 10_000
      },
    },
  })
  await env.clock.advanceUntil(() => running.exitCode !== undefined, 1000)
  expect(running.exitCode).toBe(141)
})

test('ls -l tells owners by the names of the container, and sizes for people', async () => {
  const { machine, run, env } = waitingMachine()
  const { files } = machine
  files.makeDirectory('/d')
  files.write('/d/file', 'x'.repeat(3000))
  files.chown('/d/file', 65534, 65534)
  files.symlink('file', '/d/link')
  files.makeDirectory('/d/sub')
  files.touch('/d/file', Date.UTC(2020, 1, 3, 4, 5))
  for (const name of ['/d/sub', '/d']) files.touch(name, env.clock.now())
  const { stdout } = await run(['ls', '-lh', '/d'])
  const [total, file, link, sub] = stdout.split('\n')
  expect(total).toBe('total 8.0K')
  expect(file).toBe('-rw-r--r--    1 nobody   nogroup       2.9K Feb  3  2020 file')
  expect(link).toMatch(/^lrwxrwxrwx {4}1 root {5}root {13}4 .* link -> file$/)
  expect(sub).toMatch(/^drwxr-xr-x {4}2 root {5}root {10}4\.0K .* sub$/)
  expect((await run(['ls', '-n', '/d/file'])).stdout).toBe(
    '-rw-r--r--    1 65534    65534         3000 Feb  3  2020 /d/file\n',
  )
})

test('ps, top, free, df and mount tell of the container', async () => {
  const { run } = waitingMachine()
  expect((await run(['ps'])).stdout).toBe(
    'PID   USER     TIME  COMMAND\n    1 root     0:00  sleep inf\n    2 root     0:00  ps\n',
  )
  expect((await run(['ps', '-o', 'pid,comm'])).stdout).toBe('PID   COMMAND\n    1 sleep\n    3 ps\n')
  expect((await run(['top', '-b', '-n1'])).stdout).toContain(
    '    1     0 root     S     4404   0%   0   0% sleep inf\n',
  )
  expect((await run(['pidof', 'sleep'])).stdout).toBe('1\n')
  expect((await run(['mount'])).stdout).toMatch(/^overlay on \/ type overlay \(rw,relatime\)\n/)
  expect((await run(['kill', '-0', '77'])).code).toBe(1)
})
