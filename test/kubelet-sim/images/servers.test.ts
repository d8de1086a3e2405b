import { describe, expect, test } from 'vitest'
import { pi } from '../../../kubelet-sim/images/programs/perl.ts'
import { hostOf } from './host.ts'

describe('perl', () => {
  test('pi to 2000 digits, as the Job of the documentation prints it', async () => {
    const host = hostOf('perl:5.34.0')
    const { code, stdout } = await host.run(['perl', '-Mbignum=bpi', '-wle', 'print bpi(2000)'])
    expect(code).toBe(0)
    expect(stdout).toHaveLength(2002)
    expect(stdout.startsWith('3.14159265358979323846264338327950288419716939937510')).toBe(true)
    // 2000 digits with the one before the point; what follows (99465764) rounds the last up.
    expect(stdout.endsWith('8326459958133904780275901\n')).toBe(true)
    expect([1, 2, 5, 6].map(pi)).toEqual(['3', '3.1', '3.1416', '3.14159'])
  })

  test('it takes some seconds of the cluster, and other programs are refused by name', async () => {
    const host = hostOf('perl')
    const before = host.env.clock.now()
    await host.run(['perl', '-Mbignum=bpi', '-wle', 'print bpi(2000)'])
    expect(host.env.clock.now() - before).toBe(4400)
    expect(await hostOf('perl').run(['perl', '-e', 'fork while fork'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'perl: kubesim does not run Perl programs: fork while fork\n',
    })
    expect((await hostOf('perl').run(['perl', '-e', 'print "hi\\n";'])).stdout).toBe('hi\n')
  })
})

test('a command that is only told of does the same as a program', async () => {
  const host = hostOf('gcr.io/google-samples/hello-app:2.0')
  const { running, text } = host.start(['/hello-app'])
  await host.env.clock.advance(0)
  expect((await host.ask(8080, '/')).text).toBe('Hello, world!\nVersion: 2.0.0\nHostname: web-1\n')
  expect(text()).toBe('2024/01/01 00:00:00 Server listening on port 8080\n2024/01/01 00:00:00 Serving request: /\n')
  running.kill('TERM')
  await host.env.clock.advance(0)
  expect(running.exitCode).toBe(0)
})
