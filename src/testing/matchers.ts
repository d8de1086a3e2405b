// Matchers for vitest and jest, whose `expect.extend` takes them all:
//
//   expect.extend(kubesimMatchers)
//   expect(cluster.get(Deployments, 'web')).toBeAvailable()
//
// Their types, for vitest (for jest: `declare global { namespace jest { interface Matchers<R> extends KubesimMatchers<R> {} } }`):
//
//   declare module 'vitest' { interface Matchers<T = any> extends KubesimMatchers<T> {} }
//
// A failure says why the object is as it is and what it waits for, when it was read from a test's cluster.

import { eventsAbout, explanationOf } from './explanation.ts'

/** What `expect(object)` can be asked when the matchers are there. */
export interface KubesimMatchers<R = void> {
  /** A condition of its status, `True` unless said otherwise. */
  toHaveCondition(type: string, status?: string, reason?: string): R
  /** All replicas that are wanted are there, of the newest template, and available; of a Pod: it is Ready. */
  toBeAvailable(): R
  /** The other names it as an owner. */
  toOwn(other: unknown): R
  /** Somebody said so of it: an Event of that reason, and with such a message. Of objects that a test's cluster gave. */
  toHaveEvent(reason: string, message?: string | RegExp): R
}

/** What a matcher says: whether it holds, and why it does not (or, after `.not`, does). */
export interface Verdict {
  readonly pass: boolean
  /** The sentence that is shown, with what the object waits for and what happened to it. */
  message(): string
}

/** Each takes the object, then what `expect(object)` takes after it. */
export type Matchers = {
  readonly [Name in keyof KubesimMatchers]: (
    received: unknown,
    ...expected: Parameters<KubesimMatchers[Name]>
  ) => Verdict
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

/** What `expect.extend(kubesimMatchers)` of vitest and jest adds: see KubesimMatchers. */
export const kubesimMatchers: Matchers = Object.freeze({ toHaveCondition, toBeAvailable, toOwn, toHaveEvent })

/** `toHaveCondition('Ready')`, `toHaveCondition('Progressing', 'False', 'ProgressDeadlineExceeded')` */
function toHaveCondition(received: unknown, type: string, status = 'True', reason?: string): Verdict {
  const object = objectIn(received)
  const conditions: readonly Condition[] = object.status?.conditions ?? []
  const found = conditions.find(each => each.type === type)
  const pass = found?.status === status && (reason === undefined || found.reason === reason)
  const wanted = `${type}=${status}${reason ? ` (${reason})` : ''}`
  return verdict(
    pass,
    object,
    `have the condition ${wanted}`,
    `has ${conditions.map(conditionText).join(', ') || 'none'}`,
  )
}

/** Every replica that is wanted is there, of the newest template, and available; of a pod: it is Ready. */
function toBeAvailable(received: unknown): Verdict {
  const object = objectIn(received)
  const { spec = {}, status = {}, metadata } = object
  if (object.kind === 'Pod') {
    const { pass } = toHaveCondition(received, 'Ready')
    return verdict(pass, object, 'be available', `is ${status.phase ?? 'of no phase'}, not Ready`)
  }
  const isDaemonSet = object.kind === 'DaemonSet'
  const wanted = isDaemonSet ? status.desiredNumberScheduled : (spec.replicas ?? 1)
  const available = (isDaemonSet ? status.numberAvailable : status.availableReplicas) ?? 0
  const updated =
    (isDaemonSet ? status.updatedNumberScheduled : status.updatedReplicas) ??
    (object.kind === 'ReplicaSet' ? available : 0)
  const isSeen = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  const pass = isSeen && wanted !== undefined && available >= wanted && updated >= wanted
  return verdict(pass, object, 'be available', `has ${available} available and ${updated} updated of ${wanted ?? '?'}`)
}

/** The received object is named as an owner of the other. */
function toOwn(received: unknown, other: unknown): Verdict {
  const owner = objectIn(received)
  const { metadata } = objectIn(other)
  const owners: readonly { readonly uid: string; readonly kind: string; readonly name: string }[] =
    metadata.ownerReferences ?? []
  const pass = owners.some(({ uid }) => uid === owner.metadata.uid)
  const has = owners.map(({ kind, name }) => `${kind} ${name}`).join(', ') || 'nobody'
  return verdict(pass, owner, `own ${metadata.name}`, `${metadata.name} is owned by ${has}`)
}

/** `toHaveEvent('FailedScheduling', /Insufficient cpu/)` */
function toHaveEvent(received: unknown, reason: string, message?: string | RegExp): Verdict {
  const object = objectIn(received)
  const events = eventsAbout(object)
  if (events === undefined) {
    throw new TypeError('toHaveEvent takes an object that a test\u2019s cluster gave: cluster.get(…), cluster.list(…)')
  }
  const says = (text = ''): boolean =>
    message === undefined || (typeof message === 'string' ? text.includes(message) : message.test(text))
  const pass = events.some(event => event.reason === reason && says(event.message))
  const wanted = `${reason}${message === undefined ? '' : `: ${message}`}`
  const said = events.map(event => `${event.reason}: ${event.message}`).join('; ') || 'nothing was said of it'
  return verdict(pass, object, `have the event ${wanted}`, `has none such: ${said}`)
}

function verdict(pass: boolean, object: any, wanted: string, is: string): Verdict {
  return {
    pass,
    message() {
      const name = `${object.kind ?? 'the object'} ${object.metadata.name}`
      const why = explanationOf(object)
      return `expected ${name} ${pass ? 'not to' : 'to'} ${wanted}, but it ${is}${why === '' ? '' : `\n${why}`}`
    },
  }
}

function objectIn(value: unknown): any {
  if (typeof value === 'object' && value !== null && 'metadata' in value) return value
  throw new TypeError(`this matcher takes a Kubernetes object, not ${JSON.stringify(value)}`)
}

const conditionText = ({ type, status, reason }: Condition): string =>
  `${type}=${status}${reason ? ` (${reason})` : ''}`
