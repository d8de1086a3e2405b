// What is told of the machine: ps, top, free, df, du, mount, uptime, pidof, pgrep, pkill, sysctl, dmesg, umount, watch.

import type { Process, ProcessFacts } from '../process.ts'
import { signalNumbers } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { formatted } from './date-text.ts'
import { humanSize } from './listing.ts'
import { blocksOf } from './ls.ts'
import { optionsOf } from './options.ts'
import { Owners } from './owners.ts'
import { durationOf, signalOf, started } from './process-tools.ts'
import { joined, nameOf, pathOf, ToolError, tool, UsageError } from './tool.ts'

export const ps = tool('[-o COL1,COL2=HEADER] [-T]', function* (process) {
  // `aux` and `-ef` as people type them.
  const argv = process.argv.map((word, index) => (index > 0 && /^[a-z]+$/.test(word) ? `-${word}` : word))
  const options = optionsOf({ argv }, 'o:Taeuxwflp:A')
  const owners = new Owners(process.files)
  const now = process.clock.now()
  const columns = (options.value('o') ?? 'pid,user,time,args').split(',')
  const values = (facts: ProcessFacts): Readonly<Record<string, string>> => {
    const seconds = Math.floor((now - facts.startedAt) / 1000)
    return {
      pid: String(facts.pid),
      ppid: String(facts.parent),
      user: owners.user(facts.uid),
      uid: String(facts.uid),
      time: '0:00',
      etime: `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`,
      args: commandOf(facts),
      cmd: commandOf(facts),
      comm: (facts.argv[0] ?? '').replace(/^.*\//, ''),
      stat: 'S',
      vsz: '4404',
      rss: '1024',
    }
  }
  const headers: Readonly<Record<string, readonly [string, number]>> = {
    pid: ['PID', -5],
    ppid: ['PPID', -5],
    user: ['USER', 8],
    uid: ['UID', 5],
    time: ['TIME', 5],
    etime: ['ELAPSED', 7],
    args: ['COMMAND', 0],
    cmd: ['COMMAND', 0],
    comm: ['COMMAND', 16],
    stat: ['STAT', 4],
    vsz: ['VSZ', 4],
    rss: ['RSS', 4],
  }
  const known = columns.map(column => {
    const [name = '', title] = column.split('=')
    const header = headers[name]
    if (header === undefined)
      throw new ToolError(`bad -o argument '${name}', supported arguments: ${Object.keys(headers)}`)
    return { name, title: title ?? header[0], width: header[1] }
  })
  const row = (texts: readonly string[]) =>
    `${texts
      .map((text, index) => {
        const { width } = known[index]!
        return width < 0 ? text.padStart(-width) : index === texts.length - 1 ? text : text.padEnd(width)
      })
      .join(' ')}\n`
  const title = row(known.map(each => each.title)).replace(/^( +)PID/, (_, blanks: string) => `PID${blanks}`)
  const rows = process.machine.processes().map(facts => row(known.map(({ name }) => values(facts)[name]!)))
  yield* process.print(title + rows.join(''))
  return 0
})

function commandOf({ argv }: ProcessFacts): string {
  return argv.join(' ')
}

export const top = tool('[-bmH] [-n COUNT] [-d SECONDS]', function* (process) {
  const options = optionsOf(process, 'bHmn:d:')
  const isBatch = options.has('b') || process.descriptors.get(1)?.terminal === undefined
  const every = Number(options.value('d') ?? 5) * 1000
  const owners = new Owners(process.files)
  for (let left = Number(options.value('n') ?? (isBatch ? 1 : Number.POSITIVE_INFINITY)); left > 0; left--) {
    const { total, used } = memoryOf(process)
    const free = total - used
    const list = process.machine.processes()
    const lines = [
      `Mem: ${used}K used, ${free}K free, 0K shrd, 0K buff, 0K cached`,
      'CPU:   0% usr   0% sys   0% nic 100% idle   0% io   0% irq   0% sirq',
      `Load average: 0.00 0.00 0.00 1/${list.length} ${list.at(-1)?.pid ?? 1}`,
      '  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND',
      ...list.map(facts => {
        const ids = `${String(facts.pid).padStart(5)} ${String(facts.parent).padStart(5)}`
        return `${ids} ${owners.user(facts.uid).padEnd(8)} S     4404   0%   0   0% ${commandOf(facts)}`
      }),
    ]
    yield* process.print(`${isBatch ? '' : '\x1b[H\x1b[J'}${lines.join('\n')}\n`)
    if (left > 1) yield* process.sleep(every)
  }
  return 0
})

function memoryOf({ files, machine }: Process): { total: number; used: number } {
  const text = files.exists('/proc/meminfo') ? files.readText('/proc/meminfo') : ''
  const value = (name: string) => Number(new RegExp(`^${name}: *(\\d+)`, 'm').exec(text)?.[1] ?? 0)
  const total = value('MemTotal') || Math.floor((machine.limits.memory ?? 0) / 1024)
  return { total, used: total - (value('MemFree') || total) }
}

export const free = tool('[-bkmgh]', function* (process) {
  const options = optionsOf(process, 'bkmghtow')
  const { total, used } = memoryOf(process)
  const unit = options.has('b') ? 1 / 1024 : options.has('m') ? 1024 : options.has('g') ? 1024 ** 2 : 1
  const show = (kilobytes: number) =>
    (options.has('h') ? humanSize(kilobytes * 1024) : String(Math.floor(kilobytes / unit))).padStart(12)
  const row = (name: string, values: readonly number[]) => `${name.padEnd(7)}${values.map(show).join('')}\n`
  yield* process.print('              total        used        free      shared  buff/cache   available\n')
  yield* process.print(row('Mem:', [total, used, total - used, 0, 0, total - used]))
  yield* process.print(row('Swap:', [0, 0, 0]))
  return 0
})

export const df = tool('[-PkmhTai] [-B SIZE] [FILESYSTEM]...', function* (process) {
  const options = optionsOf(process, 'PkmhTaiB:t:', { 'human-readable': 'h', portability: 'P' })
  const all = process.files.mounts()
  const wanted = options.words.map(word => {
    const path = process.files.realpath(pathOf(process, word))
    return all.filter(each => each.path === '/' || path === each.path || path.startsWith(`${each.path}/`)).at(-1)!
  })
  const disk = all.find(({ path }) => path === '/')?.size ?? 0
  const unit = options.has('m') ? 1024 ** 2 : 1024
  const show = (bytes: number) =>
    options.has('h') ? humanSize(bytes).replace(/^0$/, '0') : String(Math.ceil(bytes / unit))
  const [title, width] = options.has('h') ? ['Size', 9] : [options.has('m') ? '1M-blocks' : '1K-blocks', 9]
  const type = options.has('T') ? 'Type       ' : ''
  yield* process.print(
    `Filesystem           ${type}${options.has('h') ? '     Size      Used Available Use% Mounted on' : `${title!.padStart(width!)}      Used Available Use% Mounted on`}\n`,
  )
  for (const mount of wanted.length > 0 ? wanted : all) {
    const size = mount.size || (['proc', 'cgroup2'].includes(mount.type) ? 0 : disk)
    if (size === 0 && !options.has('a') && wanted.length === 0) continue
    const percent = size === 0 ? 0 : Math.ceil((mount.used * 100) / size)
    const numbers = [size, mount.used, size - mount.used].map(bytes => show(bytes).padStart(9)).join(' ')
    const shown = options.has('T') ? `${mount.type.padEnd(10)} ` : ''
    yield* process.print(`${mount.source.padEnd(20)} ${shown}${numbers} ${`${percent}%`.padStart(4)} ${mount.path}\n`)
  }
  return 0
})

export const du = tool('[-aHLdclsxhmk] [FILE]...', function* (process) {
  const options = optionsOf(process, 'aHLd:clsxhmkb', {
    'max-depth': 'd',
    summarize: 's',
    'human-readable': 'h',
    all: 'a',
  })
  const most = options.has('s') ? 0 : Number(options.value('d') ?? Number.POSITIVE_INFINITY)
  const show = (kilobytes: number) =>
    options.has('h') ? humanSize(kilobytes * 1024) : String(options.has('m') ? Math.ceil(kilobytes / 1024) : kilobytes)
  let [code, total] = [0, 0]
  const { files } = process
  function* sizeOf(name: string, path: string, depth: number): Step<number> {
    let stat: ReturnType<typeof files.lstat>
    try {
      stat = files.lstat(path)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* process.complain(`du: ${name}: ${error.message}\n`)
      code = 1
      return 0
    }
    let size = blocksOf(stat)
    if (stat.kind === 'directory') {
      yield* process.pause()
      try {
        for (const entry of files.list(path)) size += yield* sizeOf(joined(name, entry), joined(path, entry), depth + 1)
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
        yield* process.complain(`du: can't open '${name}': ${error.message}\n`)
        code = 1
      }
    }
    const isShown = depth === 0 || (depth <= most && (stat.kind === 'directory' || options.has('a')))
    if (isShown) yield* process.print(`${show(size)}\t${name}\n`)
    return size
  }
  for (const word of options.words.length > 0 ? options.words : ['.']) {
    total += yield* sizeOf(word, pathOf(process, word), 0)
  }
  if (options.has('c')) yield* process.print(`${show(total)}\ttotal\n`)
  return code
})

export const mount = tool('[OPTIONS] [-o OPT] DEVICE NODE', function* (process) {
  const { words } = optionsOf(process, 'arwt:o:fnO:vi')
  if (words.length > 0) throw new ToolError('permission denied (are you root?)')
  for (const { source, path, type, readOnly } of process.files.mounts()) {
    yield* process.print(`${source} on ${path} type ${type} (${readOnly ? 'ro' : 'rw'},relatime)\n`)
  }
  return 0
})

export const umount = tool('[-rlfda] [-t FSTYPE] FILESYSTEM|DIRECTORY', function* (process) {
  const [name] = optionsOf(process, 'rlfdat:').words
  if (name === undefined) throw new UsageError('')
  yield* process.complain(`umount: can't unmount ${name}: Operation not permitted\n`)
  return 1
})

export const uptime = tool('', function* (process) {
  const now = process.clock.now()
  const text = process.files.exists('/proc/uptime') ? process.files.readText('/proc/uptime') : ''
  const seconds = Number(text.split(' ')[0] || (now - process.machine.startedAt) / 1000)
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ]
  const daysText = days > 0 ? `${days} day${days > 1 ? 's' : ''}, ` : ''
  const clock = hours > 0 ? `${String(hours).padStart(2)}:${String(minutes).padStart(2, '0')}` : `${minutes} min`
  const load = 'load average: 0.00, 0.00, 0.00'
  yield* process.print(` ${formatted(now, '%H:%M:%S')} up ${daysText}${clock},  0 users,  ${load}\n`)
  return 0
})

function named(process: Process, test: (name: string, facts: ProcessFacts) => boolean): readonly ProcessFacts[] {
  return process.machine
    .processes()
    .filter(facts => facts.pid !== process.pid && test((facts.argv[0] ?? '').replace(/^.*\//, ''), facts))
}

export const pidof = tool('[-s] [-o PID] [NAME]...', function* (process) {
  const options = optionsOf(process, 'so:')
  const found = options.words
    .flatMap(word => named(process, name => name === word.replace(/^.*\//, '')))
    .map(({ pid }) => pid)
    .reverse()
  if (found.length === 0) return 1
  yield* process.print(`${(options.has('s') ? found.slice(0, 1) : found).join(' ')}\n`)
  return 0
})

export const pgrep = tool('[-flanovx] PATTERN', function* (process) {
  const kills = nameOf(process) === 'pkill'
  const argv = process.argv.map(word => (kills && /^-([A-Z]+|\d+)$/.test(word) ? `-K${word.slice(1)}` : word))
  const options = optionsOf({ argv }, 'flanovxK:')
  const [pattern] = options.words
  if (pattern === undefined) throw new UsageError('')
  const matcher = new RegExp(options.has('x') ? `^(?:${pattern})$` : pattern)
  const found = named(process, (name, facts) => matcher.test(options.has('f') ? commandOf(facts) : name))
  const signal = signalOf(options.value('K') ?? 'TERM')
  if (signal === undefined) throw new ToolError(`bad signal name '${options.value('K')}'`)
  for (const facts of found) {
    if (kills) process.kill(facts.pid, signal)
    else yield* process.print(`${facts.pid}${options.has('l') || options.has('a') ? ` ${commandOf(facts)}` : ''}\n`)
  }
  return found.length > 0 ? 0 : 1
})

export const killall = tool('[-lq] [-SIG] NAME...', function* (process) {
  const words = process.argv.slice(1)
  const wanted = words[0]?.startsWith('-') ? words.shift()!.slice(1) : 'TERM'
  const signal = signalOf(wanted)
  if (signal === undefined || !(signal in signalNumbers)) throw new ToolError(`bad signal name '${wanted}'`)
  let code = 0
  for (const word of words) {
    const found = named(process, name => name === word)
    if (found.length === 0) {
      yield* process.complain(`killall: ${word}: no process killed\n`)
      code = 1
    }
    for (const { pid } of found) process.kill(pid, signal)
  }
  return code
})

export const sysctl = tool('[-enq] { -a | [-w] KEY[=VALUE]... }', function* (process) {
  const options = optionsOf(process, 'enqaw')
  let code = 0
  for (const word of options.words) {
    const [key = '', value] = word.split('=')
    const path = `/proc/sys/${key.replaceAll('.', '/')}`
    if (!process.files.exists(path)) {
      yield* process.complain(`sysctl: error: '${key}' is an unknown key\n`)
      code = 1
    } else if (value !== undefined) {
      yield* process.complain(`sysctl: error setting key '${key}': Read-only file system\n`)
      code = 1
    } else {
      const text = process.files.readText(path).trimEnd()
      yield* process.print(options.has('n') ? `${text}\n` : `${key} = ${text}\n`)
    }
  }
  return code
})

export const watch = tool('[-n SEC] [-t] PROG ARGS', function* (process) {
  const options = optionsOf(process, '+n:td', { interval: 'n', 'no-title': 't' })
  if (options.words.length === 0) throw new UsageError('')
  const every = durationOf(options.value('n') ?? '2')
  const command = options.words.join(' ')
  while (true) {
    const title = `Every ${every / 1000}s: ${command}`.padEnd(55)
    const head = options.has('t') ? '' : `${title} ${formatted(process.clock.now(), '%Y-%m-%d %H:%M:%S')}\n\n`
    yield* process.print(`\x1b[H\x1b[J${head}`)
    const child = yield* started(process, ['/bin/sh', '-c', command])
    if (typeof child === 'number') return child
    yield* child.exited()
    yield* process.sleep(every)
  }
})
