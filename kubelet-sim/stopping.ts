// How a container ends when it is told to: its preStop hook, then SIGTERM, and SIGKILL when its grace is over.

import type { Container } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { understand } from './command.ts'
import type { ContainerView } from './pod-view.ts'

const tidyUp = 200

/** When a container that is told to stop now will have, and its exit code then. */
export function stopOf(view: ContainerView, now: Millis, grace: Millis): { at: Millis; code: number } {
  const { onTerm } = view.behaviour
  const needs = preStop(view.spec) + tidyUp * view.pod.delays.start
  if (onTerm === undefined || (needs > grace && grace > 0)) return { at: now + grace, code: 137 }
  return { at: now + Math.min(needs, grace), code: onTerm }
}

function preStop({ lifecycle }: Frozen<Container>): Millis {
  const hook = lifecycle?.preStop
  if (hook?.sleep) return hook.sleep.seconds * 1000
  const script = hook?.exec?.command && understand(hook.exec.command, {})
  return script?.exit?.at ?? 0
}
