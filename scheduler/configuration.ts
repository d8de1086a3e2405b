// KubeSchedulerConfiguration, kubescheduler.config.k8s.io/v1, as upstream's scheduler reads it: strictly, every fault at once
// and by its path (k8s.io/kube-scheduler/config/v1, pkg/scheduler/apis/config/validation/). Called by the roof with what
// stood in the user's file; profile.ts makes plugins of it.

import { qualifiedNameFaults } from '../src/api/names.ts'
import type { Millis } from '../src/env/clock.ts'
import { Faults, type FieldPath, root } from '../src/kinds/field-path.ts'
import { argumentRules, argumentShapes } from './plugin-arguments.ts'
import { strictly } from './strict-shape.ts'

export interface SchedulerConfiguration {
  readonly percentageOfNodesToScore: number
  readonly firstBackoff: Millis
  readonly longestBackoff: Millis
  readonly profiles: readonly ProfileConfiguration[]
  readonly extenders: readonly ExtenderConfiguration[]
}

export interface ProfileConfiguration {
  readonly schedulerName: string
  readonly percentageOfNodesToScore?: number
  readonly plugins?: Readonly<Record<string, PluginSet>>
  readonly pluginConfig?: readonly { readonly name: string; readonly args?: object }[]
}

export interface PluginSet {
  readonly enabled?: readonly { readonly name: string; readonly weight?: number }[]
  readonly disabled?: readonly { readonly name: string }[]
}

export interface ExtenderConfiguration {
  readonly urlPrefix: string
  readonly filterVerb?: string
  readonly preemptVerb?: string
  readonly prioritizeVerb?: string
  readonly bindVerb?: string
  readonly weight?: number
  readonly enableHTTPS?: boolean
  readonly tlsConfig?: {
    readonly insecure?: boolean
    readonly serverName?: string
    readonly certFile?: string
    readonly keyFile?: string
    readonly caFile?: string
    readonly certData?: string
    readonly keyData?: string
    readonly caData?: string
  }
  /** Go's form, `5s`. */
  readonly httpTimeout?: string
  readonly nodeCacheCapable?: boolean
  readonly managedResources?: readonly { readonly name: string; readonly ignoredByScheduler?: boolean }[]
  readonly ignorable?: boolean
}

/** What is wrong with a configuration, for the user; one line. */
export class SchedulerConfigurationError extends Error {
  override readonly name = 'SchedulerConfigurationError'
}

export const groupVersion = 'kubescheduler.config.k8s.io/v1'
const kind = 'KubeSchedulerConfiguration'
export const defaultSchedulerName = 'default-scheduler'

/** The points at which a plugin can be asked, as the file names them. */
export const extensionPoints = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const
export type ExtensionPoint = (typeof extensionPoints)[number]

export const defaultConfiguration: SchedulerConfiguration = Object.freeze({
  percentageOfNodesToScore: 0,
  firstBackoff: 1000,
  longestBackoff: 10_000,
  profiles: Object.freeze([{ schedulerName: defaultSchedulerName }]),
  extenders: Object.freeze([]),
})

const pluginSet = {
  enabled: [{ name: 'string', weight: 'number' }],
  disabled: [{ name: 'string', weight: 'number' }],
} as const
const points = Object.fromEntries([...extensionPoints, 'multiPoint'].map(point => [point, pluginSet]))
const tls = { serverName: 'string', certFile: 'string', keyFile: 'string', caFile: 'string' } as const
const shape = {
  apiVersion: 'string',
  kind: 'string',
  parallelism: 'number',
  leaderElection: 'any',
  clientConnection: 'any',
  enableProfiling: 'boolean',
  enableContentionProfiling: 'boolean',
  percentageOfNodesToScore: 'number',
  podInitialBackoffSeconds: 'number',
  podMaxBackoffSeconds: 'number',
  delayCacheUntilActive: 'boolean',
  profiles: [
    {
      schedulerName: 'string',
      percentageOfNodesToScore: 'number',
      plugins: points,
      pluginConfig: [{ name: 'string', args: 'any' }],
    },
  ],
  extenders: [
    {
      urlPrefix: 'string',
      filterVerb: 'string',
      preemptVerb: 'string',
      prioritizeVerb: 'string',
      bindVerb: 'string',
      weight: 'number',
      enableHTTPS: 'boolean',
      tlsConfig: { ...tls, insecure: 'boolean', certData: 'string', keyData: 'string', caData: 'string' },
      httpTimeout: 'string',
      nodeCacheCapable: 'boolean',
      managedResources: [{ name: 'string', ignoredByScheduler: 'boolean' }],
      ignorable: 'boolean',
    },
  ],
} as const

interface Written {
  readonly apiVersion?: string
  readonly kind?: string
  readonly parallelism?: number
  readonly percentageOfNodesToScore?: number
  readonly podInitialBackoffSeconds?: number
  readonly podMaxBackoffSeconds?: number
  readonly profiles?: readonly (Omit<ProfileConfiguration, 'schedulerName'> & { readonly schedulerName?: string })[]
  readonly extenders?: readonly ExtenderConfiguration[]
}

/** Throws SchedulerConfigurationError. */
export function readSchedulerConfiguration(value: unknown): SchedulerConfiguration {
  const given = (value ?? {}) as { readonly apiVersion?: unknown; readonly kind?: unknown }
  if (given.kind !== kind) {
    throw new SchedulerConfigurationError(`couldn't get version/kind: Object 'Kind' is missing or not ${kind}`)
  }
  if (given.apiVersion !== groupVersion) {
    const version = JSON.stringify(given.apiVersion ?? '')
    throw new SchedulerConfigurationError(`no kind "${kind}" is registered for version ${version}`)
  }
  const problems = strictly(value, shape, '')
  const written = value as Written
  if (problems.length === 0) problems.push(...argumentProblems(written))
  if (problems.length > 0) throw new SchedulerConfigurationError(`strict decoding error: ${problems.join(', ')}`)
  const profiles = written.profiles?.length ? written.profiles : [{}]
  const filled = profiles.map(profile => ({
    ...profile,
    // A single profile needs no name.
    schedulerName: profile.schedulerName ?? (profiles.length === 1 ? defaultSchedulerName : ''),
  }))
  const faults = new Faults()
  configurationRules(written, filled, faults)
  if (faults.count > 0) {
    const lines = faults.list.map(({ field, message }) => `${field}: ${message}`)
    throw new SchedulerConfigurationError(lines.length === 1 ? lines[0]! : `[${lines.join(', ')}]`)
  }
  return Object.freeze({
    percentageOfNodesToScore: written.percentageOfNodesToScore ?? 0,
    firstBackoff: (written.podInitialBackoffSeconds ?? 1) * 1000,
    longestBackoff: (written.podMaxBackoffSeconds ?? 10) * 1000,
    profiles: filled,
    extenders: written.extenders ?? [],
  })
}

/** Arguments have a kind of their own, which is named after the plugin. */
function argumentProblems({ profiles = [] }: Written): string[] {
  const problems: string[] = []
  for (const [index, { pluginConfig = [] }] of profiles.entries()) {
    for (const [position, { name, args }] of pluginConfig.entries()) {
      const expected = argumentShapes[name]
      if (expected === undefined || args === undefined || args === null) continue
      const where = `decoding .profiles[${index}].pluginConfig[${position}]: `
      const found = strictly(args, { apiVersion: 'string', kind: 'string', ...expected }, '')
      const { kind: argsKind } = args as { readonly kind?: string }
      if (argsKind !== undefined && argsKind !== `${name}Args`) {
        problems.push(`${where}args for plugin ${name} were not of type ${name}Args, got ${argsKind}`)
      } else if (found.length > 0) {
        problems.push(`${where}strict decoding error: decoding args for plugin ${name}: ${found.join(', ')}`)
      }
    }
  }
  return problems
}

function configurationRules(written: Written, profiles: readonly ProfileConfiguration[], faults: Faults): void {
  const {
    parallelism = 16,
    percentageOfNodesToScore,
    podInitialBackoffSeconds = 1,
    podMaxBackoffSeconds = 10,
  } = written
  if (parallelism <= 0) {
    faults.invalid(root.child('parallelism'), parallelism, 'should be an integer value greater than zero')
  }
  const names = new Map<string, number>()
  for (const [index, profile] of profiles.entries()) {
    const path = root.child('profiles').index(index)
    const { schedulerName } = profile
    if (schedulerName === '') faults.required(path.child('schedulerName'))
    percentageRule(path.child('percentageOfNodesToScore'), profile.percentageOfNodesToScore, faults)
    argumentsRules(path.child('pluginConfig'), profile, faults)
    const earlier = names.get(schedulerName)
    if (earlier !== undefined) {
      faults.duplicate(path.child('schedulerName'), `profiles[${earlier}].schedulerName`)
    }
    names.set(schedulerName, index)
  }
  percentageRule(root.child('percentageOfNodesToScore'), percentageOfNodesToScore, faults)
  if (podInitialBackoffSeconds <= 0) {
    faults.invalid(root.child('podInitialBackoffSeconds'), podInitialBackoffSeconds, 'must be greater than 0')
  }
  if (podMaxBackoffSeconds < podInitialBackoffSeconds) {
    const detail = 'must be greater than or equal to PodInitialBackoffSeconds'
    faults.invalid(root.child('podMaxBackoffSeconds'), podMaxBackoffSeconds, detail)
  }
  extenderRules(written.extenders ?? [], faults)
}

function percentageRule(path: FieldPath, value: number | undefined, faults: Faults): void {
  if (value !== undefined && (value < 0 || value > 100)) faults.invalid(path, value, 'not in valid range [0-100]')
}

function argumentsRules(path: FieldPath, { pluginConfig = [] }: ProfileConfiguration, faults: Faults): void {
  const seen = new Set<string>()
  for (const [index, { name, args }] of pluginConfig.entries()) {
    const at = path.index(index)
    if (seen.has(name)) faults.duplicate(at, name)
    seen.add(name)
    argumentRules(name, args ?? {}, at.child('args'), faults)
  }
}

function extenderRules(extenders: readonly ExtenderConfiguration[], faults: Faults): void {
  const path = root.child('extenders')
  const managed = new Set<string>()
  for (const [index, extender] of extenders.entries()) {
    const at = path.index(index)
    const { prioritizeVerb, weight = 0, preemptVerb, managedResources = [] } = extender
    if (prioritizeVerb && weight <= 0)
      faults.invalid(at.child('weight'), weight, 'must have a positive weight applied to it')
    if (preemptVerb) faults.forbidden(at.child('preemptVerb'), 'extenders are not asked about preemption here')
    for (const [position, { name }] of managedResources.entries()) {
      const where = at.child('managedResources').index(position).child('name')
      const sentences = qualifiedNameFaults(name)
      if (sentences.length > 0) faults.invalids(sentences, name, where)
      else if (!name.includes('/') || name.includes('kubernetes.io/')) {
        faults.invalid(where, name, 'is an invalid extended resource name')
      }
      if (managed.has(name)) faults.invalid(where, name, 'duplicate extender managed resource name')
      managed.add(name)
    }
  }
  const binders = extenders.filter(({ bindVerb }) => bindVerb).length
  if (binders > 1) {
    faults.invalid(path, `found ${binders} extenders implementing bind`, 'only one extender can implement bind')
  }
}
