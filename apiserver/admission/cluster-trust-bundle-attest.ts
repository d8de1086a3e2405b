// ClusterTrustBundleAttest: who says which authorities a signer has must be allowed to for that signer
// (plugin/pkg/admission/certificates/ctbattest/admission.go).

import type { V1beta1ClusterTrustBundle } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { ClusterTrustBundles } from '../../src/kinds/clustertrustbundle.ts'
import type { Admission } from './admission.ts'
import { type Authorize, mayForSigner } from './signer-permission.ts'

export const clusterTrustBundleAttest = (authorize: Authorize): Admission => ({
  name: 'ClusterTrustBundleAttest',
  concerns: kind => kind === ClusterTrustBundles,
  check(next, { kind, name, operation, user, old }) {
    if (operation === 'DELETE') return
    const { spec } = next as Frozen<V1beta1ClusterTrustBundle>
    // Who only moves it in the store, or changes its labels, attests nothing.
    if (!spec.signerName || (old && jsonEqual(spec, (old as Frozen<V1beta1ClusterTrustBundle>).spec))) return
    if (mayForSigner(authorize, user, 'attest', spec.signerName)) return
    throw forbidden(kind, name, `user not permitted to attest for signerName "${spec.signerName}"`)
  },
})
