// What Go's JSON always has: a struct that is a value and no pointer, `{}` when there is nothing in it. Who owns which field
// depends on it: what was there before is not taken by who writes into it. Read by schemas.ts. Facts of the API types
// (kubernetes/api */types.go): the fields of a struct type that are neither pointers nor inline.

/** Of a definition: its fields that are always there, as far as its schema has them. */
export function valueStructs(definition: string): readonly string[] {
  return table[definition.split('.').slice(-3).join('.')] ?? top
}

/** Everywhere these are values, where they are structs at all. */
const top = ['metadata', 'spec', 'status']

const table: Readonly<Record<string, readonly string[]>> = {
  'admissionregistration.v1.MutatingWebhook': ['clientConfig'],
  'admissionregistration.v1.ValidatingWebhook': ['clientConfig'],
  'apps.v1.DaemonSetSpec': ['template', 'updateStrategy'],
  'apps.v1.DeploymentSpec': ['template', 'strategy'],
  'apps.v1.ReplicaSetSpec': ['template'],
  'apps.v1.StatefulSetSpec': ['template', 'updateStrategy'],
  'autoscaling.v1.HorizontalPodAutoscalerSpec': ['scaleTargetRef'],
  'autoscaling.v2.HorizontalPodAutoscalerSpec': ['scaleTargetRef'],
  'batch.v1.CronJobSpec': ['jobTemplate'],
  'batch.v1.JobSpec': ['template'],
  'core.v1.Container': ['resources'],
  'core.v1.EphemeralContainer': ['resources'],
  'core.v1.Event': ['metadata', 'involvedObject', 'source'],
  'core.v1.NodeDaemonEndpoints': ['kubeletEndpoint'],
  'core.v1.NodeStatus': ['daemonEndpoints', 'nodeInfo'],
  'core.v1.PersistentVolumeClaimSpec': ['resources'],
  'core.v1.PodTemplate': ['metadata', 'template'],
  'core.v1.ServiceStatus': ['loadBalancer'],
  'events.v1.Event': ['metadata', 'regarding', 'deprecatedSource'],
  'flowcontrol.v1.FlowSchemaSpec': ['priorityLevelConfiguration'],
  'flowcontrol.v1.LimitedPriorityLevelConfiguration': ['limitResponse'],
  'networking.v1.IngressStatus': ['loadBalancer'],
  'networking.v1.NetworkPolicySpec': ['podSelector'],
  'rbac.v1.ClusterRoleBinding': ['metadata', 'roleRef'],
  'rbac.v1.RoleBinding': ['metadata', 'roleRef'],
  'resource.v1.ResourceClaimSpec': ['devices'],
  'resource.v1.ResourceSliceSpec': ['pool'],
  'storage.v1.VolumeAttachmentSpec': ['source'],
  'v1.CustomResourceDefinitionSpec': ['names'],
  'v1.CustomResourceDefinitionStatus': ['acceptedNames'],
}

/** `null` in an empty object's JSON: a list of items that is not left out when there is none. */
export function isNullWhenEmpty(definition: string, field: string): boolean {
  return (
    (field === 'containers' && definition === 'io.k8s.api.core.v1.PodSpec') ||
    (field === 'drivers' && definition === 'io.k8s.api.storage.v1.CSINodeSpec')
  )
}
