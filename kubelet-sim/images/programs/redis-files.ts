// What a redis keeps in its folder: a dump when it is told to save or to end, and with `appendonly yes` every command that changes
// something. Both are commands of its protocol, under the names redis gives the files; it reads them when it starts.

import type { Process } from '../../machine/process.ts'
import type { RedisStore } from './redis-store.ts'
import { decode, encode } from './resp.ts'

const heading = 'REDIS0012'

/** Whose times are from now on: they stand in the file as the moment of their end. */
const timed: ReadonlySet<string> = new Set(['set', 'setex', 'psetex', 'expire', 'pexpire', 'getset'])

export class RedisFiles {
  readonly #process: Process
  readonly #settings: ReadonlyMap<string, string>
  readonly #store: RedisStore
  #saved = 0

  constructor(process: Process, settings: ReadonlyMap<string, string>, store: RedisStore) {
    this.#process = process
    this.#settings = settings
    this.#store = store
  }

  get appends(): boolean {
    return this.#settings.get('appendonly') === 'yes'
  }

  /** With no points to save at, nothing is saved but when it is told to. */
  get savesAtEnd(): boolean {
    return (this.#settings.get('save') ?? '').replaceAll('"', '') !== ''
  }

  get unsaved(): number {
    return this.#store.changes - this.#saved
  }

  /** undefined: there was nothing to load. */
  load(): 'append only file' | 'disk' | undefined {
    const [path, what] = this.appends ? [this.#log, 'append only file' as const] : [this.#dump, 'disk' as const]
    const { files } = this.#process
    if (!files.exists(path)) return undefined
    const text = Buffer.from(files.read(path)).toString('latin1')
    let at = text.startsWith(heading) ? text.indexOf('\n') + 1 : 0
    for (let next = decode(text, at); next !== undefined; next = decode(text, at)) {
      if (Array.isArray(next.value)) this.#store.run(next.value.map(String))
      at = next.end
    }
    this.#saved = this.#store.changes
    return what
  }

  /** Throws a SystemError where it may not write. */
  save(): void {
    const { files } = this.#process
    const temporary = `${this.#folder}/temp-${this.#process.pid}.rdb`
    files.write(temporary, `${heading}\n${[...this.#store.commands()].map(encode).join('')}`)
    files.rename(temporary, this.#dump)
    this.#saved = this.#store.changes
  }

  append(words: readonly string[]): void {
    if (!this.appends) return
    const { files } = this.#process
    const folder = this.#log.slice(0, this.#log.lastIndexOf('/'))
    if (!files.exists(folder)) files.makeDirectory(folder)
    const [name = '', key = ''] = words
    const isTimed = timed.has(name.toLowerCase())
    const said = isTimed ? [['DEL', key], ...this.#store.commands(key)] : [words]
    files.append(this.#log, said.map(encode).join(''))
  }

  get #folder(): string {
    const dir = this.#settings.get('dir') ?? this.#process.cwd
    return dir.startsWith('/') ? dir.replace(/\/$/, '') : `${this.#process.cwd.replace(/\/$/, '')}/${dir}`
  }

  get #dump(): string {
    return `${this.#folder}/${this.#settings.get('dbfilename') ?? 'dump.rdb'}`
  }

  get #log(): string {
    return `${this.#folder}/appendonlydir/appendonly.aof.1.incr.aof`
  }
}
