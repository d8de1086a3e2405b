// agnhost netexec: HTTP and UDP servers with which upstream's network tests try who reaches whom
// (test/images/agnhost/netexec/netexec.go).

import type { SimulatedRequest, SimulatedResponse } from '../../../../src/client/node-client.ts'
import { nothing } from '../../../machine/open-stream.ts'
import { Pipe } from '../../../machine/pipe.ts'
import type { Process } from '../../../machine/process.ts'
import type { Address } from '../../../machine/sockets.ts'
import type { Step } from '../../../machine/wait.ts'
import { type Ending, endingOn } from '../ending.ts'
import { atoi, durationOf, flagsOf, formOf, goWords, httpError, log, pathOf, quote, redirect, reply } from '../go.ts'
import { Threads } from '../threads.ts'
import { pairIn } from './serving-tls.ts'

interface Server {
  readonly process: Process
  readonly ending: Ending
  isReady: boolean
  uploads: number
}

export function* netexec(process: Process, words: readonly string[]): Step<number> {
  const { text } = yield* flagsOf(process, words, {
    'http-port': '8080',
    'udp-port': '8081',
    'sctp-port': '-1',
    'tls-cert-file': '',
    'tls-private-key-file': '',
    'http-override': '',
    'udp-listen-addresses': '',
    'delay-shutdown': '0',
  })
  const delay = Number(text['delay-shutdown']) * 1000
  const ending = endingOn(process, { TERM: 143, INT: 130 })
  const threads = new Threads()
  const server: Server = { process, ending, isReady: false, uploads: 0 }
  if (text['udp-port'] !== '-1') {
    const hosts = text['udp-listen-addresses'] === '' ? [undefined] : text['udp-listen-addresses']!.split(',')
    for (const host of hosts) threads.add(udpServer(server, Number(text['udp-port']), host))
  }
  if (text['sctp-port'] !== '-1') {
    yield* log(process, `kubesim has no SCTP: nothing listens on port ${text['sctp-port']}`)
  }
  yield* log(process, `Started HTTP server on port ${text['http-port']}`)
  const override = text['http-override']!
  const [cert, key] = [text['tls-cert-file']!, text['tls-private-key-file']!]
  const tls = cert === '' || key === '' ? undefined : yield* pairIn(process, cert, key)
  process.sockets.serve(
    Number(text['http-port']),
    (request, from) => answer(server, override === '' ? request : { ...request, method: 'GET', path: override }, from),
    undefined,
    tls,
  )
  const code = yield* threads.run(ending.wait())
  if (code === 143 && delay > 0) yield* process.sleep(delay)
  return code
}

function* answer(server: Server, request: SimulatedRequest, from: Address): Step<SimulatedResponse> {
  const { process } = server
  const form = formOf(request)
  switch (pathOf(request)) {
    case '/clientip':
      yield* log(process, 'GET /clientip')
      return reply(`${from.host.includes(':') ? `[${from.host}]` : from.host}:${from.port}`)
    case '/dial':
      return yield* dial(process, request)
    case '/echo': {
      yield* log(process, `GET /echo?msg=${form('msg')}&code=${form('code')}`)
      const code = atoi(form('code'))
      if (form('code') !== '' && code === undefined) return reply(notInteger(form('code')))
      return reply(form('msg'), code ?? 200)
    }
    case '/exit':
      return yield* exit(server, form)
    case '/header': {
      const key = form('key')
      yield* log(process, `GET /header?key=${key}`)
      const value = request.headers[key.toLowerCase()]
      return key === '' ? httpError('key parameter not specified', 400) : reply(value ?? '')
    }
    case '/healthz':
      yield* log(process, 'GET /healthz')
      return reply('', server.isReady ? 200 : 412)
    case '/hostname':
    case '/hostName':
      yield* log(process, `GET ${pathOf(request)}`)
      return reply(process.machine.hostname)
    case '/redirect': {
      yield* log(process, `${request.method} /redirect?msg=${form('location')}&code=${form('code')}`)
      const code = atoi(form('code'))
      if (form('code') !== '' && code === undefined) return reply(notInteger(form('code')))
      return redirect(request, form('location'), code ?? 302)
    }
    case '/shell':
      return yield* shell(process, form('shellCommand') || form('cmd'))
    case '/shutdown':
      yield* log(process, 'GET /shutdown')
      return yield* gone(server, 0)
    case '/upload':
      return yield* upload(server, request)
    default:
      yield* log(process, 'GET /')
      return reply(`NOW: ${goTime(process.clock.now())}`)
  }
}

const notInteger = (text: string) => `argument 'code' must be an integer or empty, got ${quote(text)}\n`

/** time.Time's String, with what is left of its monotonic clock. */
function goTime(at: number): string {
  const [day, time] = new Date(at).toISOString().split('T') as [string, string]
  return `${day} ${time.slice(0, -1)}000000 +0000 UTC m=+${(at % 1_000_000) / 1000}`
}

/** The process ends, and with it the connection. */
function* gone({ process, ending }: Server, code: number): Step<SimulatedResponse> {
  ending.with(code)
  for (;;) yield* process.sleep(3_600_000)
}

function* exit(server: Server, form: (name: string) => string): Step<SimulatedResponse> {
  const { process, ending } = server
  const [code, timeout, wait] = [form('code'), form('timeout'), form('wait')]
  yield* log(process, `GET /exit?code=${code}&timeout=${timeout}&wait=${wait}`)
  const faulty = (name: string, what: string, text: string) =>
    reply(`argument '${name}' must be ${what} or empty, got ${quote(text)}\n`)
  if (timeout !== '' && durationOf(timeout) === undefined) return faulty('timeout', 'a valid golang duration', timeout)
  if (wait !== '' && durationOf(wait) === undefined) return faulty('wait', 'a valid golang duration', wait)
  if (code !== '' && atoi(code) === undefined) return faulty('code', 'an integer [0-127]', code)
  const number = atoi(code) ?? 0
  yield* log(
    process,
    `Will begin shutdown in ${wait || '0s'}, allowing ${timeout || '0s'} for connections to close, then will exit with ${number}`,
  )
  yield* process.sleep(durationOf(wait) ?? 0)
  if ((durationOf(timeout) ?? 0) === 0) return yield* gone(server, number)
  yield* log(process, 'Graceful shutdown completed with: <nil>')
  ending.with(number)
  return reply('')
}

function* dial(process: Process, request: SimulatedRequest): Step<SimulatedResponse> {
  const form = formOf(request)
  const [host, port, wanted, protocol, tries] = [
    form('host'),
    form('port'),
    form('request'),
    form('protocol').toLowerCase(),
    form('tries'),
  ]
  yield* log(
    process,
    `GET /dial?host=${host}&protocol=${form('protocol')}&port=${port}&request=${wanted}&tries=${tries}`,
  )
  const count = tries === '' ? 1 : atoi(tries)
  if (count === undefined) {
    const why = `strconv.Atoi: parsing ${quote(tries)}: invalid syntax`
    return httpError(`tries parameter is invalid. ${why}`, 400)
  }
  if (wanted === '') return httpError('request parameter not specified. <nil>', 400)
  if (!['', 'http', 'udp', 'sctp'].includes(protocol)) {
    return httpError(`unsupported protocol. ${form('protocol')}`, 400)
  }
  let address: string | undefined
  try {
    address = (yield* process.sockets.lookup(host))[0]
  } catch (error) {
    return httpError(`host and/or port param are invalid. lookup ${host}: ${goWords(error)}`, 400)
  }
  if (address === undefined) return httpError(`host and/or port param are invalid. lookup ${host}: no such host`, 400)
  const to = { host: address, port: Number(port) }
  const responses: string[] = []
  const errors: string[] = []
  let last = ''
  for (let at = 0; at < count; at++) {
    try {
      last = ''
      last = yield* protocol === 'udp' ? dialUdp(process, to, wanted) : dialHttp(process, to, wanted)
      responses.push(last)
    } catch (error) {
      errors.push(error instanceof Error ? error.message : String(error))
    }
  }
  return reply(
    JSON.stringify({
      ...(errors.length > 0 ? { errors } : {}),
      ...(last.length > 0 ? { responses } : {}),
    }),
  )
}

const dialTimeout = 5000

export function* dialHttp(process: Process, to: Address, wanted: string): Step<string> {
  const host = to.host.includes(':') ? `[${to.host}]:${to.port}` : `${to.host}:${to.port}`
  try {
    const headers = { host, 'user-agent': 'Go-http-client/1.1', 'accept-encoding': 'gzip' }
    const request = { method: 'GET', path: `/${wanted}`, headers, body: new Uint8Array() }
    const { body } = yield* process.sockets.request(to, request, { timeout: dialTimeout })
    return Buffer.from(body).toString()
  } catch (error) {
    throw new Error(`Get ${quote(`http://${host}/${wanted}`)}: dial tcp ${host}: ${goWords(error)}`)
  }
}

function* dialUdp(process: Process, to: Address, wanted: string): Step<string> {
  const answer = yield* process.sockets.exchange(to, Buffer.from(wanted), dialTimeout)
  if (answer !== undefined && answer.length > 0) return Buffer.from(answer).toString()
  const [own = ''] = process.sockets.addresses
  const why = `read udp ${own}:0->${to.host}:${to.port}: i/o timeout`
  throw new Error(`reading from udp connection failed. err:'${why}'`)
}

/** `sh -c`, both streams together. */
function* shell(process: Process, command: string): Step<SimulatedResponse> {
  yield* log(process, `GET /shell?cmd=${command}`)
  const pipe = new Pipe()
  const child = process.spawn({
    argv: ['/bin/sh', '-c', command],
    descriptors: new Map([
      [0, nothing()],
      [1, pipe.writeEnd],
      [2, pipe.writeEnd.share()],
    ]),
  })
  let output = ''
  const decoder = new TextDecoder()
  for (;;) {
    const bytes = yield* pipe.readEnd.read(65_536)
    if (bytes === undefined) break
    output += decoder.decode(bytes, { stream: true })
  }
  pipe.readEnd.close()
  const code = yield* child.exited()
  const result = {
    ...(code === 0 ? {} : { error: code > 128 ? `signal: ${code - 128}` : `exit status ${code}` }),
    ...(output === '' ? {} : { output }),
  }
  const shown = Object.entries(result).map(([name, value]) => `${name}:${value}`)
  yield* log(process, `Output: map[${shown.join(' ')}]`)
  return reply(JSON.stringify(result))
}

/** A file of a form, as curl -F sends it. */
function* upload(server: Server, { headers, body }: SimulatedRequest): Step<SimulatedResponse> {
  const { process } = server
  yield* log(process, 'GET /upload')
  const boundary = /boundary="?([^";]+)"?/.exec(headers['content-type'] ?? '')?.[1]
  const raw = Buffer.from(body).toString('latin1')
  const part = raw.split(`--${boundary}`).find(each => /name="?file"?[;\r\n]/.test(each))
  const start = part === undefined ? -1 : part.indexOf('\r\n\r\n')
  if (boundary === undefined || part === undefined || start < 0) {
    yield* log(process, 'Unable to upload file: http: no such file')
    return reply(JSON.stringify({ error: 'Unable to upload file.' }))
  }
  const path = `/uploads/upload${String(++server.uploads).padStart(9, '0')}`
  try {
    process.files.write(path, Buffer.from(part.slice(start + 4).replace(/\r\n$/, ''), 'latin1'), 0o700)
  } catch (error) {
    yield* log(process, `Unable to open file for write: open ${path}: ${goWords(error)}`)
    return reply(JSON.stringify({ error: 'Unable to open file for write' }))
  }
  yield* log(process, `Wrote upload to ${path}`)
  return reply(JSON.stringify({ output: path }), 201)
}

function* udpServer(server: Server, port: number, host: string | undefined): Step<void> {
  const { process } = server
  const socket = process.sockets.bind(port, host)
  yield* log(process, `Started UDP server on port ${host ?? ''} ${port}`)
  server.isReady = true
  for (;;) {
    const { from, bytes } = yield* socket.receive()
    const client = `${from.host}:${from.port}`
    const text = Buffer.from(bytes).toString().trim().toLowerCase()
    if (text === 'hostname') {
      yield* log(process, 'Sending udp hostName response')
      socket.send(from, Buffer.from(process.machine.hostname))
    } else if (text.startsWith('echo ')) {
      yield* log(process, `Echoing ${text.slice(5)} to UDP client ${client}`)
      socket.send(from, Buffer.from(text.slice(5)))
    } else if (text === 'clientip') {
      yield* log(process, `Sending clientip back to UDP client ${client}`)
      socket.send(from, Buffer.from(client))
    } else if (text.length > 0) yield* log(process, `Unknown UDP command received from ${client}: ${text}`)
  }
}
