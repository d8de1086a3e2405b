// What a redis holds, and what its commands do with it. Pure but for the clock: keys expire when their time is over, seen at
// the next look. Answers are values of its protocol (resp.ts). What it holds can be said in commands (redis-files.ts keeps those).

import type { Millis } from '../../../src/env/clock.ts'
import { fault, type Reply, status } from './resp.ts'

type Value = string | string[] | Map<string, string> | Set<string>

interface Entry {
  value: Value
  expires: Millis | undefined
}

/** Commands that change something. */
const writing: ReadonlySet<string> = new Set(
  (
    'set setnx setex psetex getset getdel append mset incr decr incrby decrby del expire pexpire expireat pexpireat persist rename ' +
    'lpush rpush lpop rpop hset hdel hincrby sadd srem flushall flushdb'
  ).split(' '),
)

/** Of redis' own commands those that are missed first. */
const notThere: ReadonlySet<string> = new Set(
  (
    'zadd zrange zrangebyscore zscore zrem zcard zincrby zrank publish subscribe psubscribe multi exec watch discard eval evalsha ' +
    'xadd xread xrange xgroup xreadgroup geoadd pfadd pfcount setbit getbit bitcount incrbyfloat linsert lrem ltrim lset lindex ' +
    'blpop brpop rpoplpush spop srandmember sinter sunion sdiff hscan sscan object memory debug replicaof slaveof cluster ' +
    'copy dump restore move monitor wait acl script function latency slowlog sort unlink touch randomkey'
  ).split(' '),
)

type Command = (words: readonly string[]) => Reply

const wrongType = fault('WRONGTYPE Operation against a key holding the wrong kind of value')
const notInteger = fault('ERR value is not an integer or out of range')
const ok = status('OK')

export class RedisStore {
  readonly #keys = new Map<string, Entry>()
  readonly #now: () => Millis
  readonly #started: Millis
  #changes = 0
  readonly #settings: ReadonlyMap<string, string>
  readonly #commands: Readonly<Record<string, readonly [least: number, run: Command]>>

  constructor(now: () => Millis, settings: ReadonlyMap<string, string>) {
    this.#now = now
    this.#started = now()
    this.#settings = settings
    this.#commands = this.#all()
  }

  /** How often something has changed. */
  get changes(): number {
    return this.#changes
  }

  run(words: readonly string[]): Reply {
    const reply = this.#run(words)
    const isFault = reply !== null && typeof reply === 'object' && 'fault' in reply
    if (!isFault && writing.has(words[0]?.toLowerCase() ?? '')) this.#changes++
    return reply
  }

  /** Commands that make an empty one what this is; of one key, when it is named. */
  *commands(only?: string): Generator<readonly string[]> {
    for (const key of only === undefined ? this.#live() : [only]) {
      const entry = this.#entry(key)
      if (entry === undefined) continue
      const { value, expires } = entry
      if (typeof value === 'string') yield ['SET', key, value]
      else if (Array.isArray(value)) yield ['RPUSH', key, ...value]
      else if (value instanceof Map) yield ['HSET', key, ...[...value].flat()]
      else yield ['SADD', key, ...value]
      if (expires !== undefined) yield ['PEXPIREAT', key, String(expires)]
    }
  }

  #run(words: readonly string[]): Reply {
    const [name = '', ...rest] = words
    const found = this.#commands[name.toLowerCase()]
    if (found === undefined || !Object.hasOwn(this.#commands, name.toLowerCase())) {
      if (notThere.has(name.toLowerCase())) return fault(`ERR kubesim's redis has no '${name.toLowerCase()}' yet`)
      const shown = rest.map(word => `'${word}' `).join('')
      return fault(`ERR unknown command '${name}', with args beginning with: ${shown}`)
    }
    if (rest.length < found[0]) return fault(`ERR wrong number of arguments for '${name.toLowerCase()}' command`)
    return found[1](rest)
  }

  #entry(key: string): Entry | undefined {
    const entry = this.#keys.get(key)
    if (entry?.expires !== undefined && entry.expires <= this.#now()) {
      this.#keys.delete(key)
      return undefined
    }
    return entry
  }

  #text(key: string): string | undefined | typeof wrongType {
    const value = this.#entry(key)?.value
    return value === undefined || typeof value === 'string' ? value : wrongType
  }

  #list(key: string): string[] | undefined | typeof wrongType {
    const value = this.#entry(key)?.value
    return value === undefined || Array.isArray(value) ? value : wrongType
  }

  #live(): string[] {
    return [...this.#keys.keys()].filter(key => this.#entry(key) !== undefined)
  }

  #add(key: string, by: number): Reply {
    const text = this.#text(key)
    if (typeof text === 'object') return text
    if (!Number.isSafeInteger(by) || (text !== undefined && !/^-?\d{1,18}$/.test(text))) return notInteger
    const next = Number(text ?? 0) + by
    this.#put(key, String(next))
    return next
  }

  /** Its time to live stays. */
  #put(key: string, value: Value): void {
    const entry = this.#entry(key)
    if (entry) entry.value = value
    else this.#keys.set(key, { value, expires: undefined })
  }

  #push(words: readonly string[], isLeft: boolean): Reply {
    const [key = '', ...values] = words
    const list = this.#list(key)
    if (list !== undefined && !Array.isArray(list)) return list
    const next = list ?? []
    for (const value of values) {
      if (isLeft) next.unshift(value)
      else next.push(value)
    }
    this.#put(key, next)
    return next.length
  }

  #pop(key: string, isLeft: boolean): Reply {
    const list = this.#list(key)
    if (list === undefined) return null
    if (!Array.isArray(list)) return list
    const value = isLeft ? list.shift() : list.pop()
    if (list.length === 0) this.#keys.delete(key)
    return value ?? null
  }

  #set([key = '', value = '', ...options]: readonly string[]): Reply {
    let expires: Millis | undefined
    let keepsTime = false
    const words = options.map(word => word.toUpperCase())
    for (let at = 0; at < words.length; at++) {
      const word = words[at]!
      if (word === 'EX' || word === 'PX') {
        const span = Number(options[++at])
        if (!(Number.isSafeInteger(span) && span > 0)) return fault("ERR invalid expire time in 'set' command")
        expires = this.#now() + span * (word === 'EX' ? 1000 : 1)
      } else if (word === 'KEEPTTL') keepsTime = true
      else if (word === 'NX' || word === 'XX') {
        if ((this.#entry(key) !== undefined) === (word === 'NX')) return null
      } else return fault('ERR syntax error')
    }
    this.#keys.set(key, { value, expires: keepsTime ? this.#entry(key)?.expires : expires })
    return ok
  }

  #expire(key: string, at: Millis): Reply {
    const entry = this.#entry(key)
    if (entry === undefined) return 0
    entry.expires = at
    return 1
  }

  #hash(key: string): Map<string, string> | undefined | typeof wrongType {
    const value = this.#entry(key)?.value
    return value === undefined || value instanceof Map ? value : wrongType
  }

  #setOf(key: string): Set<string> | undefined | typeof wrongType {
    const value = this.#entry(key)?.value
    return value === undefined || value instanceof Set ? value : wrongType
  }

  #all(): Readonly<Record<string, readonly [number, Command]>> {
    const integer = (text: string | undefined) => (/^-?\d{1,15}$/.test(text ?? '') ? Number(text) : Number.NaN)
    return {
      ping: [0, ([text]) => (text === undefined ? status('PONG') : text)],
      echo: [1, ([text = '']) => text],
      set: [2, words => this.#set(words)],
      setnx: [2, ([key = '', value = '']) => (this.#set([key, value, 'NX']) === ok ? 1 : 0)],
      get: [
        1,
        ([key = '']) => {
          const text = this.#text(key)
          return text === undefined ? null : text
        },
      ],
      getset: [
        2,
        ([key = '', value = '']) => {
          const text = this.#text(key)
          if (typeof text === 'object') return text
          this.#keys.set(key, { value, expires: undefined })
          return text ?? null
        },
      ],
      setex: [3, ([key = '', span = '', value = '']) => this.#set([key, value, 'EX', span])],
      psetex: [3, ([key = '', span = '', value = '']) => this.#set([key, value, 'PX', span])],
      getdel: [
        1,
        ([key = '']) => {
          const text = this.#text(key)
          if (typeof text === 'object') return text
          this.#keys.delete(key)
          return text ?? null
        },
      ],
      strlen: [
        1,
        ([key = '']) => {
          const text = this.#text(key)
          return typeof text === 'object' ? text : Buffer.byteLength(text ?? '')
        },
      ],
      mset: [
        2,
        pairs => {
          if (pairs.length % 2 !== 0) return fault("ERR wrong number of arguments for 'mset' command")
          for (let at = 0; at < pairs.length; at += 2) this.#set([pairs[at]!, pairs[at + 1]!])
          return ok
        },
      ],
      mget: [1, keys => keys.map(key => (typeof this.#text(key) === 'string' ? (this.#text(key) as string) : null))],
      append: [
        2,
        ([key = '', more = '']) => {
          const text = this.#text(key)
          if (typeof text === 'object') return text
          this.#put(key, (text ?? '') + more)
          return Buffer.byteLength((text ?? '') + more)
        },
      ],
      incr: [1, ([key = '']) => this.#add(key, 1)],
      decr: [1, ([key = '']) => this.#add(key, -1)],
      incrby: [2, ([key = '', by]) => this.#add(key, integer(by))],
      decrby: [2, ([key = '', by]) => this.#add(key, -integer(by))],
      del: [1, keys => keys.filter(key => this.#entry(key) !== undefined && this.#keys.delete(key)).length],
      exists: [1, keys => keys.filter(key => this.#entry(key) !== undefined).length],
      keys: [1, ([pattern = '']) => this.#live().filter(glob(pattern))],
      type: [
        1,
        ([key = '']) => {
          const value = this.#entry(key)?.value
          if (value === undefined) return status('none')
          if (typeof value === 'string') return status('string')
          return status(Array.isArray(value) ? 'list' : value instanceof Map ? 'hash' : 'set')
        },
      ],
      expire: [2, ([key = '', span]) => this.#expire(key, this.#now() + integer(span) * 1000)],
      pexpire: [2, ([key = '', span]) => this.#expire(key, this.#now() + integer(span))],
      expireat: [2, ([key = '', at]) => this.#expire(key, integer(at) * 1000)],
      pexpireat: [2, ([key = '', at]) => this.#expire(key, integer(at))],
      rename: [
        2,
        ([key = '', other = '']) => {
          const entry = this.#entry(key)
          if (entry === undefined) return fault('ERR no such key')
          this.#keys.delete(key)
          this.#keys.set(other, entry)
          return ok
        },
      ],
      // All at once: the cursor is at its end.
      scan: [
        1,
        ([, ...options]) => {
          const at = options.findIndex(word => word.toUpperCase() === 'MATCH')
          return ['0', this.#live().filter(glob(at < 0 ? '*' : (options[at + 1] ?? '*')))]
        },
      ],
      persist: [
        1,
        ([key = '']) => {
          const entry = this.#entry(key)
          if (entry?.expires === undefined) return 0
          entry.expires = undefined
          return 1
        },
      ],
      ttl: [1, ([key = '']) => this.#left(key, 1000)],
      pttl: [1, ([key = '']) => this.#left(key, 1)],
      lpush: [2, words => this.#push(words, true)],
      rpush: [2, words => this.#push(words, false)],
      lpop: [1, ([key = '']) => this.#pop(key, true)],
      rpop: [1, ([key = '']) => this.#pop(key, false)],
      llen: [
        1,
        ([key = '']) => {
          const list = this.#list(key)
          return list === undefined ? 0 : Array.isArray(list) ? list.length : list
        },
      ],
      lrange: [
        3,
        ([key = '', from, to]) => {
          const list = this.#list(key)
          if (list === undefined) return []
          if (!Array.isArray(list)) return list
          const [first, last] = [integer(from), integer(to)]
          if (Number.isNaN(first) || Number.isNaN(last)) return notInteger
          const at = (index: number) => (index < 0 ? Math.max(0, list.length + index) : index)
          return list.slice(at(first), last < 0 ? list.length + last + 1 : last + 1)
        },
      ],
      hset: [
        3,
        ([key = '', ...pairs]) => {
          const hash = this.#hash(key)
          if (hash !== undefined && !(hash instanceof Map)) return hash
          if (pairs.length % 2 !== 0) return fault("ERR wrong number of arguments for 'hset' command")
          const next = hash ?? new Map<string, string>()
          const before = next.size
          for (let at = 0; at < pairs.length; at += 2) next.set(pairs[at]!, pairs[at + 1]!)
          this.#put(key, next)
          return next.size - before
        },
      ],
      hget: [
        2,
        ([key = '', field = '']) => {
          const hash = this.#hash(key)
          return hash === undefined ? null : hash instanceof Map ? (hash.get(field) ?? null) : hash
        },
      ],
      hgetall: [
        1,
        ([key = '']) => {
          const hash = this.#hash(key)
          return hash === undefined ? [] : hash instanceof Map ? [...hash].flat() : hash
        },
      ],
      hdel: [
        2,
        ([key = '', ...fields]) => {
          const hash = this.#hash(key)
          if (!(hash instanceof Map)) return hash ?? 0
          const gone = fields.filter(field => hash.delete(field)).length
          if (hash.size === 0) this.#keys.delete(key)
          return gone
        },
      ],
      hincrby: [
        3,
        ([key = '', field = '', by]) => {
          const hash = this.#hash(key)
          if (hash !== undefined && !(hash instanceof Map)) return hash
          const before = hash?.get(field) ?? '0'
          if (!/^-?\d{1,18}$/.test(before) || Number.isNaN(integer(by)))
            return fault('ERR hash value is not an integer')
          const next = hash ?? new Map<string, string>()
          next.set(field, String(Number(before) + integer(by)))
          this.#put(key, next)
          return Number(next.get(field))
        },
      ],
      hlen: [1, ([key = '']) => this.#sizeOf(this.#hash(key))],
      hkeys: [1, ([key = '']) => this.#listOf(this.#hash(key), hash => [...hash.keys()])],
      hvals: [1, ([key = '']) => this.#listOf(this.#hash(key), hash => [...hash.values()])],
      hexists: [2, ([key = '', field = '']) => this.#has(this.#hash(key), field)],
      scard: [1, ([key = '']) => this.#sizeOf(this.#setOf(key))],
      sismember: [2, ([key = '', member = '']) => this.#has(this.#setOf(key), member)],
      srem: [
        2,
        ([key = '', ...members]) => {
          const set = this.#setOf(key)
          if (!(set instanceof Set)) return set ?? 0
          const gone = members.filter(member => set.delete(member)).length
          if (set.size === 0) this.#keys.delete(key)
          return gone
        },
      ],
      sadd: [
        2,
        ([key = '', ...members]) => {
          const set = this.#setOf(key)
          if (set !== undefined && !(set instanceof Set)) return set
          const next = set ?? new Set<string>()
          const before = next.size
          for (const member of members) next.add(member)
          this.#put(key, next)
          return next.size - before
        },
      ],
      smembers: [
        1,
        ([key = '']) => {
          const set = this.#setOf(key)
          return set === undefined ? [] : set instanceof Set ? [...set] : set
        },
      ],
      dbsize: [0, () => this.#live().length],
      flushall: [0, () => this.#flush()],
      flushdb: [0, () => this.#flush()],
      select: [1, () => ok],
      client: [1, () => ok],
      command: [0, () => []],
      config: [2, ([verb = '', ...names]) => this.#config(verb, names)],
      info: [0, () => this.#info()],
      time: [0, () => [String(Math.floor(this.#now() / 1000)), String((this.#now() % 1000) * 1000)]],
    }
  }

  #sizeOf(of: { readonly size: number } | undefined | typeof wrongType): Reply {
    return of === undefined ? 0 : 'size' in of ? of.size : of
  }

  #has(of: { has(name: string): boolean } | undefined | typeof wrongType, name: string): Reply {
    return of === undefined ? 0 : 'has' in of ? Number(of.has(name)) : of
  }

  #listOf(of: Map<string, string> | undefined | typeof wrongType, list: (of: Map<string, string>) => string[]): Reply {
    return of === undefined ? [] : of instanceof Map ? list(of) : of
  }

  #left(key: string, unit: number): number {
    const entry = this.#entry(key)
    if (entry === undefined) return -2
    return entry.expires === undefined ? -1 : Math.ceil((entry.expires - this.#now()) / unit)
  }

  #flush(): Reply {
    this.#keys.clear()
    return ok
  }

  #config(verb: string, names: readonly string[]): Reply {
    if (verb.toUpperCase() !== 'GET') return fault(`ERR kubesim's redis has no CONFIG ${verb.toUpperCase()} yet`)
    return names.flatMap(name => [...this.#settings].filter(([each]) => glob(name)(each)).flat())
  }

  #info(): string {
    const up = Math.floor((this.#now() - this.#started) / 1000)
    const keys = this.#live().length
    return [
      '# Server',
      'redis_version:8.0.2',
      'redis_mode:standalone',
      'process_id:1',
      'tcp_port:6379',
      `uptime_in_seconds:${up}`,
      '',
      '# Clients',
      'connected_clients:1',
      '',
      '# Memory',
      `maxmemory:${this.#settings.get('maxmemory')}`,
      `maxmemory_policy:${this.#settings.get('maxmemory-policy')}`,
      '',
      '# Replication',
      'role:master',
      'connected_slaves:0',
      '',
      '# Keyspace',
      ...(keys === 0 ? [] : [`db0:keys=${keys},expires=0,avg_ttl=0`]),
      '',
    ].join('\r\n')
  }
}

function glob(pattern: string): (text: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  try {
    const test = new RegExp(`^${source}$`, 's')
    return text => test.test(text)
  } catch {
    return text => text === pattern
  }
}
