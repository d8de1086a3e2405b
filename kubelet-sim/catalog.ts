// The images everybody uses, as data: by repository, `docker.io/library/` left out. What is not here is an unknown image.
// Sizes are those of recent amd64 images, give or take: they set how long a pull takes and what its event says.

import type { Image } from './images.ts'

const nginxPage = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>
</body>
</html>`

const shell = ['sh'] as const

const images: readonly Image[] = [
  {
    name: 'nginx',
    ports: [80],
    size: 72_319_182,
    routes: { '/': nginxPage, '/index.html': nginxPage },
    body: nginxPage,
    prints: [
      '/docker-entrypoint.sh: Configuration complete; ready for start up',
      '[notice] 1#1: using the "epoll" event method',
      '[notice] 1#1: start worker processes',
    ],
  },
  {
    name: 'httpd',
    ports: [80],
    size: 58_866_271,
    routes: { '/': '<html><body><h1>It works!</h1></body></html>' },
    body: '<html>',
    prints: ['[mpm_event:notice] AH00489: Apache configured -- resuming normal operations'],
  },
  { name: 'caddy', ports: [80], size: 20_400_000, body: 'Caddy works!' },
  { name: 'traefik/whoami', ports: [80], size: 3_060_000, body: 'whoami' },
  { name: 'nginxdemos/hello', ports: [80], size: 17_600_000, body: 'NGINX Hello World' },
  { name: 'kicbase/echo-server', ports: [8080], size: 4_943_877, body: 'Request served by echo-server' },
  { name: 'registry.k8s.io/echoserver', ports: [8080], size: 46_237_695, body: 'Request served by echoserver' },
  { name: 'gcr.io/google-samples/hello-app', ports: [8080], size: 11_300_000, body: 'Hello, world!\nVersion: 1.0.0' },
  { name: 'hashicorp/http-echo', ports: [5678], size: 4_300_000, body: 'hello-world' },
  { name: 'registry.k8s.io/e2e-test-images/agnhost', entrypoint: ['/agnhost'], command: ['pause'], size: 53_113_000 },
  { name: 'registry.k8s.io/pause', entrypoint: ['/pause'], size: 320_448 },
  {
    name: 'redis',
    ports: [6379],
    tcp: true,
    size: 52_700_000,
    prints: ['* Running mode=standalone, port=6379.', '* Ready to accept connections tcp'],
  },
  { name: 'memcached', ports: [11211], tcp: true, size: 31_500_000 },
  {
    name: 'postgres',
    ports: [5432],
    tcp: true,
    size: 161_430_709,
    prints: [
      'PostgreSQL init process complete; ready for start up.',
      'LOG:  database system is ready to accept connections',
    ],
  },
  {
    name: 'mysql',
    ports: [3306],
    tcp: true,
    size: 244_000_000,
    prints: ['[System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections.'],
  },
  { name: 'mariadb', ports: [3306], tcp: true, size: 116_000_000, prints: ['[Note] mariadbd: ready for connections.'] },
  { name: 'mongo', ports: [27017], tcp: true, size: 276_000_000, prints: ['Waiting for connections'] },
  { name: 'rabbitmq', ports: [5672], tcp: true, size: 98_000_000 },
  { name: 'busybox', command: shell, size: 2_222_260 },
  { name: 'alpine', command: shell, size: 3_800_000 },
  { name: 'ubuntu', command: ['bash'], size: 29_700_000 },
  { name: 'debian', command: ['bash'], size: 48_500_000 },
  { name: 'bash', command: ['bash'], size: 6_500_000 },
  { name: 'curlimages/curl', command: ['true'], size: 9_900_000 },
  {
    name: 'hello-world',
    size: 10_072,
    command: [
      'echo',
      '\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n',
    ],
  },
  { name: 'perl', command: ['true'], size: 381_000_000 },
  { name: 'python', command: ['true'], size: 366_000_000 },
  { name: 'node', command: ['true'], size: 396_000_000 },
]

export const catalog: ReadonlyMap<string, Image> = new Map(
  images.map(image => [image.name, Object.freeze({ ...image, ...(image.ports ? { onTerm: 0 } : {}) })]),
)
