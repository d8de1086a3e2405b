// curl: the options people use in containers, its messages and exit codes. What it does not know is refused by name.

import { openStream } from '../open-stream.ts'
import type { Process } from '../process.ts'
import { NameError, type StreamedResponse, TlsError } from '../sockets.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { CurlFault as Fault } from './curl-fault.ts'
import { curlTls, tlsFault } from './curl-tls.ts'
import { headerLines, hostHeader, redirected, statusLine, type Target, targetOf } from './http-exchange.ts'
import { type Options, optionsOf } from './options.ts'
import { openInput, readAll } from './text-streams.ts'
import { baseName, tool, UsageError } from './tool.ts'

const version = '8.9.1'

const long: Readonly<Record<string, string>> = {
  silent: 's',
  'show-error': 'S',
  output: 'o',
  'remote-name': 'O',
  include: 'i',
  head: 'I',
  verbose: 'v',
  request: 'X',
  header: 'H',
  data: 'd',
  'data-ascii': 'd',
  'data-raw': 'R',
  'data-binary': 'B',
  'data-urlencode': 'U',
  json: 'J',
  insecure: 'k',
  location: 'L',
  fail: 'f',
  'fail-with-body': 'F',
  'write-out': 'w',
  'max-time': 'm',
  'connect-timeout': 'C',
  resolve: 'r',
  user: 'u',
  'user-agent': 'A',
  referer: 'e',
  get: 'G',
  compressed: 'Z',
  globoff: 'g',
  'no-buffer': 'N',
  ipv4: '4',
  ipv6: '6',
  'http1.1': '1',
  http2: '2',
  cacert: 'c',
  cert: 'E',
  key: 'K',
  retry: 'y',
  'retry-delay': 'Y',
  'retry-connrefused': 'W',
  'retry-all-errors': 'Q',
  'max-redirs': 'M',
  'progress-bar': '#',
  'no-progress-meter': 'n',
  version: 'V',
  url: 'l',
  cookie: 'b',
  'dump-header': 'D',
  'oauth2-bearer': 'T',
  'create-dirs': 'P',
  noproxy: 'x',
  interface: 'a',
  parallel: 'p',
}

export const curl = tool(
  '[options...] <url>',
  function* (process) {
    const letters = 'sSo:OiIvX:H:d:R:B:U:J:kLfFw:m:C:r:u:A:e:GZgN4612c:E:K:y:Y:WQM:#nVl:b:D:T:Px:a:p'
    let options: Options
    try {
      options = optionsOf(process, letters, long)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      const option = /'(.*)'/.exec(error.message)?.[1] ?? ''
      const known = error.message.startsWith('option requires')
      const shown = option.length === 1 ? `-${option}` : option
      const words = known ? 'requires parameter' : 'is unknown'
      yield* process.complain(
        `curl: option ${shown}: ${words}\ncurl: try 'curl --help' or 'curl --manual' for more information\n`,
      )
      return 2
    }
    if (options.has('V')) {
      yield* process.print(`curl ${version} (x86_64-pc-linux-gnu) libcurl/${version}\nProtocols: http https\n`)
      return 0
    }
    const urls = [...options.values('l'), ...options.words]
    if (urls.length === 0) {
      yield* process.complain('curl: (2) no URL specified\n')
      return 2
    }
    let code = 0
    const outputs = options.given.filter(({ letter }) => letter === 'o' || letter === 'O')
    for (const [index, url] of urls.entries()) {
      const output = outputs[index]
      const name = output?.letter === 'O' ? baseName(url.replace(/[?#].*$/, '')) : output?.value
      code = yield* one(process, url, name, options)
    }
    return code
  },
  2,
)

function* one(process: Process, url: string, output: string | undefined, options: Options): Step<number> {
  const isSilent = options.has('s') && !options.has('S')
  const retries = Number(options.value('y') ?? 0)
  for (let tries = 0; ; tries++) {
    const from = process.clock.now()
    try {
      return yield* transfer(process, url, output, options, from)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      const again = [28, 7].includes(error.code) && (error.code === 28 || options.has('W') || options.has('Q'))
      if (again && tries < retries) {
        yield* process.sleep(Number(options.value('Y') ?? 2 ** tries) * 1000)
        continue
      }
      yield* writtenOut(process, options, { url, status: 0, seconds: (process.clock.now() - from) / 1000, size: 0 })
      if (!isSilent) yield* process.complain(`curl: (${error.code}) ${error.message}\n`)
      return error.code
    }
  }
}

function* transfer(
  process: Process,
  url: string,
  output: string | undefined,
  options: Options,
  from: number,
): Step<number> {
  let target = targetOf(url)
  if (target === undefined) {
    const scheme = /^(\w+):\/\//.exec(url)?.[1]
    if (scheme !== undefined && !/^https?$/i.test(scheme)) throw new Fault(1, `Protocol "${scheme}" not supported`)
    throw new Fault(3, 'URL rejected: Malformed input to a URL function')
  }
  const bodies = yield* bodiesOf(process, options)
  let body = bodies === undefined ? undefined : Buffer.concat(bodies.length > 1 ? joinedBy(bodies, '&') : bodies)
  if (options.has('G') && body !== undefined) {
    target = { ...target, path: `${target.path}${target.path.includes('?') ? '&' : '?'}${body}` }
    body = undefined
  }
  let method = options.value('X') ?? (options.has('I') ? 'HEAD' : body === undefined ? 'GET' : 'POST')
  const most = Number(options.value('M') ?? 50)
  let response: StreamedResponse
  let heads = ''
  let shown: Target = target
  for (let redirects = 0; ; redirects++) {
    response = yield* asked(process, shown, method, body, options, from)
    heads += `${[statusLine(response), ...headerLines(response)].join('\r\n')}\r\n\r\n`
    const { location } = response.headers
    if (!options.has('L') || location === undefined || response.status < 300 || response.status >= 400) break
    if (redirects >= most) throw new Fault(47, `Maximum (${most}) redirects followed`)
    const next = redirected(shown, location)
    if (next === undefined) throw new Fault(3, 'URL rejected: Malformed input to a URL function')
    response.close()
    shown = next
    if (method === 'POST' && response.status < 304 && !options.has('X')) {
      method = 'GET'
      body = undefined
    }
  }
  const isFailure = response.status >= 400 && (options.has('f') || options.has('F'))
  const dumped = options.value('D')
  if (dumped === '-') yield* process.print(heads)
  else if (dumped !== undefined) yield* written(process, dumped, Buffer.from(heads))
  const isHead = options.has('I')
  const outlet = outletOf(process, output)
  let size = 0
  try {
    if (options.has('i') || isHead) yield* outlet.write(Buffer.from(heads))
    for (;;) {
      const part = yield* told(response.read(), process, shown, from, options)
      if (part === undefined) break
      size += part.length
      if (!isHead && (!isFailure || options.has('F'))) yield* outlet.write(part)
    }
  } finally {
    response.close()
    outlet.close()
  }
  const toTerminal = output === undefined && process.descriptors.get(1)?.terminal !== undefined
  const isQuiet = options.has('s') || options.has('n') || (output === undefined && options.has('v'))
  if (!isQuiet && !toTerminal) yield* process.complain(meter(size))
  yield* writtenOut(process, options, {
    url: `${shown.tls ? 'https' : 'http'}://${hostHeader(shown)}${shown.path}`,
    status: response.status,
    seconds: (process.clock.now() - from) / 1000,
    size,
    type: response.headers['content-type'],
  })
  if (!isFailure) return 0
  if (!options.has('s') || options.has('S')) {
    yield* process.complain(`curl: (22) The requested URL returned error: ${response.status}\n`)
  }
  return 22
}

function* bodiesOf(process: Process, options: Options): Step<Buffer[] | undefined> {
  const bodies: Buffer[] = []
  for (const { letter, value = '' } of options.given) {
    if (letter === 'R') bodies.push(Buffer.from(value))
    else if (letter === 'U') {
      const equals = value.indexOf('=')
      const name = equals > 0 ? `${value.slice(0, equals)}=` : ''
      bodies.push(Buffer.from(name + encodeURIComponent(value.slice(equals + 1))))
    } else if ('dBJ'.includes(letter)) {
      if (!value.startsWith('@')) bodies.push(Buffer.from(value))
      else {
        try {
          const stream = openInput(process, value.slice(1))
          const bytes = yield* readAll(process, stream)
          stream.close()
          bodies.push(letter === 'd' ? Buffer.from(bytes.filter(byte => byte !== 10 && byte !== 13)) : bytes)
        } catch (error) {
          if (!(error instanceof SystemError)) throw error
          throw new Fault(26, 'Failed to open/read local data from file/application')
        }
      }
    }
  }
  return bodies.length > 0 ? bodies : undefined
}

function joinedBy(parts: readonly Buffer[], mark: string): readonly Buffer[] {
  return parts.flatMap((part, index) => (index > 0 ? [Buffer.from(mark), part] : [part]))
}

function* asked(
  process: Process,
  target: Target,
  method: string,
  body: Buffer | undefined,
  options: Options,
  from: number,
): Step<StreamedResponse> {
  const tell = function* (text: string): Step<void> {
    if (options.has('v')) yield* process.complain(text)
  }
  const address = yield* resolved(process, target, options)
  yield* tell(`*   Trying ${address.includes(':') ? `[${address}]` : address}:${target.port}...\n`)
  const headers = headersOf(target, method, body, options)
  const tls = curlTls(process, target, options)
  const request = { method, path: target.path, headers: lowered(headers), body: body ?? new Uint8Array(0) }
  const limits = { timeout: timeoutOf(process, options, from), tls }
  const response = yield* told(
    process.sockets.stream({ host: address, port: target.port }, request, limits),
    process,
    target,
    from,
    options,
  )
  yield* tell(`* Connected to ${target.host} (${address}) port ${target.port}\n`)
  yield* tell([`${method} ${target.path} HTTP/1.1`, ...headers, ''].map(line => `> ${line}\n`).join(''))
  yield* tell('* Request completely sent off\n')
  yield* tell([statusLine(response), ...headerLines(response), ''].map(line => `< ${line}\n`).join(''))
  yield* tell(`* Connection #0 to host ${target.host} left intact\n`)
  return response
}

/** --max-time from the beginning, --connect-timeout from now, whichever is less. */
function timeoutOf(process: Process, options: Options, from: number): number | undefined {
  const limits = [options.value('m'), options.value('C')]
    .map(text => (text === undefined || Number(text) === 0 ? undefined : Number(text) * 1000))
    .map((millis, index) => (millis !== undefined && index === 0 ? from + millis - process.clock.now() : millis))
    .filter(each => each !== undefined)
  return limits.length > 0 ? Math.max(0, Math.min(...limits)) : undefined
}

/** What the network says, in curl's words. */
function* told<T>(step: Step<T>, process: Process, target: Target, from: number, options: Options): Step<T> {
  const timeout = timeoutOf(process, options, from)
  try {
    return yield* step
  } catch (error) {
    if (error instanceof TlsError) throw tlsFault(error, target)
    if (!(error instanceof SystemError)) throw error
    throw faultOf(error, process, target, timeout, from)
  }
}

function faultOf(
  { errno }: SystemError,
  process: Process,
  { host, port }: Target,
  timeout: number | undefined,
  from: number,
): Fault {
  const passed = Math.round(process.clock.now() - from)
  if (errno === 'ETIMEDOUT') {
    if (timeout !== undefined) return new Fault(28, `Connection timed out after ${passed} milliseconds`)
    return new Fault(28, `Failed to connect to ${host} port ${port} after ${passed} ms: Couldn't connect to server`)
  }
  if (errno === 'EPIPE') return new Fault(52, 'Empty reply from server')
  if (errno === 'ECONNRESET') return new Fault(56, 'Recv failure: Connection reset by peer')
  return new Fault(7, `Failed to connect to ${host} port ${port} after ${passed} ms: Couldn't connect to server`)
}

function* resolved(process: Process, { host, port }: Target, options: Options): Step<string> {
  for (const entry of options.values('r')) {
    const match = /^([^:]+):(\d+):(.+)$/.exec(entry)
    if (match !== null && (match[1] === host || match[1] === '*') && Number(match[2]) === port) {
      return match[3]!.split(',')[0]!.replace(/^\[|\]$/g, '')
    }
  }
  try {
    const addresses = yield* process.sockets.lookup(host)
    const wanted = options.has('6')
      ? addresses.find(each => each.includes(':'))
      : options.has('4')
        ? addresses.find(each => !each.includes(':'))
        : addresses[0]
    if (wanted !== undefined) return wanted
  } catch (error) {
    if (!(error instanceof NameError)) throw error
  }
  throw new Fault(6, `Could not resolve host: ${host}`)
}

function headersOf(target: Target, method: string, body: Buffer | undefined, options: Options): readonly string[] {
  const headers = new Map<string, string>([
    ['host', `Host: ${hostHeader(target)}`],
    ['user-agent', `User-Agent: ${options.value('A') ?? `curl/${version}`}`],
    ['accept', 'Accept: */*'],
  ])
  const user = options.value('u') ?? target.user
  if (user !== undefined) headers.set('authorization', `Authorization: Basic ${Buffer.from(user).toString('base64')}`)
  const bearer = options.value('T')
  if (bearer !== undefined) headers.set('authorization', `Authorization: Bearer ${bearer}`)
  const cookie = options.value('b')
  if (cookie?.includes('=')) headers.set('cookie', `Cookie: ${cookie}`)
  const referer = options.value('e')
  if (referer !== undefined) headers.set('referer', `Referer: ${referer}`)
  if (body !== undefined && method !== 'GET' && method !== 'HEAD') {
    headers.set('content-length', `Content-Length: ${body.length}`)
    const type = options.has('J') ? 'application/json' : 'application/x-www-form-urlencoded'
    headers.set('content-type', `Content-Type: ${type}`)
    if (options.has('J')) headers.set('accept', 'Accept: application/json')
  }
  for (const header of options.values('H')) {
    const colon = header.indexOf(':')
    if (colon < 0) continue
    const name = header.slice(0, colon).trim().toLowerCase()
    if (header.slice(colon + 1).trim() === '') headers.delete(name)
    else headers.set(name, header)
  }
  return [...headers.values()]
}

function lowered(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    headers.map(header => {
      const colon = header.indexOf(':')
      return [header.slice(0, colon).trim().toLowerCase(), header.slice(colon + 1).trim()]
    }),
  )
}

/** Where the body goes, part by part: the output, or a file. */
function outletOf(process: Process, output: string | undefined) {
  if (output === undefined || output === '-') {
    return { write: (bytes: Uint8Array) => process.print(bytes), close() {} }
  }
  try {
    return openStream(process, output, { write: true, create: true, truncate: true })
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new Fault(23, 'Failure writing output to destination')
  }
}

function* written(process: Process, name: string, bytes: Uint8Array): Step<void> {
  try {
    const stream = openStream(process, name, { write: true, create: true, truncate: true })
    yield* stream.write(bytes)
    stream.close()
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new Fault(23, 'Failure writing output to destination')
  }
}

interface Facts {
  readonly url: string
  readonly status: number
  readonly seconds: number
  readonly size: number
  readonly type?: string | undefined
}

function* writtenOut(process: Process, options: Options, facts: Facts): Step<void> {
  const format = options.value('w')
  if (format === undefined) return
  const seconds = facts.seconds.toFixed(6)
  const values: Readonly<Record<string, string>> = {
    http_code: String(facts.status).padStart(3, '0'),
    response_code: String(facts.status).padStart(3, '0'),
    size_download: String(facts.size),
    time_total: seconds,
    time_connect: seconds,
    time_namelookup: '0.000000',
    time_starttransfer: seconds,
    url_effective: facts.url,
    content_type: facts.type ?? '',
    num_redirects: '0',
  }
  const text = format
    .replace(/%\{(\w+)\}/g, (_, name: string) => values[name] ?? '')
    .replaceAll('%%', '%')
    .replace(/\\([nrt])/g, (_, letter: string) => ({ n: '\n', r: '\r', t: '\t' })[letter]!)
  yield* process.print(text)
}

function meter(size: number): string {
  const shown = String(size).padStart(5)
  return [
    '  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current',
    '                                 Dload  Upload   Total   Spent    Left  Speed',
    `\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\r100 ${shown}  100 ${shown}    0     0 ${String(size * 100).padStart(6)}      0 --:--:-- --:--:-- --:--:-- ${String(size * 100).padStart(5)}`,
    '',
  ].join('\n')
}
