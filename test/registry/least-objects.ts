// The least object of each kind that a server takes: what the tests over all kinds create.

import type { KubeObject } from '../../src/api/meta.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { podKey, signingRequest } from '../support/certificate-requests.ts'
import { trustAnchor } from '../support/trust-anchor.ts'

const template = (app: string) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'main', image: 'nginx' }] },
})

// Made anew each time: a job writes its own labels into its template.
const jobTemplate = () => ({ spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox' }] } })

const onPods = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }
const matchConstraints = { resourceRules: [onPods] }
// Asked of nothing: one that is asked would have to answer.
const webhook = {
  name: 'hook.example.com',
  clientConfig: { url: 'https://127.0.0.1:1/' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
}

const parts: Readonly<Record<string, (name: string) => object>> = {
  Pod: () => ({ spec: { containers: [{ name: 'main', image: 'nginx' }] } }),
  PodTemplate: name => ({ template: template(name) }),
  ReplicationController: name => ({ spec: { replicas: 1, selector: { app: name }, template: template(name) } }),
  ReplicaSet: name => ({ spec: { selector: { matchLabels: { app: name } }, template: template(name) } }),
  Deployment: name => ({ spec: { selector: { matchLabels: { app: name } }, template: template(name) } }),
  StatefulSet: name => ({ spec: { selector: { matchLabels: { app: name } }, template: template(name) } }),
  DaemonSet: name => ({ spec: { selector: { matchLabels: { app: name } }, template: template(name) } }),
  Job: () => ({ spec: { template: jobTemplate() } }),
  CronJob: () => ({ spec: { schedule: '* * * * *', jobTemplate: { spec: { template: jobTemplate() } } } }),
  PersistentVolumeClaim: () => ({
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  }),
  PersistentVolume: () => ({
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' } },
  }),
  ControllerRevision: () => ({ revision: 1, data: { spec: {} } }),
  Service: () => ({ spec: { ports: [{ port: 80 }] } }),
  EndpointSlice: () => ({ addressType: 'IPv4', endpoints: [], ports: [] }),
  Ingress: () => ({ spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } } }),
  IngressClass: () => ({ spec: { controller: 'example.com/ingress' } }),
  PodDisruptionBudget: name => ({ spec: { minAvailable: 1, selector: { matchLabels: { app: name } } } }),
  NetworkPolicy: () => ({ spec: { podSelector: {} } }),
  IPAddress: name => ({ spec: { parentRef: { resource: 'services', namespace: 'default', name } } }),
  ServiceCIDR: () => ({ spec: { cidrs: ['10.0.0.0/16'] } }),
  HorizontalPodAutoscaler: name => ({
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } },
  }),
  CSIDriver: () => ({ spec: {} }),
  CSINode: () => ({ spec: { drivers: [] } }),
  CSIStorageCapacity: () => ({ storageClassName: 'standard' }),
  VolumeAttachment: () => ({
    spec: { attacher: 'example.com', nodeName: 'node-1', source: { persistentVolumeName: 'disk' } },
  }),
  VolumeAttributesClass: () => ({ driverName: 'example.com', parameters: { iops: '1' } }),
  LeaseCandidate: () => ({
    spec: {
      leaseName: 'leader',
      binaryVersion: '1.36.0',
      emulationVersion: '1.36.0',
      strategy: 'OldestEmulationVersion',
    },
  }),
  StorageVersionMigration: () => ({ spec: { resource: { group: 'apps', resource: 'deployments' } } }),
  Lease: () => ({ spec: {} }),
  MutatingWebhookConfiguration: () => ({ webhooks: [webhook] }),
  ValidatingWebhookConfiguration: () => ({ webhooks: [webhook] }),
  ValidatingAdmissionPolicy: () => ({ spec: { matchConstraints, validations: [{ expression: 'true' }] } }),
  ValidatingAdmissionPolicyBinding: name => ({ spec: { policyName: name, validationActions: ['Deny'] } }),
  MutatingAdmissionPolicy: () => ({
    spec: {
      matchConstraints,
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }],
    },
  }),
  MutatingAdmissionPolicyBinding: name => ({ spec: { policyName: name } }),
  RoleBinding: name => ({ roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name } }),
  ClusterRoleBinding: name => ({ roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name } }),
  LimitRange: () => ({ spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } }),
  ResourceQuota: () => ({ spec: { hard: { pods: '10' } } }),
  PriorityClass: () => ({ value: 1000 }),
  FlowSchema: () => ({ spec: { priorityLevelConfiguration: { name: 'exempt' } } }),
  PriorityLevelConfiguration: () => ({
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } },
  }),
  APIService: name => ({
    spec: {
      version: name.split('.')[0] ?? '',
      group: name.split('.').slice(1).join('.'),
      groupPriorityMinimum: 1000,
      versionPriority: 15,
    },
  }),
  Fault: () => ({ spec: { nodes: { names: ['node-1'] } } }),
  Image: () => ({ spec: { ports: [{ port: 8080 }] } }),
  RuntimeClass: () => ({ handler: 'runc' }),
  StorageClass: () => ({ provisioner: 'example.com/disks' }),
  CertificateSigningRequest: () => ({
    spec: { request: signingRequest('web'), signerName: 'example.com/signer', usages: ['client auth'] },
  }),
  ClusterTrustBundle: () => ({ spec: { trustBundle: trustAnchor } }),
  PodCertificateRequest: name => ({
    spec: {
      signerName: 'example.com/signer',
      ...{ podName: name, podUID: 'u1', serviceAccountName: 'default', serviceAccountUID: 'u2' },
      ...{ nodeName: 'node-1', nodeUID: 'u3', ...podKey('u1') },
    },
  }),
  DeviceClass: () => ({ spec: {} }),
  DeviceTaintRule: () => ({ spec: { taint: { key: 'broken', effect: 'NoSchedule' } } }),
  ResourceClaim: () => ({ spec: { devices: {} } }),
  ResourceClaimTemplate: () => ({ spec: { spec: { devices: {} } } }),
  ResourceSlice: name => ({
    spec: { driver: 'gpu.example.com', nodeName: 'node-1', pool: { name, resourceSliceCount: 1 } },
  }),
  Namespace: () => ({}),
  Node: () => ({}),
}

const events: Readonly<Record<string, (name: string) => object>> = {
  '': name => ({ involvedObject: { kind: 'Pod', name, namespace: 'default', uid: 'u1' }, reason: 'Tested' }),
  'events.k8s.io': name => ({
    regarding: { kind: 'Pod', name, namespace: 'default', uid: 'u1' },
    reason: 'Tested',
    action: 'Testing',
    type: 'Normal',
    eventTime: '2024-01-01T00:00:00.000000Z',
    reportingController: 'example.com/test',
    reportingInstance: 'test-1',
  }),
}

const addresses: Readonly<Record<string, string>> = {
  web: '10.0.0.1',
  other: '10.0.0.2',
  one: '10.0.0.3',
  two: '10.0.0.4',
}

/** What an object is called where tests call it `web`: an address has no other name than itself. */
export const leastName = (kind: Kind<any>, name: string): string =>
  kind.kind === 'IPAddress' ? (addresses[name] ?? name) : name

export function leastObject(kind: Kind<any>, name: string, namespace = 'default'): KubeObject & Record<string, any> {
  const part = kind.kind === 'Event' ? events[kind.group] : parts[kind.kind]
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: { name: leastName(kind, name), ...(kind.namespaced ? { namespace } : {}) },
    ...part?.(name),
  }
}
