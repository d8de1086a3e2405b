// Which PersistentVolumeClaims a pod's volumes are of: those it names, and those made for it alone (upstream:
// pkg/volume/util, k8s.io/component-helpers/storage/ephemeral). Called by whoever follows claims to the pods that use them.

import type { Pod, Volume } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'

const none: readonly string[] = Object.freeze([])

/** The name of the claim behind a volume of the pod; undefined for every other volume. */
export function claimOfVolume(
  { metadata }: Frozen<Pod>,
  { name, persistentVolumeClaim, ephemeral }: Frozen<Volume>,
): string | undefined {
  if (persistentVolumeClaim) return persistentVolumeClaim.claimName
  return ephemeral ? `${metadata.name}-${name}` : undefined
}

export function claimNamesOf(pod: Frozen<Pod>): readonly string[] {
  let names: string[] | undefined
  for (const volume of pod.spec.volumes ?? []) {
    const claim = claimOfVolume(pod, volume)
    if (claim !== undefined) {
      names ??= []
      names.push(claim)
    }
  }
  return names ?? none
}

/** An index of pods by `namespace/claim`: whoever asks by it adds it to his lister. */
export const podClaimIndex = 'claim'
export function podClaimKeys(pod: Frozen<Pod>): readonly string[] {
  const names = claimNamesOf(pod)
  return names.length === 0 ? none : names.map(name => `${pod.metadata.namespace}/${name}`)
}
