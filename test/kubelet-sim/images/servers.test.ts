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

describe('nginx as a program', () => {
  const start = ['nginx', '-g', 'daemon off;']

  test('serves what is in its files, as they are when it is asked', async () => {
    const host = hostOf('nginx')
    host.machine.files.write('/usr/share/nginx/html/index.html', 'Hello from Kubernetes storage\n')
    const { text } = host.start(start)
    await host.env.clock.advance(0)
    expect(await host.ask(80, '/')).toMatchObject({ status: 200, text: 'Hello from Kubernetes storage\n' })
    host.machine.files.write('/usr/share/nginx/html/a b.txt', 'x')
    expect(await host.ask(80, '/a%20b.txt?q=1')).toMatchObject({
      text: 'x',
      headers: { server: 'nginx/1.29.3', 'content-type': 'text/plain', 'content-length': '1' },
    })
    expect(text().split('\n').at(-2)).toBe(
      '10.244.0.9 - - [01/Jan/2024:00:00:00 +0000] "GET /a%20b.txt?q=1 HTTP/1.1" 200 1 "-" "-" "-"',
    )
    const missing = await host.ask(80, '/../../etc/passwd')
    expect(missing.status).toBe(400)
    expect((await host.ask(80, '/nothing')).text).toContain('<center><h1>404 Not Found</h1></center>\r\n')
    host.machine.files.makeDirectory('/usr/share/nginx/html/docs')
    expect(await host.ask(80, '/docs')).toMatchObject({ status: 301, headers: { location: '/docs/' } })
    expect((await host.ask(80, '/docs/')).status).toBe(403)
  })

  test('listens where its configuration says, and answers what it says', async () => {
    const host = hostOf('nginx')
    const site = `
      # a comment { ; }
      server { listen 8080; root /srv; index home.html;
        location /health { return 200 "fine\\n"; }
        location = /old { return 301 /new; }
        location /files/ { alias /data/; }
      }`
    host.machine.files.write('/etc/nginx/conf.d/default.conf', site)
    host.machine.files.makeDirectory('/srv', { recursive: true })
    host.machine.files.write('/srv/home.html', 'home')
    host.machine.files.makeDirectory('/data', { recursive: true })
    host.machine.files.write('/data/a.txt', 'a')
    host.start(start)
    await host.env.clock.advance(0)
    expect(host.ports).toEqual([8080])
    expect((await host.ask(8080, '/')).text).toBe('home')
    expect(await host.ask(8080, '/health')).toMatchObject({ status: 200, text: 'fine\n' })
    expect(await host.ask(8080, '/old')).toMatchObject({ status: 301, headers: { location: '/new' } })
    expect((await host.ask(8080, '/files/a.txt')).text).toBe('a')
  })

  test('a configuration it cannot read: it does not start, and says why; a reload takes the new one', async () => {
    const host = hostOf('nginx')
    const { running } = host.start(start)
    await host.env.clock.advance(0)
    host.machine.files.write('/etc/nginx/conf.d/default.conf', 'server { listen 81 }')
    expect((await host.run(['nginx', '-t'])).code).toBe(1)
    host.machine.files.write('/etc/nginx/conf.d/default.conf', 'server { listen 81; }')
    expect((await host.run(['nginx', '-t'])).stderr).toBe(
      'nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\nnginx: configuration file /etc/nginx/nginx.conf test is successful\n',
    )
    expect((await host.run(['nginx', '-s', 'reload'])).code).toBe(0)
    await host.env.clock.advance(0)
    expect(host.ports).toEqual([81])
    // The preStop hook of "Connect a Frontend to a Backend".
    expect((await host.run(['/usr/sbin/nginx', '-s', 'quit'])).code).toBe(0)
    await host.env.clock.advance(0)
    expect(running.exitCode).toBe(0)
    const broken = hostOf('nginx')
    broken.machine.files.write('/etc/nginx/conf.d/default.conf', 'server { listen 81 }')
    const { code, stderr } = await broken.run(start)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^2024\/01\/01 00:00:00 \[emerg\] 1#1: unexpected "}" in \/etc\/nginx\/conf\.d\/default\.conf/,
    )
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
