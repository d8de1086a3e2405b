// Partitions: two parties – nodes, pods, the API server – between whom nothing gets through, or late, or not all. Pods are chosen
// by their labels as they come and go. A node that is parted from the API server is cut off from it, kubelet and all.

import { prefixOf } from '../../apiserver/storage/keys.ts'
import type { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Pod, V1alpha1FaultPartition, V1alpha1FaultParty } from '../../generated/types.ts'
import type { Faults, NetworkFault, Place } from '../../kubelet-sim/network/faults.ts'
import { parseDuration } from '../api/duration.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import type { Frozen } from '../api/meta.ts'
import type { Cancel } from '../env/clock.ts'
import { Pods } from '../kinds/pod.ts'
import type { ActiveFault, Effect, Struck } from './effect.ts'

type Parted = ActiveFault & { readonly partition: Frozen<V1alpha1FaultPartition> }

export function partitions(storage: RevisionStore, network: Faults, struck: Struck): Effect {
  const set = new Map<string, { readonly words: string; readonly cancels: readonly Cancel[] }>()
  let parted: readonly Parted[] = []
  let stop: Cancel | undefined

  const arrange = (): void => {
    for (const [fault, { cancels }] of [...set]) {
      if (parted.some(each => each.fault === fault)) continue
      set.delete(fault)
      for (const cancel of cancels) cancel()
    }
    for (const { fault, partition } of parted) {
      const faults = networkFaults(partition, storage)
      const words = JSON.stringify(faults)
      const before = set.get(fault)
      if (before?.words === words) continue
      // What stays parted is parted all the time.
      set.set(fault, { words, cancels: faults.map(each => network.set(each)) })
      for (const cancel of before?.cancels ?? []) cancel()
      if (before === undefined) struck(fault, `${partition.between.map(nameOf).join(' and ')}`)
    }
  }

  return {
    carryOut(active) {
      parted = active.flatMap(each =>
        each.spec.partition === undefined ? [] : [{ ...each, partition: each.spec.partition }],
      )
      stop?.()
      const isBySelector = parted.some(({ partition: { between } }) => between.some(choosesPods))
      stop = isBySelector ? storage.subscribe(prefixOf(Pods), storage.revision, arrange) : undefined
      arrange()
    },
    close: () => stop?.(),
  }
}

function networkFaults(partition: Frozen<V1alpha1FaultPartition>, storage: RevisionStore): NetworkFault[] {
  const { oneWay, latency, loss } = partition
  const [some, others] = partition.between.map(party => placesOf(party, storage)) as [Place[], Place[]]
  const how =
    latency === undefined && loss === undefined
      ? { cut: true }
      : { latency: parseDuration(latency ?? '0s') ?? 0, loss: (loss ?? 0) / 100 }
  return some.flatMap(one =>
    others.map(other => ({ between: [one, other] as const, ...how, ...(oneWay && { oneWay }) })),
  )
}

const choosesPods = ({ podSelector, namespace, nodes }: Frozen<V1alpha1FaultParty>): boolean =>
  podSelector !== undefined || (namespace !== undefined && nodes !== undefined)

function placesOf(party: Frozen<V1alpha1FaultParty>, storage: RevisionStore): Place[] {
  const { nodes, namespace, podSelector, apiServer } = party
  if (apiServer) return [{ controlPlane: true }]
  if (!choosesPods(party)) {
    if (nodes !== undefined) return nodes.map(node => ({ node }))
    return [namespace === undefined ? {} : { namespace }]
  }
  const selector = selectorFromLabelSelector(podSelector ?? {})
  return storage
    .list(prefixOf(Pods))
    .map(({ object }) => object as unknown as Frozen<Pod>)
    .filter(
      ({ metadata, spec }) =>
        (namespace === undefined || metadata.namespace === namespace) &&
        (nodes === undefined || nodes.includes(spec.nodeName ?? '')) &&
        selector.matches(metadata.labels ?? {}),
    )
    .map(({ metadata }) => ({ namespace: metadata.namespace, pod: metadata.name }))
}

function nameOf({ nodes, namespace, podSelector, apiServer }: Frozen<V1alpha1FaultParty>): string {
  if (apiServer) return 'the API server'
  const words = [nodes?.join(','), namespace, podSelector && selectorFromLabelSelector(podSelector).toString()]
  return words.filter(Boolean).join(' ') || 'everybody'
}
