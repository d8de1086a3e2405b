// Who asks for administrative access to devices must be in a namespace that allows it: a label says so. No plugin upstream but
// a rule of the claims' own storage (pkg/registry/resource/utils.go), which alone reads the namespace.

import type {
  DeviceRequest,
  DeviceRequestAllocationResult,
  ResourceV1ResourceClaim,
  V1beta1DeviceRequest,
} from '../../generated/types.ts'
import { forbiddenField, invalid } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { Namespaces } from '../../src/kinds/namespace.ts'
import { keyOf } from '../storage/keys.ts'
import type { Admission, AdmissionRequest } from './admission.ts'

const label = 'resource.kubernetes.io/admin-access'

export const deviceAdminAccess: Admission = {
  name: 'DeviceAdminAccess',
  concerns: kind => kind.group === 'resource.k8s.io' && kind.namespaced,
  check(next, request) {
    const { kind } = request
    const field = fieldAsking(next, request)
    if (field === undefined) return
    const namespace = request.present.get(keyOf(Namespaces, { name: request.namespace ?? '' }))?.object
    if (namespace?.metadata.labels?.[label] === 'true') return
    const why = `admin access to devices requires the \`${label}: true\` label on the containing namespace`
    throw invalid(kind, request.name, [forbiddenField(field, why)])
  },
}

type Claim = Frozen<ResourceV1ResourceClaim>

/** What asks for it and did not before: a spec never changes, an allocation is made once. */
function fieldAsking(next: Frozen<KubeObject>, { operation, subresource, old }: AdmissionRequest): string | undefined {
  if (operation === 'CREATE') {
    const { spec } = next as { spec?: Claim['spec'] & { spec?: Claim['spec'] } }
    const requests = (spec?.spec ?? spec)?.devices?.requests as readonly Frozen<DeviceRequest | V1beta1DeviceRequest>[]
    const index =
      requests?.findIndex(each => ('exactly' in each ? each.exactly : (each as V1beta1DeviceRequest))?.adminAccess) ??
      -1
    return index < 0 ? undefined : `spec.devices.requests[${index}].adminAccess`
  }
  if (operation !== 'UPDATE' || subresource !== 'status') return undefined
  if (granted(old as Claim) >= 0) return undefined
  const index = granted(next as Claim)
  return index < 0 ? undefined : `status.allocation.devices.results[${index}].adminAccess`
}

function granted({ status }: Claim): number {
  const results: readonly Frozen<DeviceRequestAllocationResult>[] = status?.allocation?.devices?.results ?? []
  return results.findIndex(({ adminAccess }) => adminAccess)
}
