// Whatever is missing or empty in an object, a kind answers with faults and never with a crash: each sample is taken apart,
// one member at a time, and written. What is found valid can also be printed, warned of and selected.

import { describe, expect, test } from 'vitest'
import { createCel } from '../../apiserver/cel/compiler.ts'
import { withJudgedDefinitions } from '../../apiserver/custom/definition-kind.ts'
import { SchemaLoader } from '../../apiserver/custom/schema-loader.ts'
import { hasReason } from '../../src/api/errors.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { builtinKinds } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { podKey, signingRequest } from '../support/certificate-requests.ts'
import { trustAnchor } from '../support/trust-anchor.ts'
import { create, update } from './written.ts'

const selector = { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }
const probe = { httpGet: { port: 80, httpHeaders: [{ name: 'X', value: 'y' }] }, terminationGracePeriodSeconds: 3 }
const podTerm = {
  topologyKey: 'z',
  labelSelector: selector,
  namespaces: ['n'],
  matchLabelKeys: ['k'],
  mismatchLabelKeys: ['m'],
}
const nodeTerm = {
  matchExpressions: [{ key: 'k', operator: 'In', values: ['v'] }],
  matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }],
}
const claim = {
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage: '1Gi' } },
  selector,
  storageClassName: 'fast',
  dataSource: { kind: 'PersistentVolumeClaim', name: 'd' },
  dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'd' },
}
const podSpec = {
  serviceAccountName: 'robot',
  containers: [
    {
      name: 'c',
      image: 'nginx',
      ports: [{ name: 'http', containerPort: 80, hostPort: 80, hostIP: '10.0.0.1' }],
      env: [
        { name: 'A', value: 'x' },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } },
        { name: 'C', valueFrom: { resourceFieldRef: { containerName: 'c', resource: 'limits.cpu', divisor: '1m' } } },
        { name: 'D', valueFrom: { configMapKeyRef: { name: 'm', key: 'k' } } },
        { name: 'E', valueFrom: { fileKeyRef: { key: 'k', path: 'p', volumeName: 'e' } } },
      ],
      envFrom: [{ prefix: 'P', secretRef: { name: 's' } }],
      resources: {
        limits: { cpu: '1', memory: '1Gi' },
        requests: { cpu: '1m' },
        claims: [{ name: 'gpu', request: 'r' }],
      },
      volumeMounts: [
        { name: 'v', mountPath: '/v', subPath: 'a', mountPropagation: 'None', recursiveReadOnly: 'Disabled' },
      ],
      volumeDevices: [{ name: 'pvc', devicePath: '/d' }],
      livenessProbe: probe,
      startupProbe: { grpc: { port: 9 } },
      lifecycle: { preStop: { exec: { command: ['x'] } }, postStart: { sleep: { seconds: 1 } } },
      securityContext: {
        runAsUser: 1,
        seccompProfile: { type: 'Localhost', localhostProfile: 'p' },
        appArmorProfile: { type: 'Localhost', localhostProfile: 'p' },
        capabilities: { add: ['X'] },
      },
      resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }],
      restartPolicy: 'OnFailure',
      restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }],
    },
  ],
  initContainers: [{ name: 'i', image: 'x', restartPolicy: 'Always', resources: { requests: { cpu: '1' } } }],
  volumes: [
    { name: 'v', configMap: { name: 'm', items: [{ key: 'k', path: 'p', mode: 1 }] } },
    { name: 'e', emptyDir: { sizeLimit: '1Gi' } },
    { name: 'pvc', persistentVolumeClaim: { claimName: 'c' } },
    {
      name: 'w',
      projected: {
        sources: [
          { serviceAccountToken: { path: 't' } },
          { downwardAPI: { items: [{ path: 'd', fieldRef: { fieldPath: 'metadata.name' } }] } },
          { clusterTrustBundle: { name: 'b', path: 'b' } },
          { podCertificate: { signerName: 'a.b/c', keyType: 'ED25519', credentialBundlePath: 'x' } },
        ],
      },
    },
    {
      name: 'x',
      ephemeral: {
        volumeClaimTemplate: {
          metadata: { labels: { a: 'b' } },
          spec: claim,
        },
      },
    },
    {
      name: 'iscsi',
      iscsi: {
        targetPortal: 'p',
        iqn: 'iqn.2001-04.com.example:x',
        lun: 0,
        initiatorName: 'iqn.2001-04.com.example:y',
      },
    },
    { name: 'flex', flexVolume: { driver: 'd', options: { a: 'b' } } },
    { name: 'azure', azureDisk: { diskName: 'a', diskURI: 'https://x' } },
    { name: 'quobyte', quobyte: { registry: 'a:1', volume: 'v' } },
    { name: 'csi', csi: { driver: 'd', nodePublishSecretRef: { name: 's' } } },
  ],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [nodeTerm] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: nodeTerm }],
    },
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [podTerm] },
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: podTerm }],
    },
  },
  tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }],
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'z',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: selector,
      matchLabelKeys: ['k'],
    },
  ],
  dnsConfig: { nameservers: ['1.1.1.1'], searches: ['a.b'], options: [{ name: 'o', value: '1' }] },
  hostAliases: [{ ip: '1.1.1.1', hostnames: ['a'] }],
  imagePullSecrets: [{ name: 's' }],
  readinessGates: [{ conditionType: 'a/b' }],
  schedulingGates: [{ name: 'a/b' }],
  resourceClaims: [{ name: 'gpu', resourceClaimName: 'c' }],
  securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }], supplementalGroups: [1] },
  os: { name: 'linux' },
  overhead: { cpu: '1m' },
  resources: { limits: { cpu: '2' }, requests: { cpu: '2' } },
}
const template = {
  metadata: { labels: { a: 'b' }, annotations: { c: 'd' } },
  spec: { ...podSpec, restartPolicy: 'Always' },
}
const port = { name: 'http', port: 80, targetPort: 'http', nodePort: 30080, appProtocol: 'a/b' }
const backend = { service: { name: 'web', port: { number: 80 } } }
const endpoint = {
  addresses: ['10.0.0.1'],
  hints: { forZones: [{ name: 'a' }], forNodes: [{ name: 'n' }] },
  hostname: 'h',
}
const reference = { kind: 'Pod', name: 'p', namespace: 'default' }

const rule = {
  operations: ['CREATE'],
  apiGroups: ['apps'],
  apiVersions: ['v1'],
  resources: ['deployments', 'pods/exec'],
}
const matchConditions = [{ name: 'a/b', expression: 'true' }]
const webhook = {
  name: 'a.example.com',
  rules: [{ ...rule, scope: '*' }],
  clientConfig: { service: { name: 'n', namespace: 'ns', path: '/a/b', port: 443 }, caBundle: 'eA==' },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  namespaceSelector: selector,
  objectSelector: selector,
  matchConditions,
  timeoutSeconds: 1,
}
const match = {
  matchPolicy: 'Exact',
  namespaceSelector: selector,
  objectSelector: selector,
  resourceRules: [{ ...rule, resourceNames: ['n'] }],
  excludeResourceRules: [rule],
}
const policy = {
  failurePolicy: 'Fail',
  paramKind: { apiVersion: 'a/v1', kind: 'B' },
  matchConstraints: match,
  matchConditions,
  variables: [{ name: 'v', expression: '1' }],
}
const binding = {
  policyName: 'p',
  paramRef: { selector, parameterNotFoundAction: 'Deny' },
  matchResources: match,
}

const deviceConfig = { opaque: { driver: 'a.b', parameters: { a: 1 } } }
const exactly = {
  deviceClassName: 'c',
  selectors: [{ cel: { expression: 'true' } }],
  allocationMode: 'ExactCount',
  count: 2,
  tolerations: [{ key: 'k', operator: 'Equal', value: 'v', effect: 'None' }],
  capacity: { requests: { memory: '1Gi' } },
}
const choice = { name: 'b', firstAvailable: [{ name: 's', ...exactly }] }
const deviceRequests = [{ name: 'a', exactly: { ...exactly, adminAccess: true } }, choice]
const olderRequests = [{ name: 'a', ...exactly, adminAccess: true }, choice]
const devices = {
  constraints: [{ requests: ['a', 'b/s'], matchAttribute: 'a.b/c' }, { distinctAttribute: 'a.b/c' }],
  config: [{ requests: ['a'], ...deviceConfig }],
}
const device = {
  attributes: { a: { int: 1 }, 'a.b/c': { version: '1.2.3' }, s: { string: 'x' }, y: { bool: true } },
  capacity: {
    memory: { value: '4Gi', requestPolicy: { default: '1Gi', validRange: { min: '1Gi', max: '3Gi', step: '1Gi' } } },
    cores: { value: '4', requestPolicy: { default: '1', validValues: ['1', '2'] } },
  },
  allowMultipleAllocations: true,
  consumesCounters: [{ counterSet: 'c', counters: { m: { value: '1' } } }],
  nodeName: 'n',
  taints: [{ key: 'k', effect: 'NoSchedule' }],
  bindingConditions: ['a/b'],
  bindingFailureConditions: ['a/c'],
}
const slice = { driver: 'a.b', pool: { name: 'p', resourceSliceCount: 1 }, perDeviceNodeSelection: true }
const allocated = { driver: 'a.b', pool: 'p', device: 'd' }
const claimStatus = {
  allocation: {
    devices: { results: [{ request: 'a', ...allocated }], config: [{ source: 'FromClaim', ...deviceConfig }] },
    nodeSelector: { nodeSelectorTerms: [nodeTerm] },
  },
  reservedFor: [{ resource: 'pods', name: 'p', uid: 'u' }],
  devices: [
    {
      ...allocated,
      conditions: [{ type: 'A', status: 'True', reason: 'B', lastTransitionTime: '2024-05-01T12:00:00Z' }],
      data: { a: 1 },
      networkData: { ips: ['10.0.0.1/24'], interfaceName: 'eth0', hardwareAddress: '00:00' },
    },
  ],
}

const roleRules = [
  { apiGroups: [''], resources: ['pods'], resourceNames: ['it'], verbs: ['get'] },
  { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['*'] },
]
const subjects = [
  { kind: 'User', name: 'jane', apiGroup: 'rbac.authorization.k8s.io' },
  { kind: 'ServiceAccount', name: 'bot', namespace: 'default' },
]

const samples: Readonly<Record<string, object>> = {
  'roles.rbac.authorization.k8s.io': { rules: roleRules },
  'clusterroles.rbac.authorization.k8s.io': {
    rules: [...roleRules, { nonResourceURLs: ['/healthz/*'], verbs: ['get'] }],
    aggregationRule: {
      clusterRoleSelectors: [
        { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'c', operator: 'In', values: ['d'] }] },
      ],
    },
  },
  'rolebindings.rbac.authorization.k8s.io': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'it' },
    subjects,
  },
  'clusterrolebindings.rbac.authorization.k8s.io': {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'it' },
    subjects,
  },
  'customresourcedefinitions.apiextensions.k8s.io': {
    metadata: { name: 'crontabs.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab', shortNames: ['ct'], categories: ['all'] },
      conversion: {
        strategy: 'Webhook',
        webhook: {
          conversionReviewVersions: ['v1'],
          clientConfig: { caBundle: 'aGVsbG8=', service: { name: 'it', namespace: 'default', path: '/convert' } },
        },
      },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: { spec: { type: 'object', properties: { replicas: { type: 'integer', default: 1 } } } },
            },
          },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          additionalPrinterColumns: [{ name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' }],
          selectableFields: [{ jsonPath: '.spec.replicas' }],
        },
        {
          name: 'v1beta1',
          served: true,
          storage: false,
          deprecated: true,
          deprecationWarning: 'use v1',
          schema: { openAPIV3Schema: { type: 'object' } },
        },
      ],
    },
  },
  namespaces: { spec: { finalizers: ['a/b'] } },
  configmaps: { data: { a: 'b' }, binaryData: { c: 'eA==' }, immutable: true },
  secrets: { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'e30=' }, stringData: { a: 'b' } },
  serviceaccounts: { secrets: [{ name: 's' }], imagePullSecrets: [{ name: 's' }] },
  pods: { spec: podSpec },
  podtemplates: { template },
  replicationcontrollers: { spec: { replicas: 1, selector: { a: 'b' }, template } },
  'replicasets.apps': { spec: { replicas: 1, selector, template } },
  'deployments.apps': {
    spec: { replicas: 1, selector, template, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
  },
  persistentvolumeclaims: { spec: { ...claim, volumeName: 'v' }, status: { capacity: { storage: '1Gi' } } },
  persistentvolumes: {
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      csi: { driver: 'a.b', volumeHandle: 'x', nodePublishSecretRef: { name: 's', namespace: 'n' } },
      nodeAffinity: { required: { nodeSelectorTerms: [nodeTerm] } },
      claimRef: { namespace: 'n', name: 'c' },
      volumeAttributesClassName: 'gold',
    },
  },
  'cronjobs.batch': {
    spec: {
      schedule: '* * * * *',
      timeZone: 'UTC',
      jobTemplate: {
        spec: { template: { spec: { containers: [{ name: 'c', image: 'x' }], restartPolicy: 'Never' } } },
      },
    },
  },
  'jobs.batch': {
    metadata: { name: 'it', uid: 'u' },
    spec: {
      completionMode: 'Indexed',
      completions: 3,
      parallelism: 3,
      backoffLimitPerIndex: 1,
      maxFailedIndexes: 1,
      managedBy: 'a.b/c',
      podFailurePolicy: {
        rules: [
          { action: 'FailJob', onExitCodes: { containerName: 'c', operator: 'In', values: [1] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 1 }] },
      template: { spec: { containers: [{ name: 'c', image: 'x' }], restartPolicy: 'Never' } },
    },
  },
  'daemonsets.apps': { spec: { selector, template, updateStrategy: { rollingUpdate: { maxUnavailable: '10%' } } } },
  'statefulsets.apps': {
    spec: {
      replicas: 1,
      selector,
      template,
      serviceName: 'web',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } },
      ordinals: { start: 1 },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claim }],
    },
  },
  'controllerrevisions.apps': { revision: 1, data: { a: 1 } },
  services: {
    spec: {
      type: 'LoadBalancer',
      ports: [port],
      selector: { a: 'b' },
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      ipFamilies: ['IPv4'],
      externalIPs: ['192.0.2.1'],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } },
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      loadBalancerClass: 'a/b',
    },
  },
  endpoints: { subsets: [{ addresses: [{ ip: '10.0.0.1', hostname: 'h' }], ports: [{ port: 80, name: 'a' }] }] },
  'endpointslices.discovery.k8s.io': { addressType: 'IPv4', endpoints: [endpoint], ports: [{ port: 80 }] },
  nodes: {
    spec: { taints: [{ key: 'a', effect: 'NoSchedule' }], podCIDRs: ['10.0.0.0/24'] },
    status: {
      capacity: { cpu: '1' },
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      nodeInfo: { osImage: 'x' },
    },
  },
  events: { involvedObject: reference, series: { count: 2, lastObservedTime: '2024-05-01T11:00:00.000000Z' } },
  'events.events.k8s.io': {
    regarding: reference,
    eventTime: '2024-05-01T11:00:00.000000Z',
    type: 'Normal',
    reportingController: 'a/b',
    reportingInstance: 'x',
    action: 'Do',
    reason: 'Why',
  },
  'leases.coordination.k8s.io': { spec: { holderIdentity: 'x', leaseDurationSeconds: 1 } },
  'ingresses.networking.k8s.io': {
    spec: {
      defaultBackend: { resource: { apiGroup: 'a', kind: 'B', name: 'c' } },
      rules: [{ host: 'a.b', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
      tls: [{ hosts: ['a.b'], secretName: 's' }],
    },
  },
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': { webhooks: [webhook] },
  'validatingwebhookconfigurations.admissionregistration.k8s.io': { webhooks: [webhook] },
  'validatingadmissionpolicies.admissionregistration.k8s.io': {
    spec: {
      ...policy,
      validations: [{ expression: 'true', message: 'm', messageExpression: '"m"', reason: 'Invalid' }],
      auditAnnotations: [{ key: 'k', valueExpression: '"v"' }],
    },
    status: {
      typeChecking: { expressionWarnings: [{ fieldRef: 'spec', warning: 'w' }] },
      conditions: [{ type: 'A', status: 'True', reason: 'B', lastTransitionTime: '2024-05-01T12:00:00Z' }],
    },
  },
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': {
    spec: { ...binding, validationActions: ['Deny', 'Audit'] },
  },
  'mutatingadmissionpolicies.admissionregistration.k8s.io': {
    spec: {
      ...policy,
      reinvocationPolicy: 'Never',
      mutations: [
        { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } },
        { patchType: 'JSONPatch', jsonPatch: { expression: '[]' } },
      ],
    },
  },
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': { spec: binding },
  limitranges: {
    spec: {
      limits: [
        {
          type: 'Container',
          max: { cpu: '2' },
          min: { cpu: '1' },
          default: { cpu: '2' },
          defaultRequest: { cpu: '1' },
          maxLimitRequestRatio: { cpu: '2' },
        },
        { type: 'PersistentVolumeClaim', max: { storage: '2Gi' } },
      ],
    },
  },
  resourcequotas: {
    spec: {
      hard: { pods: '3', 'requests.cpu': '1' },
      scopes: ['NotBestEffort'],
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] },
    },
    status: { hard: { pods: '3' }, used: { pods: '1' } },
  },
  'flowschemas.flowcontrol.apiserver.k8s.io': {
    spec: {
      priorityLevelConfiguration: { name: 'global-default' },
      matchingPrecedence: 1200,
      distinguisherMethod: { type: 'ByUser' },
      rules: [
        {
          subjects: [
            { kind: 'User', user: { name: 'jane' } },
            { kind: 'Group', group: { name: 'dev' } },
            { kind: 'ServiceAccount', serviceAccount: { name: 'a', namespace: 'b' } },
          ],
          resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['default'] }],
          nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz/*'] }],
        },
      ],
    },
    status: { conditions: [{ type: 'Dangling', status: 'False' }] },
  },
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': {
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: 10,
        lendablePercent: 50,
        borrowingLimitPercent: 20,
        limitResponse: { type: 'Queue', queuing: { queues: 16, handSize: 4, queueLengthLimit: 10 } },
      },
    },
    status: { conditions: [{ type: 'Ready' }] },
  },
  'apiservices.apiregistration.k8s.io': {
    metadata: { name: 'v1.it.example.com' },
    spec: {
      group: 'it.example.com',
      version: 'v1',
      groupPriorityMinimum: 1000,
      versionPriority: 15,
      caBundle: 'YQ==',
      service: { name: 'api', namespace: 'default', port: 443 },
    },
    status: { conditions: [{ type: 'Available', status: 'True' }] },
  },
  'priorityclasses.scheduling.k8s.io': { value: 5, globalDefault: true, description: 'd', preemptionPolicy: 'Never' },
  'faults.kubesim.dev': {
    spec: {
      after: '1s',
      duration: '1m',
      every: '2m',
      nodes: { names: ['n'], effect: 'CutOff' },
      api: {
        users: ['u'],
        verbs: ['get'],
        resources: ['pods'],
        namespaces: ['d'],
        percent: 5,
        latency: '1s',
        code: 500,
      },
      watches: { resources: ['pods'], every: '5s' },
      component: { name: 'scheduler', effect: 'Restarted' },
      pulls: { images: ['nginx'], message: 'no' },
    },
  },
  'images.kubesim.dev': {
    spec: {
      names: ['app:v1', 'registry.example.com/*'],
      base: 'alpine',
      tools: ['curl'],
      entrypoint: ['/app'],
      command: ['serve'],
      env: [{ name: 'A', value: 'b' }],
      workingDir: '/srv',
      user: '1000:1000',
      stopSignal: 'SIGINT',
      labels: { a: 'b' },
      files: { '/etc/app.conf': 'a=b' },
      size: '40M',
      ports: [
        {
          port: 8080,
          protocol: 'HTTP',
          routes: [
            {
              path: '/a',
              methods: ['GET'],
              status: 201,
              headers: { 'X-A': 'b' },
              body: 'a',
              latency: '1s',
              errorPercent: 5,
              errorStatus: 503,
            },
          ],
        },
      ],
      startsAfter: '1s',
      endsAfter: '1m',
      exitCode: 1,
      exitCodeOnStop: 0,
      unhealthyAfter: '2m',
      usage: [{ at: '1s', memory: '20Mi', cpu: '50m' }],
      logs: [{ text: 'a', after: '1s', every: '2s' }],
      pull: { duration: '3s', private: true },
    },
  },
  'runtimeclasses.node.k8s.io': {
    handler: 'gvisor',
    overhead: { podFixed: { cpu: '250m' } },
    scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'k', operator: 'Exists' }] },
  },
  'storageclasses.storage.k8s.io': {
    provisioner: 'a.b/c',
    parameters: { type: 'ssd' },
    reclaimPolicy: 'Retain',
    mountOptions: ['ro'],
    volumeBindingMode: 'WaitForFirstConsumer',
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }],
  },
  'certificatesigningrequests.certificates.k8s.io': {
    spec: {
      request: signingRequest('it', 'dev'),
      signerName: 'a.b/c',
      usages: ['client auth'],
      expirationSeconds: 600,
      groups: ['g'],
      extra: { a: ['b'] },
    },
    status: { conditions: [{ type: 'Approved', status: 'True' }] },
  },
  'clustertrustbundles.certificates.k8s.io': { spec: { trustBundle: trustAnchor } },
  'podcertificaterequests.certificates.k8s.io': {
    spec: {
      signerName: 'a.b/c',
      podName: 'p',
      podUID: 'u',
      serviceAccountName: 's',
      serviceAccountUID: 'u',
      nodeName: 'n',
      nodeUID: 'u',
      unverifiedUserAnnotations: { 'a.b/c': 'd' },
      ...podKey('u'),
    },
    status: {
      conditions: [{ type: 'Denied', status: 'True', reason: 'No', lastTransitionTime: '2024-05-01T12:00:00Z' }],
    },
  },
  'deviceclasses.resource.k8s.io': {
    spec: { selectors: [{ cel: { expression: 'true' } }], config: [deviceConfig], extendedResourceName: 'a.b/c' },
  },
  'devicetaintrules.resource.k8s.io': {
    spec: {
      deviceSelector: { driver: 'a.b', pool: 'p/q', device: 'd' },
      taint: { key: 'k', value: 'v', effect: 'NoExecute' },
    },
    status: {
      conditions: [{ type: 'A', status: 'True', reason: 'B', lastTransitionTime: '2024-05-01T12:00:00Z' }],
    },
  },
  'resourceclaims.resource.k8s.io': {
    spec: { devices: { ...devices, requests: deviceRequests } },
    status: claimStatus,
  },
  'resourceclaims.resource.k8s.io/v1beta1': {
    spec: { devices: { ...devices, requests: olderRequests } },
    status: claimStatus,
  },
  'resourceclaimtemplates.resource.k8s.io': {
    spec: { metadata: { labels: { a: 'b' } }, spec: { devices: { ...devices, requests: deviceRequests } } },
  },
  'resourceclaimtemplates.resource.k8s.io/v1beta1': {
    spec: { metadata: { labels: { a: 'b' } }, spec: { devices: { ...devices, requests: olderRequests } } },
  },
  'resourceslices.resource.k8s.io': { spec: { ...slice, devices: [{ name: 'd', ...device }] } },
  'resourceslices.resource.k8s.io/v1beta1': { spec: { ...slice, devices: [{ name: 'd', basic: device }] } },
  'poddisruptionbudgets.policy': {
    spec: { maxUnavailable: '10%', selector, unhealthyPodEvictionPolicy: 'AlwaysAllow' },
    status: {
      disruptedPods: { a: '2024-05-01T12:00:00Z' },
      conditions: [{ type: 'A', status: 'True', reason: 'B', lastTransitionTime: '2024-05-01T12:00:00Z' }],
    },
  },
  'networkpolicies.networking.k8s.io': {
    spec: {
      podSelector: selector,
      ingress: [{ ports: [{ protocol: 'TCP', port: 80, endPort: 90 }], from: [{ podSelector: selector }] }],
      egress: [{ ports: [{ port: 'web' }], to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }],
      policyTypes: ['Ingress'],
    },
  },
  'ipaddresses.networking.k8s.io': {
    metadata: { name: '10.0.0.1' },
    spec: { parentRef: { group: 'a.b', resource: 'things', namespace: 'c', name: 'd' } },
  },
  'servicecidrs.networking.k8s.io': {
    spec: { cidrs: ['10.0.0.0/8', 'fd00::/64'] },
    status: {
      conditions: [{ type: 'Ready', status: 'True', reason: 'B', lastTransitionTime: '2024-05-01T12:00:00Z' }],
    },
  },
  'horizontalpodautoscalers.autoscaling': {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 2,
      maxReplicas: 5,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: 'c', target: { type: 'AverageValue', averageValue: '1' } },
        },
        {
          type: 'Pods',
          pods: { metric: { name: 'm', selector }, target: { type: 'AverageValue', averageValue: '1' } },
        },
        {
          type: 'Object',
          object: {
            describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
            metric: { name: 'm' },
            target: { type: 'Value', value: '1' },
          },
        },
        { type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '1' } } },
      ],
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 5,
          selectPolicy: 'Min',
          policies: [{ type: 'Pods', value: 1, periodSeconds: 5 }],
          tolerance: '50m',
        },
        scaleDown: { selectPolicy: 'Disabled' },
      },
    },
    status: {
      currentReplicas: 2,
      desiredReplicas: 3,
      currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 3 } } }],
      conditions: [{ type: 'A', status: 'True' }],
    },
  },
  'horizontalpodautoscalers.autoscaling/v1': {
    metadata: {
      name: 'it',
      annotations: {
        'autoscaling.alpha.kubernetes.io/metrics':
          '[{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"1"}}]',
        'autoscaling.alpha.kubernetes.io/behavior':
          '{"ScaleUp":{"Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":5}]},"ScaleDown":null}',
        'autoscaling.alpha.kubernetes.io/conditions': 'no JSON',
      },
    },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 2,
      maxReplicas: 5,
      targetCPUUtilizationPercentage: 50,
    },
    status: { currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 60 },
  },
  'csidrivers.storage.k8s.io': {
    spec: {
      attachRequired: true,
      fsGroupPolicy: 'File',
      tokenRequests: [{ audience: 'a', expirationSeconds: 600 }, { audience: 'b' }],
      volumeLifecycleModes: ['Persistent', 'Ephemeral'],
      nodeAllocatableUpdatePeriodSeconds: 10,
    },
  },
  'csinodes.storage.k8s.io': {
    spec: { drivers: [{ name: 'a.b', nodeID: 'n', topologyKeys: ['a.b/c'], allocatable: { count: 3 } }] },
  },
  'csistoragecapacities.storage.k8s.io': {
    storageClassName: 'c',
    capacity: '1Gi',
    maximumVolumeSize: '1Mi',
    nodeTopology: selector,
  },
  'volumeattachments.storage.k8s.io': {
    spec: {
      attacher: 'a.b',
      nodeName: 'n',
      source: { inlineVolumeSpec: { accessModes: ['ReadWriteOnce'], csi: { driver: 'a.b', volumeHandle: 'h' } } },
    },
    status: { attached: true, attachmentMetadata: { a: 'b' }, attachError: { message: 'm', errorCode: 3 } },
  },
  'volumeattributesclasses.storage.k8s.io': { driverName: 'a.b', parameters: { iops: '1' } },
  'leasecandidates.coordination.k8s.io': {
    spec: {
      leaseName: 'l',
      binaryVersion: '1.36.1',
      emulationVersion: '1.36.0',
      strategy: 'OldestEmulationVersion',
      renewTime: '2024-05-01T12:00:00.000000Z',
    },
  },
  'storageversionmigrations.storagemigration.k8s.io': {
    spec: { resource: { group: 'apps', resource: 'deployments' } },
    status: {
      resourceVersion: '5',
      conditions: [{ type: 'Running', status: 'True', reason: 'B', lastTransitionTime: '2024-05-01T12:00:00Z' }],
    },
  },
  'ingressclasses.networking.k8s.io': { spec: { controller: 'a.b/c', parameters: { kind: 'A', name: 'b' } } },
}

/** The object once for each member of it: without it, and with it empty. */
function* maimed(object: object): Generator<[path: string, object: object]> {
  const whole = structuredClone(object)
  const visit = function* (part: Record<string, unknown>, path: string): Generator<[string, object]> {
    for (const key of Object.keys(part)) {
      const value = part[key]
      const isItem = Array.isArray(part)
      for (const empty of [undefined, emptyOf(value)]) {
        if (isItem && empty === undefined) continue
        part[key] = empty
        const copy = structuredClone(whole)
        yield [`${path}.${key} = ${JSON.stringify(empty)}`, copy]
      }
      part[key] = value
      if (typeof value === 'object' && value !== null) yield* visit(value as Record<string, unknown>, `${path}.${key}`)
    }
  }
  yield* visit(whole as Record<string, unknown>, '')
}

function emptyOf(value: unknown): unknown {
  if (Array.isArray(value)) return []
  return typeof value === 'object' ? {} : typeof value === 'number' ? 0 : typeof value === 'string' ? '' : false
}

/** As the decoder leaves it: members that are absent are absent. */
function decoded(object: object): object {
  return JSON.parse(JSON.stringify(object)) as object
}

const loader = new SchemaLoader(virtualEnv(), createCel())
await loader.load()

describe.each(withJudgedDefinitions(builtinKinds, loader).map(kind => [kind.resource, kind] as const))(
  '%s',
  (resource, kind: Kind<any>) => {
    const sample = { metadata: { name: 'it' }, ...(samples[`${resource}/${kind.version}`] ?? samples[resource]) }

    test('the whole sample is valid', () => {
      expect(samples).toHaveProperty([resource])
      expect(create(kind, sample).faults).toEqual([])
    })

    test('a name alone does not crash it', () => {
      expect(() => create(kind, { metadata: { name: 'it' } })).not.toThrow()
    })

    test('nor does anything missing', () => {
      for (const [path, object] of maimed(sample)) {
        const written = tried(() => create(kind, decoded(object)), path)
        if (!written || written.faults.length > 0) continue
        for (const column of kind.columns) tried(() => column.value(written.object, 0), `${path}: ${column.name}`)
        for (const field of Object.values(kind.fields ?? {})) tried(() => field(written.object), path)
      }
    })

    test('nor taking it away later', () => {
      const { object: old } = create(kind, sample)
      for (const [path, object] of maimed(decoded(old))) {
        const edit = (next: object) => {
          for (const key of Object.keys(next)) delete (next as Record<string, unknown>)[key]
          Object.assign(next, decoded({ metadata: {}, ...object }))
        }
        tried(() => update(kind, old, edit), path)
        if (kind.subresources?.includes('status')) tried(() => update(kind, old, edit, 'status'), `${path} (status)`)
      }
    })
  },
)

/** What cannot even be decoded is refused before any rule: a quantity of no digits. */
function tried<T>(run: () => T, path: string): T | undefined {
  try {
    return run()
  } catch (error) {
    if (hasReason(error, 'BadRequest')) return undefined
    throw new Error(path, { cause: error })
  }
}
