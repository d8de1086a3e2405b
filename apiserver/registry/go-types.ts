// How Go names the type of a field: decoding errors end in it (`… of type v1.PullPolicy`). Called by go-decoder.ts, only
// when there is an error to word. Named types are facts of staging/src/k8s.io/api/*/types.go; all else follows from the schema.

import type { SchemaNode } from '../../src/kinds/schemas.ts'

/** The type of a field of a definition, as reflect.Type.String() prints it; `depth` lists and maps are already unwrapped. */
export function goType(node: SchemaNode, definition: string, field: string, depth: number): string {
  const named = namedTypes.get(`${shortName(definition)}.${field}`)
  if (named === undefined) return plainType(node)
  let type: string | undefined = named
  for (let each = 0; each < depth; each++) type = innerType(type)
  return type ?? plainType(node)
}

export function structName(definition: string): string {
  return definition.slice(definition.lastIndexOf('.') + 1)
}

function plainType(node: SchemaNode): string {
  switch (node.kind) {
    case 'struct':
      return node.definition!.split('.').slice(-2).join('.')
    case 'list':
      return `[]${plainType(node.items()!)}`
    case 'map':
      return `map[string]${plainType(node.values()!)}`
    case 'any':
      return 'runtime.RawExtension'
    default:
      return scalarTypes[node.scalar!]
  }
}

const scalarTypes = {
  string: 'string',
  boolean: 'bool',
  int32: 'int32',
  int64: 'int64',
  double: 'float64',
  quantity: 'resource.Quantity',
  time: 'v1.Time',
  microTime: 'v1.MicroTime',
  intOrString: 'intstr.IntOrString',
  bytes: '[]uint8',
} as const

function innerType(type: string | undefined): string | undefined {
  if (type === 'v1.ResourceList') return 'resource.Quantity'
  return type === undefined ? undefined : /^(?:\[\]|map\[[^\]]+\])(.+)$/.exec(type)?.[1]
}

/** A definition's last three words, which no two share: `core.v1.PodSpec`. */
function shortName(definition: string): string {
  return definition.split('.').slice(-3).join('.')
}

const fieldsByType: Readonly<Record<string, string>> = {
  '[]types.UID': 'batch.v1.UncountedTerminatedPods.failed batch.v1.UncountedTerminatedPods.succeeded',
  '[]v1.Capability': 'core.v1.Capabilities.add core.v1.Capabilities.drop',
  '[]v1.FinalizerName': 'core.v1.NamespaceSpec.finalizers',
  '[]v1.IPFamily': 'core.v1.ServiceSpec.ipFamilies',
  '[]v1.PersistentVolumeAccessMode':
    'core.v1.PersistentVolumeClaimSpec.accessModes core.v1.PersistentVolumeClaimStatus.accessModes',
  '[]v1.UniqueVolumeName': 'core.v1.NodeStatus.volumesInUse',
  'map[v1.ResourceName]v1.ClaimResourceStatus': 'core.v1.PersistentVolumeClaimStatus.allocatedResourceStatuses',
  'types.UID':
    'core.v1.ConfigMapNodeConfigSource.uid core.v1.ObjectReference.uid meta.v1.ObjectMeta.uid meta.v1.OwnerReference.uid meta.v1.Preconditions.uid',
  'v1.AddressType': 'discovery.v1.EndpointSlice.addressType',
  'v1.AppArmorProfileType': 'core.v1.AppArmorProfile.type',
  'v1.AzureDataDiskCachingMode': 'core.v1.AzureDiskVolumeSource.cachingMode',
  'v1.AzureDataDiskKind': 'core.v1.AzureDiskVolumeSource.kind',
  'v1.CompletionMode': 'batch.v1.JobSpec.completionMode',
  'v1.ConcurrencyPolicy': 'batch.v1.CronJobSpec.concurrencyPolicy',
  'v1.ConditionStatus':
    'apps.v1.DaemonSetCondition.status apps.v1.DeploymentCondition.status apps.v1.ReplicaSetCondition.status apps.v1.StatefulSetCondition.status batch.v1.JobCondition.status batch.v1.PodFailurePolicyOnPodConditionsPattern.status core.v1.NamespaceCondition.status core.v1.NodeCondition.status core.v1.PersistentVolumeClaimCondition.status core.v1.PodCondition.status core.v1.ReplicationControllerCondition.status meta.v1.Condition.status',
  'v1.ContainerRestartPolicy': 'core.v1.Container.restartPolicy',
  'v1.ContainerRestartRuleAction': 'core.v1.ContainerRestartRule.action',
  'v1.ContainerRestartRuleOnExitCodesOperator': 'core.v1.ContainerRestartRuleOnExitCodes.operator',
  'v1.CoordinatedLeaseStrategy': 'coordination.v1.LeaseSpec.strategy',
  'v1.DNSPolicy': 'core.v1.PodSpec.dnsPolicy',
  'v1.DaemonSetConditionType': 'apps.v1.DaemonSetCondition.type',
  'v1.DaemonSetUpdateStrategyType': 'apps.v1.DaemonSetUpdateStrategy.type',
  'v1.DeletionPropagation': 'meta.v1.DeleteOptions.propagationPolicy',
  'v1.DeploymentConditionType': 'apps.v1.DeploymentCondition.type',
  'v1.DeploymentStrategyType': 'apps.v1.DeploymentStrategy.type',
  'v1.HostPathType': 'core.v1.HostPathVolumeSource.type',
  'v1.IPFamilyPolicy': 'core.v1.ServiceSpec.ipFamilyPolicy',
  'v1.JobConditionType': 'batch.v1.JobCondition.type',
  'v1.LabelSelectorOperator': 'meta.v1.LabelSelectorRequirement.operator',
  'v1.LoadBalancerIPMode': 'core.v1.LoadBalancerIngress.ipMode',
  'v1.ManagedFieldsOperationType': 'meta.v1.ManagedFieldsEntry.operation',
  'v1.MountPropagationMode': 'core.v1.VolumeMount.mountPropagation',
  'v1.NamespaceConditionType': 'core.v1.NamespaceCondition.type',
  'v1.NamespacePhase': 'core.v1.NamespaceStatus.phase',
  'v1.NodeAddressType': 'core.v1.NodeAddress.type',
  'v1.NodeConditionType': 'core.v1.NodeCondition.type',
  'v1.NodeInclusionPolicy':
    'core.v1.TopologySpreadConstraint.nodeAffinityPolicy core.v1.TopologySpreadConstraint.nodeTaintsPolicy',
  'v1.NodePhase': 'core.v1.NodeStatus.phase',
  'v1.NodeSelectorOperator': 'core.v1.NodeSelectorRequirement.operator',
  'v1.OSName': 'core.v1.PodOS.name',
  'v1.PathType': 'networking.v1.HTTPIngressPath.pathType',
  'v1.PersistentVolumeClaimConditionType': 'core.v1.PersistentVolumeClaimCondition.type',
  'v1.PersistentVolumeClaimModifyVolumeStatus': 'core.v1.ModifyVolumeStatus.status',
  'v1.PersistentVolumeClaimPhase': 'core.v1.PersistentVolumeClaimStatus.phase',
  'v1.PersistentVolumeClaimRetentionPolicyType':
    'apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy.whenDeleted apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy.whenScaled',
  'v1.PersistentVolumeMode': 'core.v1.PersistentVolumeClaimSpec.volumeMode',
  'v1.PodConditionType':
    'batch.v1.PodFailurePolicyOnPodConditionsPattern.type core.v1.PodCondition.type core.v1.PodReadinessGate.conditionType',
  'v1.PodFSGroupChangePolicy': 'core.v1.PodSecurityContext.fsGroupChangePolicy',
  'v1.PodFailurePolicyAction': 'batch.v1.PodFailurePolicyRule.action',
  'v1.PodFailurePolicyOnExitCodesOperator': 'batch.v1.PodFailurePolicyOnExitCodesRequirement.operator',
  'v1.PodManagementPolicyType': 'apps.v1.StatefulSetSpec.podManagementPolicy',
  'v1.PodPhase': 'core.v1.PodStatus.phase',
  'v1.PodQOSClass': 'core.v1.PodStatus.qosClass',
  'v1.PodReplacementPolicy': 'batch.v1.JobSpec.podReplacementPolicy',
  'v1.PodResizeStatus': 'core.v1.PodStatus.resize',
  'v1.PodSELinuxChangePolicy': 'core.v1.PodSecurityContext.seLinuxChangePolicy',
  'v1.PreemptionPolicy': 'core.v1.PodSpec.preemptionPolicy',
  'v1.ProcMountType': 'core.v1.SecurityContext.procMount',
  'v1.Protocol':
    'core.v1.ContainerPort.protocol core.v1.EndpointPort.protocol core.v1.PortStatus.protocol core.v1.ServicePort.protocol discovery.v1.EndpointPort.protocol networking.v1.IngressPortStatus.protocol',
  'v1.PullPolicy': 'core.v1.Container.imagePullPolicy core.v1.ImageVolumeSource.pullPolicy',
  'v1.RecursiveReadOnlyMode': 'core.v1.VolumeMount.recursiveReadOnly core.v1.VolumeMountStatus.recursiveReadOnly',
  'v1.ReplicaSetConditionType': 'apps.v1.ReplicaSetCondition.type',
  'v1.ReplicationControllerConditionType': 'core.v1.ReplicationControllerCondition.type',
  'v1.ResourceHealthStatus': 'core.v1.ResourceHealth.health',
  'v1.ResourceID': 'core.v1.ResourceHealth.resourceID',
  'v1.ResourceList':
    'core.v1.ContainerStatus.allocatedResources core.v1.NodeStatus.allocatable core.v1.NodeStatus.capacity core.v1.PersistentVolumeClaimStatus.allocatedResources core.v1.PersistentVolumeClaimStatus.capacity core.v1.PodSpec.overhead core.v1.PodStatus.allocatedResources core.v1.ResourceRequirements.limits core.v1.ResourceRequirements.requests core.v1.VolumeResourceRequirements.limits core.v1.VolumeResourceRequirements.requests',
  'v1.ResourceName': 'core.v1.ContainerResizePolicy.resourceName core.v1.ResourceStatus.name',
  'v1.ResourceResizeRestartPolicy': 'core.v1.ContainerResizePolicy.restartPolicy',
  'v1.RestartPolicy': 'core.v1.PodSpec.restartPolicy',
  'v1.SeccompProfileType': 'core.v1.SeccompProfile.type',
  'v1.SecretType': 'core.v1.Secret.type',
  'v1.ServiceAffinity': 'core.v1.ServiceSpec.sessionAffinity',
  'v1.ServiceExternalTrafficPolicy': 'core.v1.ServiceSpec.externalTrafficPolicy',
  'v1.ServiceInternalTrafficPolicy': 'core.v1.ServiceSpec.internalTrafficPolicy',
  'v1.ServiceType': 'core.v1.ServiceSpec.type',
  'v1.Signal': 'core.v1.ContainerStatus.stopSignal core.v1.Lifecycle.stopSignal',
  'v1.StatefulSetConditionType': 'apps.v1.StatefulSetCondition.type',
  'v1.StatefulSetUpdateStrategyType': 'apps.v1.StatefulSetUpdateStrategy.type',
  'v1.StorageMedium': 'core.v1.EmptyDirVolumeSource.medium',
  'v1.SupplementalGroupsPolicy': 'core.v1.PodSecurityContext.supplementalGroupsPolicy',
  'v1.TaintEffect': 'core.v1.Taint.effect core.v1.Toleration.effect',
  'v1.TerminationMessagePolicy': 'core.v1.Container.terminationMessagePolicy',
  'v1.TolerationOperator': 'core.v1.Toleration.operator',
  'v1.URIScheme': 'core.v1.HTTPGetAction.scheme',
  'v1.UniqueVolumeName': 'core.v1.AttachedVolume.name',
  'v1.UnsatisfiableConstraintAction': 'core.v1.TopologySpreadConstraint.whenUnsatisfiable',
}

const namedTypes: ReadonlyMap<string, string> = new Map(
  Object.entries(fieldsByType).flatMap(([type, fields]) => fields.split(' ').map(field => [field, type] as const)),
)
