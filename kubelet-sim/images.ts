// Images: what is known of one, and what a container of it does when it runs. Known are those of images/ and those that
// `kubesim image build` has written to the cluster; any other runs until it is stopped and answers HTTP on the ports its
// container declares. Called by the kubelet (how long, how it ends), the network (who listens, what is said), the log.

import type { ConfigMap, Container } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { type ImageName, parseImageName } from '../src/kinds/image-name.ts'
import { isIdle, type Loop, type Script, understand } from './command.ts'
import { shellNames, toolNames } from './command-names.ts'
import { parseDuration } from './duration.ts'
import type { Image, Route, ServedPort } from './images/image.ts'
import { catalog } from './images/index.ts'
import { interpreted } from './images/interpreters.ts'
import { fillFacts, hasPlaceholder } from './images/placeholders.ts'
import { idleUsage, type UsagePoint } from './images/usage.ts'

export type { Image } from './images/image.ts'

export interface Behaviour {
  readonly ports: readonly number[]
  readonly tcp: boolean
  readonly body: string
  readonly routes: Readonly<Record<string, string>> | undefined
  readonly contentType: string
  /** What it prints, which files it makes, when it ends by itself. */
  readonly script: Script
  /** Its command is really run (runs.ts): what it prints and when it ends is not told here. */
  readonly isRun: boolean
  /** What such a command comes to as far as it can be told, where there is nothing to run it: tests of stages alone. */
  readonly plan: Script | undefined
  /** What it does cannot be told, only that it waits for nothing: as an init container it is taken to do its work and end. */
  readonly isUnknown: boolean
  /** The exit code after SIGTERM; undefined: it ignores SIGTERM and is killed when its grace is over. */
  readonly onTerm: number | undefined
  /** From then on its probes fail: milliseconds after the start. */
  readonly unhealthyAfter: Millis | undefined
  /** When the kernel kills it for its memory: milliseconds after the start. */
  readonly outOfMemoryAfter: Millis | undefined
  /** What it takes longer than others to start. */
  readonly startDelay: Millis
  /** From the start of its process until its ports are open. */
  readonly listensAfter: Millis
  /** Memory and processor, by the milliseconds since it was started (images/usage.ts). */
  readonly usage: readonly UsagePoint[]
  /** Its answers name the pod and the node: nobody knows what else they would be. */
  readonly isSigned: boolean
  /** What it serves on which port, where that is declared. */
  readonly serves: readonly ServedPort[] | undefined
  /** Of one port, what is declared that it answers. */
  readonly answers?: readonly Route[] | undefined
  /** The line it prints for a request, with placeholders; undefined: the combined format. */
  readonly accessLog: string | undefined
  readonly server: Image['server']
  /** As its tag tells it, `1.0.0` for `1.0`. */
  readonly version: string
}

/** What pulling an image comes to. */
export interface Pull {
  readonly takes: Millis
  readonly size: number
  readonly fails: string | undefined
}

/** On a ConfigMap in kube-system that holds an image: how earlier versions kept what was built. */
export const imageLabel = 'kubesim.dev/image'
const imageKey = 'image.json'

/** Throws a plain Error that names the ConfigMap when it does not hold an image. */
export function imageFromConfigMap(map: Frozen<ConfigMap>): Image {
  try {
    const image = JSON.parse(map.data?.[imageKey] ?? '') as Image
    if (typeof image?.name !== 'string') throw new Error('it has no name')
    return image
  } catch (cause) {
    throw new Error(`the ConfigMap ${map.metadata.name} does not hold an image: ${(cause as Error).message}`, { cause })
  }
}

/** `docker.io/library/nginx:1.25`: two spellings of one image have the same canonical name. */
export function canonicalName(image: string): string {
  const name = parseImageName(image)
  return name === undefined ? image : wholeName(name)
}

export function wholeName({ repository, tag, digest }: ImageName): string {
  return digest === '' ? `${repository}:${tag}` : `${repository}@${digest}`
}

const hub = 'docker.io/'
const official = 'docker.io/library/'

export function catalogImage({ repository }: ImageName): Image | undefined {
  if (repository.startsWith(official)) return catalog.get(repository.slice(official.length))
  return catalog.get(repository.startsWith(hub) ? repository.slice(hub.length) : repository)
}

const defaultSize = 120_000_000

/** How pulling goes, in real time; a present image that is pulled again is only compared with the registry. */
export function pullOf(
  image: string,
  known: Image | undefined,
  present: boolean,
  override: Overrides,
  registries: readonly string[] = none,
): Pull {
  const name = parseImageName(image)
  const size = known?.size ?? defaultSize
  const settings = { ...known?.labels, ...override }
  const said = settings['kubesim.dev/pull-fails'] ?? known?.pull?.fails
  const declared = parseDuration(settings['kubesim.dev/pull-time'] ?? '') ?? known?.pull?.takes
  const takes = declared ?? (present ? 300 : 500 + Math.round(size / 250_000))
  return { takes, size, fails: name && pullFault(name, known, said, registries) }
}

const none: readonly never[] = Object.freeze([])

function pullFault(
  name: ImageName,
  known: Image | undefined,
  said: string | undefined,
  registries: readonly string[],
): string | undefined {
  const whole = wholeName(name)
  const failed = `failed to pull and unpack image "${whole}": failed to resolve reference "${whole}"`
  if (said && said !== 'false') {
    switch (said) {
      case 'true':
      case 'Unauthorized':
        return `${failed}: ${denied}`
      case 'NotFound':
        return `rpc error: code = NotFound desc = ${failed}: ${whole}: not found`
      case 'Unavailable':
        return `${failed}: failed to do request: Head "${manifestUrl(name)}": dial tcp: lookup ${hostOf(name)}: no such host`
      default:
        return `${failed}: ${said}`
    }
  }
  if (known?.pull?.isPrivate && !registries.some(each => opens(each, name))) return `${failed}: ${denied}`
  return isThere(name, known) ? undefined : `rpc error: code = NotFound desc = ${failed}: ${whole}: not found`
}

const denied =
  'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'

const hostOf = ({ repository }: ImageName): string => {
  const host = repository.slice(0, repository.indexOf('/'))
  return host === 'docker.io' ? 'registry-1.docker.io' : host
}

const manifestUrl = (name: ImageName): string =>
  `https://${hostOf(name)}/v2/${name.repository.slice(name.repository.indexOf('/') + 1)}/manifests/${name.digest || name.tag}`

/**
 * Whether what a secret names is the registry of an image, or a folder in it (pkg/credentialprovider/keyring.go): with or
 * without scheme and version, a `*` for one part of the host.
 */
function opens(named: string, { repository }: ImageName): boolean {
  const plain = named
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '')
  const slash = plain.indexOf('/')
  const [host, folder] = slash < 0 ? [plain, ''] : [plain.slice(0, slash), plain.slice(slash)]
  const own = repository.indexOf('/')
  const ownHost = repository.slice(0, own)
  const isHub = ownHost === 'docker.io' && /^(index\.|registry-1\.)?docker\.io$/.test(host)
  const [parts, ownParts] = [host.split('.'), ownHost.split('.')]
  const isHost = parts.length === ownParts.length && parts.every((part, at) => part === '*' || part === ownParts[at])
  return (isHub || isHost) && repository.slice(own).startsWith(folder)
}

/**
 * Nobody can look into the registries, so a guess: a name or tag that says of itself it does not exist, and of the images
 * in the catalog a version with a part from 100 to 9999 (`nginx:1.161`, the documentation's own example), is not there.
 */
function isThere(name: ImageName, known: Image | undefined): boolean {
  const says = /(^|[-_./])(does-?not-?exist|non-?exist(ent|ing)?|no-such-[a-z]+|not-found|notfound)([-_./]|$)/
  const odd = known !== undefined && catalogImage(name) === known && /^v?(\d+\.)*[1-9]\d{2,3}(\.\d+)*$/.test(name.tag)
  return !odd && !says.test(name.tag) && !says.test(name.repository)
}

/** `kubesim.dev/*` labels of an image, and annotations of a pod, which win. */
export type Overrides = Readonly<Record<string, string>>

/** What a container does. `hostname` is the pod's. */
export function behaviourOf(
  container: Frozen<Container>,
  known: Image | undefined,
  overrides: Overrides,
  hostname: string,
): Behaviour {
  // Without a prototype: a variable may be named `constructor`, and must not be found when it is not there.
  const env: Record<string, string> = Object.assign(Object.create(null), { HOSTNAME: hostname }, known?.env)
  for (const { name, value } of container.env ?? []) if (value !== undefined) env[name] = substitute(value, env)
  const argv = argvOf(container, known).map(word => substitute(word, env))
  const overridden = container.command !== undefined || container.args !== undefined
  const settings = { ...known?.labels, ...overrides }
  const told = isProgramOf(known, container, argv) ? known?.tell?.(argv) : undefined
  const script = told?.script ?? (argv.length > 0 ? understand(argv, env) : undefined)
  const ports = told?.ports ?? portsOf(container, known, argv, script, overridden)
  const exits =
    exitOf(settings) ?? (known?.exits !== undefined && !overridden ? { at: 0, code: known.exits } : undefined)
  const isRun = exits === undefined && !told?.isWhole && isReallyRun(container, known, argv, script)
  const named = settings['kubesim.dev/port']
  const body = settings['kubesim.dev/body']
  return {
    // What really runs listens where it does, and nowhere else.
    ports: named === undefined ? (isRun ? none : ports) : numbers(named),
    tcp: known?.tcp ?? false,
    body: body ?? told?.body ?? textArgument(argv) ?? known?.body ?? `Hello from ${container.image}`,
    routes: body === undefined ? known?.routes : undefined,
    contentType: known?.body?.startsWith('<') ? 'text/html' : 'text/plain; charset=utf-8',
    script: {
      ...(isRun ? nothing : (script ?? printed(known, { hostname, port: String(ports[0] ?? '') }))),
      ...(exits ? { exit: exits } : {}),
    },
    isRun,
    plan: isRun ? script : undefined,
    isUnknown:
      (overridden || known === undefined) &&
      script === undefined &&
      exits === undefined &&
      !/\b(until|while)\b/.test(argv.join(' ')),
    onTerm: ignoresTerm(settings, told ? undefined : script) ? undefined : (told?.onTerm ?? known?.onTerm ?? 143),
    unhealthyAfter: parseDuration(settings['kubesim.dev/unhealthy-after'] ?? ''),
    outOfMemoryAfter: parseDuration(settings['kubesim.dev/oom-after'] ?? ''),
    startDelay: parseDuration(settings['kubesim.dev/start-delay'] ?? '') ?? 0,
    listensAfter: known?.startsIn ?? 0,
    usage: told?.usage ?? usageOf(known),
    isSigned: body !== undefined || known === undefined || known.isOfCatalog !== true,
    serves: named === undefined && body === undefined ? known?.serves : undefined,
    accessLog: known?.accessLog,
    server: body === undefined ? known?.server : undefined,
    get version() {
      const numbers = /\d+(\.\d+){0,2}/.exec(parseImageName(container.image ?? '')?.tag ?? '')?.[0]?.split('.') ?? ['1']
      return [...numbers, '0', '0'].slice(0, 3).join('.')
    },
  }
}

/** Whether what is started is the program the image is there for, and not something else in it. */
export function isProgramOf(known: Image | undefined, container: Frozen<Container>, argv: readonly string[]): boolean {
  if (known === undefined) return false
  if (container.command === undefined && known.entrypoint !== undefined) return true
  const name = baseName(argv[0] ?? '')
  return known.told?.some(each => baseName(each) === name) ?? false
}

const nothing: Script = Object.freeze({ lines: [], files: [] })

/** Shells and tools are, and whatever an image says; what only sleeps or ends need not be, for that can be told. */
function isReallyRun(
  container: Frozen<Container>,
  known: Image | undefined,
  argv: readonly string[],
  script: Script | undefined,
): boolean {
  const name = baseName(argv[0] ?? '')
  if (known?.told?.some(each => baseName(each) === name)) return isMountedOver(container, known)
  if (known?.runs?.some(each => baseName(each) === name)) return true
  if (known?.base !== undefined && interpreted(argv) !== undefined) return true
  if (shellNames.has(name) && argv.length === 1) return container.stdin === true
  if (!shellNames.has(name) && !toolNames.has(name)) return isWhole(known) && argv.length > 0
  return script === undefined || !isIdle(argv, script)
}

/** Something is mounted over, in or under what it reads, or it may not write there: what it does is in those files. */
function isMountedOver({ volumeMounts, securityContext }: Frozen<Container>, { reads }: Image): boolean {
  if (reads === undefined) return false
  if (securityContext?.readOnlyRootFilesystem || securityContext?.runAsUser) return true
  if (volumeMounts === undefined) return false
  return volumeMounts.some(({ mountPath }) => reads.some(path => holds(path, mountPath) || holds(mountPath, path)))
}

function holds(folder: string, path: string): boolean {
  return `${path}/`.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

/** All that is in it is known: what is not found there is not there. */
function isWhole(known: Image | undefined): boolean {
  return (known?.base === 'busybox' || known?.base === 'alpine') && !known.entrypoint && !known.told && !known.commands
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

function usageOf(known: Image | undefined): readonly UsagePoint[] {
  const usage = known?.usage
  if (usage === undefined) return idleUsage
  return 'memory' in usage ? [{ at: 0, ...usage }] : usage
}

/** As the runtime joins image and container: a command replaces both, args only the image's CMD. */
export function argvOf(container: Frozen<Container>, known: Image | undefined): readonly string[] {
  if (container.command !== undefined) return [...container.command, ...(container.args ?? [])]
  return [...(known?.entrypoint ?? []), ...(container.args ?? known?.command ?? [])]
}

function portsOf(
  container: Frozen<Container>,
  known: Image | undefined,
  argv: readonly string[],
  script: Script | undefined,
  overridden: boolean,
): readonly number[] {
  if (script !== undefined) return []
  const asked = portArgument(argv)
  if (asked !== undefined) return [asked]
  const declared = (container.ports ?? []).filter(port => port.protocol !== 'UDP').map(port => port.containerPort)
  if (known?.ports !== undefined && known.ports.length > 0) {
    return overridden && container.command !== undefined ? [...new Set([...known.ports, ...declared])] : known.ports
  }
  return declared
}

/** `--port 8080`, `--http-port=8080`, `-listen=:8080`, `--bind 0.0.0.0:8000`, `runserver 0.0.0.0:8000`. */
function portArgument(argv: readonly string[]): number | undefined {
  const text = argv.join(' ')
  const match =
    /(?:^|\s)--?(?:http-?)?port[= ](\d+)(?:\s|$)/.exec(text) ??
    /(?:^|\s)(?:--?(?:listen|bind|addr|address|b)[= ]|runserver )[\w.[\]:]*?:?(\d+)(?:\s|$)/.exec(text) ??
    /(?:^|\s)-m http\.server (\d+)(?:\s|$)/.exec(text)
  const port = Number(match?.[1])
  return port > 0 && port < 65_536 ? port : undefined
}

/** hashicorp/http-echo's. */
function textArgument(argv: readonly string[]): string | undefined {
  for (let at = 0; at < argv.length; at++) {
    const match = /^--?text(?:=([\s\S]*))?$/.exec(argv[at]!)
    if (match) return match[1] ?? argv[at + 1]
  }
  return undefined
}

function exitOf(settings: Overrides): Script['exit'] {
  const code = settings['kubesim.dev/exit-code']
  const after = settings['kubesim.dev/exit-after']
  if (code === undefined && after === undefined) return undefined
  return { at: parseDuration(after ?? '') ?? 0, code: Number.parseInt(code ?? '0', 10) & 255 }
}

/** A shell or sleep that is process 1 has no handler for SIGTERM, so the kernel drops it. */
function ignoresTerm(settings: Overrides, script: Script | undefined): boolean {
  const said = settings['kubesim.dev/ignore-sigterm']
  return said === undefined ? script !== undefined : said === 'true'
}

/** What is to be said of one of its ports. */
export function behaviourAt(behaviour: Behaviour, port: number): Behaviour {
  const served = behaviour.serves?.find(each => each.port === port)
  return served === undefined ? behaviour : { ...behaviour, tcp: served.routes === undefined, answers: served.routes }
}

function printed(known: Image | undefined, facts: Readonly<Record<string, string>>): Script {
  const told = (text: string) => (hasPlaceholder(text) ? fillFacts(text, facts) : text)
  const lines = (known?.prints ?? []).map(text => ({ at: 0, text: told(text) }))
  if (known?.logs === undefined) return { lines, files: [] }
  const loops: Loop[] = []
  for (const { text, after, every } of known.logs) {
    if (every === undefined) lines.push({ at: after, text: told(text) })
    else loops.push({ from: after, period: every, lines: [{ at: 0, text: told(text) }] })
  }
  if (loops.length > 0) return { lines, files: [], loops }
  return { lines, files: [] }
}

function numbers(text: string): number[] {
  return text
    .split(/[\s,]+/)
    .map(Number)
    .filter(port => Number.isInteger(port) && port > 0 && port < 65_536)
}

/** `$(NAME)` in commands and values, as Kubernetes replaces it; an unknown name is left as it stands. */
export function substitute(text: string, env: Readonly<Record<string, string>>): string {
  if (!text.includes('$(')) return text
  return text.replace(/\$\$|\$\(([A-Za-z_][-.\w]*)\)/g, (whole, name?: string) =>
    name === undefined ? '$' : (env[name] ?? whole),
  )
}
