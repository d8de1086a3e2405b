// runAsNonRoot: why a container may not be made, because it would be root's, or nobody can say that it is not
// (pkg/kubelet/kuberuntime/security_context.go verifyRunAsNonRoot). Called with the other faults of a container's making.

import type { Container, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Image } from './images.ts'

export function rootFault(
  { metadata, spec: podSpec }: Frozen<Pod>,
  { name, securityContext: own }: Frozen<Container>,
  image: Image | undefined,
): string | undefined {
  const ofPod = podSpec.securityContext
  if (!(own?.runAsNonRoot ?? ofPod?.runAsNonRoot)) return undefined
  const whose = `(pod: "${metadata.name}_${metadata.namespace}(${metadata.uid})", container: ${name})`
  const uid = own?.runAsUser ?? ofPod?.runAsUser
  if (uid !== undefined) return uid === 0 ? `container's runAsUser breaks non-root policy ${whose}` : undefined
  // An image of which nothing is known is taken at its pod's word.
  if (image === undefined) return undefined
  const [user = ''] = (image.user ?? '').split(':')
  if (user === '' || user === '0' || user === 'root') {
    return `container has runAsNonRoot and image will run as root ${whose}`
  }
  if (/^\d+$/.test(user)) return undefined
  return `container has runAsNonRoot and image has non-numeric user (${user}), cannot verify user is non-root ${whose}`
}
