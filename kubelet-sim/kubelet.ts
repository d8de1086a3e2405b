// The kubelets of all fake nodes, as one controller: a pod bound to one of them is brought forward to its next stage, now
// or later by the clock. What is due at one moment is one status write, and its events follow the write.

import type { Node, Pod, V1alpha1Image } from '../generated/types.ts'
import { hasReason, isConflict, isNotFound } from '../src/api/errors.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import { ConfigMaps, Images, Nodes, PersistentVolumeClaims, Pods, VolumeAttachments } from '../src/kinds/index.ts'
import { podClaimIndex, podClaimKeys } from '../src/kinds/pod-claims.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import { type Admitting, rejectionOf, resizeFaultOf } from './admission.ts'
import { isAbout } from './image-book.ts'
import { canonicalName, type Image } from './images.ts'
import { copyLife, type Life, newLife } from './life.ts'
import type { Load } from './load.ts'
import type { Logs } from './logs.ts'
import type { Network } from './network/network.ts'
import type { AllNodeImages } from './node-images.ts'
import type { NodeStates } from './node-states.ts'
import type { NodeTroubles } from './node-troubles.ts'
import { addressesOf, addressOf, isSilent, isSimulated } from './nodes.ts'
import type { Said } from './pod-view.ts'
import { References, refersToOthers } from './references.ts'
import type { Runs } from './runs.ts'
import { asksOfSandbox, sandboxObstacle } from './sandbox.ts'
import type { Silences } from './silences.ts'
import { type Missing, type Surroundings, takeTurn, viewOf } from './turn.ts'

const attachedTo = 'attachedTo'

export interface KubeletOptions extends Surroundings {
  readonly nodeImages: AllNodeImages
  readonly logs: Logs
  readonly silences: Silences
  readonly network: Network
  readonly load: Load
  readonly runs: Runs
  readonly states: NodeStates
  readonly troubles: NodeTroubles
  /** Called when the pods are known, with the ways to find them as they are now. */
  started?(pods: KnownPods): void
}

export interface KnownPods {
  find(ref: Ref): Frozen<Pod> | undefined
  on(node: string): readonly Frozen<Pod>[]
}

export function kubelet(options: KubeletOptions): ControllerSpec<Pod> {
  const lives = new Map<string, Life>()
  return defineController<Pod>({
    name: 'kubelet',
    for: Pods,
    reads: [ConfigMaps, Images],
    // Every node has a kubelet of its own: none waits for another's write to reach the disk.
    workers: 128,
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
      {
        kind: Images,
        keys: (now, before, context) => podsWith([now, before], context),
      },
      {
        kind: PersistentVolumeClaims,
        keys: (now, before, { lister }) =>
          now?.status.phase === 'Bound' && before?.status.phase !== 'Bound'
            ? lister(Pods)
                .by(podClaimIndex, `${now.metadata.namespace}/${now.metadata.name}`)
                .filter(({ spec }) => spec.nodeName)
                .map(({ metadata }) => metadata)
            : [],
      },
      {
        kind: VolumeAttachments,
        keys: (now, before, context) =>
          now?.status.attached && !before?.status.attached ? podsOf(context, now.spec.nodeName) : [],
      },
    ],
    concerns: pod => pod.spec.nodeName !== undefined && pod.spec.nodeName !== '',
    start(context) {
      const pods = context.lister(Pods)
      options.runs.begunAt ??= context.clock.now()
      options.started?.({ find: ref => pods.get(ref), on: node => pods.by('node', node) })
      options.errands.onOver(ref => context.wake(ref))
      options.evictions.onAsked(ref => context.wake(ref))
      options.images.follow(context.lister(ConfigMaps), context.lister(Images))
      options.runs.onNews(ref => context.wake(ref))
      context.lister(Pods).index(podClaimIndex, podClaimKeys)
      context.lister(VolumeAttachments).index(attachedTo, ({ spec }) => [spec.nodeName])
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
  const missing = await missingOf(pod, node, life, context, options)
  const resizeFault = () => resizeFaultOf(pod, admittingOn(node, context, options))
  const rejection = isNew(pod) ? rejectionOf(pod, admittingOn(node, context, options)) : undefined
  const host = {
    address: addressOf(node),
    secondAddress: addressesOf(node)[1],
    podCIDR: node.spec.podCIDR,
    secondPodCIDR: node.spec.podCIDRs?.[1],
    images: options.nodeImages.of(node),
    missing,
    rejection,
    resizeFault,
  }
  const { slowness } = options.troubles.of(node.metadata.name)
  const view = viewOf(pod, host, life, said, slowness === 1 ? options : slowed(options, slowness))
  const next = takeTurn(view, context.clock.now())
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
  const place = { host: node.metadata.name }
  for (const { type, reason, message, fieldPath } of said) {
    context.event(pod, type, reason, message, undefined, { ...place, fieldPath })
  }
  options.runs.follow({ ...pod, status: view.status } as Frozen<Pod>, view)
  options.logs.moved(life.uid)
  if (view.removed) return remove(pod, context)
  if (hasEnded(view)) release(life, options)
  return next === undefined ? undefined : { again: Math.max(1, next - context.clock.now()) }
}

function slowed(options: KubeletOptions, slowness: number): KubeletOptions {
  const { pull, start } = options.delays
  return { ...options, delays: { pull: pull * slowness, start: start * slowness } }
}

function isNew({ metadata, status }: Frozen<Pod>): boolean {
  return status.startTime === undefined && metadata.deletionTimestamp === undefined
}

function admittingOn(node: Frozen<Node>, { lister }: Context, { states }: KubeletOptions): Admitting {
  const { name } = node.metadata
  return { node, state: states.of(name), others: () => lister(Pods).by('node', name) as readonly Frozen<Pod>[] }
}

/** Asked only while something is to be mounted or made. */
async function missingOf(
  pod: Frozen<Pod>,
  node: Frozen<Node>,
  life: Life,
  { client, lister }: Context,
  { runs }: KubeletOptions,
): Promise<Missing | undefined> {
  if (pod.metadata.deletionTimestamp !== undefined || hasEnded(pod) || !(refersToOthers(pod) || asksOfSandbox(pod)))
    return undefined
  const waits = !life.isMounted
  if (!waits && allRun(pod)) return undefined
  const references = new References(
    pod,
    client,
    node => lister(VolumeAttachments).by(attachedTo, node),
    runs.hostPathFault,
    container => runs.environmentOf(withAddress(pod), container),
  )
  return {
    obstacle: waits ? ((await references.obstacle()) ?? (await sandboxObstacle(pod, node, client))) : undefined,
    pullSecrets: waits ? await references.pullSecrets() : [],
    registries: await references.registries(),
    faults: await references.faults(),
  }
}

/** Before its first turn it is yet to be given one. */
function withAddress(pod: Frozen<Pod>): Frozen<Pod> {
  if (pod.status.podIP) return pod
  const ip = '0.0.0.0'
  const addresses = { podIP: ip, podIPs: [{ ip }], hostIP: ip, hostIPs: [{ ip }] }
  return { ...pod, status: { ...pod.status, ...addresses } }
}

function allRun({ spec, status }: Frozen<Pod>): boolean {
  const running = status.containerStatuses?.filter(({ state }) => state?.running) ?? []
  return running.length === spec.containers.length && !spec.ephemeralContainers
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

function addressIn(pod: Frozen<Pod>): string | undefined {
  return pod.spec.hostNetwork || hasEnded(pod) ? undefined : pod.status.podIP
}

function hasEnded({ status }: { readonly status: { readonly phase?: string | undefined } }): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed'
}

function release(life: Life, { addresses, network }: KubeletOptions): void {
  if (life.address !== undefined) addresses.giveBack(life.address)
  life.address = undefined
  network.ended(life.uid)
}

function forget(life: Life | undefined, options: KubeletOptions): void {
  if (life === undefined) return
  release(life, options)
  options.runs.forget(life.uid)
  options.logs.forget(life.uid)
  options.errands.forget(life.uid)
  options.load.forget(life.uid)
  options.evictions.forget(life.uid)
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

/** What an image does has changed: whatever comes next for its pods may be another thing. */
function podsWith(objects: readonly (Frozen<V1alpha1Image> | undefined)[], context: Context): Ref[] {
  const about = objects.filter(object => object !== undefined)
  const uses = ({ image }: { readonly image?: string | undefined }) => about.some(each => isAbout(each, image ?? ''))
  return context
    .lister(Pods)
    .list()
    .filter(
      ({ spec }) =>
        spec.nodeName !== undefined && (spec.containers.some(uses) || (spec.initContainers?.some(uses) ?? false)),
    )
    .map(({ metadata }) => metadata)
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
