// memcached: its text protocol (doc/protocol.txt of memcached), in memory, within `-m` megabytes; `-p` and `-m` of its options.

import type { Program } from '../../machine/process.ts'
import type { Connection } from '../../machine/sockets.ts'
import { SystemError } from '../../machine/system-error.ts'
import type { Step } from '../../machine/wait.ts'
import { endingOn } from './ending.ts'
import { ConnectionBytes } from './sql/connection-bytes.ts'
import { Threads } from './threads.ts'

const version = '1.6.39'
const largestItem = 1024 * 1024

interface Item {
  readonly flags: string
  readonly expires: number
  readonly value: Buffer
  readonly unique: number
}

export const memcached: Program = function* (process) {
  const words = process.argv.slice(1)
  if (words.includes('-V') || words.includes('--version')) {
    yield* process.print(`memcached ${version}\n`)
    return 0
  }
  const option = (name: string): number | undefined => {
    const at = words.indexOf(name)
    return at < 0 ? undefined : Number(words[at + 1])
  }
  const cache = new Cache(() => process.clock.now(), (option('-m') ?? 64) * 1024 * 1024)
  const ending = endingOn(process, { TERM: 0, INT: 0 })
  const threads = new Threads()
  const listener = process.sockets.listen(option('-p') ?? 11_211)
  threads.add(
    (function* () {
      for (;;) threads.add(talk(cache, yield* listener.accept()))
    })(),
  )
  return yield* threads.run(ending.wait())
}

function* talk(cache: Cache, connection: Connection): Step<void> {
  const bytes = new ConnectionBytes(connection)
  try {
    for (;;) {
      const line = yield* bytes.line()
      if (line === undefined) return
      const words = line.split(/\s+/).filter(word => word !== '')
      const [name = ''] = words
      if (name === 'quit') return
      const isStoring = storing.has(name)
      const value = isStoring ? yield* bytes.take(Number(words[4]) + 2 || 2) : undefined
      if (isStoring && value === undefined) return
      const answer = cache.answer(words, value?.subarray(0, -2))
      if (words.at(-1) !== 'noreply') yield* bytes.write(answer)
    }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
  } finally {
    connection.close()
  }
}

const storing: ReadonlySet<string> = new Set(['set', 'add', 'replace', 'append', 'prepend', 'cas'])

class Cache {
  readonly #now: () => number
  readonly #limit: number
  readonly #started: number
  readonly #items = new Map<string, Item>()
  #size = 0
  #unique = 0
  readonly #counts = { get: 0, set: 0, hits: 0, misses: 0, evictions: 0 }

  constructor(now: () => number, limit: number) {
    this.#now = now
    this.#limit = limit
    this.#started = now()
  }

  answer(words: readonly string[], value: Buffer | undefined): Buffer {
    const [name = '', ...rest] = words
    if (value !== undefined) return Buffer.from(this.#store(name, rest, value))
    if (name === 'get' || name === 'gets') return this.#get(rest, name === 'gets')
    return Buffer.from(this.#command(name, rest))
  }

  #command(name: string, [key = '', by = '1']: readonly string[]): string {
    switch (name) {
      case 'delete':
        return this.#remove(key) ? 'DELETED\r\n' : 'NOT_FOUND\r\n'
      case 'incr':
      case 'decr': {
        const item = this.#item(key)
        if (item === undefined) return 'NOT_FOUND\r\n'
        if (!/^\d+$/.test(item.value.toString()))
          return 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'
        const next = Math.max(0, Number(item.value) + (name === 'incr' ? Number(by) : -Number(by)))
        this.#put(key, { ...item, value: Buffer.from(String(next)) })
        return `${next}\r\n`
      }
      case 'touch': {
        const item = this.#item(key)
        if (item === undefined) return 'NOT_FOUND\r\n'
        this.#put(key, { ...item, expires: this.#until(by) })
        return 'TOUCHED\r\n'
      }
      case 'flush_all':
        this.#items.clear()
        this.#size = 0
        return 'OK\r\n'
      case 'version':
        return `VERSION ${version}\r\n`
      case 'stats':
        return this.#stats()
      default:
        return 'ERROR\r\n'
    }
  }

  #store(name: string, [key = '', flags = '0', expires = '0', , unique]: readonly string[], value: Buffer): string {
    if (value.length > largestItem) return 'SERVER_ERROR object too large for cache\r\n'
    const known = this.#item(key)
    this.#counts.set++
    if (name === 'add' ? known !== undefined : name !== 'set' && known === undefined) {
      return name === 'cas' ? 'NOT_FOUND\r\n' : 'NOT_STORED\r\n'
    }
    if (name === 'cas' && String(known!.unique) !== unique) return 'EXISTS\r\n'
    const joined = name === 'append' ? [known!.value, value] : name === 'prepend' ? [value, known!.value] : [value]
    this.#put(key, { flags, expires: this.#until(expires), value: Buffer.concat(joined), unique: 0 })
    return 'STORED\r\n'
  }

  #get(keys: readonly string[], withUnique: boolean): Buffer {
    const parts: Buffer[] = []
    for (const key of keys) {
      const item = this.#item(key)
      this.#counts.get++
      this.#counts[item === undefined ? 'misses' : 'hits']++
      if (item === undefined) continue
      const unique = withUnique ? ` ${item.unique}` : ''
      parts.push(
        Buffer.from(`VALUE ${key} ${item.flags} ${item.value.length}${unique}\r\n`),
        item.value,
        Buffer.from('\r\n'),
      )
    }
    return Buffer.concat([...parts, Buffer.from('END\r\n')])
  }

  #item(key: string): Item | undefined {
    const item = this.#items.get(key)
    if (item === undefined || item.expires > this.#now()) return item
    this.#remove(key)
    return undefined
  }

  /** What was set longest ago makes room. */
  #put(key: string, item: Item): void {
    this.#remove(key)
    this.#items.set(key, { ...item, unique: ++this.#unique })
    this.#size += key.length + item.value.length
    for (const oldest of this.#items.keys()) {
      if (this.#size <= this.#limit) break
      this.#remove(oldest)
      this.#counts.evictions++
    }
  }

  #remove(key: string): boolean {
    const item = this.#items.get(key)
    if (item === undefined) return false
    this.#size -= key.length + item.value.length
    return this.#items.delete(key)
  }

  /** Seconds from now, or since 1970 when they are more than thirty days. */
  #until(text: string): number {
    const seconds = Number(text)
    if (seconds === 0) return Number.POSITIVE_INFINITY
    return seconds > 2_592_000 ? seconds * 1000 : this.#now() + seconds * 1000
  }

  #stats(): string {
    const { get, set, hits, misses, evictions } = this.#counts
    const facts: Readonly<Record<string, string | number>> = {
      pid: 1,
      uptime: Math.floor((this.#now() - this.#started) / 1000),
      time: Math.floor(this.#now() / 1000),
      version,
      curr_connections: 2,
      cmd_get: get,
      cmd_set: set,
      get_hits: hits,
      get_misses: misses,
      bytes: this.#size,
      curr_items: this.#items.size,
      evictions,
      limit_maxbytes: this.#limit,
    }
    return `${Object.entries(facts)
      .map(([name, value]) => `STAT ${name} ${value}\r\n`)
      .join('')}END\r\n`
  }
}
