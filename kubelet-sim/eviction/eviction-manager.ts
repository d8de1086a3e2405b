// The eviction managers of all fake nodes, as one controller over nodes: when a node has too little of something left, it
// says so, frees what it can, and ends pods, one at a time, until it has enough (pkg/kubelet/eviction/eviction_manager.go).
// A node is looked at every ten seconds only while what is declared of it or of its pods may bring it into need.

import type { Node, Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Millis } from '../../src/env/clock.ts'
import { Nodes, Pods } from '../../src/kinds/index.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../../src/runtime/controller.ts'
import { canonicalName } from '../images.ts'
import type { AllNodeImages, NodeImages } from '../node-images.ts'
import type { NodeStates, Pressure } from '../node-states.ts'
import type { NodeTroubles } from '../node-troubles.ts'
import { isSilent, isSimulated } from '../nodes.ts'
import type { Silences } from '../silences.ts'
import type { Evictions } from './evictions.ts'
import { declaresOwnUse, declaresUse, type NodeUse, ownUseText, type UseNeeds, useOf } from './node-use.ts'
import { ranked, type Signal, signals } from './signals.ts'
import { lowMessage } from './words.ts'

const lookEvery: Millis = 10_000
/** evictionPressureTransitionPeriod: so long after the last time a node still says that it is in need. */
const afterPressure: Millis = 300_000
/** Of those who go because of a hard threshold (immediateEvictionGracePeriodSeconds). */
const graceOfEvicted: Millis = 1000

export interface EvictionNeeds extends UseNeeds {
  readonly nodeImages: AllNodeImages
  readonly states: NodeStates
  readonly evictions: Evictions
  readonly silences: Silences
  readonly troubles: NodeTroubles
}

export function evictionManager(needs: EvictionNeeds): ControllerSpec<Node> {
  const { states, images, silences } = needs
  /** When a node was last in need, by its name. */
  const lastMet = new Map<string, Map<Pressure, Millis>>()
  return defineController<Node>({
    name: 'kubelet-eviction',
    source: 'kubelet',
    reads: [Nodes],
    wakes: [
      {
        kind: Nodes,
        keys: (now, before) =>
          now !== undefined &&
          isSimulated(now) &&
          ownUseText(now) !== (before === undefined ? ',,' : ownUseText(before))
            ? [{ name: now.metadata.name }]
            : [],
      },
      {
        kind: Pods,
        keys(now, before) {
          const pod = (now ?? before)!
          const { nodeName } = pod.spec
          if (!nodeName || (now !== undefined && before !== undefined && now.status.phase === before.status.phase)) {
            return now !== undefined && nodeName && hasChangedUse(now, before) ? [{ name: nodeName }] : []
          }
          return states.of(nodeName).pressures.size > 0 || declaresUse(pod, images) ? [{ name: nodeName }] : []
        },
      },
    ],
    start(context) {
      needs.troubles.onChange(context.signal, name => context.wake({ name }))
    },
    async work({ name }, context) {
      const node = context.lister(Nodes).get({ name })
      if (node === undefined) {
        lastMet.delete(name)
        states.forget(name)
        return
      }
      if (!isSimulated(node) || isSilent(node) || silences.has(name)) return
      let met = lastMet.get(name)
      if (met === undefined) {
        met = new Map()
        lastMet.set(name, met)
      }
      return look(node, context, needs, met)
    },
  })
}

function look(node: Frozen<Node>, context: Context, needs: EvictionNeeds, met: Map<Pressure, Millis>): Outcome {
  const { name } = node.metadata
  const now = context.clock.now()
  const all = context.lister(Pods).by('node', name) as readonly Frozen<Pod>[]
  const pods = all.filter(({ status }) => status.phase !== 'Succeeded' && status.phase !== 'Failed')
  const { isDiskFull } = needs.troubles.of(name)
  if (!declaresOwnUse(node) && !isDiskFull && met.size === 0 && !pods.some(pod => declaresUse(pod, needs.images)))
    return
  const present = needs.nodeImages.of(node)
  let again: Millis | undefined
  const lookIn = (span: Millis): void => {
    again = Math.min(again ?? span, span)
  }
  let isDealtWith = false
  for (const signal of signals) {
    const { pressure, resource } = signal
    const use = useOf(resource, node, pods, present, now, needs)
    const isMet = use.capacity - use.used < signal.threshold(use.capacity)
    if (isMet) {
      met.set(pressure, now)
      needs.states.setPressure(name, pressure, true)
      lookIn(lookEvery)
      if (!isDealtWith) reclaim(signal, use, node, pods, present, context, needs)
      isDealtWith = true
      continue
    }
    const since = met.get(pressure)
    if (since !== undefined) {
      if (now - since < afterPressure) lookIn(since + afterPressure - now)
      else {
        met.delete(pressure)
        needs.states.setPressure(name, pressure, false)
      }
    }
    const mayCome = use.peak > use.used && use.capacity - use.peak < signal.threshold(use.capacity)
    if (mayCome) lookIn(lookEvery)
  }
  return again === undefined ? undefined : { again }
}

function reclaim(
  signal: Signal,
  { capacity, used, candidates }: NodeUse,
  node: Frozen<Node>,
  pods: readonly Frozen<Pod>[],
  present: NodeImages,
  context: Context,
  { evictions }: EvictionNeeds,
): void {
  const { resource } = signal
  const host = { host: node.metadata.name }
  context.event(node, 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`, undefined, host)
  const threshold = signal.threshold(capacity)
  let available = capacity - used
  if (resource === 'ephemeral-storage') {
    available += present.prune(imagesOf(pods))
    if (available >= threshold) return
  }
  // One after another: whoever goes already may be enough.
  if (candidates.some(({ pod }) => evictions.of(pod.metadata.uid) !== undefined)) return
  const [first] = ranked(candidates, resource)
  if (first === undefined) return
  const message = lowMessage(resource, first, { threshold, available: Math.max(0, available) })
  evictions.ask(first.pod.metadata, {
    grace: graceOfEvicted,
    reason: 'Evicted',
    message,
    condition: 'TerminationByKubelet',
    event: { type: 'Warning', reason: 'Evicted', message },
  })
}

function imagesOf(pods: readonly Frozen<Pod>[]): Set<string> {
  const names = new Set<string>()
  for (const { spec } of pods) {
    for (const { image } of [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])])
      names.add(canonicalName(image ?? ''))
  }
  return names
}

/** What it is said to take was changed while it runs. */
function hasChangedUse({ metadata }: Frozen<Pod>, before: Frozen<Pod> | undefined): boolean {
  const { annotations } = metadata
  const old = before?.metadata.annotations
  if (annotations === old || before === undefined) return false
  return (['kubesim.dev/memory', 'kubesim.dev/disk', 'kubesim.dev/pids'] as const).some(
    key => annotations?.[key] !== old?.[key],
  )
}
