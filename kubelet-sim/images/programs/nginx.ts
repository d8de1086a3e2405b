// nginx, as far as its files decide: `server` blocks of /etc/nginx/nginx.conf and conf.d with listen, root, index, location
// with root, alias, return and proxy_pass refused by name; an access log to its standard output; -t, -s, -v.

import type { SimulatedRequest, SimulatedResponse } from '../../../src/client/node-client.ts'
import type { FileSystem } from '../../machine/file-system.ts'
import type { Process, Program } from '../../machine/process.ts'
import { SystemError } from '../../machine/system-error.ts'
import { accessLine } from '../access-log.ts'
import { nginx as family } from '../nginx.ts'
import { fillTimes } from '../placeholders.ts'
import { endingOn } from './ending.ts'
import { type Pages, pageOf, reasons } from './file-pages.ts'

const version = '1.29.3'
const image = family[0]!

interface Location {
  readonly path: string
  readonly exact: boolean
  readonly root?: string
  readonly alias?: string
  readonly answers?: { readonly status: number; readonly text: string }
}

interface Server {
  readonly ports: readonly number[]
  readonly root: string
  readonly index: readonly string[]
  readonly locations: readonly Location[]
}

export const nginx: Program = function* (process) {
  const words = process.argv.slice(1)
  if (words.includes('-v') || words.includes('-V')) {
    yield* process.complain(`nginx version: nginx/${version}\n`)
    return 0
  }
  const signal = words.indexOf('-s')
  if (signal >= 0) return tellMaster(process, words[signal + 1] ?? '')
  let servers: readonly Server[]
  try {
    servers = configurationOf(process.files)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const where = words.includes('-t') ? 'nginx: ' : `${fillTimes('$(nginx-time)', process.clock.now())} `
    yield* process.complain(`${where}[emerg] ${words.includes('-t') ? '' : '1#1: '}${error.message}\n`)
    if (words.includes('-t')) yield* process.complain('nginx: configuration file /etc/nginx/nginx.conf test failed\n')
    return 1
  }
  if (words.includes('-t')) {
    yield* process.complain('nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n')
    yield* process.complain('nginx: configuration file /etc/nginx/nginx.conf test is successful\n')
    return 0
  }
  const ending = endingOn(process, { TERM: 0, QUIT: 0, INT: 0 })
  let listeners = listen(process, servers)
  process.onSignal('HUP', () => {
    try {
      const next = configurationOf(process.files)
      for (const listener of listeners) listener.close()
      listeners = listen(process, next)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
    }
  })
  for (const line of image.prints ?? []) {
    if (line.includes('[notice]')) yield* process.complain(`${fillTimes(line, process.clock.now())}\n`)
  }
  const code = yield* ending.wait()
  for (const listener of listeners) listener.close()
  return code
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

function listen(process: Process, servers: readonly Server[]): { close(): void }[] {
  const byPort = new Map<number, Server>()
  for (const server of servers) for (const port of server.ports) if (!byPort.has(port)) byPort.set(port, server)
  return [...byPort].map(([port, server]) =>
    process.sockets.serve(port, function* (request, from) {
      const response = answerOf(process.files, server, request)
      const { method, path, headers } = request
      const served = { at: process.clock.now(), client: from.host, method, path, headers }
      const line = accessLine(image.accessLog, { ...served, status: response.status, bytes: response.body.length })
      if (line !== undefined) yield* process.print(`${line}\n`)
      return response
    }),
  )
}

function answerOf(files: FileSystem, server: Server, request: SimulatedRequest): SimulatedResponse {
  const path = request.path.split('?', 1)[0]!
  let best: Location | undefined
  for (const location of server.locations) {
    if (location.exact ? path !== location.path : !path.startsWith(location.path)) continue
    if (location.exact) {
      best = location
      break
    }
    if (best === undefined || location.path.length > best.path.length) best = location
  }
  const pages = pagesOf(best?.root ?? server.root, server.index)
  if (best?.answers) {
    const { status, text } = best.answers
    if (status >= 300 && status < 400) {
      return { status, headers: { server: `nginx/${version}`, location: text }, body: new Uint8Array() }
    }
    const body = Buffer.from(text === '' && status >= 400 ? pages.error(status, path).body : text)
    const type = text === '' ? 'text/html' : 'text/plain'
    return {
      status,
      headers: { server: `nginx/${version}`, 'content-type': type, 'content-length': String(body.length) },
      body,
    }
  }
  if (best?.alias === undefined) return pageOf(files, pages, request)
  const rest = request.path.slice(best.path.length)
  return pageOf(files, pagesOf(best.alias, server.index), {
    ...request,
    path: rest.startsWith('/') ? rest : `/${rest}`,
  })
}

function pagesOf(root: string, index: readonly string[]): Pages {
  return {
    root,
    index,
    server: `nginx/${version}`,
    error: status => ({
      type: 'text/html',
      body: [
        '<html>',
        `<head><title>${status} ${reasons[status] ?? ''}</title></head>`,
        '<body>',
        `<center><h1>${status} ${reasons[status] ?? ''}</h1></center>`,
        `<hr><center>nginx/${version}</center>`,
        '</body>',
        '</html>',
        '',
      ].join('\r\n'),
    }),
  }
}

/** What nginx would not start with. */
class Fault extends Error {
  override readonly name = 'Fault'
}

interface Directive {
  readonly words: readonly string[]
  readonly block?: readonly Directive[]
}

export function configurationOf(files: FileSystem): readonly Server[] {
  const main = '/etc/nginx/nginx.conf'
  const servers: Server[] = []
  const visit = (directives: readonly Directive[]): void => {
    for (const { words, block } of directives) {
      if (words[0] === 'http' && block) visit(block)
      else if (words[0] === 'server' && block) servers.push(serverOf(block))
      else if (words[0] === 'include') for (const path of included(files, words[1] ?? '')) visit(read(files, path))
    }
  }
  visit(read(files, main))
  return servers
}

function read(files: FileSystem, path: string): readonly Directive[] {
  try {
    return parse(files.readText(path), path)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    throw new Fault(`open() "${path}" failed (2: No such file or directory)`)
  }
}

function included(files: FileSystem, pattern: string): string[] {
  const whole = pattern.startsWith('/') ? pattern : `/etc/nginx/${pattern}`
  // What it knows of types is in this file.
  if (/mime\.types$/.test(whole)) return []
  const slash = whole.lastIndexOf('/')
  const [folder, name] = [whole.slice(0, slash), whole.slice(slash + 1)]
  if (!name.includes('*')) return [whole]
  if (!files.exists(folder)) return []
  const [before = '', after = ''] = name.split('*')
  return files
    .list(folder)
    .filter(each => each.startsWith(before) && each.endsWith(after) && !each.startsWith('.'))
    .map(each => `${folder}/${each}`)
}

function serverOf(block: readonly Directive[]): Server {
  const ports: number[] = []
  let root = '/etc/nginx/html'
  let index: readonly string[] = ['index.html']
  const locations: Location[] = []
  for (const { words, block: inner } of block) {
    const [name, first = '', second = ''] = words
    if (name === 'listen') {
      const port = Number(/(?:^|:)(\d+)$/.exec(first)?.[1] ?? (/^\d+$/.test(first) ? first : 80))
      if (!ports.includes(port)) ports.push(port)
    } else if (name === 'root') root = first
    else if (name === 'index') index = words.slice(1)
    else if (name === 'return') locations.push({ path: '/', exact: false, answers: answering(words) })
    else if (name === 'location' && inner && !first.startsWith('~')) {
      const own = (word: string) => inner.find(each => each.words[0] === word)?.words
      const answers = own('return')
      const inside = own('index')
      if (inside && first === '/') index = inside.slice(1)
      const proxied = own('proxy_pass') ?? own('fastcgi_pass')
      locations.push({
        path: first === '=' || first === '^~' ? second : first,
        exact: first === '=',
        ...(own('root') ? { root: own('root')![1] ?? '' } : {}),
        ...(own('alias') ? { alias: own('alias')![1] ?? '' } : {}),
        ...(answers ? { answers: answering(answers) } : {}),
        ...(proxied ? { answers: { status: 502, text: `kubesim's nginx does not have ${proxied[0]} yet\n` } } : {}),
      })
    }
  }
  return { ports: ports.length > 0 ? ports : [80], root, index, locations }
}

function answering([, status = '', ...text]: readonly string[]): { status: number; text: string } {
  return /^\d{3}$/.test(status) ? { status: Number(status), text: text.join(' ') } : { status: 302, text: status }
}

/** Words and blocks of a configuration file. */
function parse(text: string, path: string): readonly Directive[] {
  const tokens =
    text.match(
      /#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|(?:[^\s{};"'#\\]|\\.|\$\{\w+\})(?:[^\s{};\\]|\\.|\$\{\w+\})*/g,
    ) ?? []
  const stack: Directive[][] = [[]]
  let words: string[] = []
  const place = `in ${path}:${text.split('\n').length}`
  for (const token of tokens) {
    if (token.startsWith('#')) continue
    const top = stack[stack.length - 1]!
    if (token === ';') {
      if (words.length === 0) throw new Fault(`unexpected ";" ${place}`)
      top.push({ words })
      words = []
    } else if (token === '{') {
      const block: Directive[] = []
      top.push({ words, block })
      stack.push(block)
      words = []
    } else if (token === '}') {
      if (words.length > 0 || stack.length === 1) throw new Fault(`unexpected "}" ${place}`)
      stack.pop()
    } else words.push(/^["']/.test(token) ? token.slice(1, -1).replace(/\\n/g, '\n').replace(/\\(.)/g, '$1') : token)
  }
  if (words.length > 0) throw new Fault(`directive "${words[0]}" is not terminated by ";" ${place}`)
  if (stack.length > 1) throw new Fault(`unexpected end of file, expecting "}" ${place}`)
  return stack[0]!
}
