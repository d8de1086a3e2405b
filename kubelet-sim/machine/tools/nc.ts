// nc: a connection or a listener between a socket and the standard streams, as busybox's; telnet the same for a host and port.

import type { Child, Process } from '../process.ts'
import type { Connection } from '../sockets.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { optionsOf } from './options.ts'
import { exitedWithin } from './process-tools.ts'
import { outputOf } from './text-streams.ts'
import { numberOf, ToolError, tool, UsageError } from './tool.ts'
import { addressed } from './wget.ts'

export const nc = tool('[-lkuvzn] [-p PORT] [-w SEC] [-s ADDR] [HOST] [PORT]', function* (process) {
  const options = optionsOf(process, 'lkuvznp:w:s:i:q:N46e:')
  if (options.has('e')) throw new ToolError('-e is not simulated')
  const wait = options.value('w')
  const patience = wait === undefined ? undefined : numberOf(wait) * 1000
  if (options.has('l')) {
    const port = Number(options.value('p') ?? options.words.at(-1))
    if (!Number.isInteger(port)) throw new UsageError('')
    return yield* options.has('u') ? heardDatagrams(process, port) : heard(process, port, options.has('k'), patience)
  }
  const [host, ports] = options.words
  if (host === undefined || ports === undefined) throw new UsageError('')
  const address = yield* addressed(process, { host })
  let code = 0
  for (const port of portsOf(ports)) {
    if (options.has('u')) {
      yield* sentDatagrams(process, address, port, patience ?? 1000)
      continue
    }
    let connection: Connection
    try {
      connection = yield* process.sockets.connect({ host: address, port }, { timeout: patience })
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      const timedOut = error.errno === 'ETIMEDOUT' && patience !== undefined
      const quiet = options.has('z') && !options.has('v')
      if (!quiet) {
        const where = options.has('v') ? `${host} (${address}:${port})` : `can't connect to remote host (${address})`
        yield* process.complain(timedOut ? 'nc: timed out\n' : `nc: ${where}: ${error.message}\n`)
      }
      code = 1
      continue
    }
    if (options.has('v')) yield* process.complain(`${host} (${address}:${port}) open\n`)
    if (options.has('z')) connection.close()
    else yield* bothWays(process, connection, patience)
  }
  return code
})

function portsOf(text: string): readonly number[] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text)
  if (match === null || Number(match[1]) > 65_535) throw new ToolError(`bad port '${text}'`)
  const first = Number(match[1])
  const last = Math.min(65_535, Number(match[2] ?? first))
  return Array.from({ length: Math.max(0, last - first) + 1 }, (_, index) => first + index)
}

/** What is typed goes out by a child of its own, so that both directions wait at once. */
function* bothWays(process: Process, connection: Connection, patience: number | undefined): Step<void> {
  const sender = process.spawn({
    argv: process.argv,
    *program(child) {
      try {
        for (let part = yield* child.read(); part !== undefined; part = yield* child.read())
          yield* connection.write(part)
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
      }
      connection.end()
      return 0
    },
  })
  try {
    yield* received(process, connection, sender, patience)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new ToolError(error.message)
  } finally {
    process.kill(sender.pid, 'KILL')
    connection.close()
  }
}

function* received(process: Process, connection: Connection, sender: Child, patience: number | undefined): Step<void> {
  const output = outputOf(process)
  if (patience !== undefined) {
    // With -w it also ends when nothing comes for that long: a reader of its own tells.
    while (true) {
      const reader = process.spawn({
        argv: process.argv,
        *program() {
          const part = yield* connection.read()
          if (part === undefined) return 1
          yield* output.write(part)
          return 0
        },
      })
      const code = yield* exitedWithin(process, reader, patience)
      if (code === undefined) process.kill(reader.pid, 'KILL')
      if (code !== 0) return
    }
  }
  for (let part = yield* connection.read(); part !== undefined; part = yield* connection.read()) {
    yield* output.write(part)
  }
  if (sender.exitCode === undefined) process.kill(sender.pid, 'KILL')
}

function* heard(process: Process, port: number, keeps: boolean, patience: number | undefined): Step<number> {
  let listener: ReturnType<Process['sockets']['listen']>
  try {
    listener = process.sockets.listen(port)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new ToolError(`bind: ${error.message}`)
  }
  do {
    const connection = yield* listener.accept()
    yield* bothWays(process, connection, patience)
  } while (keeps)
  listener.close()
  return 0
}

function* heardDatagrams(process: Process, port: number): Step<number> {
  const socket = process.sockets.bind(port)
  while (true) {
    const { bytes } = yield* socket.receive()
    yield* process.print(bytes)
  }
}

function* sentDatagrams(process: Process, host: string, port: number, patience: number): Step<void> {
  for (let part = yield* process.read(); part !== undefined; part = yield* process.read()) {
    const answer = yield* process.sockets.exchange({ host, port }, part, patience)
    if (answer !== undefined) yield* process.print(answer)
  }
}

export const telnet = tool('[-a] [-l USER] HOST [PORT]', function* (process) {
  const [host, port = '23'] = optionsOf(process, 'al:').words
  if (host === undefined) throw new UsageError('')
  const address = yield* addressed(process, { host })
  let connection: Connection
  try {
    connection = yield* process.sockets.connect({ host: address, port: Number(port) })
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new ToolError(`can't connect to remote host (${address}): ${error.message}`)
  }
  yield* process.print(`Connected to ${host}\n`)
  yield* bothWays(process, connection, undefined)
  yield* process.complain('Connection closed by foreign host\n')
  return 1
})
