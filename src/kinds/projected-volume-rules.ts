// The rules of projected volumes and of the files of the downward API (validateProjectionSources,
// validateDownwardAPIVolumeFile in pkg/apis/core/validation/validation.go).

import type {
  ClusterTrustBundleProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  PodCertificateProjection,
  ProjectedVolumeSource,
  VolumeProjection,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123SubdomainFaults } from '../api/names.ts'
import { fieldRefRules, resourceFieldRules } from './env-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { fileMode, nonReservedPath } from './field-rules.ts'
import { labelSelectorRules } from './label-selector-rules.ts'

const fileFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']

/** Upstream reports at the volume, not at the file. */
export function downwardFileRules(file: Frozen<DownwardAPIVolumeFile>, path: FieldPath, faults: Faults): void {
  if (file.path) nonReservedPath(file.path, path.child('path'), faults)
  else faults.required(path.child('path'))
  if (file.fieldRef) {
    fieldRefRules(file.fieldRef, fileFields, path.child('fieldRef'), faults)
    if (file.resourceFieldRef) {
      faults.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously')
    }
  } else if (file.resourceFieldRef) {
    resourceFieldRules(file.resourceFieldRef, true, path.child('resourceFieldRef'), faults)
  } else faults.required(path, 'one of fieldRef and resourceFieldRef is required')
  fileMode(file.mode, path, 'mode', faults)
}

export function projectedRules(source: Frozen<ProjectedVolumeSource>, path: FieldPath, faults: Faults): void {
  fileMode(source.defaultMode, path, 'defaultMode', faults)
  const taken = new Set<string>()
  for (const [index, each] of (source.sources ?? []).entries()) {
    projectionRules(each, taken, path, path.child('sources').index(index), faults)
  }
}

function projectionRules(
  source: Frozen<VolumeProjection>,
  taken: Set<string>,
  volumePath: FieldPath,
  path: FieldPath,
  faults: Faults,
): void {
  let count = 0
  const take = (file: string | undefined, shown: string | undefined): void => {
    if (!file) return
    if (taken.has(file)) faults.invalid(volumePath, shown, 'conflicting duplicate paths')
    taken.add(file)
  }
  for (const type of ['secret', 'configMap'] as const) {
    const keys = source[type]
    if (!keys) continue
    count++
    if (!keys.name) faults.required(path.child(type, 'name'))
    for (const [index, item] of (keys.items ?? []).entries()) {
      keyRule(item, path.child(type, 'items').index(index), faults)
      take(item.path, keys.name)
    }
  }
  if (source.downwardAPI) {
    count++
    for (const file of source.downwardAPI.items ?? []) {
      downwardFileRules(file, path.child('downwardAPI'), faults)
      take(file.path, file.path)
    }
  }
  if (source.serviceAccountToken) {
    count++
    const { expirationSeconds = 3600, path: file } = source.serviceAccountToken
    const at = path.child('serviceAccountToken', 'expirationSeconds')
    if (expirationSeconds < 600) {
      faults.invalid(at, expirationSeconds, 'may not specify a duration less than 10 minutes')
    }
    if (expirationSeconds > 2 ** 32) {
      faults.invalid(at, expirationSeconds, 'may not specify a duration larger than 2^32 seconds')
    }
    if (file) nonReservedPath(file, volumePath.child('path'), faults)
    else faults.required(volumePath.child('path'))
  }
  if (source.clusterTrustBundle) {
    count++
    trustBundleRules(source.clusterTrustBundle, path.child('clusterTrustBundle'), faults)
    take(source.clusterTrustBundle.path, source.clusterTrustBundle.path)
  }
  if (source.podCertificate) {
    count++
    certificateRules(source.podCertificate, path.child('podCertificate'), take, faults)
  }
  if (count > 1) faults.forbidden(path, 'may not specify more than 1 volume type per source')
}

function keyRule(item: Frozen<KeyToPath>, path: FieldPath, faults: Faults): void {
  if (!item.key) faults.required(path.child('key'))
  if (!item.path) faults.required(path.child('path'))
  else nonReservedPath(item.path, path.child('path'), faults)
  fileMode(item.mode, path, 'mode', faults)
}

function trustBundleRules(bundle: Frozen<ClusterTrustBundleProjection>, path: FieldPath, faults: Faults): void {
  const { name, signerName, labelSelector } = bundle
  if (name !== undefined && signerName !== undefined) {
    faults.invalid(path, bundle, 'only one of name and signerName may be used')
  } else if (name !== undefined) {
    if (name === '') faults.required(path.child('name'), 'must be a valid object name')
    // `example.com:signer:bundle`, or a bundle of no signer.
    const last = name.slice(name.lastIndexOf(':') + 1)
    for (const sentence of dns1123SubdomainFaults(last)) {
      faults.invalid(path.child('name'), name, `not a valid clustertrustbundlename: ${sentence}`)
    }
    if (labelSelector) {
      faults.invalid(path.child('labelSelector'), labelSelector, 'labelSelector must be unset if name is specified')
    }
  } else if (signerName !== undefined) {
    if (signerName === '') faults.required(path.child('signerName'), 'must be a valid signer name')
    signerRule(signerName, path.child('signerName'), faults)
    labelSelectorRules(labelSelector, path.child('labelSelector'), faults)
  } else faults.required(path, 'either name or signerName must be specified')
  if (!bundle.path) faults.required(path.child('path'))
  else nonReservedPath(bundle.path, path.child('path'), faults)
}

/** `example.com/name` (ValidateSignerName). */
export function signerRule(name: string, path: FieldPath, faults: Faults): void {
  if (name === '') {
    faults.required(path)
    return
  }
  const segments = name.split('/')
  if (segments.length !== 2) {
    faults.invalid(path, name, 'must be a fully qualified domain and path of the form "example.com/signer-name"')
    return
  }
  const [domain = '', rest = ''] = segments
  faults.invalids(dns1123SubdomainFaults(domain), domain, path)
  if (!domain.includes('.')) {
    faults.invalid(path, domain, 'should be a domain with at least two segments separated by dots')
  }
  faults.invalids(dns1123SubdomainFaults(rest), rest, path)
}

const keyTypes = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519']

function certificateRules(
  certificate: Frozen<PodCertificateProjection>,
  path: FieldPath,
  take: (file: string, shown: string) => void,
  faults: Faults,
): void {
  signerRule(certificate.signerName ?? '', path.child('signerName'), faults)
  if (!keyTypes.includes(certificate.keyType)) {
    faults.notSupported(path.child('keyType'), certificate.keyType, keyTypes)
  }
  const seconds = certificate.maxExpirationSeconds
  if (seconds !== undefined) {
    const most = /^(.*\.)?kubernetes\.io\//.test(certificate.signerName ?? '') ? 86_400 : 7_862_400
    const at = path.child('maxExpirationSeconds')
    if (seconds < 3600) faults.invalid(at, seconds, 'if provided, maxExpirationSeconds must be >= 3600')
    if (seconds > most) faults.invalid(at, seconds, `if provided, maxExpirationSeconds must be <= ${most}`)
  }
  let count = 0
  for (const name of ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const) {
    const file = certificate[name]
    if (!file) continue
    count++
    nonReservedPath(file, path.child(name), faults)
    take(file, file)
  }
  if (count === 0) {
    faults.required(path, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath')
  }
}
