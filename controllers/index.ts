// The controllers, one line each, in the order in which they start. A new one is a file in this folder and a line here.

import type { Client } from '../src/client/client.ts'
import type { Millis } from '../src/env/clock.ts'
import type { Kind } from '../src/kinds/kind.ts'
import type { ControllerSpec } from '../src/runtime/controller.ts'
import { admissionPolicyStatusController, type PolicyTypeChecker } from './admission-policy-status.ts'
import { attachDetachController } from './attach-detach.ts'
import { attributesClassProtectionController } from './attributes-class-protection.ts'
import { bootstrapTokenCleaner } from './bootstrap-token-cleaner.ts'
import { certificateApprovingController } from './certificate-approving.ts'
import { certificateCleaner } from './certificate-cleaner.ts'
import { type CertificateSigner, certificateSigningController } from './certificate-signing.ts'
import { claimProtectionController } from './claim-protection.ts'
import { clusterRoleAggregationController } from './clusterrole-aggregation.ts'
import { cronJobController } from './cronjob.ts'
import { daemonSetController } from './daemonset.ts'
import { deploymentController } from './deployment.ts'
import { disruptionController, staleDisruptionController } from './disruption.ts'
import { endpointsController } from './endpoints.ts'
import { endpointSliceController } from './endpointslice.ts'
import { endpointSliceMirroringController } from './endpointslice-mirroring.ts'
import { ephemeralVolumeController } from './ephemeral-volumes.ts'
import { garbageCollector } from './garbage-collector.ts'
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts'
import { jobController } from './job.ts'
import { jobPodOrphansController } from './job-pod-orphans.ts'
import { legacyTokenCleaner } from './legacy-token-cleaner.ts'
import { namespaceController } from './namespace.ts'
import { nodeIpamController } from './node-ipam.ts'
import { type NodeLifecycleOptions, nodeLifecycleController } from './node-lifecycle.ts'
import { nodeTtlController } from './node-ttl.ts'
import { podGarbageCollector } from './pod-garbage-collector.ts'
import { podResourceClaimsController } from './pod-resource-claims.ts'
import { replicaSetController } from './replicaset.ts'
import { replicationController } from './replication-controller.ts'
import { resourceClaimReservationsController } from './resource-claim-reservations.ts'
import { resourceQuotaController } from './resource-quota.ts'
import { rootCertificatePublisher } from './root-ca.ts'
import { addressPool, serviceLoadBalancerController } from './service-load-balancer.ts'
import { serviceAccountController } from './serviceaccount.ts'
import { type LegacyTokenIssuer, serviceAccountTokensController } from './serviceaccount-tokens.ts'
import type { MetricsSource } from './shared/metrics-source.ts'
import { statefulSetController } from './statefulset.ts'
import { taintEvictionController } from './taint-eviction.ts'
import { ttlAfterFinishedController } from './ttl-after-finished.ts'
import { volumeAttacher } from './volume-attacher.ts'
import { volumeBinder } from './volume-binder.ts'
import { volumeExpander } from './volume-expander.ts'
import { volumeModifier } from './volume-modifier.ts'
import { volumeProtectionController } from './volume-protection.ts'
import { volumeProvisioner } from './volume-provisioner.ts'

export interface ControllerOptions {
  /** Every kind that is served: what namespaces are emptied of, and among which owners are looked for. */
  readonly kinds: readonly Kind<any>[]
  /** The cluster's CA as PEM; without it no namespace gets `kube-root-ca.crt`. */
  readonly certificateAuthority?: string | undefined
  /** Who has its key; without him no certificate is signed. */
  readonly certificateSigner?: CertificateSigner | undefined
  /** Signs the tokens that Secrets hold; without him those stay empty. */
  readonly legacyTokenIssuer?: LegacyTokenIssuer | undefined
  /** Knows what policies' expressions are for; without, nobody looks at their types. */
  readonly policyTypeChecker?: PolicyTypeChecker | undefined
  /** The addresses that load balancers get; without any, Services of that type stay pending. */
  readonly loadBalancerAddresses?: readonly string[] | undefined
  readonly nodes?: NodeLifecycleOptions | undefined
  /** Nodes get a range of IPv6 as well. */
  readonly isDualStack?: boolean | undefined
  /** Where autoscalers get their metrics; the metrics APIs by default. */
  readonly metrics?: ((client: Client) => MetricsSource) | undefined
  /**
   * How long changes of pods are gathered before endpoints are written. Upstream's default is 0, but there a limit of 20
   * requests a second gathers them; here it is 100 ms, so that a thousand pods that become ready are a few writes.
   */
  readonly endpointUpdatesBatchPeriod?: Millis | undefined
}

export function builtinControllers(options: ControllerOptions): readonly ControllerSpec[] {
  const { kinds, certificateAuthority, legacyTokenIssuer, loadBalancerAddresses, nodes, metrics } = options
  const batchPeriod = options.endpointUpdatesBatchPeriod ?? 100
  return [
    serviceAccountController(),
    ...(certificateAuthority ? [rootCertificatePublisher(certificateAuthority)] : []),
    ...(legacyTokenIssuer ? [serviceAccountTokensController(legacyTokenIssuer, certificateAuthority ?? '')] : []),
    legacyTokenCleaner(),
    clusterRoleAggregationController(),
    namespaceController(kinds),
    garbageCollector(kinds),
    resourceQuotaController(kinds),
    podResourceClaimsController(),
    resourceClaimReservationsController(),
    replicaSetController(),
    replicationController(),
    deploymentController(),
    statefulSetController(),
    daemonSetController(),
    horizontalPodAutoscaler({ kinds, metrics }),
    disruptionController(kinds),
    staleDisruptionController(),
    jobController(),
    jobPodOrphansController(),
    cronJobController(),
    ttlAfterFinishedController(),
    endpointsController({ batchPeriod }),
    endpointSliceController({ batchPeriod }),
    endpointSliceMirroringController(),
    ...(loadBalancerAddresses?.length ? [serviceLoadBalancerController(addressPool(loadBalancerAddresses))] : []),
    nodeLifecycleController(nodes),
    taintEvictionController(),
    nodeIpamController(options.isDualStack),
    nodeTtlController(),
    certificateApprovingController(),
    ...(options.certificateSigner ? [certificateSigningController(options.certificateSigner)] : []),
    certificateCleaner(),
    bootstrapTokenCleaner(),
    ...(options.policyTypeChecker ? [admissionPolicyStatusController(options.policyTypeChecker)] : []),
    podGarbageCollector(),
    volumeBinder(),
    volumeProvisioner(),
    volumeExpander(),
    volumeModifier(),
    ephemeralVolumeController(),
    attachDetachController(),
    volumeAttacher(),
    claimProtectionController(),
    volumeProtectionController(),
    attributesClassProtectionController(),
  ]
}
