// A scheduler's configuration as a file: YAML or JSON, read and judged whole. Called by the roof before anything is started;
// what is wrong is told in one line.

import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import {
  readSchedulerConfiguration,
  type SchedulerConfiguration,
  SchedulerConfigurationError,
} from './configuration.ts'
import { plugins } from './plugins/index.ts'
import { profilesOf } from './profile.ts'

/** Throws SchedulerConfigurationError. */
export function readSchedulerConfigurationFile(file: string): SchedulerConfiguration {
  const failed = (why: string, cause: unknown): SchedulerConfigurationError =>
    new SchedulerConfigurationError(`${file}: ${why}`, { cause })
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw failed(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? error}`, error)
  }
  let value: unknown
  try {
    value = load(text)
  } catch (error) {
    throw failed(`is not valid YAML: ${(error as Error).message.split('\n')[0]}`, error)
  }
  try {
    const configuration = readSchedulerConfiguration(value)
    profilesOf(configuration, plugins)
    return configuration
  } catch (error) {
    throw failed((error as Error).message, error)
  }
}
