// redis-server, as one thread that talks to many: its commands are redis-store.ts's, its configuration a file or options, what
// stays in its folder redis-files.ts's. And redis-cli, with a command or with lines from its input.

import type { Process, Program } from '../../machine/process.ts'
import type { Connection } from '../../machine/sockets.ts'
import { SystemError } from '../../machine/system-error.ts'
import type { Step } from '../../machine/wait.ts'
import { fillTimes } from '../placeholders.ts'
import { endingOn } from './ending.ts'
import { RedisFiles } from './redis-files.ts'
import { RedisStore } from './redis-store.ts'
import { decode, encode, type Fault, fault, type Reply, shown, status } from './resp.ts'
import { Threads } from './threads.ts'

export const redisServer: Program = function* (process) {
  const [, ...words] = process.argv
  const settings = new Map([
    ['appendonly', 'no'],
    ['bind', '* -::*'],
    ['maxmemory', '0'],
    ['maxmemory-policy', 'noeviction'],
    ['port', '6379'],
    ['save', '3600 1 300 100 60 10000'],
  ])
  const say = (mark: string, text: string) =>
    process.print(`${process.pid}:${mark} ${fillTimes('$(redis-time)', process.clock.now())} ${text}\n`)
  yield* say('C', '* oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo')
  yield* say('C', `* Redis version=8.0.2, bits=64, commit=00000000, modified=0, pid=${process.pid}, just started`)
  const file = words[0] !== undefined && !words[0].startsWith('-') ? words[0] : undefined
  try {
    if (file !== undefined) read(process.files.readText(absolute(process, file)), settings)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    yield* say('C', `# Fatal error, can't open config file '${absolute(process, file ?? '')}': ${error.message}`)
    return 1
  }
  options(words, settings)
  if (words.length === 0) {
    yield* say(
      'C',
      '# Warning: no config file specified, using the default config. In order to specify a config file use redis-server /path/to/redis.conf',
    )
  } else yield* say('C', '* Configuration loaded')
  const port = Number(settings.get('port'))
  const store = new RedisStore(() => process.clock.now(), settings)
  const redisFiles = new RedisFiles(process, settings, store)
  const ending = endingOn(process, { TERM: 0, INT: 0 })
  const threads = new Threads()
  const listener = process.sockets.listen(port)
  yield* say('M', `* Running mode=standalone, port=${port}.`)
  yield* say('M', '* Server initialized')
  const from = redisFiles.load()
  if (from !== undefined) yield* say('M', `* DB loaded from ${from}: 0.000 seconds`)
  yield* say('M', '* Ready to accept connections tcp')
  threads.add(
    (function* () {
      for (;;) threads.add(talk({ store, files: redisFiles, settings }, yield* listener.accept()))
    })(),
  )
  const code = yield* threads.run(ending.wait())
  yield* say('signal-handler', 'Received SIGTERM scheduling shutdown...')
  yield* say('M', '* User requested shutdown...')
  if (redisFiles.savesAtEnd && redisFiles.unsaved > 0) {
    yield* say('M', '* Saving the final RDB snapshot before exiting.')
    try {
      redisFiles.save()
      yield* say('M', '* DB saved on disk')
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* say('M', `# Failed opening the temp RDB file for saving: ${error.message}`)
      yield* say('M', '# Error trying to save the DB, but can not exit: it is told to')
    }
  }
  yield* say('M', '# Redis is now ready to exit, bye bye...')
  return code
}

interface Talking {
  readonly store: RedisStore
  readonly files: RedisFiles
  readonly settings: ReadonlyMap<string, string>
}

function* talk(talking: Talking, connection: Connection): Step<void> {
  let heard = ''
  const who = { isKnown: passwordOf(talking.settings) === undefined }
  try {
    for (;;) {
      const bytes = yield* connection.read(65_536)
      if (bytes === undefined) break
      heard += Buffer.from(bytes).toString('latin1')
      for (let next = decode(heard); next !== undefined; next = decode(heard)) {
        heard = heard.slice(next.end)
        const words = Array.isArray(next.value) ? next.value.map(String) : []
        if (words.length === 0) continue
        if (words[0]!.toLowerCase() === 'quit') {
          yield* connection.write(Buffer.from('+OK\r\n'))
          return
        }
        yield* connection.write(Buffer.from(encode(replyTo(talking, who, words))))
      }
    }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
  } finally {
    connection.close()
  }
}

function passwordOf(settings: ReadonlyMap<string, string>): string | undefined {
  const password = settings.get('requirepass')?.replace(/^"(.*)"$/, '$1')
  return password === '' ? undefined : password
}

/** What concerns the connection and the server's folder; all else is the store's. */
function replyTo({ store, files, settings }: Talking, who: { isKnown: boolean }, words: readonly string[]): Reply {
  const name = words[0]!.toLowerCase()
  if (name === 'auth') {
    const password = passwordOf(settings)
    if (password === undefined) {
      return fault(
        'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
      )
    }
    const [user, given] = words.length > 2 ? [words[1], words[2]] : ['default', words[1]]
    who.isKnown = user === 'default' && given === password
    return who.isKnown ? status('OK') : fault('WRONGPASS invalid username-password pair or user is disabled.')
  }
  if (!who.isKnown) return fault('NOAUTH Authentication required.')
  try {
    if (name === 'save' || name === 'bgsave') {
      files.save()
      return status(name === 'save' ? 'OK' : 'Background saving started')
    }
    const before = store.changes
    const reply = store.run(words)
    if (store.changes > before) files.append(words)
    return reply
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    return fault(`MISCONF Errors writing to the AOF file: ${error.message}`)
  }
}

function absolute({ cwd }: Process, path: string): string {
  return path.startsWith('/') ? path : `${cwd === '/' ? '' : cwd}/${path}`
}

function read(text: string, settings: Map<string, string>): void {
  for (const line of text.split('\n')) {
    const [name = '', ...value] = line.trim().split(/\s+/)
    if (name !== '' && !name.startsWith('#')) settings.set(name.toLowerCase(), value.join(' '))
  }
}

/** `--appendonly yes`. */
function options(words: readonly string[], settings: Map<string, string>): void {
  for (const [at, word] of words.entries()) {
    if (!word.startsWith('--')) continue
    const values: string[] = []
    for (let next = at + 1; next < words.length && !words[next]!.startsWith('--'); next++) values.push(words[next]!)
    settings.set(word.slice(2).toLowerCase(), values.join(' '))
  }
}

export const redisCli: Program = function* (process) {
  const words = process.argv.slice(1)
  let host = '127.0.0.1'
  let port = 6379
  const { env } = process
  let password = env.get('REDISCLI_AUTH')
  while (words[0]?.startsWith('-')) {
    const option = words.shift()!
    if (option === '-h') host = words.shift() ?? host
    else if (option === '-p') port = Number(words.shift())
    else if (option === '-a' || option === '--pass') password = words.shift()
    else if (option === '-n' || option === '--user') words.shift()
    else if (option === '--version' || option === '-v') {
      yield* process.print('redis-cli 8.0.2\n')
      return 0
    }
  }
  const plain = process.descriptors.get(1)?.terminal === undefined
  let connection: Connection
  try {
    const [address] = yield* process.sockets.lookup(host)
    connection = yield* process.sockets.connect({ host: address ?? host, port })
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const why = error instanceof SystemError ? error.message : 'Name or service not known'
    yield* process.complain(`Could not connect to Redis at ${host}:${port}: ${why}\n`)
    return 1
  }
  try {
    if (password !== undefined) {
      const reply = yield* ask(connection, ['AUTH', password])
      if (isFault(reply)) yield* process.complain(`AUTH failed: ${reply.fault}\n`)
    }
    if (words.length > 0) return yield* say(process, connection, words, plain)
    let code = 0
    for (;;) {
      if (!plain) yield* process.print(`${host}:${port}> `)
      const line = yield* process.readLine()
      if (line === undefined || /^(quit|exit)$/i.test(line.trim())) return code
      const asked = [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map(
        ([, double, single, bare]) => double?.replace(/\\(.)/g, '$1') ?? single ?? bare ?? '',
      )
      if (asked.length > 0) code = yield* say(process, connection, asked, plain)
    }
  } finally {
    connection.close()
  }
}

function* say(process: Process, connection: Connection, words: readonly string[], plain: boolean): Step<number> {
  const reply = yield* ask(connection, words)
  yield* process.print(`${shown(reply, plain)}\n`)
  return isFault(reply) ? 1 : 0
}

const isFault = (reply: Reply): reply is Fault => reply !== null && typeof reply === 'object' && 'fault' in reply

function* ask(connection: Connection, words: readonly string[]): Step<Reply> {
  yield* connection.write(Buffer.from(encode(words)))
  let heard = ''
  let reply: Reply = fault('ERR the server hung up')
  for (;;) {
    const bytes = yield* connection.read(65_536)
    if (bytes === undefined) break
    heard += Buffer.from(bytes).toString('latin1')
    const next = decode(heard)
    if (next === undefined) continue
    reply = next.value
    break
  }
  return reply
}
