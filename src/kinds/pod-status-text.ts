// How `kubectl get pods` sums a pod up: READY, STATUS and RESTARTS, by the rules of printPod
// (pkg/printers/internalversion/printers.go). Called once for each of the three cells.

import type { ContainerStatus, Pod } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { parseTime } from '../api/time.ts'
import type { Millis } from '../env/clock.ts'
import { ageText } from './columns.ts'

export interface PodSummary {
  readonly ready: string
  readonly status: string
  readonly restarts: string
}

export function summarizePod(pod: Frozen<Pod>, now: Millis): PodSummary {
  const { spec, status } = pod
  const sidecars = new Set<string>()
  for (const each of spec.initContainers ?? []) if (each.restartPolicy === 'Always') sidecars.add(each.name)
  let readyCount = 0
  let text = status.reason || status.phase || ''
  for (const { type, reason } of status.conditions ?? []) {
    if (type === 'PodScheduled' && reason === 'SchedulingGated') text = 'SchedulingGated'
  }

  const all = new Restarts()
  const ofSidecars = new Restarts()
  let isInitializing = false
  for (const [index, container] of (status.initContainerStatuses ?? []).entries()) {
    const isSidecar = sidecars.has(container.name)
    all.count(container)
    if (isSidecar) ofSidecars.count(container)
    const terminated = container.state?.terminated
    if (terminated?.exitCode === 0) continue
    if (isSidecar && container.started) {
      if (container.ready) readyCount++
      continue
    }
    const waiting = container.state?.waiting?.reason
    if (terminated) text = `Init:${endText(terminated)}`
    else if (waiting && waiting !== 'PodInitializing') text = `Init:${waiting}`
    else text = `Init:${index}/${spec.initContainers?.length ?? 0}`
    isInitializing = true
    break
  }

  let restarts = all
  if (!isInitializing || hasCondition(pod, 'Initialized')) {
    restarts = ofSidecars
    let isRunning = false
    let failure = ''
    const containers = status.containerStatuses ?? []
    for (let index = containers.length - 1; index >= 0; index--) {
      const container = containers[index]!
      restarts.count(container)
      const { waiting, terminated, running } = container.state ?? {}
      if (waiting?.reason) text = waiting.reason
      else if (terminated) {
        text = endText(terminated)
        if (terminated.exitCode !== 0) failure = text
      } else if (container.ready && running) {
        isRunning = true
        readyCount++
      }
    }
    if (text === 'Completed') {
      if (isRunning && hasCondition(pod, 'Ready')) text = 'Running'
      else if (failure !== '') text = failure
      else if (isRunning) text = 'NotReady'
    }
  }

  if (pod.metadata.deletionTimestamp) {
    if (status.reason === 'NodeLost') text = 'Unknown'
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') text = 'Terminating'
  }
  return {
    ready: `${readyCount}/${spec.containers.length + sidecars.size}`,
    status: text,
    restarts: restarts.text(now),
  }
}

type Terminated = NonNullable<NonNullable<Frozen<ContainerStatus>['state']>['terminated']>

function endText({ reason, signal, exitCode }: Terminated): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`)
}

function hasCondition({ status }: Frozen<Pod>, type: string): boolean {
  return status.conditions?.some(each => each.type === type && each.status === 'True') ?? false
}

class Restarts {
  private total = 0
  private last: string | undefined

  count(container: Frozen<ContainerStatus>): void {
    this.total += container.restartCount
    const ended = container.lastState?.terminated?.finishedAt
    if (ended && (this.last === undefined || parseTime(ended) > parseTime(this.last))) this.last = ended
  }

  text(now: Millis): string {
    return this.total !== 0 && this.last !== undefined
      ? `${this.total} (${ageText(this.last, now)} ago)`
      : String(this.total)
  }
}
