// Languages: images whose interpreter is started with a program. `-c` and `-e` are done where they are simple (interpreters.ts).

import type { Image } from './image.ts'

export const languages: readonly Image[] = [
  {
    name: 'python',
    command: ['python3'],
    size: 366_000_000,
    base: 'debian',
    exits: 0,
    env: { PYTHON_VERSION: '3.13.7' },
    commands: ['/usr/local/bin/python3', '/usr/local/bin/python', 'curl'],
    about: '`-m http.server` serves files, `-c` prints',
  },
  {
    name: 'node',
    entrypoint: ['docker-entrypoint.sh'],
    command: ['node'],
    size: 396_000_000,
    base: 'debian',
    exits: 0,
    env: { NODE_VERSION: '22.19.0' },
    commands: ['docker-entrypoint.sh', '/usr/local/bin/node', 'curl'],
    about: 'an interpreter',
  },
  {
    name: 'perl',
    command: ['perl5.34.0', '-de0'],
    size: 381_000_000,
    base: 'debian',
    exits: 0,
    runs: ['perl'],
    commands: ['/usr/local/bin/perl', 'curl'],
    about: 'perl -Mbignum=bpi -wle print bpi(N): pi to N digits',
  },
  { name: 'ruby', command: ['irb'], size: 370_000_000, base: 'debian', exits: 0, commands: ['ruby', 'irb', 'curl'] },
  {
    name: 'golang',
    command: ['bash'],
    size: 300_000_000,
    base: 'debian',
    exits: 0,
    workdir: '/go',
    commands: ['go', 'curl'],
  },
  {
    name: 'openjdk',
    command: ['jshell'],
    size: 240_000_000,
    base: 'debian',
    exits: 0,
    commands: ['java', 'jshell', 'curl'],
  },
  { name: 'gradle', command: ['gradle'], size: 380_000_000, base: 'ubuntu', commands: ['java', 'gradle', 'curl'] },
]
