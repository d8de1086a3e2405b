// The scheduler's configuration that a user named, if any, with what is wrong with it said as of any setting. Called by
// whoever starts a scheduler; the default needs no file and no reader of YAML.

import type { SchedulerConfiguration } from '../scheduler/configuration.ts'
import { type Config, ConfigError } from './config.ts'

/** Throws ConfigError. */
export async function schedulerConfigurationOf({
  schedulerConfig,
}: Config): Promise<SchedulerConfiguration | undefined> {
  if (schedulerConfig === undefined) return undefined
  const { readSchedulerConfigurationFile } = await import('../scheduler/configuration-file.ts')
  try {
    return readSchedulerConfigurationFile(schedulerConfig)
  } catch (cause) {
    throw new ConfigError((cause as Error).message, { cause })
  }
}
