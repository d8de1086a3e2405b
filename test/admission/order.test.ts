// The order of the built-in plugins is upstream's: AllOrderedPlugins in pkg/kubeapiserver/options/plugins.go (1.36), of which
// those that are off by default are not here.

import { expect, test } from 'vitest'
import { builtinAdmission } from '../../apiserver/admission/index.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'

const ordered = [
  'AlwaysAdmit',
  'NamespaceAutoProvision',
  'NamespaceLifecycle',
  'NamespaceExists',
  'LimitPodHardAntiAffinityTopology',
  'LimitRanger',
  'ServiceAccount',
  'NodeRestriction',
  'TaintNodesByCondition',
  'AlwaysPullImages',
  'ImagePolicyWebhook',
  'PodSecurity',
  'PodNodeSelector',
  'Priority',
  'DefaultTolerationSeconds',
  'PodTolerationRestriction',
  'EventRateLimit',
  'ExtendedResourceToleration',
  'DefaultStorageClass',
  'StorageObjectInUseProtection',
  'PodGroupProtection',
  'OwnerReferencesPermissionEnforcement',
  'PersistentVolumeClaimResize',
  'RuntimeClass',
  'CertificateApproval',
  'CertificateSigning',
  'ClusterTrustBundleAttest',
  'CertificateSubjectRestriction',
  'DefaultIngressClass',
  'DenyServiceExternalIPs',
  'PodTopologyLabels',
  'PodGroupWorkloadExists',
  'NodeDeclaredFeatureValidator',
  'JobValidation',
  'PodResizeValidator',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionWebhook',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionWebhook',
  'ResourceQuota',
  'AlwaysDeny',
]

test('the plugins are asked in upstream s order; what is upstream s store comes after them', () => {
  const names = builtinAdmission(virtualEnv()).map(({ name }) => name)
  const plugins = names.slice(0, names.indexOf('ResourceQuota') + 1)
  expect(plugins.filter(name => !ordered.includes(name))).toEqual([])
  expect(names.filter(name => !plugins.includes(name) && ordered.includes(name))).toEqual([])
  expect(plugins).toEqual(ordered.filter(name => plugins.includes(name)))
})

test('only quota is charged: it is asked when webhooks and policies have said their word', () => {
  const charging = builtinAdmission(virtualEnv()).filter(({ charge }) => charge !== undefined)
  expect(charging.map(({ name }) => name)).toEqual(['ResourceQuota'])
})
