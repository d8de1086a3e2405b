// Config: everything that can be set, from flags and a YAML file, checked and frozen. The only reader of process.env.
// src/cli builds one from its words; tests and library users from an object.

import { homedir } from 'node:os'
import { delimiter, isAbsolute, join, resolve } from 'node:path'

/** The parts of a control plane that can be left out (`--without`) and run as processes of their own. */
export const components = ['controllers', 'scheduler', 'kubelet', 'proxy'] as const
/** `controllers`, `scheduler`, `kubelet`, `proxy` */
export type Component = (typeof components)[number]

/** All settings of `kubesim start`, checked and frozen. Made by `readConfig`. */
export interface Config {
  /** Port of the API server; 0 picks a free one. */
  readonly port: number
  readonly bindAddress: string
  /** Where the store, certificates, kubeconfig and log stand. */
  readonly dataDir: string
  readonly kubeconfig: string
  readonly mergeKubeconfig: boolean
  /** The user's own kubeconfig files, the first of which a context is merged into. */
  readonly userKubeconfigs: readonly string[]
  /** The context's name, and the cluster's. */
  readonly name: string
  readonly nodes: number
  /** Keep nothing on disk but the kubeconfig. */
  readonly memory: boolean
  /** IPv6 beside IPv4. */
  readonly dualStack: boolean
  /** Wait for the disk on every commit. */
  readonly fsync: boolean
  readonly without: readonly Component[]
  /** Seed of all chance; undefined draws one. */
  readonly seed: number | undefined
  readonly logLevel: LogLevel
  /** Where the ingress listens on 127.0.0.1 once its addon is enabled. */
  readonly ingressPort: number
  /** Where the cluster's names are answered on 127.0.0.1; 0 is a free one, undefined nowhere. */
  readonly dnsPort: number | undefined
  /** Where the dashboard is served on 127.0.0.1; 0 is a free port, undefined nowhere. */
  readonly dashboardPort: number | undefined
  /** Factor on image pull and container start times; 0: none. */
  readonly delays: number
  /** A KubeSchedulerConfiguration. */
  readonly schedulerConfig: string | undefined
  /** The folder of static pods. */
  readonly staticPods: string | undefined
  /** What of whose requests is written, as kube-apiserver's file of that name; nothing is without one. */
  readonly auditPolicyFile: string | undefined
  readonly auditLog: {
    /** `-`: standard output. */
    readonly path: string | undefined
    readonly maxSize: number
    readonly maxBackup: number
    readonly maxAge: number
  }
  /** Bearer tokens and whom each speaks for, as kube-apiserver's file of that name. */
  readonly tokenAuthFile: string | undefined
  /** With what the controllers sign where they run alone, as kube-controller-manager's files of these names. */
  readonly clusterSigningCertFile: string | undefined
  readonly clusterSigningKeyFile: string | undefined
  readonly serviceAccountPrivateKeyFile: string | undefined
  /** Of several processes of one component, only one works at a time. */
  readonly leaderElect: boolean
  /** The file into which all that comes from outside is written; undefined: nowhere. */
  readonly record: string | undefined
  /** How much of the past is kept: what is older goes, but for so many events; never more than so many bytes. */
  readonly history: {
    readonly maxAge: number
    readonly leastEvents: number
    readonly maxEvents: number
    readonly maxBytes: number
  }
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** A setting that cannot be used: the message is for the user, whole, without a stack. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** Flags as the command line has them, in camel case; every one optional. */
export interface Settings {
  port?: string | number
  bindAddress?: string
  dataDir?: string
  kubeconfig?: string
  mergeKubeconfig?: boolean
  name?: string
  nodes?: string | number
  memory?: boolean
  dualStack?: boolean
  fsync?: string | boolean
  without?: string | readonly string[]
  seed?: string | number
  logLevel?: string
  ingressPort?: string | number
  dnsPort?: string | number
  dashboardPort?: string | number
  delays?: string | number
  schedulerConfig?: string
  staticPods?: string
  auditPolicyFile?: string
  auditLogPath?: string
  auditLogMaxsize?: string | number
  auditLogMaxbackup?: string | number
  auditLogMaxage?: string | number
  tokenAuthFile?: string
  clusterSigningCertFile?: string
  clusterSigningKeyFile?: string
  serviceAccountPrivateKeyFile?: string
  leaderElect?: boolean
  record?: string
  historyAge?: string | number
  historyEvents?: string | number
  historySize?: string | number
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Checks settings, fills in what was left out, and freezes the result. Throws ConfigError. */
export function readConfig(settings: Settings = {}, environment: Environment = process.env): Config {
  for (const key of Object.keys(settings)) {
    if (!knownSettings.has(key))
      throw new ConfigError(`unknown setting "${key}" (known: ${[...knownSettings].join(', ')})`)
  }
  const dataDir = resolve(expandHome(settings.dataDir ?? defaultDataDir(environment)))
  return Object.freeze({
    port: whole('port', settings.port ?? 6443, 0, 65_535),
    bindAddress: settings.bindAddress ?? '127.0.0.1',
    dataDir,
    kubeconfig: settings.kubeconfig ? resolve(expandHome(settings.kubeconfig)) : join(dataDir, 'kubeconfig'),
    mergeKubeconfig: settings.mergeKubeconfig ?? true,
    userKubeconfigs: userKubeconfigs(environment),
    name: settings.name ?? 'kubesim',
    nodes: whole('nodes', settings.nodes ?? 3, 0, 5000),
    memory: settings.memory ?? false,
    dualStack: settings.dualStack ?? false,
    fsync: truth('fsync', settings.fsync ?? true),
    without: Object.freeze(componentList(settings.without ?? [])),
    seed: settings.seed === undefined ? undefined : whole('seed', settings.seed, 0, Number.MAX_SAFE_INTEGER),
    logLevel: oneOf('log-level', settings.logLevel ?? 'warn', logLevels),
    ingressPort: whole('ingress-port', settings.ingressPort ?? 80, 0, 65_535),
    dnsPort: settings.dnsPort === 'off' ? undefined : whole('dns-port', settings.dnsPort ?? 0, 0, 65_535),
    dashboardPort:
      settings.dashboardPort === undefined ? undefined : wholePort('dashboard-port', settings.dashboardPort),
    delays: number('delays', settings.delays ?? 1),
    schedulerConfig: settings.schedulerConfig ? resolve(expandHome(settings.schedulerConfig)) : undefined,
    staticPods: settings.staticPods ? resolve(expandHome(settings.staticPods)) : undefined,
    clusterSigningCertFile: file(settings.clusterSigningCertFile),
    clusterSigningKeyFile: file(settings.clusterSigningKeyFile),
    serviceAccountPrivateKeyFile: file(settings.serviceAccountPrivateKeyFile),
    leaderElect: settings.leaderElect ?? true,
    record: settings.record === undefined ? undefined : resolve(expandHome(settings.record)),
    history: historyOf(settings),
    auditPolicyFile: settings.auditPolicyFile ? resolve(expandHome(settings.auditPolicyFile)) : undefined,
    auditLog: auditLogOf(settings),
    tokenAuthFile: settings.tokenAuthFile ? resolve(expandHome(settings.tokenAuthFile)) : undefined,
  })
}

function historyOf({ historyAge, historyEvents, historySize }: Settings): Config['history'] {
  const leastEvents = whole('history-events', historyEvents ?? 4_096, 1, 10_000_000)
  return Object.freeze({
    maxAge: number('history-age', historyAge ?? 5) * 60_000,
    leastEvents,
    maxEvents: Math.max(32_768, leastEvents),
    maxBytes: number('history-size', historySize ?? 16) * 1024 * 1024,
  })
}

/** The numbers are kube-apiserver's: k8s.io/apiserver/pkg/server/options/audit.go. */
function auditLogOf(settings: Settings): Config['auditLog'] {
  const { auditLogPath: path, auditLogMaxsize, auditLogMaxbackup, auditLogMaxage } = settings
  return Object.freeze({
    path: path && path !== '-' ? resolve(expandHome(path)) : path || undefined,
    maxSize: whole('audit-log-maxsize', auditLogMaxsize ?? 100, 0, 1_000_000),
    maxBackup: whole('audit-log-maxbackup', auditLogMaxbackup ?? 100, 0, 1_000_000),
    maxAge: whole('audit-log-maxage', auditLogMaxage ?? 366, 0, 1_000_000),
  })
}

/** Reads a YAML (or JSON) file of settings; the command line's own words win over it. Throws ConfigError. */
/** What is said of a file that the system does not give. */
export function unreadable(file: string, cause: unknown): string {
  return `cannot read ${file}: ${(cause as NodeJS.ErrnoException).code ?? cause}`
}

export async function readSettingsFile(file: string): Promise<Settings> {
  const { readFile } = await import('node:fs/promises')
  const { load } = await import('js-yaml')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(unreadable(file, cause), { cause })
  }
  let value: unknown
  try {
    value = load(text)
  } catch (cause) {
    throw new ConfigError(`${file} is not valid YAML: ${(cause as Error).message.split('\n')[0]}`, { cause })
  }
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ConfigError(`${file} must hold a mapping of settings`)
  return value as Settings
}

/** `$KUBESIM_HOME`, else ~/.kubesim. */
export function defaultDataDir(environment: Environment = process.env): string {
  return environment.KUBESIM_HOME || join(homeDir(environment), '.kubesim')
}

/** Where programs are looked for, in order. */
export function programFolders(environment: Environment = process.env): readonly string[] {
  return (environment.PATH ?? '').split(delimiter).filter(folder => folder !== '')
}

/** What a program started by this one finds in its environment: what this one does, and some more. */
export function environmentWith(more: Environment, environment: Environment = process.env): Record<string, string> {
  const all = Object.entries({ ...environment, ...more })
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** Whether output may carry colour: a terminal, and nothing that asks for plain text (https://no-color.org). */
export function wantsColor(stream: { isTTY?: boolean }, environment: Environment = process.env): boolean {
  if (environment.FORCE_COLOR && environment.FORCE_COLOR !== '0') return true
  return stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb'
}

const knownSettings = new Set([
  'port',
  'bindAddress',
  'dataDir',
  'kubeconfig',
  'mergeKubeconfig',
  'name',
  'nodes',
  'memory',
  'dualStack',
  'fsync',
  'without',
  'seed',
  'logLevel',
  'ingressPort',
  'dnsPort',
  'dashboardPort',
  'delays',
  'schedulerConfig',
  'staticPods',
  'auditPolicyFile',
  'auditLogPath',
  'auditLogMaxsize',
  'auditLogMaxbackup',
  'auditLogMaxage',
  'tokenAuthFile',
  'clusterSigningCertFile',
  'clusterSigningKeyFile',
  'serviceAccountPrivateKeyFile',
  'leaderElect',
  'record',
  'historyAge',
  'historyEvents',
  'historySize',
])

function homeDir(environment: Environment): string {
  return environment.HOME || environment.USERPROFILE || homedir()
}

const file = (path: string | undefined): string | undefined => (path ? resolve(expandHome(path)) : undefined)

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path
}

/** As kubectl finds them: $KUBECONFIG (several, separated as PATH is), else ~/.kube/config. */
function userKubeconfigs(environment: Environment): readonly string[] {
  const listed = (environment.KUBECONFIG ?? '').split(delimiter).filter(path => path !== '')
  if (listed.length > 0) return listed.map(path => (isAbsolute(path) ? path : resolve(path)))
  return [join(homeDir(environment), '.kube', 'config')]
}

function number(name: string, value: string | number): number {
  const parsed = typeof value === 'number' ? value : value.trim() === '' ? Number.NaN : Number(value)
  if (!Number.isFinite(parsed) || parsed < 0)
    throw new ConfigError(`--${name} takes a number of 0 or more, not "${value}"`)
  return parsed
}

/** Throws ConfigError for what is no port; 0 is a free one. */
export function wholePort(name: string, value: string | number): number {
  return whole(name, value, 0, 65_535)
}

function whole(name: string, value: string | number, least: number, most: number): number {
  const parsed = typeof value === 'number' ? value : /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (!Number.isInteger(parsed) || parsed < least || parsed > most) {
    throw new ConfigError(`--${name} takes a whole number from ${least} to ${most}, not "${value}"`)
  }
  return parsed
}

function truth(name: string, value: string | boolean): boolean {
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  throw new ConfigError(`--${name} takes true or false, not "${value}"`)
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  if (!(allowed as readonly string[]).includes(value)) {
    throw new ConfigError(`--${name} takes one of ${allowed.join(', ')}, not "${value}"`)
  }
  return value as T
}

function componentList(value: string | readonly string[]): Component[] {
  const words = typeof value === 'string' ? value.split(',').filter(word => word !== '') : [...value]
  return words.map(word => oneOf('without', word.trim(), components))
}
