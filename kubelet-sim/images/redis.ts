// Stores that speak plain protocols: redis and what is compatible with it, memcached, etcd.

import type { Image } from './image.ts'

const server: Omit<Image, 'name'> = {
  ports: [6379],
  tcp: true,
  entrypoint: ['docker-entrypoint.sh'],
  command: ['redis-server'],
  workdir: '/data',
  size: 52_700_000,
  onTerm: 0,
  base: 'debian',
  commands: ['/usr/local/bin/docker-entrypoint.sh', '/usr/local/bin/redis-server', '/usr/local/bin/redis-cli'],
  runs: ['docker-entrypoint.sh', 'redis-server', 'redis-cli', 'valkey-server', 'valkey-cli'],
  usage: { memory: 9_500_000, cpu: 4 },
  about: 'RESP: strings, counters, lists, hashes, sets, expiry, files; redis-cli',
}

export const stores: readonly Image[] = [
  { name: 'redis', ...server },
  { name: 'registry.k8s.io/redis', ...server },
  {
    name: 'valkey/valkey',
    ...server,
    command: ['valkey-server'],
    commands: ['docker-entrypoint.sh', 'valkey-server', 'valkey-cli', 'redis-cli'],
    size: 43_000_000,
  },
  { name: 'gcr.io/google_samples/gb-redis-follower', ...server },
  { name: 'us-docker.pkg.dev/google-samples/containers/gke/gb-redis-follower', ...server },
  {
    name: 'memcached',
    ports: [11211],
    tcp: true,
    entrypoint: ['docker-entrypoint.sh'],
    command: ['memcached'],
    user: 'memcache',
    size: 31_500_000,
    onTerm: 0,
    base: 'debian',
    commands: ['docker-entrypoint.sh', 'memcached'],
    runs: ['docker-entrypoint.sh', 'memcached'],
    usage: { memory: 2_000_000, cpu: 1 },
    about: 'its text protocol: set, get, incr, stats',
  },
  {
    name: 'registry.k8s.io/etcd',
    ports: [2379, 2380],
    tcp: true,
    command: ['etcd'],
    size: 59_000_000,
    onTerm: 0,
    base: 'none',
    commands: ['/usr/local/bin/etcd', '/usr/local/bin/etcdctl'],
    told: ['/usr/local/bin/etcd', 'etcd'],
    usage: { memory: 30_000_000, cpu: 10 },
    about: 'takes connections',
  },
]
