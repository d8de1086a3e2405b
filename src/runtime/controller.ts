// A controller: one kind it is for, what else wakes it, and a reconcile that makes the world fit one object.
// The runtime (manager.ts) does the rest: informers, queue, workers, back-off, reading one's own writes.

import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import type { Client } from '../client/client.ts'
import type { Clock, Millis } from '../env/clock.ts'
import type { Logger } from '../env/log.ts'
import type { Random } from '../env/random.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Lister } from './informer.ts'

/**
 * A change of another kind that should wake this controller: which of its objects, given the object now and before.
 * When a controller starts, every object there is counts as a change from nothing.
 */
export interface Wake<K extends KubeObject = any> {
  readonly kind: Kind<K>
  keys(now: Frozen<K> | undefined, before: Frozen<K> | undefined, context: Context): readonly Ref[]
}

/** What a controller is given: everything else it would have to fetch for itself. */
export interface Context {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly signal: AbortSignal
  /** The shared cache of a kind named in `for`, `owns`, `wakes` or `reads`. */
  lister<T extends KubeObject>(kind: Kind<T>): Lister<T>
  /** Records an Event about an object; repeats of the same become a count. Never throws, never waits. */
  event(
    about: Frozen<KubeObject>,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    action?: string,
    place?: EventPlace,
  ): void
  /**
   * Follows a kind that nobody knew when the controller was made, as `wakes` follow others, until the returned function is
   * called, which gives what was in the cache then. Resolves when the first list is in.
   */
  follow(wake: Wake): Promise<() => readonly Frozen<KubeObject>[]>
  /** Puts a key of this controller back, after a delay; the earlier of two delays wins. */
  wake(ref: Ref, delay?: Millis): void
}

/** Where an event belongs more precisely, as a kubelet says it. */
export interface EventPlace {
  /** The part of the object it is about, for `involvedObject.fieldPath`: `spec.containers{web}`. */
  readonly fieldPath?: string | undefined
  /** The node that says it, for `source.host`. */
  readonly host?: string | undefined
  /** Who says it, for `source.component`, when that is not the controller's name: `kubelet`. */
  readonly component?: string | undefined
}

// biome-ignore lint/suspicious/noConfusingVoidType: a reconcile that says nothing returns void.
export type Outcome = { readonly again: Millis } | undefined | void

/** A controller: what wakes it, and what it does then. docs/controllers.md has each member, and what the runtime promises. */
export interface ControllerSpec<T extends KubeObject = any> {
  /** As upstream names it, e.g. `deployment-controller`: also the source of its events and its field manager. */
  readonly name: string
  /** The source of its events, where upstream gives them another name than the controller. */
  readonly source?: string
  /** Its changes wake it. Left out by a controller whose keys are not the objects of one kind: it has `work` instead. */
  readonly for?: Kind<T>
  /** Changes of objects whose controller-owner is of `for` wake the owner. */
  readonly owns?: readonly Kind<any>[]
  readonly wakes?: readonly Wake[]
  /** Kinds it only reads: a lister, no waking. */
  readonly reads?: readonly Kind<any>[]
  /** How many keys may be worked at once. Default 1: the order of work is then the order of waking. */
  readonly workers?: number
  /** Only these objects are worked; others are not even queued. */
  concerns?(object: Frozen<T>): boolean
  /** How long a change of one of its own objects may wait, so that several are worked as one. Default: not at all. */
  patience?(now: Frozen<T>, before: Frozen<T>, context: Context): Millis
  /**
   * Called after the caches are filled and before the first key, and again when a stopped controller goes on: long-lived
   * work that ends with the signal, or state to begin anew.
   */
  start?(context: Context): void | Promise<void>
  /** Makes the world fit. Throw: try again later, with back-off. */
  reconcile?(object: Frozen<T>, context: Context): Promise<Outcome>
  /** For a controller without `for`: each key that its wakes gave. */
  work?(ref: Ref, context: Context): Promise<Outcome>
  /** The object is not in the cache any more. */
  gone?(ref: Ref, context: Context): Promise<Outcome>
}

/** A controller as a value, to be run by a cluster (`controllers`) or by `createManager`: on its own it does nothing. */
export function defineController<T extends KubeObject>(spec: ControllerSpec<T>): ControllerSpec<T> {
  return spec
}
