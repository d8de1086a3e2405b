// A pod in one word and one of few states, each with a colour (styles/tokens.css) and a mark, since colour alone does not say it.

import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { summarizePod } from '../../src/kinds/pod-status-text.ts'

export type PodState = 'ready' | 'starting' | 'waiting' | 'failing' | 'done' | 'leaving'

export const podStates: readonly { readonly state: PodState; readonly title: string; readonly mark: string }[] = [
  { state: 'ready', title: 'ready', mark: '' },
  { state: 'starting', title: 'not ready', mark: '·' },
  { state: 'waiting', title: 'pending', mark: '…' },
  { state: 'failing', title: 'failing', mark: '!' },
  { state: 'done', title: 'done', mark: '✓' },
  { state: 'leaving', title: 'ending', mark: '×' },
]

const marks = new Map(podStates.map(({ state, mark }) => [state, mark]))
export const markOf = (state: PodState): string => marks.get(state)!

const fine = /^(ContainerCreating|PodInitializing|Pending|SchedulingGated|Init:\d+\/\d+)$/

export interface PodFace {
  readonly state: PodState
  /** As `kubectl get pods` has it. */
  readonly status: string
  readonly ready: string
  readonly restarts: string
}

const faces = new WeakMap<object, PodFace>()

/** Restarts' "ago" is of no use here, so it needs no clock. */
export function faceOf(pod: Frozen<Pod>): PodFace {
  let face = faces.get(pod)
  if (face === undefined) {
    const { status, ready, restarts } = summarizePod(pod, 0)
    face = { status, ready, restarts: restarts.split(' ')[0]!, state: stateOf(pod, status) }
    faces.set(pod, face)
  }
  return face
}

function stateOf(pod: Frozen<Pod>, status: string): PodState {
  if (pod.metadata.deletionTimestamp) return 'leaving'
  if (pod.status.phase === 'Succeeded' || status === 'Completed') return 'done'
  if (status === 'Running') {
    return pod.status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')
      ? 'ready'
      : 'starting'
  }
  if (fine.test(status)) return pod.spec.nodeName ? 'starting' : 'waiting'
  return status === 'NotReady' ? 'starting' : 'failing'
}
