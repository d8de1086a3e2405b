// nginx as a program, where its files decide what it does: its configuration, what it logs, the signals it heeds, -t, -s, -v.

import type { Process, Program } from '../../../machine/process.ts'
import type { TlsServing } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { nginx as family } from '../../nginx.ts'
import { fillTimes } from '../../placeholders.ts'
import { endingOn } from '../ending.ts'
import { answer, serverFor } from './answering.ts'
import { ConfigurationFault, mainFile, readConfiguration } from './configuration-text.ts'
import { Exchange, version } from './exchange.ts'
import { checkDirectives } from './known-directives.ts'
import { Balancing } from './proxying.ts'
import { type Site, siteOf } from './site.ts'

interface Loaded {
  readonly site: Site
  readonly balancing: Balancing
  /** What each port shows of itself; undefined: it speaks plainly. */
  readonly listens: ReadonlyMap<number, TlsServing | undefined>
  readonly warnings: readonly string[]
}

export const nginx: Program = function* (process) {
  const words = process.argv.slice(1)
  if (words.includes('-v') || words.includes('-V')) {
    yield* process.complain(`nginx version: nginx/${version}\n`)
    return 0
  }
  const signal = words.indexOf('-s')
  if (signal >= 0) return tellMaster(process, words[signal + 1] ?? '')
  const named = words.indexOf('-c')
  const path = named < 0 ? mainFile : (words[named + 1] ?? mainFile)
  const isTest = words.includes('-t') || words.includes('-T')
  let loaded: Loaded
  try {
    loaded = yield* load(process, path)
  } catch (error) {
    if (!(error instanceof ConfigurationFault)) throw error
    yield* tell(process, 'emerg', error.message)
    yield* process.complain(`nginx: [emerg] ${error.message}\n`)
    if (isTest) yield* process.complain(`nginx: configuration file ${path} test failed\n`)
    return 1
  }
  for (const warning of loaded.warnings) {
    yield* tell(process, 'warn', warning)
    yield* process.complain(`nginx: [warn] ${warning}\n`)
  }
  if (isTest) {
    yield* process.complain(`nginx: the configuration file ${path} syntax is ok\n`)
    yield* process.complain(`nginx: configuration file ${path} test is successful\n`)
    return 0
  }
  const unwritable = temporaryFault(process, loaded.site)
  if (unwritable !== undefined) {
    yield* tell(process, 'emerg', unwritable)
    yield* process.complain(`nginx: [emerg] ${unwritable}\n`)
    return 1
  }
  const ending = endingOn(process, { TERM: 0, QUIT: 0, INT: 0 })
  let listeners = listen(process, loaded)
  process.onSignal('HUP', () => {
    // Who answers goes on while the new configuration is read.
    process.spawn({ argv: ['nginx: reload'], program: reload })
  })
  const reload: Program = function* () {
    try {
      const next = yield* load(process, path)
      for (const listener of listeners) listener.close()
      listeners = listen(process, next)
      return 0
    } catch (error) {
      if (!(error instanceof ConfigurationFault)) throw error
      yield* tell(process, 'emerg', error.message)
      return 1
    }
  }
  for (const line of family[0]!.prints ?? []) {
    if (line.includes('[notice]')) yield* process.complain(`${fillTimes(line, process.clock.now())}\n`)
  }
  const code = yield* ending.wait()
  for (const listener of listeners) listener.close()
  return code
}

function* load(process: Process, path: string): Step<Loaded> {
  const directives = readConfiguration(process.files, path)
  const warnings = checkDirectives(directives)
  const site = siteOf(directives)
  const ports = new Set(site.servers.flatMap(({ listens }) => listens.map(({ port }) => port)))
  const listens = new Map([...ports].map(port => [port, certificateOf(process, site, port)]))
  return { site, listens, balancing: yield* Balancing.of(process, site), warnings }
}

/** Why the folder of bodies that are received cannot be made. */
function temporaryFault({ files }: Process, { temporary }: Site): string | undefined {
  try {
    if (!files.exists(temporary)) files.makeDirectory(temporary)
    return undefined
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    const why = { EACCES: '13: Permission denied', EROFS: '30: Read-only file system' }[error.errno as string]
    return `mkdir() "${temporary}" failed (${why ?? '2: No such file or directory'})`
  }
}

function tell(process: Process, level: string, text: string): Step<void> {
  return process.complain(
    `${fillTimes('$(nginx-time)', process.clock.now())} [${level}] ${process.pid}#${process.pid}: ${text}\n`,
  )
}

/** `nginx -s quit`: to the master of this container. */
function tellMaster(process: Process, word: string): number {
  const signals = { quit: 'QUIT', stop: 'TERM', reload: 'HUP', reopen: 'USR1' } as const
  if (!Object.hasOwn(signals, word)) return 1
  const master = process.machine
    .processes()
    .find(
      ({ pid, argv }) =>
        pid !== process.pid && /(^|[/ ])(nginx|docker-entrypoint\.sh)\b/.test(argv.slice(0, 2).join(' ')),
    )
  return master !== undefined && process.kill(master.pid, signals[word as 'quit']) ? 0 : 1
}

function listen(process: Process, { site, balancing, listens }: Loaded): { close(): void }[] {
  let requests = 0
  const answering = {
    process,
    site,
    balancing,
    served: () => requests,
    complain: (exchange: Exchange, text: string) =>
      process.complain(
        `${fillTimes('$(nginx-time)', process.clock.now())} [error] 29#29: *${exchange.number} ${text}, ${exchange.words}\n`,
      ),
  }
  return [...listens].map(([port, certificate]) =>
    process.sockets.serve(
      port,
      function* (request, from) {
        const server = serverFor(site.servers, port, request.headers.host ?? '')
        const { machine } = process
        const facts = { request, client: from.host, port, server, machine, number: ++requests }
        const exchange = new Exchange({ ...facts, at: process.clock.now() })
        const response = yield* answer(answering, exchange)
        exchange.response = response
        const { log } = exchange.settings
        if (log !== undefined) yield* process.print(`${exchange.fill(site.formats.get(log)!)}\n`)
        return response
      },
      undefined,
      certificate,
    ),
  )
}

function certificateOf({ files }: Process, { servers }: Site, port: number): TlsServing | undefined {
  const server = servers.find(({ listens }) => listens.some(each => each.port === port && each.isTls))
  if (server === undefined) return undefined
  const { certificate, certificateKey } = server.settings
  if (certificate === undefined || certificateKey === undefined) {
    throw new ConfigurationFault(`no "ssl_certificate" is defined for the "listen ... ssl" directive in ${mainFile}`)
  }
  const read = (path: string): string => {
    try {
      return files.readText(path)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      const missing = 'system library::No such file or directory:calling fopen'
      throw new ConfigurationFault(
        `cannot load certificate "${path}": BIO_new_file() failed (SSL: error:80000002:${missing}(${path}, r) error:10000080:BIO routines::no such file)`,
      )
    }
  }
  return { cert: read(certificate), key: read(certificateKey) }
}
