// Images that take what they are told to take: memory and processor, for the pages about limits.

import type { Image, Told } from './image.ts'

export const stress: readonly Image[] = [
  {
    name: 'polinux/stress',
    size: 4_000_000,
    base: 'alpine',
    commands: ['/usr/local/bin/stress'],
    told: ['stress'],
    tell: stressWords,
    about: 'stress --vm N --vm-bytes B --cpu N: takes so much',
  },
  {
    name: 'progrium/stress',
    entrypoint: ['/usr/bin/stress', '--verbose'],
    size: 100_000_000,
    base: 'debian',
    commands: ['/usr/bin/stress'],
    told: ['stress'],
    tell: stressWords,
  },
  {
    name: 'vish/stress',
    entrypoint: ['/stress'],
    command: ['--logtostderr'],
    size: 5_500_000,
    base: 'none',
    commands: ['/stress'],
    told: ['/stress'],
    tell: vishWords,
    about: '-cpus N -mem-total B: takes so much',
  },
]

const own = 1_000_000

/** stress(1): workers that compute, and workers that hold memory. */
function stressWords(argv: readonly string[]): Told {
  const option = (long: string, short: string): string | undefined => {
    for (const [at, word] of argv.entries()) {
      if (word === long || word === short) return argv[at + 1]
      if (word.startsWith(`${long}=`)) return word.slice(long.length + 1)
    }
    return undefined
  }
  const cpu = Number(option('--cpu', '-c') ?? 0)
  const workers = Number(option('--vm', '-m') ?? 0)
  const bytes = bytesOf(option('--vm-bytes', '') ?? '256M')
  const computes = cpu + (option('--vm-hang', '') === undefined ? workers : 0)
  const timeout = secondsOf(option('--timeout', '-t'))
  const hogs = [`${cpu} cpu`, `${option('--io', '-i') ?? 0} io`, `${workers} vm`, `${option('--hdd', '-d') ?? 0} hdd`]
  const begins = { at: 0, text: `stress: info: [1] dispatching hogs: ${hogs.join(', ')}` }
  const ends = { at: timeout ?? 0, text: `stress: info: [1] successful run completed in ${(timeout ?? 0) / 1000}s` }
  return {
    isWhole: true,
    ports: [],
    usage: rising(own + workers * bytes, computes * 1000),
    script: {
      lines: timeout === undefined ? [begins] : [begins, ends],
      files: [],
      ...(timeout === undefined ? {} : { exit: { at: timeout, code: 0 } }),
    },
  }
}

/** github.com/vishh/stress. */
function vishWords(argv: readonly string[]): Told {
  const option = (name: string): string | undefined => {
    for (const [at, word] of argv.entries()) {
      const bare = word.replace(/^--?/, '')
      if (bare === name) return argv[at + 1]
      if (bare.startsWith(`${name}=`)) return bare.slice(name.length + 1)
    }
    return undefined
  }
  const memory = bytesOf(option('mem-total') ?? '0')
  const cpus = Number(option('cpus') ?? 0)
  const total = option('mem-total') ?? '0'
  const lines = [
    `Allocating "${total}" memory, in "${option('mem-alloc-size') ?? '4Ki'}" chunks, with a 1ms sleep between allocations`,
  ]
  if (cpus > 0) lines.push(...Array.from({ length: Math.min(cpus, 64) }, () => 'Spawning a thread to consume CPU'))
  lines.push(`Allocated "${total}" memory`)
  return {
    isWhole: true,
    ports: [],
    usage: rising(own + memory, cpus * 1000),
    script: { lines: lines.map(text => ({ at: 0, text: `$(klog-time)       1 main.go:26] ${text}` })), files: [] },
  }
}

/** What is asked for is there after half a second. */
function rising(memory: number, cpu: number) {
  return [
    { at: 0, memory: own, cpu },
    { at: 500, memory, cpu },
  ]
}

function bytesOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kKMGTbB]?)(i?)/.exec(text)
  if (!match) return 0
  const power = ['', 'k', 'm', 'g', 't'].indexOf(match[2]!.toLowerCase())
  return Math.round(Number(match[1]) * 1024 ** Math.max(0, power))
}

function secondsOf(text: string | undefined): number | undefined {
  const match = /^(\d+)([smhd]?)$/.exec(text ?? '')
  if (!match) return undefined
  return Number(match[1]) * 1000 * { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }[match[2] as 's']!
}
