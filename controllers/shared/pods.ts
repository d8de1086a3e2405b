// What controllers ask of pods, and how they make one from a template. Pure. Rules: pkg/api/v1/pod/util.go and
// pkg/controller/controller_utils.go.

import type { Pod, PodSpec, PodTemplateSpec } from '../../generated/types.ts'
import { findCondition } from '../../src/api/conditions.ts'
import type { Frozen, NewObject, OwnerReference } from '../../src/api/meta.ts'
import { parseTime } from '../../src/api/time.ts'
import type { Millis } from '../../src/env/clock.ts'

/** Ended for good: its containers will not run again. */
export function isTerminal({ status }: Frozen<Pod>): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed'
}

/** Counts as one of so many: not ended, and not being deleted. */
export function isActive(pod: Frozen<Pod>): boolean {
  return !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined
}

export function isTerminating(pod: Frozen<Pod>): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !isTerminal(pod)
}

export function isReady({ status }: Frozen<Pod>): boolean {
  return findCondition(status.conditions, 'Ready')?.status === 'True'
}

/** Since when the pod is ready; undefined while it is not. */
export function readySince({ status }: Frozen<Pod>): Millis | undefined {
  const condition = findCondition(status.conditions, 'Ready')
  if (condition?.status !== 'True') return undefined
  return condition.lastTransitionTime === undefined ? 0 : parseTime(condition.lastTransitionTime)
}

/** When the pod counts as available – ready for so long – or undefined while it is not ready. */
export function availableAt(pod: Frozen<Pod>, minReadySeconds: number): Millis | undefined {
  const since = readySince(pod)
  return since === undefined ? undefined : since + minReadySeconds * 1000
}

/** The most restarts of any container: ordinary ones, and init containers that keep running beside them. */
export function maxRestarts({ spec, status }: Frozen<Pod>): { readonly regular: number; readonly sidecar: number } {
  let regular = 0
  let sidecar = 0
  for (const container of status.containerStatuses ?? []) regular = Math.max(regular, container.restartCount ?? 0)
  const sidecars = new Set<string>()
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') sidecars.add(container.name)
  }
  for (const container of status.initContainerStatuses ?? []) {
    if (sidecars.has(container.name)) sidecar = Math.max(sidecar, container.restartCount ?? 0)
  }
  return { regular, sidecar }
}

/** A pod as its owner asks for it; the server adds the rest of the name after the owner's. */
export function podFromTemplate(
  template: Frozen<PodTemplateSpec>,
  owner: { readonly name: string; readonly namespace: string },
  reference: OwnerReference,
): NewObject<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {}
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${owner.name}-`,
      namespace: owner.namespace,
      ...(labels ? { labels: { ...labels } } : {}),
      ...(annotations ? { annotations: { ...annotations } } : {}),
      ...(finalizers ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [reference],
    },
    // Not copied: what a client is given to write it copies itself.
    spec: template.spec as PodSpec,
  }
}
