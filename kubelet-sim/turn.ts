// One turn of a pod: it is looked at, what is due by now happens, and its status is drawn up. No API here: kubelet.ts calls
// this with what it read and writes what comes of it, and tests of lives and stages do the same without a server.

import type { Container, ContainerStatus, Pod, PodStatus } from '../generated/types.ts'
import { findCondition } from '../src/api/conditions.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { type PodAddresses, secondPodAddress } from './addresses.ts'
import { userInStatus, userOf } from './container-user.ts'
import { phaseOf, setPodConditions, unprobed, waiting } from './containers.ts'
import type { Errands } from './errands.ts'
import type { Evictions } from './eviction/evictions.ts'
import type { ImageBook } from './image-book.ts'
import { behaviourOf, type Overrides, pullOf } from './images.ts'
import type { Failure, Life, Run } from './life.ts'
import type { NodeImages } from './node-images.ts'
import { rootFault } from './non-root.ts'
import type { Outside } from './outside.ts'
import {
  acting,
  type ContainerView,
  type Delays,
  type Obstacle,
  type PodView,
  type Role,
  roleOf,
  type Said,
} from './pod-view.ts'
import { type Runs, runNumber } from './runs.ts'
import type { Stage } from './stage.ts'
import { containerStages, endingStages, podStages } from './stages/index.ts'

export interface Surroundings {
  readonly addresses: PodAddresses
  readonly images: ImageBook
  readonly delays: Delays
  now(): Millis
  readonly errands: Errands
  readonly evictions: Evictions
  readonly outside?: Outside | undefined
  /** Absent where nothing can be run: tests of stages alone. */
  readonly runs?: Pick<Runs, 'endOf' | 'isRunning'> | undefined
  /** The nodes' machines were switched off since what is there was written. */
  readonly areRebooted?: boolean
}

/** The node a pod is on, as its turn needs it. */
export interface Host {
  readonly address: string
  /** Of the other family. */
  readonly secondAddress?: string | undefined
  readonly podCIDR: string | undefined
  readonly secondPodCIDR?: string | undefined
  readonly images: NodeImages
  /** What the pod refers to and is not there; absent: all is. */
  readonly missing?: Missing | undefined
  /** Why the pod is not taken. */
  readonly rejection?: Failure | undefined
  resizeFault?(): Failure | undefined
}

export interface Missing {
  readonly obstacle: Obstacle | undefined
  readonly pullSecrets: readonly string[]
  /** What the pod's secrets for pulling name. */
  readonly registries?: readonly string[] | undefined
  /** By container. */
  readonly faults: ReadonlyMap<string, string>
}

/** Lets everything happen that is due by now, and draws up the status; returns when something is due next. */
export function takeTurn(view: PodView, now: Millis): Millis | undefined {
  const next = advance(view, now)
  conclude(view, now)
  return next
}

/** In order of time. */
function advance(view: PodView, now: Millis): Millis | undefined {
  for (let steps = 0; steps < 1000; steps++) {
    const step = nextStep(view)
    if (step === undefined || step.due > now) return step?.due
    step.apply(Math.max(0, now))
  }
  throw new Error(`pod ${view.pod.metadata.namespace}/${view.pod.metadata.name} does not come to rest`)
}

interface Step {
  readonly due: Millis
  apply(now: Millis): void
}

function nextStep(view: PodView): Step | undefined {
  let soonest = soonestOf(podStages, view, undefined)
  if (view.life.stop) {
    for (const container of view.containers) soonest = soonestOf(endingStages, container, soonest)
  } else if (!isLeaving(view) && view.life.isMounted) {
    for (const container of acting(view)) soonest = soonestOf(containerStages, container, soonest)
  }
  return soonest
}

function soonestOf<View>(stages: readonly Stage<View>[], view: View, best: Step | undefined): Step | undefined {
  for (const stage of stages) {
    const due = stage.due(view)
    if (due !== undefined && (best === undefined || due < best.due))
      best = { due, apply: now => stage.apply(view, now) }
  }
  return best
}

function isLeaving({ pod, status }: PodView): boolean {
  return pod.metadata.deletionTimestamp !== undefined || status.phase === 'Succeeded' || status.phase === 'Failed'
}

/** Phase and conditions follow from the containers. */
function conclude(view: PodView, now: Millis): void {
  const { pod, status } = view
  if (status.startTime === undefined || (view.rejection !== undefined && status.phase === 'Failed')) return
  const phase = phaseOf(pod.spec, status)
  if (phase !== status.phase) {
    status.phase = phase
    view.changed = true
  }
  const { generation } = pod.metadata
  if (generation !== undefined && status.observedGeneration !== generation) {
    status.observedGeneration = generation
    view.changed = true
  }
  const isDue = view.changed || pod.spec.readinessGates || isContradicted(status)
  if (isDue && setPodConditions(pod, status, now)) view.changed = true
}

/** Somebody else has said that a pod is not ready whose containers all are: a kubelet puts that right (status_manager.go, needsReconcile). */
function isContradicted({ phase, conditions, containerStatuses }: PodStatus): boolean {
  if (phase !== 'Running' || findCondition(conditions, 'Ready')?.status !== 'False') return false
  return containerStatuses?.every(({ ready }) => ready) === true
}

const none: readonly string[] = Object.freeze([])

/** A pod as the stages see it; what they say of it goes to `said`. */
export function viewOf(pod: Frozen<Pod>, host: Host, life: Life, said: Said[], around: Surroundings): PodView {
  const status = draftStatus(pod.status)
  const containers: ContainerView[] = []
  const view: PodView = {
    pod,
    nodeAddress: host.address,
    secondNodeAddress: host.secondAddress,
    images: host.images,
    delays: around.delays,
    status,
    life,
    containers,
    now: () => around.now(),
    errands: around.errands,
    rejection: host.rejection,
    resizeFault: () => host.resizeFault?.(),
    eviction: around.evictions.of(pod.metadata.uid),
    outside: around.outside,
    obstacle: host.missing?.obstacle,
    missingPullSecrets: host.missing?.pullSecrets ?? none,
    changed: false,
    removed: false,
    address() {
      if (pod.spec.hostNetwork) return host.address
      if (life.address === undefined && host.podCIDR !== undefined) life.address = around.addresses.take(host.podCIDR)
      return life.address
    },
    secondAddress(first) {
      if (pod.spec.hostNetwork) return host.secondAddress
      return host.secondPodCIDR && secondPodAddress(first, host.secondPodCIDR)
    },
    say(type, reason, message, fieldPath) {
      said.push({ type, reason, message, fieldPath })
    },
  }
  // First, as the kubelet starts them (kuberuntime_manager.go SyncPod): they wait for no init container.
  for (const [index, spec] of (pod.spec.ephemeralContainers ?? []).entries()) {
    status.ephemeralContainerStatuses ??= []
    containers.push(containerView(view, spec, 'ephemeral', status.ephemeralContainerStatuses, index, around, host))
  }
  for (const [index, spec] of (pod.spec.initContainers ?? []).entries()) {
    status.initContainerStatuses ??= []
    containers.push(containerView(view, spec, roleOf(spec, true), status.initContainerStatuses, index, around, host))
  }
  for (const [index, spec] of pod.spec.containers.entries()) {
    status.containerStatuses ??= []
    containers.push(containerView(view, spec, 'main', status.containerStatuses, index, around, host))
  }
  return view
}

function containerView(
  pod: PodView,
  spec: Frozen<Container>,
  role: Role,
  statuses: ContainerStatus[],
  index: number,
  around: Surroundings,
  host: Host,
): ContainerView {
  statuses[index] ??=
    role === 'ephemeral' ? unprobed(waiting(spec, 'ContainerCreating')) : waiting(spec, 'ContainerCreating')
  const runs = pod.life.runs as Record<string, Run>
  const list = role === 'main' ? 'containers' : role === 'ephemeral' ? 'ephemeralContainers' : 'initContainers'
  let behaviour: ReturnType<typeof behaviourOf> | undefined
  const overrides = (pod.pod.metadata.annotations ?? {}) as Overrides
  const { images } = around
  return {
    pod,
    spec,
    role,
    get fault() {
      return rootFault(pod.pod, spec, images.find(spec.image ?? '')) ?? host.missing?.faults.get(spec.name)
    },
    get run() {
      runs[spec.name] ??= {}
      return runs[spec.name]!
    },
    get status() {
      return statuses[index]!
    },
    get behaviour() {
      if (behaviour === undefined) {
        behaviour = behaviourOf(spec, images.find(spec.image ?? ''), overrides, pod.pod.metadata.name)
        // Where nothing can be run it is what can be told of it.
        if (around.runs === undefined && behaviour.plan) behaviour = { ...behaviour, script: behaviour.plan }
      }
      return behaviour
    },
    get isRun() {
      return around.runs !== undefined && this.behaviour.isRun
    },
    get isLost() {
      const { runs, areRebooted } = around
      if (!areRebooted || !this.status.state?.running || this.run.startedAt !== undefined) return false
      return this.isRun && runs?.isRunning(pod.pod.metadata.uid ?? '', spec.name) === false
    },
    get ran() {
      return around.runs?.endOf(pod.pod.metadata.uid ?? '', spec.name, runNumber(this))
    },
    get user() {
      return userInStatus(userOf(pod.pod, spec, images.find(spec.image ?? '')))
    },
    get labels() {
      return images.find(spec.image ?? '')?.labels
    },
    get isBuilt() {
      return images.isBuilt(spec.image ?? '')
    },
    isPresent: image => images.isBuilt(image) || pod.images.has(image),
    pull(image = spec.image ?? '') {
      const pull = pullOf(image, images.find(image), pod.images.has(image), overrides, host.missing?.registries)
      const fails = images.pullFault?.(image)
      return fails === undefined ? pull : { ...pull, fails }
    },
    set(next) {
      statuses[index] = role === 'ephemeral' ? unprobed(next) : next
      pod.changed = true
    },
    say: (type, reason, message) => pod.say(type, reason, message, `spec.${list}{${spec.name}}`),
  }
}

/** The status as a draft: lists are new, what they hold is shared, since it is replaced and never changed. */
function draftStatus(status: Frozen<PodStatus>): PodStatus {
  const draft = { ...status } as PodStatus
  if (draft.conditions) draft.conditions = [...draft.conditions]
  if (draft.containerStatuses) draft.containerStatuses = [...draft.containerStatuses]
  if (draft.initContainerStatuses) draft.initContainerStatuses = [...draft.initContainerStatuses]
  if (draft.ephemeralContainerStatuses) draft.ephemeralContainerStatuses = [...draft.ephemeralContainerStatuses]
  return draft
}
