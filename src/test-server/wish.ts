// What a cluster of the test server is to be like, read from the body of `POST /clusters` and checked whole. Called by
// management.ts; what cannot be is refused in words that say what can.

import { parseDuration } from '../api/duration.ts'
import { ApiError } from '../api/errors.ts'
import { type Component, components } from '../config.ts'
import type { Millis } from '../env/clock.ts'

export interface Wish {
  /** Undefined: one is given. */
  readonly name: string | undefined
  readonly nodes: number
  readonly seed: number
  /** Factor on image pull and container start times. */
  readonly delays: number
  /** Virtual time stands until it is moved. */
  readonly clock: 'virtual' | 'real'
  readonly without: readonly Component[]
  /** A KubeSchedulerConfiguration. */
  readonly scheduler: object | undefined
  /** The name of a cluster here whose copy, with its history and at its time, this one is to be. */
  readonly from: string | undefined
  /** Ended when nobody has asked it anything for so long; 0: never. */
  readonly ttl: Millis
}

export const longestName = 63

const fields: Readonly<Record<keyof Wish, string>> = {
  name: 'a name of letters, digits and -',
  nodes: 'a whole number from 0 to 5000',
  seed: 'a whole number from 0',
  delays: 'a number from 0',
  clock: '"virtual" or "real"',
  without: `a list of ${components.join(', ')}`,
  scheduler: 'a KubeSchedulerConfiguration',
  from: 'the name of a cluster',
  ttl: 'a duration such as "10m", "0s" for ever',
}

/** `usual`: of what is left out. Throws ApiError BadRequest. */
export function readWish(body: unknown, usual: Wish): Wish {
  if (!isObject(body)) throw refused(`the body is to be a JSON object, such as {"nodes": 1}`)
  for (const name of Object.keys(body)) {
    if (!(name in fields)) throw refused(`"${name}" is not known here: ${Object.keys(fields).join(', ')} are`)
  }
  const given = <K extends keyof Wish>(name: K, isGood: (value: unknown) => boolean): Wish[K] => {
    const value = body[name]
    if (value === undefined || value === null) return usual[name]
    if (!isGood(value)) throw refused(`"${name}" is to be ${fields[name]}, not ${JSON.stringify(value)}`)
    return value as Wish[K]
  }
  const name = given('name', isName)
  const ttl = body.ttl === undefined ? usual.ttl : parseDuration(String(body.ttl))
  if (ttl === undefined) throw refused(`"ttl" is to be ${fields.ttl}, not ${JSON.stringify(body.ttl)}`)
  return {
    name,
    nodes: given('nodes', value => isWhole(value) && value <= 5_000),
    seed: given('seed', isWhole),
    delays: given('delays', value => typeof value === 'number' && value >= 0),
    clock: given('clock', value => value === 'virtual' || value === 'real'),
    without: given('without', value => Array.isArray(value) && value.every(isComponent)),
    scheduler: given('scheduler', isObject),
    from: given('from', value => typeof value === 'string'),
    ttl,
  }
}

/** Of wishes that are the same but for their name and end the clusters are the same. */
export function likenessOf({ name: _, ttl: __, ...rest }: Wish): string {
  return JSON.stringify(rest)
}

/** A label of RFC 1123: it stands in a path. */
const isName = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= longestName && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(value)

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const isComponent = (value: unknown): boolean => components.some(component => component === value)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const refused = (message: string): ApiError => new ApiError('BadRequest', message)
