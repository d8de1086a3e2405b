// A finding: something that has not happened, what is waited for, and what would change it. Made by the other files here, one
// a subject; why-not.ts collects them.

import type { DecisionRecord } from '../../scheduler/decisions.ts'
import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import type { Component } from '../config.ts'
import type { Millis } from '../env/clock.ts'
import type { Kind } from '../kinds/kind.ts'

export interface Finding {
  /** `not scheduled`, `not ready`, `not deleted` */
  readonly what: string
  /** `pod/web-1` */
  readonly about: string
  /** What is waited for. */
  readonly waitsFor: string
  /** What would change it. */
  readonly remedy: string
}

/** What the finders look at: the cluster as it is. */
export interface Scene {
  get<T extends KubeObject>(kind: Kind<T>, ref: Ref): Frozen<T> | undefined
  list<T extends KubeObject>(kind: Kind<T>, namespace?: string): readonly Frozen<T>[]
  /** Every kind that is served, custom ones too. */
  readonly kinds: readonly Kind<any>[]
  readonly now: Millis
  isRunning(component: Component): boolean
  readonly isPaused: boolean
  decision(pod: Ref): DecisionRecord | undefined
}

/** Who should act is not there. */
export function absent(scene: Scene, component: Component, what: string, about: string): Finding[] {
  if (scene.isRunning(component)) return []
  const name = component === 'controllers' ? 'the controller manager' : `the ${component}`
  return [
    {
      what,
      about,
      waitsFor: `${name}, which does not run in this cluster's process`,
      remedy: `start the cluster without "--without ${component}", or run "kubesim ${component} --kubeconfig …"`,
    },
  ]
}
