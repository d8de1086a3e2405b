// nginx where files decide what it does: what it serves, whom it asks, what it says of a configuration that is wrong.

import { describe, expect, test } from 'vitest'
import { NameError, type Sockets } from '../../../kubelet-sim/machine/sockets.ts'
import { SystemError } from '../../../kubelet-sim/machine/system-error.ts'
import type { SimulatedRequest } from '../../../src/client/node-client.ts'
import { hostOf } from './host.ts'

const start = ['nginx', '-g', 'daemon off;']
const site = '/etc/nginx/conf.d/default.conf'

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
    expect(await host.ask(80, '/docs')).toMatchObject({ status: 301, headers: { location: 'http://localhost/docs/' } })
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
    expect(await host.ask(8080, '/old')).toMatchObject({
      status: 301,
      headers: { location: 'http://localhost:8080/new' },
    })
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

/** nginx with one site, started. */
async function serving(text: string, files: Readonly<Record<string, string>> = {}, sockets: Partial<Sockets> = {}) {
  const host = hostOf('nginx', {}, sockets)
  host.machine.files.write(site, text)
  for (const [path, content] of Object.entries(files)) {
    host.machine.files.makeDirectory(path.slice(0, path.lastIndexOf('/')), { recursive: true })
    host.machine.files.write(path, content)
  }
  const started = host.start(start)
  await host.env.clock.advance(0)
  return { ...host, started, ask: (path: string, more?: Partial<SimulatedRequest>) => host.ask(80, path, more) }
}

/** Who can be asked, by name; a name without an address answers nobody. */
function neighbours(byName: Readonly<Record<string, string | undefined>>) {
  const asked: (SimulatedRequest & { readonly at: string })[] = []
  const sockets: Partial<Sockets> = {
    // biome-ignore lint/correctness/useYield: it answers at once.
    *lookup(name) {
      if (/^[\d.]+$/.test(name)) return [name]
      if (byName[name] === undefined) throw new NameError(`no ${name}`)
      return [byName[name]]
    },
    // biome-ignore lint/correctness/useYield: it answers at once.
    *request({ host, port }, request) {
      if (host.endsWith('.99')) throw new SystemError('ECONNREFUSED')
      asked.push({ ...request, at: `${host}:${port}` })
      const body = Buffer.from(`from ${host}`)
      return { status: 200, headers: { server: 'another', 'content-type': 'text/x', 'x-own': 'kept' }, body }
    },
  }
  return { sockets, asked }
}

describe('what nginx would not start with', () => {
  test.each([
    ['server {\n  listn 80;\n}', `unknown directive "listn" in ${site}:2`],
    ['server {\n  listen 80\n  root /srv;\n}', `invalid parameter "root" in ${site}:3`],
    ['server {\n  root /srv\n  index a;\n}', `invalid number of arguments in "root" directive in ${site}:3`],
    ['server { location / { listen 80; } }', `"listen" directive is not allowed here in ${site}:1`],
    ['server { listen 80; ', `unexpected end of file, expecting "}" in ${site}:1`],
    ['server { listen 80 ', `unexpected end of file, expecting ";" or "}" in ${site}:1`],
    ['server { ; }', `unexpected ";" in ${site}:1`],
    ['}', `unexpected "}" in ${site}:1`],
    ['server;', `directive "server" has no opening "{" in ${site}:1`],
    ['server { root /a { } }', `directive "root" is not terminated by ";" in ${site}:1`],
    [
      'server { autoindex yes; }',
      `invalid value "yes" in "autoindex" directive, it must be "on" or "off" in ${site}:1`,
    ],
    ['server { location / {} location / {} }', `duplicate location "/" in ${site}:1`],
    ['server { listen 0; }', `invalid port in "0" of the "listen" directive in ${site}:1`],
    ['server { location / { proxy_pass backend; } }', `invalid URL prefix in ${site}:1`],
    ['server { location / {\nproxy_pass http://backend:8080; } }', `host not found in upstream "backend" in ${site}:2`],
    ['upstream b { server api; } server { }', `host not found in upstream "api" in ${site}:1`],
    ['upstream b { }', `no servers are inside upstream in ${site}:1`],
    ['include extra.conf;', `open() "/etc/nginx/extra.conf" failed (2: No such file or directory) in ${site}:1`],
    ['server { access_log /dev/stdout mine; }', `unknown log format "mine" in ${site}:1`],
    [
      'server { listen 443 ssl; }',
      'no "ssl_certificate" is defined for the "listen ... ssl" directive in /etc/nginx/nginx.conf',
    ],
  ])('%j', async (text, words) => {
    const host = hostOf('nginx', {}, neighbours({}).sockets)
    host.machine.files.write(site, text)
    const { code, stderr } = await host.run(start)
    expect([code, stderr]).toEqual([1, `2024/01/01 00:00:00 [emerg] 1#1: ${words}\nnginx: [emerg] ${words}\n`])
  })

  test('without events there is nothing to start', async () => {
    const host = hostOf('nginx')
    host.machine.files.write('/etc/nginx/nginx.conf', 'http { server { listen 80; } }')
    const { stderr } = await host.run(['nginx', '-t'])
    expect(stderr).toContain('nginx: [emerg] no "events" section in configuration\n')
    expect(stderr.endsWith('nginx: configuration file /etc/nginx/nginx.conf test failed\n')).toBe(true)
  })

  test('where it may not write it does not start', async () => {
    const host = hostOf('nginx')
    host.machine.files.chmod('/var/cache/nginx', 0o555)
    const { code, stderr } = await host.run(start, { user: { uid: 101, gid: 101, groups: [] } })
    const words = 'mkdir() "/var/cache/nginx/client_temp" failed (13: Permission denied)'
    expect([code, stderr]).toEqual([1, `2024/01/01 00:00:00 [emerg] 1#1: ${words}\nnginx: [emerg] ${words}\n`])
  })
})

test('the unprivileged build runs as its user, on 8080', async () => {
  const host = hostOf('nginxinc/nginx-unprivileged')
  const { running } = host.start(start, { user: { uid: 101, gid: 101, groups: [] } })
  await host.env.clock.advance(0)
  expect([running.exitCode, host.ports]).toEqual([undefined, [8080]])
})

describe('what nginx answers', () => {
  test('files as try_files and index say, with its headers, and nothing new to who has it', async () => {
    const { ask } = await serving(
      'server { root /srv; location / { try_files $uri $uri/ /index.html; } location /strict/ { try_files $uri =404; } }',
      { '/srv/index.html': 'the app', '/srv/docs/index.html': 'docs', '/srv/app.js': 'code' },
    )
    expect((await ask('/app.js')).headers).toEqual({
      server: 'nginx/1.29.3',
      'content-type': 'application/javascript',
      'content-length': '4',
      'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT',
      etag: '"65920080-4"',
      'accept-ranges': 'bytes',
    })
    expect((await ask('/docs/')).text).toBe('docs')
    expect((await ask('/users/7')).text).toBe('the app')
    expect((await ask('/strict/none')).status).toBe(404)
    expect(await ask('/app.js', { headers: { 'if-none-match': '"65920080-4"' } })).toMatchObject({
      status: 304,
      text: '',
    })
    expect(await ask('/app.js', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
    expect((await ask('/app.js', { method: 'POST' })).status).toBe(405)
  })

  test('locations: exact, then the longest prefix, unless a regular expression fits', async () => {
    const words = (text: string) => `return 200 "${text}";`
    const { ask } = await serving(`server {
      location / { ${words('all')} }
      location /a/ { ${words('prefix')} }
      location ^~ /a/final/ { ${words('final')} }
      location ~* \\.(png|jpg)$ { ${words('image $1')} }
      location = /a/exact.png { ${words('exact')} }
    }`)
    const paths = ['/', '/a/x', '/a/x.PNG', '/a/final/x.png', '/a/exact.png']
    const said: string[] = []
    for (const path of paths) said.push((await ask(path)).text)
    expect(said).toEqual(['all', 'prefix', 'image PNG', 'final', 'exact'])
  })

  test('servers by name, the default for the rest', async () => {
    const { ask } = await serving(`
      server { listen 80; server_name a.example.com *.b.example.com; return 200 "named $host"; }
      server { listen 80 default_server; return 200 "default"; }`)
    const of = async (host: string) => (await ask('/', { headers: { host } })).text
    expect([await of('a.example.com:80'), await of('x.b.example.com'), await of('10.0.0.1')]).toEqual([
      'named a.example.com',
      'named x.b.example.com',
      'default',
    ])
  })

  test('what is rewritten, sent elsewhere, refused, listed and counted', async () => {
    const { ask } = await serving(
      `server { root /srv;
      error_page 404 /sorry.html;
      rewrite ^/old/(.*)$ /new/$1 permanent;
      location /files/ { autoindex on; }
      location /inner/ { rewrite ^/inner/(.*)$ /files/$1 last; }
      location /status { stub_status; access_log off; }
      location /headers { add_header X-Pod $hostname always; return 204; }
      location /php { fastcgi_pass unix:/run/php.sock; }
    }`,
      { '/srv/files/a.txt': 'a', '/srv/sorry.html': 'not here' },
    )
    expect(await ask('/old/x')).toMatchObject({ status: 301, headers: { location: 'http://localhost/new/x' } })
    expect(await ask('/none')).toMatchObject({ status: 404, text: 'not here' })
    expect((await ask('/inner/a.txt')).text).toBe('a')
    expect((await ask('/files/')).text).toContain('<a href="a.txt">a.txt</a>')
    expect((await ask('/status')).text).toMatch(/^Active connections: 1 \nserver accepts handled requests\n 5 5 5 \n/)
    expect(await ask('/headers')).toMatchObject({ status: 204, headers: { 'x-pod': 'web-1' } })
    expect(await ask('/php')).toMatchObject({ status: 502, text: "kubesim's nginx does not have fastcgi_pass yet\n" })
  })

  test('what is missing stands in the error log, and a format of its own in the access log', async () => {
    const { ask, started } = await serving(`
      log_format brief escape=none '$remote_addr "$request" ' '$status';
      server { server_name shop; access_log /var/log/nginx/access.log brief; root /srv; }`)
    await ask('/none', { headers: { host: 'shop' } })
    expect(started.text()).toBe('10.244.0.9 "GET /none HTTP/1.1" 404\n')
    expect(started.errors().split('\n').at(-2)).toBe(
      '2024/01/01 00:00:00 [error] 29#29: *1 open() "/srv/none" failed (2: No such file or directory), client: 10.244.0.9, server: shop, request: "GET /none HTTP/1.1", host: "shop"',
    )
  })
})

describe('whom nginx asks', () => {
  test('a Service by its name, with path and headers as the location says', async () => {
    const { sockets, asked } = neighbours({ api: '10.96.0.7' })
    const { ask } = await serving(
      `server {
      location /api/ { proxy_pass http://api:8080/; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }
      location /same/ { proxy_pass http://api; }
    }`,
      {},
      sockets,
    )
    const headers = { host: 'shop.example.com', cookie: 'a=b', connection: 'keep-alive' }
    expect(await ask('/api/items?n=1', { headers })).toMatchObject({
      text: 'from 10.96.0.7',
      headers: { server: 'nginx/1.29.3', 'x-own': 'kept' },
    })
    await ask('/same/x', { headers, method: 'POST', body: Buffer.from('sent') })
    expect(asked.map(({ at, method, path, headers: sent }) => ({ at, method, path, sent }))).toEqual([
      {
        at: '10.96.0.7:8080',
        method: 'GET',
        path: '/items?n=1',
        sent: {
          host: 'shop.example.com',
          connection: 'close',
          cookie: 'a=b',
          'x-real-ip': '10.244.0.9',
          'x-forwarded-for': '10.244.0.9',
        },
      },
      {
        at: '10.96.0.7:80',
        method: 'POST',
        path: '/same/x',
        sent: { host: 'api', connection: 'close', cookie: 'a=b' },
      },
    ])
    expect(Buffer.from(asked[1]!.body).toString()).toBe('sent')
  })

  test('the peers of an upstream in turn, the next when one cannot be reached, 502 when none can', async () => {
    const { sockets } = neighbours({ one: '10.0.0.1', gone: '10.0.0.99', two: '10.0.0.2' })
    const { ask } = await serving(
      `upstream all { server one:81; server gone:81; server two:81; }
       server { location / { proxy_pass http://all; } location /gone { proxy_pass http://gone; } }`,
      {},
      sockets,
    )
    const said: string[] = []
    for (let turn = 0; turn < 4; turn++) said.push((await ask('/')).text)
    expect(said).toEqual(['from 10.0.0.1', 'from 10.0.0.2', 'from 10.0.0.2', 'from 10.0.0.1'])
    expect((await ask('/gone')).text).toContain('<center><h1>502 Bad Gateway</h1></center>')
  })
})

test("the image's entrypoint fills templates in, and says what its scripts say", async () => {
  const host = hostOf('nginx')
  host.machine.files.makeDirectory('/etc/nginx/templates')
  host.machine.files.write(
    '/etc/nginx/templates/default.conf.template',
    'server { listen $PORT; return 200 "$uri $NAME"; }',
  )
  host.start(['/docker-entrypoint.sh', ...start], {
    env: new Map([
      ['PATH', '/usr/sbin:/usr/bin'],
      ['PORT', '8080'],
    ]),
  })
  await host.env.clock.advance(0)
  expect((await host.ask(8080, '/x')).text).toBe('/x ')
})
