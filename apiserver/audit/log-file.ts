// The audit log as a file: a line at a time, at once, so that what was answered has been written. It is put aside when it grows
// too large, and what was put aside goes when there is too much of it or it is too old. Made by src/serve.ts.
// Upstream: k8s.io/apiserver/pkg/server/options/audit.go, with gopkg.in/natefinch/lumberjack.v2 beneath.

import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import type { Millis } from '../../src/env/clock.ts'
import type { AuditSink } from './trail.ts'

export interface LogFileOptions {
  /** `-` is standard output, which never grows too large. */
  readonly path: string
  /** In megabytes; 0: it is never put aside. */
  readonly maxSize: number
  /** How many that were put aside stay; 0: all. */
  readonly maxBackup: number
  /** For how many days they stay; 0: for ever. */
  readonly maxAge: number
  readonly now: () => Millis
  /** Told of lines that could not be written. */
  readonly failed: (error: Error) => void
}

const megabyte = 1024 * 1024
const day = 24 * 3_600_000

/** Throws the system's error when the file cannot be had. */
export function openLogFile(options: LogFileOptions): AuditSink {
  if (options.path === '-') return { write: line => void process.stdout.write(line), close() {}, lost: 0 }
  return new LogFile(options)
}

class LogFile implements AuditSink {
  readonly #options: LogFileOptions
  #file: number
  #size: number
  #isClosed = false
  lost = 0

  constructor(options: LogFileOptions) {
    this.#options = options
    mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 })
    this.#file = openSync(options.path, 'a', 0o600)
    this.#size = fstatSync(this.#file).size
  }

  write(line: string): void {
    if (this.#isClosed) return
    const bytes = Buffer.from(line)
    const limit = this.#options.maxSize * megabyte
    try {
      if (limit > 0 && this.#size > 0 && this.#size + bytes.length > limit) this.#putAside()
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at)
      this.#size += bytes.length
    } catch (error) {
      this.lost++
      this.#options.failed(error as Error)
    }
  }

  close(): void {
    if (!this.#isClosed) closeSync(this.#file)
    this.#isClosed = true
  }

  #putAside(): void {
    const { path, now } = this.#options
    renameSync(path, join(dirname(path), asideName(path, now())))
    const full = this.#file
    this.#file = openSync(path, 'a', 0o600)
    this.#size = 0
    closeSync(full)
    this.#clear()
  }

  /** The newest stay. */
  #clear(): void {
    const { path, maxBackup, maxAge, now } = this.#options
    const aside = readdirSync(dirname(path))
      .flatMap(name => {
        const at = asideTime(path, name)
        return at === undefined ? [] : [{ name, at }]
      })
      .sort((one, other) => other.at - one.at)
    const oldest = maxAge > 0 ? now() - maxAge * day : Number.NEGATIVE_INFINITY
    for (const [index, { name, at }] of aside.entries()) {
      if ((maxBackup > 0 && index >= maxBackup) || at < oldest) rmSync(join(dirname(path), name), { force: true })
    }
  }
}

/** `audit-2024-05-01T12-00-00.123.log`, as upstream names it. */
function asideName(path: string, at: Millis): string {
  const end = extname(path)
  const time = new Date(at).toISOString().slice(0, -1).replaceAll(':', '-')
  return `${basename(path, end)}-${time}${end}`
}

function asideTime(path: string, name: string): Millis | undefined {
  const end = extname(path)
  const start = `${basename(path, end)}-`
  if (!name.startsWith(start) || !name.endsWith(end)) return undefined
  const [, date, hours, minutes, seconds] =
    /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(name.slice(start.length, name.length - end.length)) ?? []
  return date === undefined ? undefined : Date.parse(`${date}T${hours}:${minutes}:${seconds}Z`)
}
