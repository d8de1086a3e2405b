// The claim that a pod's entry in spec.resourceClaims stands for. Upstream: k8s.io/dynamic-resource-allocation/resourceclaim, Name.

import type { Pod, PodResourceClaim } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'

/** null: it was found that none is needed; undefined: none was made yet. */
export function claimNameOf(
  { status }: Frozen<Pod>,
  { name, resourceClaimName }: Frozen<PodResourceClaim>,
): string | null | undefined {
  if (resourceClaimName) return resourceClaimName
  const said = status.resourceClaimStatuses?.find(each => each.name === name)
  return said === undefined ? undefined : (said.resourceClaimName ?? null)
}
