// The resources of a running pod were changed (its `resize`): the kubelet looks whether the node has them, and gives them to
// the containers, of which some have to be started anew for that (pkg/kubelet/allocation, kuberuntime_manager.go
// computePodResizeAction). What it cannot give yet it tries again later.

import type { Container, ContainerStatus, PodCondition } from '../../generated/types.ts'
import { setCondition } from '../../src/api/conditions.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Millis } from '../../src/env/clock.ts'
import { resourcesOf } from '../containers.ts'
import type { ContainerView, PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { tellToStop } from '../stopping.ts'

const takes = 500
const tryAgain = 60_000

export const resizing: Stage<PodView> = {
  name: 'resizing',
  due(view) {
    const { life, status, pod } = view
    if (pod.metadata.deletionTimestamp || status.phase === 'Succeeded' || status.phase === 'Failed') return undefined
    if (life.resize?.until !== undefined) return life.resize.until
    if (!view.containers.some(isChanged)) return hasCondition(view) ? 0 : undefined
    if (life.resize?.generation !== pod.metadata.generation) return 0
    return life.resize?.retryAt
  },
  apply(view, now) {
    const { life, pod } = view
    const changed = view.containers.filter(isChanged)
    if (changed.length === 0 || life.resize?.until !== undefined) {
      for (const container of changed) actuate(container, now)
      clear(view)
      delete life.resize
      return
    }
    const { generation } = pod.metadata
    const fault = view.resizeFault()
    if (fault !== undefined) {
      const retry = fault.reason === 'Deferred' ? { retryAt: now + tryAgain } : {}
      life.resize = { ...(generation === undefined ? {} : { generation }), ...retry }
      say(view, 'PodResizePending', now, fault)
      return
    }
    clear(view)
    for (const { spec, status, set } of changed) {
      const { allocatedResources } = resourcesOf(spec)
      set({ ...status, ...(allocatedResources ? { allocatedResources } : {}) })
    }
    say(view, 'PodResizeInProgress', now)
    life.resize = { until: now + Math.round(takes * view.delays.start) }
  },
}

/** Only CPU and memory can be changed; whoever was started with none and has none is the usual case. */
function isChanged({ spec, status, role, run }: ContainerView): boolean {
  if (role === 'ephemeral' || status.state?.running === undefined || run.stop !== undefined) return false
  if (spec.resources === undefined && status.resources === undefined) return false
  return !jsonEqual(resourcesOf(spec).resources ?? {}, status.resources ?? {})
}

function actuate(container: ContainerView, now: Millis): void {
  const { spec, status, pod } = container
  if (needsRestart(spec, status)) {
    const grace = (pod.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
    tellToStop(container, now, grace, `Container ${spec.name} resize requires restart`)
    return
  }
  container.set({ ...status, ...resourcesOf(spec) })
  container.run.isResized = true
}

function needsRestart(spec: Frozen<Container>, { resources: old }: ContainerStatus): boolean {
  const next = spec.resources
  return (spec.resizePolicy ?? []).some(
    ({ resourceName: name, restartPolicy }) =>
      restartPolicy === 'RestartContainer' &&
      (next?.requests?.[name] !== old?.requests?.[name] || next?.limits?.[name] !== old?.limits?.[name]),
  )
}

const types = ['PodResizePending', 'PodResizeInProgress']
const hasCondition = ({ status }: PodView): boolean =>
  status.conditions?.some(({ type }) => types.includes(type)) ?? false

function clear(view: PodView): void {
  if (!hasCondition(view)) return
  view.status.conditions = view.status.conditions!.filter(({ type }) => !types.includes(type))
  view.changed = true
}

function say(view: PodView, type: string, now: Millis, why?: { reason: string; message: string }): void {
  const { generation } = view.pod.metadata
  const observed = generation === undefined ? {} : { observedGeneration: generation }
  view.status.conditions ??= []
  setCondition<PodCondition>(view.status.conditions, { ...observed, type, status: 'True', ...why }, now)
  view.changed = true
}
