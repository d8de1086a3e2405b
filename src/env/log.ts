// The log: pino, once, with timestamps from the cluster's clock. Constant messages, values as fields. Lines are written
// before the call returns: the last words before a crash are the ones that are wanted.

import { createRequire } from 'node:module'
import type pino from 'pino'
import type { Clock } from './clock.ts'

export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** The same log, with these fields on every line. */
  child(fields: object): Logger
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

const ranks = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const

/** Says nothing: what tests are given unless they ask for more. */
export const quietLog: Logger = Object.freeze({
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => quietLog,
})

/** JSON lines to a file descriptor or a file, from `level` up. */
export function openLog(clock: Clock, level: LogLevel, destination: number | string = 2): Logger {
  if (level === 'silent') return quietLog
  let opened: pino.Logger | undefined
  return new LazyLog(ranks[level], () => {
    opened ??= open(clock, level, destination)
    return opened
  })
}

/** Loads pino with the first line that is written: loading takes longer than all else that a start does here. */
class LazyLog implements Logger {
  readonly #rank: number
  readonly #open: () => pino.Logger
  #log: pino.Logger | undefined

  constructor(rank: number, open: () => pino.Logger) {
    this.#rank = rank
    this.#open = open
  }

  debug(fields: object, message: string): void {
    if (this.#rank <= ranks.debug) this.#opened().debug(fields, message)
  }

  info(fields: object, message: string): void {
    if (this.#rank <= ranks.info) this.#opened().info(fields, message)
  }

  warn(fields: object, message: string): void {
    if (this.#rank <= ranks.warn) this.#opened().warn(fields, message)
  }

  error(fields: object, message: string): void {
    this.#opened().error(fields, message)
  }

  child(fields: object): Logger {
    return new LazyLog(this.#rank, () => this.#opened().child(fields))
  }

  #opened(): pino.Logger {
    this.#log ??= this.#open()
    return this.#log
  }
}

function open(clock: Clock, level: LogLevel, dest: number | string): pino.Logger {
  const load = createRequire(import.meta.url)('pino') as typeof pino
  return load(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
      serializers: { error: load.stdSerializers.err },
    },
    load.destination({ dest, sync: true, mkdir: true }),
  )
}
