// Images: what is known of one, and what a container of it does when it runs. Known are those of images/ and those that
// `kubesim image build` has written to the cluster; any other runs until it is stopped and answers HTTP on the ports its
// container declares. Called by the kubelet (how long, how it ends), the network (who listens, what is said), the log.

import type { ConfigMap, Container } from '../generated/types.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { type ImageName, parseImageName } from '../src/kinds/image-name.ts'
import { type Script, understand } from './command.ts'
import { parseDuration } from './duration.ts'
import { fingerprint } from './fingerprint.ts'
import type { Image } from './images/image.ts'
import { catalog } from './images/index.ts'
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
  /** The line it prints for a request, with placeholders; undefined: the combined format. */
  readonly accessLog: string | undefined
  /** As its tag tells it, `1.0.0` for `1.0`. */
  readonly version: string
}

/** What pulling an image comes to. */
export interface Pull {
  readonly takes: Millis
  readonly size: number
  readonly fails: string | undefined
}

export const imageLabel = 'kubesim.dev/image'
const imageKey = 'image.json'

/** The ConfigMap in kube-system that tells the cluster of a built image. */
export function imageToConfigMap(image: Image): NewObject<ConfigMap> {
  const readable = image.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 200)
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `image-${readable}-${fingerprint(canonicalName(image.name)).slice(0, 8)}`,
      namespace: 'kube-system',
      labels: { [imageLabel]: 'true' },
    },
    data: { [imageKey]: JSON.stringify(image, null, 2) },
  }
}

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
export function pullOf(image: string, known: Image | undefined, present: boolean, override: Overrides): Pull {
  const name = parseImageName(image)
  const size = known?.size ?? defaultSize
  const settings = { ...known?.labels, ...override }
  const fails = settings['kubesim.dev/pull-fails']
  const takes =
    parseDuration(settings['kubesim.dev/pull-time'] ?? '') ?? (present ? 300 : 500 + Math.round(size / 250_000))
  return { takes, size, fails: fails && fails !== 'false' ? pullFault(image, fails) : notThere(image, name, known) }
}

/**
 * Nobody can look into the registries, so a guess: a name or tag that says of itself it does not exist, and of the images
 * in the catalog a version with a part from 100 to 9999 (`nginx:1.161`, the documentation's own example), is not there.
 */
function notThere(image: string, name: ImageName | undefined, known: Image | undefined): string | undefined {
  if (name === undefined) return undefined
  const says = /(^|[-_./])(does-?not-?exist|non-?exist(ent|ing)?|no-such-[a-z]+|not-found|notfound)([-_./]|$)/
  const odd = known !== undefined && catalogImage(name) === known && /^v?(\d+\.)*[1-9]\d{2,3}(\.\d+)*$/.test(name.tag)
  if (!odd && !says.test(name.tag) && !says.test(name.repository)) return undefined
  const whole = canonicalName(image)
  return `rpc error: code = NotFound desc = failed to pull and unpack image "${whole}": failed to resolve reference "${whole}": ${whole}: not found`
}

function pullFault(image: string, said: string): string {
  const whole = canonicalName(image)
  const why =
    said === 'true'
      ? 'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'
      : said
  return `failed to pull and unpack image "${whole}": failed to resolve reference "${whole}": ${why}`
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
  const named = settings['kubesim.dev/port']
  const body = settings['kubesim.dev/body']
  return {
    ports: named === undefined ? ports : numbers(named),
    tcp: known?.tcp ?? false,
    body: body ?? told?.body ?? textArgument(argv) ?? known?.body ?? `Hello from ${container.image}`,
    routes: body === undefined ? known?.routes : undefined,
    contentType: known?.body?.startsWith('<') ? 'text/html' : 'text/plain; charset=utf-8',
    script: {
      ...(script ?? printed(known, { hostname, port: String(ports[0] ?? '') })),
      ...(exits ? { exit: exits } : {}),
    },
    isUnknown:
      (overridden || known === undefined) &&
      script === undefined &&
      exits === undefined &&
      !/\b(until|while)\b/.test(argv.join(' ')),
    onTerm: ignoresTerm(settings, told ? undefined : script) ? undefined : (known?.onTerm ?? 143),
    unhealthyAfter: parseDuration(settings['kubesim.dev/unhealthy-after'] ?? ''),
    outOfMemoryAfter: parseDuration(settings['kubesim.dev/oom-after'] ?? ''),
    startDelay: parseDuration(settings['kubesim.dev/start-delay'] ?? '') ?? 0,
    listensAfter: known?.startsIn ?? 0,
    usage: told?.usage ?? usageOf(known),
    isSigned: body !== undefined || known === undefined || catalog.get(known.name) !== known,
    accessLog: known?.accessLog,
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

function printed(known: Image | undefined, facts: Readonly<Record<string, string>>): Script {
  const lines = (known?.prints ?? []).map(text => ({
    at: 0,
    text: hasPlaceholder(text) ? fillFacts(text, facts) : text,
  }))
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
