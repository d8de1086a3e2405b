// The built-in admission plugins, one line each, in upstream's order (AllOrderedPlugins in pkg/kubeapiserver/options/plugins.go).
// Webhooks and policies are asked between turns (RemoteAdmission): after all of these and before ResourceQuota, which is asked
// by `charge`. Last comes what upstream does in the stores: addresses, administrative access to devices.

import type { Env } from '../../src/env/env.ts'
import type { Authorizer } from '../auth/authorization.ts'
import type { Admission } from './admission.ts'
import { certificateApproval } from './certificate-approval.ts'
import { certificateSigning } from './certificate-signing.ts'
import { certificateSubjectRestriction } from './certificate-subject-restriction.ts'
import { claimResize } from './claim-resize.ts'
import { clusterTrustBundleAttest } from './cluster-trust-bundle-attest.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { deviceAdminAccess } from './device-admin-access.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction.ts'
import { type Exemptions, podSecurity } from './pod-security/pod-security.ts'
import { podTopologyLabels } from './pod-topology-labels.ts'
import { priority } from './priority.ts'
import { resourceQuota } from './resource-quota.ts'
import { roleEscalation } from './role-escalation.ts'
import { runtimeClass } from './runtime-class.ts'
import { podServiceAccount } from './service-account.ts'
import { serviceAddresses } from './service-addresses.ts'
import type { Family } from './service-families.ts'
import type { Authorize } from './signer-permission.ts'
import { storageInUse } from './storage-in-use.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'

export interface BuiltinAdmissionOptions {
  /** Who may do what: asked about signers of certificates, and by who gives roles. Default: everybody may. */
  readonly authorizer?: Pick<Authorizer, 'authorize' | 'escalation'>
  /** Who is exempt from the Pod Security Standards. Default: nobody. */
  readonly podSecurityExemptions?: Exemptions
  /** Of Services' addresses, the first the default. Default: IPv4 alone. */
  readonly families?: readonly Family[]
}

export function builtinAdmission(env: Env, options: BuiltinAdmissionOptions = {}): readonly Admission[] {
  const { authorizer } = options
  const authorize: Authorize = authorizer ? authorizer.authorize : () => ({ allowed: true })
  return [
    namespaceLifecycle,
    limitRanger,
    podServiceAccount(env.random.fork('service-account-volumes')),
    nodeRestriction,
    taintNodesByCondition,
    podSecurity(options.podSecurityExemptions),
    priority,
    defaultTolerationSeconds,
    defaultStorageClass,
    storageInUse,
    claimResize,
    runtimeClass,
    certificateApproval(authorize),
    certificateSigning(authorize),
    clusterTrustBundleAttest(authorize),
    certificateSubjectRestriction,
    defaultIngressClass,
    podTopologyLabels,
    resourceQuota(env.clock),
    deviceAdminAccess,
    ...(authorizer ? [roleEscalation(authorizer)] : []),
    serviceAddresses(env.random.fork('service-addresses'), options.families),
  ]
}
