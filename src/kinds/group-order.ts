// The order of API groups in discovery, by which kubectl decides what a bare name means: priorities of upstream's own groups
// (DefaultGenericAPIServicePriorities in pkg/controlplane/apiserver/aggregator.go, cmd/kube-apiserver/app/aggregator.go).

const priorities: Readonly<Record<string, number>> = {
  // Never an APIService itself, and always first (kube-aggregator/pkg/apiserver/handler_apis.go).
  'apiregistration.k8s.io': 20000,
  '': 18000,
  apps: 17800,
  'events.k8s.io': 17750,
  'authentication.k8s.io': 17700,
  'authorization.k8s.io': 17600,
  autoscaling: 17500,
  batch: 17400,
  'certificates.k8s.io': 17300,
  'networking.k8s.io': 17200,
  policy: 17100,
  'rbac.authorization.k8s.io': 17000,
  'storage.k8s.io': 16800,
  'admissionregistration.k8s.io': 16700,
  'apiextensions.k8s.io': 16700,
  'scheduling.k8s.io': 16600,
  'coordination.k8s.io': 16500,
  'node.k8s.io': 16300,
  'discovery.k8s.io': 16200,
  'flowcontrol.apiserver.k8s.io': 16100,
  'internal.apiserver.k8s.io': 16000,
  'resource.k8s.io': 15900,
  'storagemigration.k8s.io': 15800,
  // metrics-server's own manifest.
  'metrics.k8s.io': 100,
}

/** An APIService's groupPriorityMinimum; of groups of custom resources, 1000. */
export function groupPriority(group: string): number {
  return Object.hasOwn(priorities, group) ? priorities[group]! : 1000
}

/** The higher first; of the same, by name. */
export function groupOrder(one: string, other: string): number {
  return groupPriority(other) - groupPriority(one) || (one < other ? -1 : one > other ? 1 : 0)
}
