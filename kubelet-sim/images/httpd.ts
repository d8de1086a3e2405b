// Other web servers: Apache httpd and what is built on it (WordPress, the documentation's PHP examples), Caddy, IIS.

import { common } from './access-log.ts'
import type { Image } from './image.ts'

const page = '<html><body><h1>It works!</h1></body></html>'

const notFound = `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">
<html><head>
<title>404 Not Found</title>
</head><body>
<h1>Not Found</h1>
<p>The requested URL was not found on this server.</p>
</body></html>
`

const apacheStart = (words: string) => [
  "AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using $(hostname). Set the 'ServerName' directive globally to suppress this message",
  "AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using $(hostname). Set the 'ServerName' directive globally to suppress this message",
  `[$(apache-time)] [mpm_event:notice] [pid 1:tid 1] AH00489: ${words} configured -- resuming normal operations`,
  "[$(apache-time)] [core:notice] [pid 1:tid 1] AH00094: Command line: 'httpd -D FOREGROUND'",
]

const apache: Omit<Image, 'name'> = {
  ports: [80],
  env: { HTTPD_PREFIX: '/usr/local/apache2' },
  command: ['httpd-foreground'],
  workdir: '/usr/local/apache2',
  stopSignal: 'WINCH',
  size: 58_866_271,
  routes: { '/': page, '/index.html': page },
  body: '<html>',
  server: { name: 'Apache/2.4.65 (Unix)', missing: notFound },
  accessLog: common,
  prints: apacheStart('Apache/2.4.65 (Unix)'),
  base: 'debian',
  commands: ['/usr/local/bin/httpd-foreground', '/usr/local/apache2/bin/httpd'],
  told: ['httpd-foreground', 'httpd'],
  reads: ['/usr/local/apache2'],
  root: '/usr/local/apache2/htdocs',
  files: { '/usr/local/apache2/htdocs/index.html': `${page}\n` },
  usage: { memory: 7_000_000, cpu: 1 },
  about: 'its welcome page',
}

const php: Omit<Image, 'name'> = {
  ports: [80],
  entrypoint: ['docker-php-entrypoint'],
  command: ['apache2-foreground'],
  workdir: '/var/www/html',
  stopSignal: 'WINCH',
  size: 173_000_000,
  prints: apacheStart('Apache/2.4.56 (Debian) PHP/8.0.28'),
  base: 'debian',
  commands: ['docker-php-entrypoint', 'apache2-foreground', 'php', 'curl'],
  told: ['docker-php-entrypoint', 'docker-entrypoint.sh', 'apache2-foreground'],
  usage: { memory: 40_000_000, cpu: 1 },
}

const installer = `<!DOCTYPE html>
<html lang="en-US" xml:lang="en-US">
<head>
	<title>WordPress &rsaquo; Installation</title>
</head>
<body class="wp-core-ui language-chooser">
<p id="logo">WordPress</p>
</body>
</html>`

export const httpd: readonly Image[] = [
  { name: 'httpd', ...apache },
  { name: 'registry.k8s.io/e2e-test-images/httpd', ...apache },
  { name: 'php', ...php, body: 'php', about: 'PHP under Apache' },
  {
    name: 'wordpress',
    ...php,
    entrypoint: ['docker-entrypoint.sh'],
    commands: ['docker-entrypoint.sh', 'apache2-foreground', 'php', 'curl'],
    size: 242_000_000,
    body: installer,
    prints: [
      'WordPress not found in /var/www/html - copying now...',
      'Complete! WordPress has been successfully copied to /var/www/html',
      ...apacheStart('Apache/2.4.56 (Debian) PHP/8.0.28'),
    ],
    usage: { memory: 60_000_000, cpu: 1 },
    about: "WordPress' page for its installation",
  },
  {
    name: 'registry.k8s.io/hpa-example',
    ...php,
    size: 187_000_000,
    body: 'OK!',
    about: "the autoscaler's walk-through: every request is work for the processor",
  },
  {
    name: 'us-docker.pkg.dev/google-samples/containers/gke/gb-frontend',
    ...php,
    size: 175_000_000,
    body: '<html ng-app="redis">\n  <head>\n    <title>Guestbook</title>\n  </head>\n  <body ng-controller="RedisCtrl">\n    <h2>Guestbook</h2>\n  </body>\n</html>',
    about: "the guestbook's frontend",
  },
  {
    name: 'caddy',
    ports: [80],
    command: ['caddy', 'run', '--config', '/etc/caddy/Caddyfile', '--adapter', 'caddyfile'],
    size: 20_400_000,
    body: 'Caddy works!',
    base: 'alpine',
    commands: ['caddy'],
    told: ['caddy'],
    onTerm: 0,
    about: 'its welcome page',
  },
  {
    name: 'microsoft/iis',
    ports: [80],
    size: 2_400_000_000,
    body: '<html><head><title>IIS Windows Server</title></head></html>',
  },
]
