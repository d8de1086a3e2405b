// Requests that fail or are slow on purpose. Called by answering.ts, for who may ask; src/faults/ decides whom it strikes.

import type { ApiError } from '../../src/api/errors.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import type { User } from '../registry/registry.ts'
import type { RequestAttributes } from './request-attributes.ts'

export interface RequestFaults {
  readonly isActive: boolean
  strike(asked: {
    readonly user: string
    readonly verb: string
    readonly resource: string
    readonly namespace: string
    readonly name: string
  }): { readonly latency: Millis; readonly error: ApiError | undefined } | undefined
}

/** Waits, or throws, as a fault has it. */
export async function struck(
  faults: RequestFaults,
  user: User,
  { verb, resource, subresource, group, namespace, name }: RequestAttributes,
  { wall }: Env,
): Promise<void> {
  const part = subresource === '' ? '' : `/${subresource}`
  const whole = group === '' ? resource + part : `${resource}.${group}${part}`
  const strike = faults.strike({ user: user.name, verb, resource: whole, namespace, name })
  if (strike === undefined) return
  if (strike.latency > 0) await wall.sleep(strike.latency)
  if (strike.error !== undefined) throw strike.error
}
