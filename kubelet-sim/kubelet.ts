// The kubelets of all fake nodes, as one controller: a pod bound to one of them is brought forward to its next stage, now
// or later by the clock. What is due at one moment is one status write, and its events follow the write.

import type { Container, ContainerStatus, Node, Pod, PodStatus } from '../generated/types.ts'
import { hasReason, isConflict, isNotFound } from '../src/api/errors.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { ConfigMaps, Nodes, Pods } from '../src/kinds/index.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import type { PodAddresses } from './addresses.ts'
import { phaseOf, setPodConditions, waiting } from './containers.ts'
import type { ImageBook } from './image-book.ts'
import { behaviourOf, canonicalName, type Image, type Overrides, pullOf } from './images.ts'
import { copyLife, type Life, newLife, type Run } from './life.ts'
import type { Logs } from './logs.ts'
import { NodeImages } from './node-images.ts'
import { addressOf, isSilent, isSimulated } from './nodes.ts'
import { acting, type ContainerView, type Delays, type PodView, type Role, roleOf, type Said } from './pod-view.ts'
import type { Silences } from './silences.ts'
import type { Stage } from './stage.ts'
import { containerStages, podStages } from './stages/index.ts'

export interface KubeletOptions {
  readonly addresses: PodAddresses
  readonly images: ImageBook
  readonly nodeImages: Map<string, NodeImages>
  readonly logs: Logs
  readonly delays: Delays
  readonly silences: Silences
  /** Called when the pods are known, with the way to find one as it is now. */
  started?(find: (ref: Ref) => Frozen<Pod> | undefined): void
}

export function kubelet(options: KubeletOptions): ControllerSpec<Pod> {
  const lives = new Map<string, Life>()
  return defineController<Pod>({
    name: 'kubelet',
    for: Pods,
    reads: [ConfigMaps],
    wakes: [
      {
        kind: Nodes,
        keys: (now, before, context) =>
          now && hasComeBack(now, before, options) ? podsOf(context, now.metadata.name) : [],
      },
      {
        kind: ConfigMaps,
        keys: (now, _before, context) => (now ? waitingFor(options.images.imageIn(now), context) : []),
      },
    ],
    concerns: pod => pod.spec.nodeName !== undefined && pod.spec.nodeName !== '',
    start(context) {
      options.started?.(ref => context.lister(Pods).get(ref))
      options.images.follow(context.lister(ConfigMaps))
      options.silences.onChange(context.signal, name => {
        for (const ref of podsOf(context, name)) context.wake(ref)
      })
      for (const pod of context.lister(Pods).list()) {
        if (pod.status.podIP && !pod.spec.hostNetwork && !hasEnded(pod)) options.addresses.claim(pod.status.podIP)
      }
    },
    reconcile: (pod, context) => bringForward(pod, context, options, lives),
    async gone(ref) {
      const key = keyOf(ref)
      forget(lives.get(key), options)
      lives.delete(key)
    },
  })
}

async function bringForward(
  pod: Frozen<Pod>,
  context: Context,
  options: KubeletOptions,
  lives: Map<string, Life>,
): Promise<Outcome> {
  const node = context.lister(Nodes).get({ name: pod.spec.nodeName ?? '' })
  if (!node || !isSimulated(node) || isSilent(node) || options.silences.has(node.metadata.name)) return
  const key = keyOf(pod.metadata)
  const last = lives.get(key)
  const known = last?.uid === pod.metadata.uid ? last : undefined
  if (last !== known) forget(last, options)
  const life = known ? copyLife(known) : newLife(pod.metadata.uid ?? '', addressIn(pod))
  const said: Said[] = []
  const view = viewOf(
    pod,
    node.spec.podCIDR,
    addressOf(node),
    life,
    said,
    nodeImagesOf(options, node.metadata.name),
    options,
  )
  const next = advance(view, context.clock.now())
  finish(view, context.clock.now())
  try {
    if (view.changed) await context.client.of(Pods).updateStatus({ ...pod, status: view.status } as Pod)
  } catch (error) {
    // Someone was faster: their change is on its way here and wakes this pod again. What it took stays taken till then.
    if (isNotFound(error)) return
    if (!isConflict(error)) throw error
    keep(lives, key, known, life)
    return { again: 1000 }
  }
  lives.set(key, life)
  const place = { host: node.metadata.name, component: 'kubelet' }
  for (const { type, reason, message, fieldPath } of said) {
    context.event(pod, type, reason, message, undefined, { ...place, fieldPath })
  }
  options.logs.moved(life.uid)
  if (view.removed) return remove(pod, context)
  if (hasEnded(view)) release(life, options)
  return next === undefined ? undefined : { again: Math.max(1, next - context.clock.now()) }
}

/** An address that was taken must not be lost when the write that would have told of it failed. */
function keep(lives: Map<string, Life>, key: string, known: Life | undefined, life: Life): void {
  lives.set(key, { ...(known ?? newLife(life.uid, undefined)), address: life.address })
}

async function remove(pod: Frozen<Pod>, { client }: Context): Promise<Outcome> {
  try {
    const { uid } = pod.metadata
    await client.of(Pods).delete(pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid } })
  } catch (error) {
    if (!isNotFound(error) && !hasReason(error, 'Conflict')) throw error
  }
}

/** Lets everything happen that is due by now, in order of time; returns when something is due next. */
export function advance(view: PodView, now: Millis): Millis | undefined {
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
  if (!isLeaving(view) && view.status.startTime !== undefined) {
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
function finish(view: PodView, now: Millis): void {
  const { pod, status } = view
  if (status.startTime === undefined) return
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
  if ((view.changed || pod.spec.readinessGates) && setPodConditions(pod, status, now)) view.changed = true
}

/** A pod as the stages see it. Exported for tests of single stages. */
export function viewOf(
  pod: Frozen<Pod>,
  podCIDR: string | undefined,
  nodeAddress: string,
  life: Life,
  said: Said[],
  images: NodeImages,
  options: Pick<KubeletOptions, 'addresses' | 'images' | 'delays'>,
): PodView {
  const status = draftStatus(pod.status)
  const containers: ContainerView[] = []
  const view: PodView = {
    pod,
    nodeAddress,
    images,
    delays: options.delays,
    status,
    life,
    containers,
    changed: false,
    removed: false,
    address() {
      if (pod.spec.hostNetwork) return nodeAddress
      if (life.address === undefined && podCIDR !== undefined) life.address = options.addresses.take(podCIDR)
      return life.address
    },
    say(type, reason, message, fieldPath) {
      said.push({ type, reason, message, fieldPath })
    },
  }
  for (const [index, spec] of (pod.spec.initContainers ?? []).entries()) {
    status.initContainerStatuses ??= []
    containers.push(containerView(view, spec, roleOf(spec, true), status.initContainerStatuses, index, options.images))
  }
  for (const [index, spec] of pod.spec.containers.entries()) {
    status.containerStatuses ??= []
    containers.push(containerView(view, spec, 'main', status.containerStatuses, index, options.images))
  }
  return view
}

function containerView(
  pod: PodView,
  spec: Frozen<Container>,
  role: Role,
  statuses: ContainerStatus[],
  index: number,
  images: ImageBook,
): ContainerView {
  statuses[index] ??= waiting(spec, 'ContainerCreating')
  const runs = pod.life.runs as Record<string, Run>
  const list = role === 'main' ? 'containers' : 'initContainers'
  let behaviour: ReturnType<typeof behaviourOf> | undefined
  const overrides = (pod.pod.metadata.annotations ?? {}) as Overrides
  return {
    pod,
    spec,
    role,
    get run() {
      runs[spec.name] ??= {}
      return runs[spec.name]!
    },
    get status() {
      return statuses[index]!
    },
    get behaviour() {
      behaviour ??= behaviourOf(spec, images.find(spec.image ?? ''), overrides, pod.pod.metadata.name)
      return behaviour
    },
    get isBuilt() {
      return images.isBuilt(spec.image ?? '')
    },
    pull: () => pullOf(spec.image ?? '', images.find(spec.image ?? ''), pod.images.has(spec.image ?? ''), overrides),
    set(next) {
      statuses[index] = next
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
  return draft
}

function nodeImagesOf({ nodeImages }: KubeletOptions, node: string): NodeImages {
  let images = nodeImages.get(node)
  if (!images) {
    images = new NodeImages()
    nodeImages.set(node, images)
  }
  return images
}

function addressIn(pod: Frozen<Pod>): string | undefined {
  return pod.spec.hostNetwork || hasEnded(pod) ? undefined : pod.status.podIP
}

function hasEnded({ status }: { readonly status: { readonly phase?: string | undefined } }): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed'
}

function release(life: Life, { addresses }: KubeletOptions): void {
  if (life.address !== undefined) addresses.giveBack(life.address)
  life.address = undefined
}

function forget(life: Life | undefined, options: KubeletOptions): void {
  if (life === undefined) return
  release(life, options)
  options.logs.forget(life.uid)
}

function keyOf({ namespace, name }: Ref): string {
  return `${namespace}/${name}`
}

function podsOf(context: Context, node: string): Ref[] {
  return context
    .lister(Pods)
    .by('node', node)
    .map(({ metadata }) => metadata)
}

/** A node whose kubelet works again, or whose address is known at last. */
function hasComeBack(now: Frozen<Node>, before: Frozen<Node> | undefined, options: KubeletOptions): boolean {
  if (!isSimulated(now) || isSilent(now) || options.silences.has(now.metadata.name)) return false
  return (
    before === undefined ||
    isSilent(before) ||
    addressOf(before) !== addressOf(now) ||
    before.spec.podCIDR !== now.spec.podCIDR
  )
}

/** An image was built: pods that wait for one of that name look again. */
function waitingFor(image: Image | undefined, context: Context): Ref[] {
  if (image === undefined) return []
  const name = canonicalName(image.name)
  return context
    .lister(Pods)
    .list()
    .filter(({ spec, status }) =>
      spec.containers.some(
        (container, index) =>
          canonicalName(container.image ?? '') === name && !status.containerStatuses?.[index]?.state?.running,
      ),
    )
    .map(({ metadata }) => metadata)
}
