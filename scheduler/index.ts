// The scheduler's controllers: one. Called by src/cluster.ts and by the scheduler run as a process of its own.

import type { Env } from '../src/env/env.ts'
import type { ControllerSpec } from '../src/runtime/controller.ts'
import { defaultConfiguration, type SchedulerConfiguration } from './configuration.ts'
import type { DecisionBook } from './decisions.ts'
import type { DeviceSelectors } from './device-allocation.ts'
import { type AskExtender, Extender } from './extender.ts'
import { createExtenderCalls } from './extender-http.ts'
import { dynamicResourcesWith } from './plugins/dynamic-resources.ts'
import { plugins } from './plugins/index.ts'
import { type Profile, profilesOf } from './profile.ts'
import { createScheduler } from './scheduler.ts'

export interface BuiltinSchedulerOptions {
  readonly configuration?: SchedulerConfiguration | undefined
  readonly decisions?: DecisionBook | undefined
  /** Reads the selectors of devices. */
  readonly deviceSelectors?: DeviceSelectors | undefined
  /** How extenders are asked. Default: over HTTP, for real. */
  readonly askExtender?: AskExtender | undefined
}

/** What of a configuration decides where pods go. */
export interface SchedulerParts {
  readonly profiles: readonly Profile[]
  readonly extenders: readonly Extender[]
}

/** Throws SchedulerConfigurationError when a profile names what is not there. */
export function builtinScheduler(
  { activity, gate }: Env,
  options: BuiltinSchedulerOptions = {},
): readonly ControllerSpec[] {
  const { configuration = defaultConfiguration, decisions } = options
  const { firstBackoff, longestBackoff } = configuration
  const scheduler = createScheduler({
    activity,
    gate,
    ...schedulerParts(options),
    backoff: { firstBackoff, longestBackoff },
    ...(decisions && { decisions }),
  })
  return [scheduler]
}

/** Throws SchedulerConfigurationError. */
export function schedulerParts({
  configuration = defaultConfiguration,
  deviceSelectors,
  askExtender = createExtenderCalls(),
}: BuiltinSchedulerOptions): SchedulerParts {
  const devices = deviceSelectors && dynamicResourcesWith(deviceSelectors)
  const known = plugins.map(plugin => (devices && plugin.name === devices.name ? devices : plugin))
  return {
    profiles: profilesOf(configuration, known),
    extenders: configuration.extenders.map(extender => new Extender(extender, askExtender)),
  }
}
