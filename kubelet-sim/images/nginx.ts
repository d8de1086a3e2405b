// nginx: serves its page on 80, writes an access log, ends cleanly. The unprivileged build listens on 8080 as user 101.

import { combined } from './access-log.ts'
import type { Image } from './image.ts'

export const nginxPage = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>`

const errorPage = `<!DOCTYPE html>
<html>
<head>
<title>Error</title>
</head>
<body>
<h1>An error occurred.</h1>
<p>Sorry, the page you are looking for is currently unavailable.<br/>
Please try again later.</p>
</body>
</html>
`

const notFound = [
  '<html>',
  '<head><title>404 Not Found</title></head>',
  '<body>',
  '<center><h1>404 Not Found</h1></center>',
  '<hr><center>nginx/1.29.3</center>',
  '</body>',
  '</html>',
  '',
].join('\r\n')

const siteOf = (port: number) => `server {
    listen       ${port};
    listen  [::]:${port};
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
`

const configuration = `
user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;

    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';

    access_log  /var/log/nginx/access.log  main;

    sendfile        on;
    keepalive_timeout  65;

    include /etc/nginx/conf.d/*.conf;
}
`

/** What the unprivileged build writes lies where everybody may write. */
const unprivileged = configuration
  .replace('user  nginx;\n', '')
  .replace('/run/nginx.pid', '/tmp/nginx.pid')
  .replace('http {\n', 'http {\n    client_body_temp_path /tmp/client_temp;\n')

/** As "Connect a Frontend to a Backend Using Services" shows it. */
const frontend = `upstream Backend {
    server hello;
}

server {
    listen 80;

    location / {
        proxy_pass http://Backend;
    }
}
`

const start = (text: string) => `$(nginx-time) [notice] 1#1: ${text}`

const base: Omit<Image, 'name'> = {
  ports: [80],
  env: { NGINX_VERSION: '1.29.3', PKG_RELEASE: '1~bookworm' },
  entrypoint: ['/docker-entrypoint.sh'],
  command: ['nginx', '-g', 'daemon off;'],
  stopSignal: 'QUIT',
  size: 72_319_182,
  routes: { '/': nginxPage, '/index.html': nginxPage, '/50x.html': errorPage },
  body: nginxPage,
  server: { name: 'nginx/1.29.3', missing: notFound },
  accessLog: `${combined} "$(forwarded-for)"`,
  prints: [
    '/docker-entrypoint.sh: /docker-entrypoint.d/ is not empty, will attempt to perform configuration',
    '/docker-entrypoint.sh: Looking for shell scripts in /docker-entrypoint.d/',
    '/docker-entrypoint.sh: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh',
    '10-listen-on-ipv6-by-default.sh: info: Getting the checksum of /etc/nginx/conf.d/default.conf',
    '10-listen-on-ipv6-by-default.sh: info: Enabled listen on IPv6 in /etc/nginx/conf.d/default.conf',
    '/docker-entrypoint.sh: Sourcing /docker-entrypoint.d/15-local-resolvers.envsh',
    '/docker-entrypoint.sh: Launching /docker-entrypoint.d/20-envsubst-on-templates.sh',
    '/docker-entrypoint.sh: Launching /docker-entrypoint.d/30-tune-worker-processes.sh',
    '/docker-entrypoint.sh: Configuration complete; ready for start up',
    start('using the "epoll" event method'),
    start('nginx/1.29.3'),
    start('built by gcc 12.2.0 (Debian 12.2.0-14+deb12u1)'),
    start('OS: Linux 6.8.0-kubesim'),
    start('getrlimit(RLIMIT_NOFILE): 1048576:1048576'),
    start('start worker processes'),
    start('start worker process 29'),
    start('start worker process 30'),
  ],
  base: 'debian',
  commands: ['/docker-entrypoint.sh', '/usr/sbin/nginx', 'curl'],
  told: ['/docker-entrypoint.sh', 'nginx'],
  reads: ['/usr/share/nginx', '/etc/nginx', '/var/cache/nginx', '/run'],
  root: '/usr/share/nginx/html',
  files: {
    '/docker-entrypoint.sh': { program: 'nginx-entrypoint' },
    '/var/cache/nginx': { directory: true },
    '/usr/share/nginx/html/index.html': `${nginxPage}\n`,
    '/usr/share/nginx/html/50x.html': errorPage,
    '/etc/nginx/nginx.conf': configuration,
    '/etc/nginx/conf.d/default.conf': siteOf(80),
  },
  usage: { memory: 9_000_000, cpu: 1 },
  about: 'serves /usr/share/nginx/html, writes an access log',
}

export const nginx: readonly Image[] = [
  { name: 'nginx', ...base },
  { name: 'registry.k8s.io/nginx-slim', ...base, size: 41_000_000 },
  { name: 'registry.k8s.io/e2e-test-images/nginx', ...base, size: 41_000_000 },
  {
    name: 'nginxinc/nginx-unprivileged',
    ...base,
    ports: [8080],
    user: '101',
    files: {
      ...base.files,
      '/etc/nginx/nginx.conf': unprivileged,
      '/etc/nginx/conf.d/default.conf': siteOf(8080),
    },
    about: 'the same on 8080, as user 101',
  },
  {
    name: 'gcr.io/google-samples/hello-frontend',
    ...base,
    told: [],
    runs: ['/docker-entrypoint.sh', 'nginx'],
    files: { ...base.files, '/etc/nginx/conf.d/default.conf': frontend },
    about: "the documentation's frontend: hands on to the Service hello",
  },
  { name: 'nginxdemos/hello', ports: [80], size: 17_600_000, body: 'NGINX Hello World', base: 'alpine', onTerm: 0 },
]
