// The built-in kinds, one line each. The order is the order of discovery and of `kubectl get all`.

export { APIServices } from './apiservice.ts'
export { CertificateSigningRequests } from './certificatesigningrequest.ts'
export { ClusterRoles } from './clusterrole.ts'
export { ClusterRoleBindings } from './clusterrolebinding.ts'
export { ClusterTrustBundles } from './clustertrustbundle.ts'
export { ConfigMaps } from './configmap.ts'
export { ControllerRevisions } from './controllerrevision.ts'
export { CronJobs } from './cronjob.ts'
export { CSIDrivers } from './csidriver.ts'
export { CSINodes } from './csinode.ts'
export { CSIStorageCapacities } from './csistoragecapacity.ts'
export { CustomResourceDefinitions } from './customresourcedefinition.ts'
export { DaemonSets } from './daemonset.ts'
export { Deployments } from './deployment.ts'
export { DeviceClasses, DeviceClassesV1beta1, DeviceClassesV1beta2 } from './deviceclass.ts'
export { DeviceTaintRules } from './devicetaintrule.ts'
export { EndpointsKind } from './endpoints.ts'
export { EndpointSlices } from './endpointslice.ts'
export { Events } from './event.ts'
export { EventsV1 } from './event-v1.ts'
export { FaultsKind } from './fault.ts'
export { FlowSchemas } from './flowschema.ts'
export { HorizontalPodAutoscalers } from './horizontalpodautoscaler.ts'
export { HorizontalPodAutoscalersV1 } from './horizontalpodautoscaler-v1.ts'
export { Images } from './image.ts'
export { Ingresses } from './ingress.ts'
export { IngressClasses } from './ingressclass.ts'
export { IPAddresses, IPAddressesV1beta1 } from './ipaddress.ts'
export { Jobs } from './job.ts'
export { Leases } from './lease.ts'
export { LeaseCandidates } from './leasecandidate.ts'
export { LimitRanges } from './limitrange.ts'
export { MutatingAdmissionPolicies, MutatingAdmissionPoliciesV1beta1 } from './mutatingadmissionpolicy.ts'
export {
  MutatingAdmissionPolicyBindings,
  MutatingAdmissionPolicyBindingsV1beta1,
} from './mutatingadmissionpolicybinding.ts'
export { MutatingWebhookConfigurations } from './mutatingwebhookconfiguration.ts'
export { Namespaces } from './namespace.ts'
export { NetworkPolicies } from './networkpolicy.ts'
export { Nodes } from './node.ts'
export { PersistentVolumes } from './persistentvolume.ts'
export { PersistentVolumeClaims } from './persistentvolumeclaim.ts'
export { Pods } from './pod.ts'
export { PodCertificateRequests } from './podcertificaterequest.ts'
export { PodDisruptionBudgets } from './poddisruptionbudget.ts'
export { PodTemplates } from './podtemplate.ts'
export { PriorityClasses } from './priorityclass.ts'
export { PriorityLevelConfigurations } from './prioritylevelconfiguration.ts'
export { ReplicaSets } from './replicaset.ts'
export { ReplicationControllers } from './replicationcontroller.ts'
export { ResourceClaims, ResourceClaimsV1beta1, ResourceClaimsV1beta2 } from './resourceclaim.ts'
export {
  ResourceClaimTemplates,
  ResourceClaimTemplatesV1beta1,
  ResourceClaimTemplatesV1beta2,
} from './resourceclaimtemplate.ts'
export { ResourceQuotas } from './resourcequota.ts'
export { ResourceSlices, ResourceSlicesV1beta1, ResourceSlicesV1beta2 } from './resourceslice.ts'
export { Roles } from './role.ts'
export { RoleBindings } from './rolebinding.ts'
export { RuntimeClasses } from './runtimeclass.ts'
export { Secrets } from './secret.ts'
export { Services } from './service.ts'
export { ServiceAccounts } from './serviceaccount.ts'
export { ServiceCIDRs, ServiceCIDRsV1beta1 } from './servicecidr.ts'
export { StatefulSets } from './statefulset.ts'
export { StorageClasses } from './storageclass.ts'
export { StorageVersionMigrations } from './storageversionmigration.ts'
export { ValidatingAdmissionPolicies } from './validatingadmissionpolicy.ts'
export { ValidatingAdmissionPolicyBindings } from './validatingadmissionpolicybinding.ts'
export { ValidatingWebhookConfigurations } from './validatingwebhookconfiguration.ts'
export { VolumeAttachments } from './volumeattachment.ts'
export { VolumeAttributesClasses, VolumeAttributesClassesV1beta1 } from './volumeattributesclass.ts'

import { APIServices } from './apiservice.ts'
import { CertificateSigningRequests } from './certificatesigningrequest.ts'
import { ClusterRoles } from './clusterrole.ts'
import { ClusterRoleBindings } from './clusterrolebinding.ts'
import { ClusterTrustBundles } from './clustertrustbundle.ts'
import { ConfigMaps } from './configmap.ts'
import { ControllerRevisions } from './controllerrevision.ts'
import { CronJobs } from './cronjob.ts'
import { CSIDrivers } from './csidriver.ts'
import { CSINodes } from './csinode.ts'
import { CSIStorageCapacities } from './csistoragecapacity.ts'
import { CustomResourceDefinitions } from './customresourcedefinition.ts'
import { DaemonSets } from './daemonset.ts'
import { Deployments } from './deployment.ts'
import { DeviceClasses, DeviceClassesV1beta1, DeviceClassesV1beta2 } from './deviceclass.ts'
import { DeviceTaintRules } from './devicetaintrule.ts'
import { EndpointsKind } from './endpoints.ts'
import { EndpointSlices } from './endpointslice.ts'
import { Events } from './event.ts'
import { EventsV1 } from './event-v1.ts'
import { FaultsKind } from './fault.ts'
import { FlowSchemas } from './flowschema.ts'
import { HorizontalPodAutoscalers } from './horizontalpodautoscaler.ts'
import { HorizontalPodAutoscalersV1 } from './horizontalpodautoscaler-v1.ts'
import { Images } from './image.ts'
import { Ingresses } from './ingress.ts'
import { IngressClasses } from './ingressclass.ts'
import { IPAddresses, IPAddressesV1beta1 } from './ipaddress.ts'
import { Jobs } from './job.ts'
import type { Kind } from './kind.ts'
import { Leases } from './lease.ts'
import { LeaseCandidates } from './leasecandidate.ts'
import { LimitRanges } from './limitrange.ts'
import { MutatingAdmissionPolicies, MutatingAdmissionPoliciesV1beta1 } from './mutatingadmissionpolicy.ts'
import {
  MutatingAdmissionPolicyBindings,
  MutatingAdmissionPolicyBindingsV1beta1,
} from './mutatingadmissionpolicybinding.ts'
import { MutatingWebhookConfigurations } from './mutatingwebhookconfiguration.ts'
import { Namespaces } from './namespace.ts'
import { NetworkPolicies } from './networkpolicy.ts'
import { Nodes } from './node.ts'
import { PersistentVolumes } from './persistentvolume.ts'
import { PersistentVolumeClaims } from './persistentvolumeclaim.ts'
import { Pods } from './pod.ts'
import { PodCertificateRequests } from './podcertificaterequest.ts'
import { PodDisruptionBudgets } from './poddisruptionbudget.ts'
import { PodTemplates } from './podtemplate.ts'
import { PriorityClasses } from './priorityclass.ts'
import { PriorityLevelConfigurations } from './prioritylevelconfiguration.ts'
import { ReplicaSets } from './replicaset.ts'
import { ReplicationControllers } from './replicationcontroller.ts'
import { ResourceClaims, ResourceClaimsV1beta1, ResourceClaimsV1beta2 } from './resourceclaim.ts'
import {
  ResourceClaimTemplates,
  ResourceClaimTemplatesV1beta1,
  ResourceClaimTemplatesV1beta2,
} from './resourceclaimtemplate.ts'
import { ResourceQuotas } from './resourcequota.ts'
import { ResourceSlices, ResourceSlicesV1beta1, ResourceSlicesV1beta2 } from './resourceslice.ts'
import { Roles } from './role.ts'
import { RoleBindings } from './rolebinding.ts'
import { RuntimeClasses } from './runtimeclass.ts'
import { Secrets } from './secret.ts'
import { Services } from './service.ts'
import { ServiceAccounts } from './serviceaccount.ts'
import { ServiceCIDRs, ServiceCIDRsV1beta1 } from './servicecidr.ts'
import { StatefulSets } from './statefulset.ts'
import { StorageClasses } from './storageclass.ts'
import { StorageVersionMigrations } from './storageversionmigration.ts'
import { ValidatingAdmissionPolicies } from './validatingadmissionpolicy.ts'
import { ValidatingAdmissionPolicyBindings } from './validatingadmissionpolicybinding.ts'
import { ValidatingWebhookConfigurations } from './validatingwebhookconfiguration.ts'
import { VolumeAttachments } from './volumeattachment.ts'
import { VolumeAttributesClasses, VolumeAttributesClassesV1beta1 } from './volumeattributesclass.ts'

/** All kinds that are served from the start, each with its versions. */
export const builtinKinds: readonly Kind<any>[] = [
  ConfigMaps,
  EndpointsKind,
  Events,
  LimitRanges,
  Namespaces,
  Nodes,
  PersistentVolumeClaims,
  PersistentVolumes,
  Pods,
  PodTemplates,
  ReplicationControllers,
  ResourceQuotas,
  Secrets,
  ServiceAccounts,
  Services,
  ControllerRevisions,
  DaemonSets,
  Deployments,
  ReplicaSets,
  StatefulSets,
  CronJobs,
  Jobs,
  Leases,
  LeaseCandidates,
  EndpointSlices,
  EventsV1,
  IngressClasses,
  Ingresses,
  IPAddresses,
  IPAddressesV1beta1,
  NetworkPolicies,
  ServiceCIDRs,
  ServiceCIDRsV1beta1,
  HorizontalPodAutoscalers,
  HorizontalPodAutoscalersV1,
  PodDisruptionBudgets,
  MutatingAdmissionPolicies,
  MutatingAdmissionPoliciesV1beta1,
  MutatingAdmissionPolicyBindings,
  MutatingAdmissionPolicyBindingsV1beta1,
  MutatingWebhookConfigurations,
  ValidatingAdmissionPolicies,
  ValidatingAdmissionPolicyBindings,
  ValidatingWebhookConfigurations,
  ClusterRoleBindings,
  ClusterRoles,
  RoleBindings,
  Roles,
  RuntimeClasses,
  PriorityClasses,
  StorageClasses,
  CSIDrivers,
  CSINodes,
  CSIStorageCapacities,
  VolumeAttachments,
  VolumeAttributesClasses,
  VolumeAttributesClassesV1beta1,
  StorageVersionMigrations,
  CertificateSigningRequests,
  ClusterTrustBundles,
  PodCertificateRequests,
  CustomResourceDefinitions,
  DeviceClasses,
  DeviceClassesV1beta1,
  DeviceClassesV1beta2,
  DeviceTaintRules,
  ResourceClaims,
  ResourceClaimsV1beta1,
  ResourceClaimsV1beta2,
  ResourceClaimTemplates,
  ResourceClaimTemplatesV1beta1,
  ResourceClaimTemplatesV1beta2,
  ResourceSlices,
  ResourceSlicesV1beta1,
  ResourceSlicesV1beta2,
  FlowSchemas,
  PriorityLevelConfigurations,
  APIServices,
  Images,
  FaultsKind,
]
