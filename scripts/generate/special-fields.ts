// What the models of @kubernetes/client-node do not say: which strings are quantities, and what stands behind `any`.
// Facts from the Go types (staging/src/k8s.io/api); the names are the models', so that a renamed one is noticed.

import { ownQuantityFields } from './own-models.ts'

/** Fields of resource.Quantity, or of maps and lists of it. */
export const quantityFields: Readonly<Record<string, readonly string[]>> = {
  V1CSIStorageCapacity: ['capacity', 'maximumVolumeSize'],
  V1ContainerStatus: ['allocatedResources'],
  V1EmptyDirVolumeSource: ['sizeLimit'],
  V1LimitRangeItem: ['default', 'defaultRequest', 'max', 'maxLimitRequestRatio', 'min'],
  V1NodeStatus: ['allocatable', 'capacity'],
  V1Overhead: ['podFixed'],
  V1PersistentVolumeClaimStatus: ['allocatedResources', 'capacity'],
  V1PersistentVolumeSpec: ['capacity'],
  V1PodSpec: ['overhead'],
  V1PodStatus: ['allocatedResources'],
  V1ResourceFieldSelector: ['divisor'],
  V1ResourceQuotaSpec: ['hard'],
  V1ResourceQuotaStatus: ['hard', 'used'],
  V1ResourceRequirements: ['limits', 'requests'],
  V1VolumeResourceRequirements: ['limits', 'requests'],
  V2MetricTarget: ['averageValue', 'value'],
  V2MetricValueStatus: ['averageValue', 'value'],
  // Dynamic resource allocation, in each of its versions.
  V1CapacityRequestPolicy: ['default', 'validValues'],
  V1beta1CapacityRequestPolicy: ['default', 'validValues'],
  V1beta2CapacityRequestPolicy: ['default', 'validValues'],
  V1CapacityRequestPolicyRange: ['max', 'min', 'step'],
  V1beta1CapacityRequestPolicyRange: ['max', 'min', 'step'],
  V1beta2CapacityRequestPolicyRange: ['max', 'min', 'step'],
  V1CapacityRequirements: ['requests'],
  V1beta1CapacityRequirements: ['requests'],
  V1beta2CapacityRequirements: ['requests'],
  V1Counter: ['value'],
  V1beta1Counter: ['value'],
  V1beta2Counter: ['value'],
  V1DeviceCapacity: ['value'],
  V1beta1DeviceCapacity: ['value'],
  V1beta2DeviceCapacity: ['value'],
  V1DeviceRequestAllocationResult: ['consumedCapacity'],
  V1beta1DeviceRequestAllocationResult: ['consumedCapacity'],
  V1beta2DeviceRequestAllocationResult: ['consumedCapacity'],
  V1NodeAllocatableResourceClaimStatus: ['resources'],
  V1NodeAllocatableResourceMapping: ['allocationMultiplier'],
  V1beta1NodeAllocatableResourceMapping: ['allocationMultiplier'],
  V1beta2NodeAllocatableResourceMapping: ['allocationMultiplier'],
  ...ownQuantityFields,
}

/** `any` fields: FieldsV1, any JSON, or an empty struct; the rest are runtime.RawExtension. */
export const anyFields: Readonly<Record<string, Readonly<Record<string, 'fields' | 'json' | 'empty'>>>> = {
  V1CustomResourceSubresources: { status: 'empty' },
  V1JSONSchemaProps: {
    additionalItems: 'json',
    additionalProperties: 'json',
    default: 'json',
    dependencies: 'json',
    enum: 'json',
    example: 'json',
    items: 'json',
  },
  V1ManagedFieldsEntry: { fieldsV1: 'fields' },
  V1alpha1StorageVersion: { spec: 'empty' },
  V1alpha2PodGroupSchedulingPolicy: { basic: 'empty' },
}

/** Of which only one field may be set, named by a field that tells them apart where there is one (+union, +unionDiscriminator). */
export const unions: Readonly<Record<string, object>> = {
  'core.v1.AppArmorProfile': union('type', 'localhostProfile'),
  'core.v1.PodSchedulingGroup': union(undefined, 'podGroupName'),
  'core.v1.SeccompProfile': union('type', 'localhostProfile'),
  'flowcontrol.v1.LimitResponse': union('type', 'queuing'),
  'flowcontrol.v1.PriorityLevelConfigurationSpec': union('type', 'exempt', 'limited'),
  'flowcontrol.v1.Subject': union('kind', 'group', 'serviceAccount', 'user'),
  'scheduling.v1alpha2.PodGroupSchedulingPolicy': union(undefined, 'basic', 'gang'),
  'scheduling.v1alpha2.PodGroupTemplateReference': union(undefined, 'workload'),
}

function union(discriminator: string | undefined, ...fields: string[]): object {
  return {
    ...(discriminator ? { discriminator } : {}),
    'fields-to-discriminateBy': Object.fromEntries(fields.map(name => [name, name[0]!.toUpperCase() + name.slice(1)])),
  }
}
