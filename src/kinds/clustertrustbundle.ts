// ClusterTrustBundles: the certificates of authorities that pods may trust, by the signer they belong to. Nothing has to act
// on them but the kubelet that mounts them (pkg/apis/certificates/validation/validation.go).

import type { V1beta1ClusterTrustBundle, V1beta1ClusterTrustBundleSpec } from '../../generated/types.ts'
import { dns1123SubdomainFaults } from '../api/names.ts'
import { nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { textSize } from './keyed-data-rules.ts'
import { defineKind } from './kind.ts'
import { signerRule } from './projected-volume-rules.ts'
import { specPath } from './workload-rules.ts'
import { pemBlocks, readCertificate } from './x509-reading.ts'

/** Kind `ClusterTrustBundle` of `certificates.k8s.io/v1beta1`: `clustertrustbundles`, without a namespace. */
export const ClusterTrustBundles = defineKind<V1beta1ClusterTrustBundle>({
  group: 'certificates.k8s.io',
  version: 'v1beta1',
  kind: 'ClusterTrustBundle',
  plural: 'clustertrustbundles',
  singular: 'clustertrustbundle',
  namespaced: false,
  hasGeneration: false,
  unconditionalUpdate: false,
  nameRule: (name, { spec }) => nameFaults(name, spec.signerName ?? ''),
  columns: [
    nameColumn,
    {
      name: 'SignerName',
      type: 'string',
      description: 'The signer whose authorities these are.',
      value: ({ spec }) => spec.signerName || '<none>',
    },
  ],
  fields: { 'spec.signerName': ({ spec }) => spec.signerName ?? '' },
  defaults(draft) {
    draft.spec ??= {} as V1beta1ClusterTrustBundleSpec
  },
  validate({ spec }, old) {
    const faults = new Faults()
    if (spec.signerName) signerRule(spec.signerName, specPath.child('signerName'), faults)
    if (!old || old.spec.trustBundle !== spec.trustBundle) trustBundleRules(spec.trustBundle ?? '', faults)
    if (old) unchanged(spec.signerName ?? '', old.spec.signerName ?? '', specPath.child('signerName'), faults)
    return faults.list
  },
})

/** A signer's bundle begins with the signer: `example.com:signer:` (ValidateClusterTrustBundleName). */
function nameFaults(name: string, signer: string): readonly string[] {
  if (signer === '') {
    if (name.includes(':')) return ['ClusterTrustBundle without signer name must not have ":" in its name']
    return dns1123SubdomainFaults(name)
  }
  const prefix = `${signer.replaceAll('/', ':')}:`
  if (!name.startsWith(prefix)) {
    return [`ClusterTrustBundle for signerName ${signer} must be named with prefix ${prefix}`]
  }
  return dns1123SubdomainFaults(name.slice(prefix.length))
}

const limit = 1024 * 1024

function trustBundleRules(bundle: string, faults: Faults): void {
  const path = specPath.child('trustBundle')
  if (textSize(bundle) > limit) {
    faults.tooLong(path, limit)
    return
  }
  const wrong = (why: string) => faults.invalid(path, '<value omitted>', why)
  const before = faults.count
  const places = new Map<string, number[]>()
  for (const [index, { type, hasHeaders, bytes }] of pemBlocks(bundle).entries()) {
    if (type !== 'CERTIFICATE') wrong(`entry ${index} has bad block type: ${type}`)
    else if (hasHeaders) wrong(`entry ${index} has PEM block headers`)
    else if (!isRead(bytes)) wrong(`entry ${index} does not parse as X.509`)
    else if (!readCertificate(bytes).isAuthority) wrong(`entry ${index} does not have the CA bit set`)
    else places.set(bytes.join(), [...(places.get(bytes.join()) ?? []), index])
  }
  if (faults.count > before) return
  if (places.size === 0) wrong('at least one trust anchor must be provided')
  for (const indexes of places.values()) {
    if (indexes.length > 1) wrong(`duplicate trust anchor (indices [${indexes.join(' ')}])`)
  }
}

function isRead(bytes: Uint8Array): boolean {
  try {
    return readCertificate(bytes) !== undefined
  } catch {
    return false
  }
}
