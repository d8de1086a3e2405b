// What nginx' configuration says, ready to be asked: servers by port and name, their locations with all that they inherit from
// what they stand in, upstreams, formats of the access log. Made of checked directives; throws nginx' words for the rest.

import { ConfigurationFault, type Directive, placeOf } from './configuration-text.ts'

export interface Site {
  readonly servers: readonly Server[]
  readonly upstreams: ReadonlyMap<string, readonly Peer[]>
  readonly formats: ReadonlyMap<string, string>
  /** The folder of bodies that are received. */
  readonly temporary: string
}

export interface Listen {
  readonly port: number
  readonly isDefault: boolean
  readonly isTls: boolean
}

export interface Server {
  readonly listens: readonly Listen[]
  readonly names: readonly string[]
  readonly settings: Settings
  readonly locations: readonly Location[]
}

export interface Location {
  readonly kind: 'prefix' | 'exact' | 'regex'
  /** A prefix before which no regular expression is asked. */
  readonly isFinal: boolean
  readonly path: string
  readonly pattern?: RegExp
  readonly settings: Settings
  readonly alias?: string
  readonly proxy?: Proxy
  readonly isInternal: boolean
  readonly isStatus: boolean
  /** A `*_pass` that is not simulated. */
  readonly missing?: string
}

/** What is inherited, and the rewriting of one level. */
export interface Settings {
  readonly root: string
  readonly index: readonly string[]
  readonly defaultType: string
  readonly lists: boolean
  readonly tries: readonly string[] | undefined
  readonly headers: readonly (readonly [name: string, value: string, always: boolean])[]
  readonly proxyHeaders: readonly (readonly [name: string, value: string])[]
  readonly proxyTimeout: number
  readonly errorPages: readonly ErrorPage[]
  /** Name of a format; undefined: no log. */
  readonly log: string | undefined
  readonly certificate: string | undefined
  readonly certificateKey: string | undefined
  /** In order: set, rewrite, return. */
  readonly steps: readonly RewriteStep[]
}

export type RewriteStep =
  | { readonly does: 'set'; readonly name: string; readonly value: string }
  | { readonly does: 'return'; readonly status: number; readonly text: string | undefined }
  | { readonly does: 'rewrite'; readonly pattern: RegExp; readonly to: string; readonly flag: string | undefined }

export interface ErrorPage {
  readonly codes: readonly number[]
  /** `=200`; 0: that of the answer (`=`). */
  readonly as: number | undefined
  readonly uri: string
}

export interface Proxy {
  readonly scheme: 'http' | 'https'
  /** With its port, as written: what `$proxy_host` is. */
  readonly host: string
  /** In place of the location's path; undefined: the request's own. */
  readonly uri: string | undefined
  readonly hasVariables: boolean
  readonly place: string
}

export interface Peer {
  readonly host: string
  readonly port: number
  readonly place: string
}

const combinedFormat =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'

const builtIn: Settings = {
  root: '/etc/nginx/html',
  index: ['index.html'],
  defaultType: 'text/plain',
  lists: false,
  tries: undefined,
  headers: [],
  proxyHeaders: [],
  proxyTimeout: 60_000,
  errorPages: [],
  log: 'combined',
  certificate: undefined,
  certificateKey: undefined,
  steps: [],
}

export function siteOf(directives: readonly Directive[]): Site {
  const formats = new Map([['combined', combinedFormat]])
  const upstreams = new Map<string, readonly Peer[]>()
  const servers: Server[] = []
  let temporary = '/var/cache/nginx/client_temp'
  for (const { block = [] } of directives.filter(({ name }) => name === 'http')) {
    for (const { name, args } of block) if (name === 'log_format') formats.set(args[0]!, formatOf(args.slice(1)))
    for (const directive of block) {
      if (directive.name === 'client_body_temp_path') temporary = directive.args[0]!
      if (directive.name === 'upstream') upstreams.set(directive.args[0]!, peersOf(directive))
    }
    const settings = settingsOf(block, builtIn, formats)
    for (const directive of block) if (directive.name === 'server') servers.push(serverOf(directive, settings, formats))
  }
  return { servers, upstreams, formats, temporary }
}

const formatOf = (args: readonly string[]): string => args.filter(arg => !arg.startsWith('escape=')).join('')

function peersOf({ block = [], ...at }: Directive): readonly Peer[] {
  const peers = block
    .filter(each => each.name === 'server' && !each.args.includes('down'))
    .map(each => ({ ...hostAndPort(each.args[0]!, 80), place: placeOf(each) }))
  if (peers.length === 0) throw new ConfigurationFault(`no servers are inside upstream ${placeOf(at)}`)
  return peers
}

export function hostAndPort(text: string, otherwise: number): { readonly host: string; readonly port: number } {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? []
  return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? otherwise : Number(port) }
}

function serverOf(directive: Directive, outer: Settings, formats: ReadonlyMap<string, string>): Server {
  const { block = [] } = directive
  const settings = settingsOf(block, { ...outer, steps: [] }, formats)
  const listens = block.filter(({ name }) => name === 'listen').map(listenOf)
  const names = block.filter(({ name }) => name === 'server_name').flatMap(({ args }) => args)
  return {
    listens: listens.length > 0 ? listens : [{ port: 80, isDefault: false, isTls: false }],
    names: names.length > 0 ? names : [''],
    settings,
    locations: locationsOf(block, settings, formats),
  }
}

const listenWords =
  /^(default|default_server|ssl|http2|quic|proxy_protocol|deferred|bind|reuseport|(backlog|rcvbuf|sndbuf|setfib|fastopen|accept_filter|ipv6only|so_keepalive)=.+)$/

function listenOf({ args, ...at }: Directive): Listen {
  const [place = '', ...words] = args
  const port = /^\d+$/.test(place) ? Number(place) : hostAndPort(place, 80).port
  if (port < 1 || port > 65_535 || /[;{}]/.test(place)) {
    throw new ConfigurationFault(`invalid port in "${place}" of the "listen" directive ${placeOf(at)}`)
  }
  const wrong = words.find(word => !listenWords.test(word))
  if (wrong !== undefined) throw new ConfigurationFault(`invalid parameter "${wrong}" ${placeOf(at)}`)
  return { port, isDefault: /^default/m.test(words.join('\n')), isTls: words.includes('ssl') }
}

/** Those inside of others count with them: the more exact one is found by its own path. */
function locationsOf(block: readonly Directive[], outer: Settings, formats: ReadonlyMap<string, string>): Location[] {
  const found: Location[] = []
  for (const directive of block) {
    if (directive.name !== 'location') continue
    const { args, block: inner = [] } = directive
    const [mark, path] = args.length === 2 ? [args[0]!, args[1]!] : ['', args[0]!]
    if (!['', '=', '^~', '~', '~*'].includes(mark)) {
      throw new ConfigurationFault(`invalid location modifier "${mark}" ${placeOf(directive)}`)
    }
    const kind = mark === '=' ? 'exact' : mark.startsWith('~') ? 'regex' : 'prefix'
    if (found.some(each => each.kind === kind && each.kind !== 'regex' && each.path === path)) {
      throw new ConfigurationFault(`duplicate location "${path}" ${placeOf(directive)}`)
    }
    const own = (name: string): Directive | undefined => inner.find(each => each.name === name)
    const settings = settingsOf(inner, { ...outer, steps: [], tries: undefined }, formats)
    const proxied = own('proxy_pass')
    const proxy = proxied && proxyOf(proxied)
    if (proxy?.uri !== undefined && kind === 'regex' && !proxy.hasVariables) {
      const where =
        'in location given by regular expression, or inside named location, or inside "if" statement, or inside "limit_except" block'
      throw new ConfigurationFault(`"proxy_pass" cannot have URI part ${where} ${placeOf(proxied!)}`)
    }
    const missing = inner.find(({ name }) => /_pass$/.test(name) && name !== 'proxy_pass')?.name
    found.push({
      kind,
      isFinal: mark === '^~',
      path,
      settings,
      isInternal: own('internal') !== undefined || path.startsWith('@'),
      isStatus: own('stub_status') !== undefined,
      ...(kind === 'regex' && { pattern: patternOf(path, mark === '~*', directive) }),
      ...(own('alias') && { alias: own('alias')!.args[0]! }),
      ...(proxy && { proxy }),
      ...(missing !== undefined && { missing }),
    })
    found.push(...locationsOf(inner, settings, formats))
  }
  return found
}

function patternOf(text: string, ignoresCase: boolean, at: Directive): RegExp {
  try {
    return new RegExp(text.replaceAll('(?P<', '(?<'), ignoresCase ? 'i' : '')
  } catch {
    throw new ConfigurationFault(`pcre2_compile() failed: missing closing parenthesis in "${text}" ${placeOf(at)}`)
  }
}

function proxyOf(directive: Directive): Proxy {
  const url = directive.args[0]!
  const [, scheme, host = '', uri] = /^(https?):\/\/([^/]*)(\/.*)?$/.exec(url) ?? []
  if (scheme === undefined) throw new ConfigurationFault(`invalid URL prefix ${placeOf(directive)}`)
  return {
    scheme: scheme as Proxy['scheme'],
    host,
    uri,
    hasVariables: url.includes('$'),
    place: placeOf(directive),
  }
}

/** Lists of one level replace those of the level above, as nginx does. */
function settingsOf(block: readonly Directive[], outer: Settings, formats: ReadonlyMap<string, string>): Settings {
  const all = (name: string): readonly Directive[] => block.filter(each => each.name === name)
  const last = (name: string): readonly string[] | undefined => all(name).at(-1)?.args
  const [headers, proxyHeaders, pages] = [all('add_header'), all('proxy_set_header'), all('error_page')]
  for (const name of ['root', 'alias']) {
    const second = all(name)[1]
    if (second) throw new ConfigurationFault(`"${name}" directive is duplicate ${placeOf(second)}`)
  }
  return {
    root: last('root')?.[0] ?? outer.root,
    index: last('index') ?? outer.index,
    defaultType: last('default_type')?.[0] ?? outer.defaultType,
    lists: (last('autoindex')?.[0] ?? (outer.lists ? 'on' : 'off')) === 'on',
    tries: last('try_files') ?? outer.tries,
    headers: headers.length > 0 ? headers.map(({ args }) => [args[0]!, args[1]!, args[2] === 'always']) : outer.headers,
    proxyHeaders: proxyHeaders.length > 0 ? proxyHeaders.map(({ args }) => [args[0]!, args[1]!]) : outer.proxyHeaders,
    proxyTimeout: timeOf(last('proxy_read_timeout')?.[0]) ?? outer.proxyTimeout,
    errorPages: pages.length > 0 ? pages.map(({ args }) => errorPageOf(args)) : outer.errorPages,
    log: logOf(all('access_log')[0], outer.log, formats),
    certificate: last('ssl_certificate')?.[0] ?? outer.certificate,
    certificateKey: last('ssl_certificate_key')?.[0] ?? outer.certificateKey,
    steps: [...outer.steps, ...block.flatMap(stepOf)],
  }
}

function logOf(directive: Directive | undefined, outer: string | undefined, formats: ReadonlyMap<string, string>) {
  if (directive === undefined) return outer
  const [path, format = 'combined'] = directive.args
  if (path === 'off') return undefined
  if (!formats.has(format)) throw new ConfigurationFault(`unknown log format "${format}" ${placeOf(directive)}`)
  return format
}

function errorPageOf(args: readonly string[]): ErrorPage {
  const as = args.find(arg => arg.startsWith('='))
  const codes = args.filter(arg => /^\d{3}$/.test(arg)).map(Number)
  return { codes, as: as === undefined ? undefined : Number(as.slice(1)), uri: args.at(-1)! }
}

function stepOf(directive: Directive): readonly RewriteStep[] {
  const { name, args } = directive
  if (name === 'set') return [{ does: 'set', name: args[0]!.replace(/^\$/, ''), value: args[1]! }]
  if (name === 'rewrite') {
    const flag = args[2]
    if (flag !== undefined && !['last', 'break', 'redirect', 'permanent'].includes(flag)) {
      throw new ConfigurationFault(`invalid parameter "${flag}" ${placeOf(directive)}`)
    }
    return [{ does: 'rewrite', pattern: patternOf(args[0]!, false, directive), to: args[1]!, flag }]
  }
  if (name !== 'return') return []
  const [first = '', text] = args
  if (/^\d{3}$/.test(first)) return [{ does: 'return', status: Number(first), text }]
  if (!/^(https?:\/\/|\$|\/)/.test(first)) {
    throw new ConfigurationFault(`invalid return code "${first}" ${placeOf(directive)}`)
  }
  return [{ does: 'return', status: 302, text: first }]
}

/** `60s`, `1m`, `500ms`, `60`. */
function timeOf(text: string | undefined): number | undefined {
  const [, number, unit = 's'] = /^(\d+)(ms|s|m|h)?$/.exec(text ?? '') ?? []
  return number === undefined ? undefined : Number(number) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1000)
}
