// A profile: under one scheduler's name, which plugins are asked, where, in which order and with which weights and arguments.
// Made of the configuration once, at start (pkg/scheduler/apis/config/v1/default_plugins.go: mergePlugins;
// pkg/scheduler/framework/runtime/framework.go: expandMultiPointPlugins).

import {
  type ExtensionPoint,
  extensionPoints,
  type PluginSet,
  type ProfileConfiguration,
  type SchedulerConfiguration,
  SchedulerConfigurationError,
} from './configuration.ts'
import type { Judge, Plugin } from './plugin.ts'
import { pluginWith } from './plugin-arguments.ts'

export interface Profile {
  readonly schedulerName: string
  readonly plugins: readonly Plugin[]
  readonly percentageOfNodesToScore: number
  /** Whether pods with scheduling gates wait for these to go. */
  readonly heedsGates: boolean
}

/** Plugins that are part of the scheduler itself, and where they are asked. */
const builtIn: Readonly<Record<string, ExtensionPoint>> = {
  SchedulingGates: 'preEnqueue',
  PrioritySort: 'queueSort',
  DefaultBinder: 'bind',
}

/** Throws SchedulerConfigurationError. */
export function profilesOf(configuration: SchedulerConfiguration, known: readonly Plugin[]): readonly Profile[] {
  const ignored = configuration.extenders.flatMap(({ managedResources = [] }) =>
    managedResources.flatMap(({ name, ignoredByScheduler }) => (ignoredByScheduler ? [name] : [])),
  )
  return configuration.profiles.map((profile, index) =>
    profileOf(profile, known, {
      where: `profiles[${index}]`,
      percentage: configuration.percentageOfNodesToScore,
      ignored,
    }),
  )
}

interface Surroundings {
  readonly where: string
  readonly percentage: number
  /** Resources that an extender answers for. */
  readonly ignored: readonly string[]
}

function profileOf(
  { schedulerName, plugins: sets = {}, pluginConfig = [], percentageOfNodesToScore }: ProfileConfiguration,
  known: readonly Plugin[],
  { where, percentage, ignored }: Surroundings,
): Profile {
  const byName = new Map(known.map(plugin => [plugin.name, plugin]))
  for (const { name, args = {} } of pluginConfig) {
    if (byName.has(name)) byName.set(name, pluginWith(name, args) ?? byName.get(name)!)
    else if (!Object.hasOwn(builtIn, name)) throw unknown(`${where}.pluginConfig`, name)
  }
  if (ignored.length > 0 && byName.has('NodeResourcesFit')) {
    const args = pluginConfig.find(({ name }) => name === 'NodeResourcesFit')?.args ?? {}
    const own = (args as { readonly ignoredResources?: readonly string[] }).ignoredResources ?? []
    byName.set('NodeResourcesFit', pluginWith('NodeResourcesFit', { ...args, ignoredResources: [...own, ...ignored] })!)
  }
  const check = (set: PluginSet | undefined, at: string): void => {
    for (const { name } of set?.enabled ?? []) {
      if (!byName.has(name) && !Object.hasOwn(builtIn, name)) throw unknown(`${where}.plugins.${at}.enabled`, name)
    }
  }
  for (const at of [...extensionPoints, 'multiPoint']) check(sets[at], at)

  const defaults = [
    ...Object.keys(builtIn).map(name => ({ name })),
    ...known.map(({ name, weight }) => (weight === undefined ? { name } : { name, weight })),
  ]
  const everywhere = merged(defaults, sets.multiPoint)
  const at = Object.fromEntries(extensionPoints.map(point => [point, expanded(everywhere, sets[point])]))
  for (const point of ['queueSort', 'bind'] as const) {
    const isThere = at[point]!.some(({ name }) => builtIn[name] === point)
    if (!isThere)
      throw new SchedulerConfigurationError(
        `${where}: no ${point} plugin for profile with scheduler name ${JSON.stringify(schedulerName)}`,
      )
  }
  // The order of filters is the one that shows: the first that refuses is the reason that counts.
  const names = new Set([...at.filter!, ...extensionPoints.flatMap(point => at[point]!)].map(({ name }) => name))
  const plugins: Plugin[] = []
  for (const name of names) {
    const plugin = byName.get(name)
    if (plugin === undefined) continue
    const asked = new Set(extensionPoints.filter(point => at[point]!.some(each => each.name === name)))
    const weight = at.score!.find(each => each.name === name)?.weight
    plugins.push(limited(weight === undefined ? plugin : { ...plugin, weight }, asked))
  }
  return {
    schedulerName,
    plugins,
    percentageOfNodesToScore: percentageOfNodesToScore ?? percentage,
    heedsGates: at.preEnqueue!.some(({ name }) => name === 'SchedulingGates'),
  }
}

type Enabled = NonNullable<PluginSet['enabled']>

/** A default that is enabled again keeps its place and takes the new weight. */
function merged(defaults: Enabled, { enabled = [], disabled = [] }: PluginSet = {}): Enabled {
  const gone = new Set(disabled.map(({ name }) => name))
  const own = new Map(enabled.map(each => [each.name, each]))
  const kept = gone.has('*') ? [] : defaults.filter(({ name }) => !gone.has(name))
  const keptNames = new Set(kept.map(({ name }) => name))
  const weighted = kept.map(each => ({ ...each, ...own.get(each.name) }))
  return [...weighted, ...enabled.filter(({ name }) => !keptNames.has(name))]
}

/** At one point: first those of everywhere that are named here as well, then the rest of them, then what is named here only. */
function expanded(everywhere: Enabled, { enabled = [], disabled = [] }: PluginSet = {}): Enabled {
  const gone = new Set(disabled.map(({ name }) => name))
  const own = new Map(enabled.map(each => [each.name, each]))
  const general = new Map(everywhere.map(each => [each.name, each]))
  const first = enabled.flatMap(each => (general.has(each.name) ? [{ ...general.get(each.name)!, ...each }] : []))
  const rest = gone.has('*') ? [] : everywhere.filter(({ name }) => !gone.has(name) && !own.has(name))
  return [...first, ...rest, ...enabled.filter(({ name }) => !general.has(name))]
}

/** A plugin that is not asked everywhere says nothing at the other points. */
function limited(plugin: Plugin, asked: ReadonlySet<ExtensionPoint>): Plugin {
  const isAsked = (...points: ExtensionPoint[]): boolean => points.every(point => asked.has(point))
  const { postFilter, reserve, ...rest } = plugin
  const kept: Plugin = {
    ...rest,
    ...(postFilter && isAsked('postFilter') && { postFilter }),
    ...(reserve && isAsked('reserve', 'preBind') && { reserve }),
  }
  if (isAsked('preFilter', 'filter', 'preScore', 'score')) return kept
  return {
    ...kept,
    prepare: (pod, snapshot) => {
      const { refuses, only, filter, moved, score, beforeScore, normalize } = plugin.prepare(pod, snapshot)
      const judge: Judge = {
        ...(isAsked('preFilter') && { ...(refuses && { refuses }), ...(only && { only }) }),
        ...(isAsked('filter') && { ...(filter && { filter }), ...(moved && { moved }) }),
        ...(isAsked('score') && {
          ...(score && { score }),
          ...(beforeScore && { beforeScore }),
          ...(normalize && { normalize }),
        }),
      }
      return judge
    },
  }
}

function unknown(where: string, name: string): SchedulerConfigurationError {
  return new SchedulerConfigurationError(`${where}: plugin ${JSON.stringify(name)} does not exist`)
}
