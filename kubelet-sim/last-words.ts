// What a container leaves as its termination message: the file at terminationMessagePath, or, when it failed without one and
// the policy is FallbackToLogsOnError, the end of its log (kuberuntime_container.go getTerminationMessage,
// pkg/kubelet/container/runtime.go MaxContainerTerminationMessage*).

import type { Millis } from '../src/env/clock.ts'
import { scripted } from './logs.ts'
import { type ContainerView, startedAt } from './pod-view.ts'
import { runNumber } from './runs.ts'

const mostBytes = 4096
const mostLogBytes = 2048
const mostLogLines = 80
/** Of all containers of a pod together (pkg/kubelet/status normalizeStatus). */
const mostOfPod = 12 * 1024

export function lastWords(view: ContainerView, code: number, now: Millis): string | undefined {
  const most = Math.min(mostBytes, Math.floor(mostOfPod / Math.max(1, view.pod.containers.length)))
  const path = view.spec.terminationMessagePath ?? '/dev/termination-log'
  const written = view.pod.outside?.file(view.pod.pod, view.spec, path)
  if (written !== undefined && written.length > 0) return text(written.subarray(0, most))
  if (code === 0 || view.spec.terminationMessagePolicy !== 'FallbackToLogsOnError') return undefined
  const log = Buffer.from(endOfLog(view, now))
  return text(log.subarray(Math.max(0, log.length - Math.min(most, mostLogBytes))))
}

function endOfLog(view: ContainerView, now: Millis): string {
  const from = startedAt(view)
  const { script } = view.behaviour
  const run = { script, startedAt: from, until: undefined, restart: runNumber(view) }
  const lines = view.pod.outside?.log(view.pod.pod, view.spec, run) ?? scripted(script, from, from, now)
  return lines
    .slice(-mostLogLines)
    .map(({ text: line, isPartial }) => (isPartial ? line : `${line}\n`))
    .join('')
}

const decoder = new TextDecoder()

const text = (bytes: Uint8Array): string => decoder.decode(bytes)
