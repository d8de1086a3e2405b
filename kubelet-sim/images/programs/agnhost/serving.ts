// agnhost's smaller servers: serve-hostname, test-webserver, liveness, porter, port-forward-tester, http-echo,
// resource-consumer, logs-generator (test/images/agnhost/*).

import type { SimulatedRequest, SimulatedResponse } from '../../../../src/client/node-client.ts'
import type { Process } from '../../../machine/process.ts'
import type { Address, Connection } from '../../../machine/sockets.ts'
import type { Step } from '../../../machine/wait.ts'
import { endingOn } from '../ending.ts'
import { pageOf } from '../file-pages.ts'
import {
  atoi,
  durationOf,
  Exit,
  fatal,
  flagsOf,
  formOf,
  httpError,
  klog,
  log,
  pathOf,
  quote,
  redirect,
  reply,
} from '../go.ts'
import { Threads } from '../threads.ts'
import { pairIn } from './serving-tls.ts'

const endOnSignals = { TERM: 143, INT: 130 } as const
const shown = ({ host, port }: Address) => `${host.includes(':') ? `[${host}]` : host}:${port}`

export function* serveHostname(process: Process, words: readonly string[]): Step<number> {
  const known = { tcp: 'false', udp: 'false', http: 'true', close: 'false', port: '9376' }
  const { text } = yield* flagsOf(process, words, known)
  const [tcp, udp, http] = [text.tcp === 'true', text.udp === 'true', text.http === 'true']
  if (http && (tcp || udp)) yield* fatal(process, "Can't server TCP/UDP mode and HTTP mode at the same time")
  const { hostname } = process.machine
  const port = Number(text.port)
  const ending = endingOn(process, { TERM: 0, INT: 130 })
  const threads = new Threads()
  if (tcp) {
    const listener = process.sockets.listen(port)
    threads.add(
      (function* () {
        for (;;) {
          const connection = yield* listener.accept()
          yield* log(process, `TCP request from ${shown(connection.remote)}`)
          yield* connection.write(Buffer.from(hostname))
          connection.close()
        }
      })(),
    )
  }
  if (udp) {
    const socket = process.sockets.bind(port)
    threads.add(
      (function* () {
        for (;;) {
          const { from } = yield* socket.receive()
          yield* log(process, `UDP request from ${shown(from)}`)
          socket.send(from, Buffer.from(hostname))
        }
      })(),
    )
  }
  if (http) {
    process.sockets.serve(port, function* (_, from) {
      yield* log(process, `HTTP request from ${shown(from)}`)
      return reply(hostname, 200, text.close === 'true' ? { connection: 'close' } : {})
    })
  }
  yield* log(process, `Serving on port ${port}.`)
  const code = yield* threads.run(ending.wait())
  if (code !== 0) return code
  yield* log(process, 'Shutting down after receiving signal: terminated.')
  yield* log(process, 'Awaiting pod deletion.')
  yield* process.sleep(60_000)
  return 0
}

const openHeaders = {
  'cache-control': 'private',
  'access-control-allow-origin': '*',
  'access-control-allow-credentials': 'true',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'DNT,X-Mx-ReqToken,Keep-Alive,User-Agent,X-Requested-With,Cache-Control,Content-Type',
}

export function* testWebserver(process: Process, words: readonly string[]): Step<number> {
  const { text } = yield* flagsOf(process, words, { port: '80' })
  const ending = endingOn(process, endOnSignals)
  // biome-ignore lint/correctness/useYield: an answer that waits for nothing
  process.sockets.serve(Number(text.port), function* (request) {
    const page = pageOf(process.files, fileServer, request)
    return { ...page, headers: { ...page.headers, ...openHeaders } }
  })
  return yield* ending.wait()
}

/** net/http's FileServer of the whole file system. */
const fileServer = {
  root: '/',
  index: ['index.html'],
  otherType: 'text/plain; charset=utf-8',
  error: (status: number) => ({
    type: 'text/plain; charset=utf-8',
    body: status === 404 ? '404 page not found\n' : status === 403 ? '403 Forbidden\n' : `${status}\n`,
  }),
  list: (_: string, names: readonly string[]) =>
    `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${names.map(name => `<a href="${encodeURI(name)}">${name}</a>\n`).join('')}</pre>\n`,
}

export function* liveness(process: Process, words: readonly string[]): Step<number> {
  yield* flagsOf(process, words, {})
  const started = process.clock.now()
  const ending = endingOn(process, endOnSignals)
  process.sockets.serve(8080, function* (request) {
    const form = formOf(request)
    const seconds = (process.clock.now() - started) / 1000
    const number = (name: string, other: number) => (form(name) === '' ? other : (atoi(form(name)) ?? Number.NaN))
    switch (pathOf(request)) {
      case '/started':
        return reply(`${seconds}s`)
      case '/healthz':
        return seconds > 10 ? reply(`error: ${seconds}`, 500) : reply('ok')
      case '/redirect':
        return redirect(request, decodeURIComponent(form('loc')), 302)
      case '/sleep-headers':
      case '/sleep-body':
      case '/slow-response': {
        const [code, time, size] = [number('code', 500), number('time', 0), number('size', 0)]
        if ([code, time, size].some(Number.isNaN)) return httpError('a parameter is invalid', 400)
        yield* process.sleep((time + number('interval', 0) * size) * 1000)
        return reply(`${'0'.repeat(size * 1024)}${time > 0 ? `Slept for ${time} secs\n` : ''}`, code)
      }
      default:
        return reply('404 page not found\n', 404)
    }
  })
  return yield* ending.wait()
}

export function* porter(process: Process, words: readonly string[]): Step<number> {
  const { text } = yield* flagsOf(process, words, { 'json-response': 'false' })
  const ending = endingOn(process, endOnSignals)
  const threads = new Threads()
  const { env } = process
  for (const [name, value] of env) {
    const found = /^SERVE_(PORT|TCP_PORT|UDP_PORT|TLS_PORT|SCTP_PORT)_(\d+)$/.exec(name)
    if (!found) continue
    const port = Number(found[2])
    if (found[1] === 'SCTP_PORT') yield* log(process, 'kubesim has no SCTP')
    else if (found[1] === 'UDP_PORT') {
      const socket = process.sockets.bind(port)
      yield* log(process, `Started UDP server on port ${port}`)
      threads.add(
        (function* () {
          for (;;) socket.send((yield* socket.receive()).from, Buffer.from(value))
        })(),
      )
    } else {
      // biome-ignore lint/correctness/useYield: an answer that waits for nothing
      const answer = function* ({ method }: SimulatedRequest): Step<SimulatedResponse> {
        if (text['json-response'] !== 'true') return reply(value)
        return reply(JSON.stringify({ Method: method, Body: value }), 200, { 'content-type': 'application/json' })
      }
      const [cert, key] = [env.get('CERT_FILE'), env.get('KEY_FILE')]
      // Its own is for localhost, signed by itself.
      const tls = found[1] !== 'TLS_PORT' ? undefined : cert && key ? yield* pairIn(process, cert, key) : 'self-signed'
      process.sockets.serve(port, answer, undefined, tls)
    }
  }
  return yield* threads.run(ending.wait())
}

export function* portForwardTester(process: Process): Step<number> {
  const { env } = process
  const number = function* (name: string): Step<number> {
    const value = atoi(env.get(name) ?? '')
    if (value !== undefined) return value
    const read = quote(env.get(name) ?? '')
    yield* process.print(`Error parsing ${name} ${read}: strconv.Atoi: parsing ${read}: invalid syntax\n`)
    throw new Exit(1)
  }
  const listener = process.sockets.listen(Number(env.get('BIND_PORT')), env.get('BIND_ADDRESS') ?? '127.0.0.1')
  const connection = yield* listener.accept()
  yield* process.print('Accepted client connection\n')
  const expected = env.get('EXPECTED_CLIENT_DATA') ?? ''
  if (expected !== '' && !(yield* hears(process, connection, expected))) return 2
  const [chunks, size, interval] = [
    yield* number('CHUNKS'),
    yield* number('CHUNK_SIZE'),
    yield* number('CHUNK_INTERVAL'),
  ]
  const data = Buffer.alloc(size, 'x')
  for (let at = 0; at < chunks; at++) {
    yield* connection.write(data)
    if (at + 1 < chunks) yield* process.sleep(interval)
  }
  yield* process.print('Shutting down connection\n')
  connection.end()
  yield* process.sleep(500)
  connection.close()
  yield* process.print('Done\n')
  return 0
}

function* hears(process: Process, connection: Connection, expected: string): Step<boolean> {
  const bytes = yield* connection.read(Buffer.byteLength(expected))
  const read = bytes?.length ?? 0
  if (read !== Buffer.byteLength(expected)) {
    const err = bytes === undefined ? 'EOF' : '<nil>'
    yield* process.print(`Expected to read ${expected.length} bytes from client, but got ${read} instead. err=${err}\n`)
    return false
  }
  const text = Buffer.from(bytes!).toString()
  if (text !== expected) {
    yield* process.print(`Expect to read ${quote(expected)}, but got ${quote(text)}. err=<nil>\n`)
    throw new Exit(3)
  }
  yield* process.print('Received expected client data\n')
  return true
}

/** Memory and processor for a time, as it is asked for by HTTP. */
export function* resourceConsumer(process: Process, words: readonly string[]): Step<number> {
  const { text } = yield* flagsOf(process, words, { port: '8080' })
  const ending = endingOn(process, endOnSignals)
  const taken = { memory: 0, cpu: 0 }
  const threads = new Threads()
  const take = function* (what: 'memory' | 'cpu', amount: number, seconds: number): Step<void> {
    taken[what] += amount
    process.machine.use(taken)
    yield* process.sleep(seconds * 1000)
    taken[what] -= amount
    process.machine.use(taken)
  }
  // biome-ignore lint/correctness/useYield: an answer that waits for nothing
  process.sockets.serve(Number(text.port), function* (request) {
    const form = formOf(request)
    if (request.method !== 'POST') return reply('unsupported method\n', 400)
    const path = pathOf(request)
    const what = path === '/ConsumeCPU' ? 'cpu' : path === '/ConsumeMem' ? 'memory' : undefined
    const unit = what === 'cpu' ? 'millicores' : 'megabytes'
    if (what === undefined) return reply(`unknown function: ${path.slice(1)}\n`, 404)
    const [seconds, amount] = [atoi(form('durationSec')), atoi(form(unit))]
    if (form('durationSec') === '' || form(unit) === '') return reply('not given function argument\n', 400)
    if (seconds === undefined || amount === undefined) return reply('incorrect function argument\n', 400)
    threads.add(take(what, what === 'memory' ? amount * 1024 * 1024 : amount, seconds))
    return reply(
      what === 'memory'
        ? `ConsumeMem\n${amount} megabytes\n${seconds} durationSec\n`
        : `ConsumeCPU\n${amount} millicores\n${seconds} durationSec\n`,
    )
  })
  return yield* threads.run(ending.wait())
}

export function* logsGenerator(process: Process, words: readonly string[]): Step<number> {
  const known = { 'log-lines-total': '0', 'run-duration': '0' }
  const { text } = yield* flagsOf(process, words, known, { t: 'log-lines-total', d: 'run-duration' })
  const total = Number(text['log-lines-total'])
  const span = durationOf(text['run-duration']!) ?? 0
  if (!(total > 0)) {
    yield* klog(process, 'logs_generator.go:70', `Invalid total number of lines: ${total}`, 'F')
    return 255
  }
  if (!(span > 0)) {
    yield* klog(process, 'logs_generator.go:74', 'Invalid duration: 0s', 'F')
    return 255
  }
  const { random } = process
  const one = (list: readonly string[]) => list[Math.floor(random.fraction() * list.length)]!
  for (let id = 0; id < total; id++) {
    const pod = random.suffix(3 + Math.floor(random.fraction() * 2))
    const url = `/api/v1/namespaces/${one(['kube-system', 'default', 'ns'])}/pods/${pod}`
    const status = 200 + Math.floor(random.fraction() * 400)
    yield* klog(process, 'logs_generator.go:87', `${id} ${one(['GET', 'POST', 'PUT'])} ${url} ${status}`)
    yield* process.sleep(span / total)
  }
  return 0
}
