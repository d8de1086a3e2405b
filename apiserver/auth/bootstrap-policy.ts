// The roles and bindings that every cluster has, as data. Facts of plugin/pkg/auth/authorizer/rbac/bootstrappolicy: policy.go,
// controller_policy.go, namespace_policy.go. Written by bootstrap-roles.ts; the node authorizer goes by the rules of
// system:node. A rule reads `VERBS GROUPS RESOURCES [NAMES]`, or `VERBS url PATHS`; `core` is the group without a name, and
// `events` alone what everybody who tells of events may.

import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'

export type BootstrapObject =
  | NewObject<ClusterRole>
  | NewObject<ClusterRoleBinding>
  | NewObject<Role>
  | NewObject<RoleBinding>

const shorthands: Readonly<Record<string, string>> = {
  read: 'get,list,watch',
  write: 'create,delete,deletecollection,patch,update',
  all: 'create,delete,deletecollection,get,list,patch,update,watch',
  readUpdate: 'get,list,patch,update,watch',
}
const events = 'create,patch,update core,events.k8s.io events'

const nodes = [
  'create authentication.k8s.io tokenreviews',
  'create authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews',
  'read core services',
  'create,get,list,watch core nodes',
  'patch,update core nodes/status',
  'patch,update core nodes',
  'create,patch,update core events',
  'read core pods',
  'create,delete core pods',
  'patch,update core pods/status',
  'create core pods/eviction',
  'read core configmaps,secrets',
  'get core persistentvolumeclaims,persistentvolumes',
  'get core endpoints',
  'create,get,list,watch certificates.k8s.io certificatesigningrequests',
  'create,delete,get,patch,update coordination.k8s.io leases',
  'get storage.k8s.io volumeattachments',
  'create core serviceaccounts/token',
  'get,patch,update core persistentvolumeclaims/status',
  'read storage.k8s.io csidrivers',
  'create,delete,get,patch,update storage.k8s.io csinodes',
  'read node.k8s.io runtimeclasses',
  'get resource.k8s.io resourceclaims',
  'all resource.k8s.io resourceslices',
  'get core serviceaccounts',
]

const aggregateTo = 'rbac.authorization.k8s.io/aggregate-to-'

/** `gives`: to which of admin, edit and view its rules belong. */
const clusterRoles: Readonly<Record<string, { gives?: string; rules: readonly string[] } | readonly string[]>> = {
  'cluster-admin': ['* * *', '* url *'],
  'system:discovery': [
    'get url /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/',
  ],
  'system:monitoring': ['get url /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*'],
  'system:basic-user': [
    'create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews',
    'create authentication.k8s.io selfsubjectreviews',
  ],
  'system:public-info-viewer': ['get url /healthz,/livez,/readyz,/version,/version/'],
  'system:aggregate-to-admin': {
    gives: 'admin',
    rules: [
      'create authorization.k8s.io localsubjectaccessreviews',
      'all rbac.authorization.k8s.io rolebindings,roles',
    ],
  },
  'system:aggregate-to-edit': {
    gives: 'edit',
    rules: [
      'read core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy',
      'impersonate core serviceaccounts',
      'write core pods,pods/attach,pods/exec,pods/portforward,pods/proxy',
      'create core pods/eviction',
      'write core configmaps,events,persistentvolumeclaims,replicationcontrollers,replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy',
      'create core serviceaccounts/token',
      'write apps daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,replicasets/scale,statefulsets,statefulsets/scale',
      'write autoscaling horizontalpodautoscalers',
      'write batch cronjobs,jobs',
      'write extensions daemonsets,deployments,deployments/rollback,deployments/scale,ingresses,networkpolicies,replicasets,replicasets/scale,replicationcontrollers/scale',
      'write policy poddisruptionbudgets',
      'write networking.k8s.io ingresses,networkpolicies',
      'all coordination.k8s.io leases',
      'write resource.k8s.io resourceclaims,resourceclaimtemplates',
    ],
  },
  'system:aggregate-to-view': {
    gives: 'view',
    rules: [
      'read core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status',
      'read core bindings,events,limitranges,namespaces/status,pods/log,pods/status,replicationcontrollers/status,resourcequotas,resourcequotas/status',
      'read core namespaces',
      'read discovery.k8s.io endpointslices',
      'read apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,statefulsets/scale,statefulsets/status',
      'read autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status',
      'read batch cronjobs,cronjobs/status,jobs,jobs/status',
      'read extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale',
      'read policy poddisruptionbudgets,poddisruptionbudgets/status',
      'read networking.k8s.io ingresses,ingresses/status,networkpolicies',
      'read resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates',
    ],
  },
  'system:heapster': ['read core events,namespaces,nodes,pods', 'read extensions deployments'],
  'system:node': nodes,
  'system:node-problem-detector': ['get core nodes', 'patch core nodes/status', 'events'],
  'system:kubelet-api-admin': [
    'read core nodes',
    'proxy core nodes',
    '* core nodes/configz,nodes/healthz,nodes/log,nodes/metrics,nodes/pods,nodes/proxy,nodes/spec,nodes/stats',
  ],
  'system:node-bootstrapper': ['create,get,list,watch certificates.k8s.io certificatesigningrequests'],
  'system:auth-delegator': [
    'create authentication.k8s.io tokenreviews',
    'create authorization.k8s.io subjectaccessreviews',
  ],
  'system:kube-aggregator': ['read core endpoints,services'],
  'system:kube-controller-manager': [
    'events',
    'create coordination.k8s.io leases',
    'get,update coordination.k8s.io leases kube-controller-manager',
    'create core secrets,serviceaccounts',
    'delete core secrets',
    'get core configmaps,namespaces,secrets,serviceaccounts',
    'update core secrets,serviceaccounts',
    'create authentication.k8s.io tokenreviews',
    'create authorization.k8s.io subjectaccessreviews',
    'list,watch * *',
    'create core serviceaccounts/token',
  ],
  'system:kube-dns': ['list,watch core endpoints,services'],
  'system:persistent-volume-provisioner': [
    'create,delete,get,list,watch core persistentvolumes',
    'get,list,update,watch core persistentvolumeclaims',
    'read storage.k8s.io storageclasses',
    'watch core events',
    'events',
  ],
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': [
    'create certificates.k8s.io certificatesigningrequests/nodeclient',
  ],
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': [
    'create certificates.k8s.io certificatesigningrequests/selfnodeclient',
  ],
  'system:volume-scheduler': [
    'readUpdate core persistentvolumes',
    'read storage.k8s.io storageclasses',
    'readUpdate core persistentvolumeclaims',
  ],
  'system:certificates.k8s.io:legacy-unknown-approver': [
    'approve certificates.k8s.io signers kubernetes.io/legacy-unknown',
  ],
  'system:certificates.k8s.io:kubelet-serving-approver': [
    'approve certificates.k8s.io signers kubernetes.io/kubelet-serving',
  ],
  'system:certificates.k8s.io:kube-apiserver-client-approver': [
    'approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client',
  ],
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': [
    'approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet',
  ],
  'system:service-account-issuer-discovery': ['get url /.well-known/openid-configuration,/openid/v1/jwks'],
  'system:node-proxier': [
    'list,watch core endpoints,services',
    'read core nodes',
    'events',
    'list,watch discovery.k8s.io endpointslices',
    'list,watch networking.k8s.io servicecidrs',
  ],
  'system:kube-scheduler': [
    'events',
    'create coordination.k8s.io leases',
    'get,list,update,watch coordination.k8s.io leases kube-scheduler',
    'read core nodes',
    'delete,get,list,watch core pods',
    'create core bindings,pods/binding',
    'patch,update core pods/status',
    'read core replicationcontrollers,services',
    'read apps,extensions replicasets',
    'read apps statefulsets',
    'read policy poddisruptionbudgets',
    'read core persistentvolumeclaims,persistentvolumes',
    'create authentication.k8s.io tokenreviews',
    'create authorization.k8s.io subjectaccessreviews',
    'read storage.k8s.io csinodes',
    'read core namespaces',
    'read storage.k8s.io csidrivers',
    'read storage.k8s.io csistoragecapacities',
    'read storage.k8s.io volumeattachments',
    'read resource.k8s.io deviceclasses,resourceclaims,resourceslices',
    'patch,update resource.k8s.io resourceclaims/status',
    'update core pods/finalizers',
  ],
}

/** Of the service accounts in kube-system that bear their names: system:controller:NAME. */
const controllerRoles: Readonly<Record<string, readonly string[]>> = {
  'attachdetach-controller': [
    'list,watch core persistentvolumeclaims,persistentvolumes',
    'read core nodes',
    'patch,update core nodes/status',
    'list,watch core pods',
    'events',
    'create,delete,get,list,watch storage.k8s.io volumeattachments',
    'read storage.k8s.io csidrivers',
    'read storage.k8s.io csinodes',
  ],
  'clusterrole-aggregation-controller': ['escalate,get,list,patch,update,watch rbac.authorization.k8s.io clusterroles'],
  'cronjob-controller': [
    'get,list,update,watch batch cronjobs',
    'create,delete,get,list,patch,update,watch batch jobs',
    'update batch cronjobs/status',
    'update batch cronjobs/finalizers',
    'delete,list,watch core pods',
    'events',
  ],
  'daemon-set-controller': [
    'read apps,extensions daemonsets',
    'update apps,extensions daemonsets/status',
    'update apps,extensions daemonsets/finalizers',
    'list,watch core nodes',
    'create,delete,list,patch,watch core pods',
    'create core pods/binding',
    'create,delete,get,list,patch,update,watch apps controllerrevisions',
    'events',
  ],
  'deployment-controller': [
    'get,list,update,watch apps,extensions deployments',
    'update apps,extensions deployments/status',
    'update apps,extensions deployments/finalizers',
    'create,delete,get,list,patch,update,watch apps,extensions replicasets',
    'get,list,update,watch core pods',
    'events',
  ],
  'disruption-controller': [
    'read apps,extensions deployments',
    'read apps,extensions replicasets',
    'read core replicationcontrollers',
    'read policy poddisruptionbudgets',
    'read apps statefulsets',
    'update policy poddisruptionbudgets/status',
    'patch,update core pods/status',
    'get * */scale',
    'events',
  ],
  'endpoint-controller': [
    'read core pods,services',
    'create,delete,get,list,update,watch core endpoints',
    'create core endpoints/restricted',
    'events',
  ],
  'endpointslice-controller': [
    'read core nodes,pods,services',
    'update core services/finalizers',
    'create,delete,get,list,update,watch discovery.k8s.io endpointslices',
    'events',
  ],
  'endpointslicemirroring-controller': [
    'read core endpoints,services',
    'update core services/finalizers',
    'update core endpoints/finalizers',
    'create,delete,get,list,update,watch discovery.k8s.io endpointslices',
    'events',
  ],
  'expand-controller': [
    'readUpdate core persistentvolumes',
    'patch,update core persistentvolumeclaims/status',
    'read core persistentvolumeclaims',
    'events',
    'get core services',
  ],
  'ephemeral-volume-controller': [
    'read core pods',
    'update core pods/finalizers',
    'create,get,list,watch core persistentvolumeclaims',
    'events',
  ],
  'resource-claim-controller': [
    'read core pods',
    'update core pods/finalizers',
    'create,delete,get,list,watch resource.k8s.io resourceclaims',
    'patch,update resource.k8s.io resourceclaims,resourceclaims/status',
    'patch,update core pods/status',
    'events',
  ],
  'device-taint-eviction-controller': [
    'delete,get,list,watch core pods',
    'patch,update core pods/status',
    'read resource.k8s.io resourceclaims',
    'read resource.k8s.io resourceslices',
    'read resource.k8s.io deviceclasses',
    'read resource.k8s.io devicetaintrules',
    'events',
  ],
  'generic-garbage-collector': ['delete,get,list,patch,update,watch * *', 'events'],
  'horizontal-pod-autoscaler': [
    'read autoscaling horizontalpodautoscalers',
    'update autoscaling horizontalpodautoscalers/status',
    'get,update * */scale',
    'list,watch core pods',
    'list,watch metrics.k8s.io pods',
    'read custom.metrics.k8s.io *',
    'read external.metrics.k8s.io *',
    'events',
  ],
  'job-controller': [
    'readUpdate batch jobs',
    'update batch jobs/status',
    'update batch jobs/finalizers',
    'create,delete,list,patch,watch core pods',
    'events',
  ],
  'namespace-controller': [
    'delete,get,list,watch core namespaces',
    'update core namespaces/finalize,namespaces/status',
    'delete,deletecollection,get,list,watch * *',
  ],
  'node-controller': [
    'delete,get,list,patch,update,watch core nodes',
    'patch,update core nodes/status',
    'patch,update core pods/status',
    'delete,get,list,watch core pods',
    'events',
  ],
  'persistent-volume-binder': [
    'create,delete,get,list,update,watch core persistentvolumes',
    'update core persistentvolumes/status',
    'get,list,update,watch core persistentvolumeclaims',
    'update core persistentvolumeclaims/status',
    'create,delete,get,list,watch core pods',
    'read storage.k8s.io storageclasses',
    'list,watch core nodes',
    'events',
    'watch core events',
    'get core services',
  ],
  'pod-garbage-collector': ['delete,list,watch core pods', 'read core nodes', 'patch core pods/status'],
  'replicaset-controller': [
    'get,list,update,watch apps,extensions replicasets',
    'update apps,extensions replicasets/status',
    'update apps,extensions replicasets/finalizers',
    'create,delete,list,patch,watch core pods',
    'events',
  ],
  'replication-controller': [
    'get,list,update,watch core replicationcontrollers',
    'update core replicationcontrollers/status',
    'update core replicationcontrollers/finalizers',
    'create,delete,list,patch,watch core pods',
    'events',
  ],
  'resourcequota-controller': ['list,watch * *', 'update core resourcequotas/status', 'events'],
  'route-controller': ['list,watch core nodes', 'patch core nodes/status', 'events'],
  'service-account-controller': ['create core serviceaccounts', 'events'],
  'service-controller': ['read core services', 'patch,update core services/status', 'list,watch core nodes', 'events'],
  'service-cidrs-controller': [
    'readUpdate networking.k8s.io servicecidrs',
    'patch,update networking.k8s.io servicecidrs/finalizers',
    'patch,update networking.k8s.io servicecidrs/status',
    'read networking.k8s.io ipaddresses',
    'events',
  ],
  'statefulset-controller': [
    'list,watch core pods',
    'read apps statefulsets',
    'update apps statefulsets/status',
    'update apps statefulsets/finalizers',
    'create,delete,get,patch,update core pods',
    'create,delete,get,list,patch,update,watch apps controllerrevisions',
    'create,get,list,watch core persistentvolumeclaims',
    'delete,update core persistentvolumeclaims',
    'update core pods/finalizers',
    'events',
  ],
  'ttl-controller': ['list,patch,update,watch core nodes', 'events'],
  'certificate-controller': [
    'delete,get,list,watch certificates.k8s.io certificatesigningrequests',
    'update certificates.k8s.io certificatesigningrequests/approval,certificatesigningrequests/status',
    'approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet',
    'sign certificates.k8s.io signers kubernetes.io/kube-apiserver-client,kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving,kubernetes.io/legacy-unknown',
    'create authorization.k8s.io subjectaccessreviews',
    'events',
  ],
  podcertificaterequestcleaner: ['delete,get,list,watch certificates.k8s.io podcertificaterequests'],
  'pvc-protection-controller': ['get,list,update,watch core persistentvolumeclaims', 'read core pods', 'events'],
  'pv-protection-controller': ['get,list,update,watch core persistentvolumes', 'events'],
  'volumeattributesclass-protection-controller': [
    'read core persistentvolumeclaims',
    'read core persistentvolumes',
    'get,list,update,watch storage.k8s.io volumeattributesclasses',
    'events',
  ],
  'ttl-after-finished-controller': ['delete,get,list,watch batch jobs', 'events'],
  'root-ca-cert-publisher': ['create,update core configmaps', 'events'],
  'validatingadmissionpolicy-status-controller': [
    'read admissionregistration.k8s.io validatingadmissionpolicies',
    'get,patch,update admissionregistration.k8s.io validatingadmissionpolicies/status',
    'events',
  ],
  'legacy-service-account-token-cleaner': [
    'get core configmaps kube-apiserver-legacy-service-account-token-tracking',
    'delete,patch core secrets',
  ],
  'selinux-warning-controller': [
    'events',
    'read core persistentvolumes',
    'read core persistentvolumeclaims',
    'read core pods',
    'read storage.k8s.io csidrivers',
  ],
}

/** A subject reads `User:NAME`, `Group:NAME` or `SA:NAMESPACE/NAME`. */
const clusterBindings: Readonly<Record<string, readonly string[]>> = {
  'cluster-admin': ['Group:system:masters'],
  'system:monitoring': ['Group:system:monitoring'],
  'system:discovery': ['Group:system:authenticated'],
  'system:basic-user': ['Group:system:authenticated'],
  'system:public-info-viewer': ['Group:system:authenticated', 'Group:system:unauthenticated'],
  'system:node-proxier': ['User:system:kube-proxy'],
  'system:kube-controller-manager': ['User:system:kube-controller-manager'],
  'system:kube-dns': ['SA:kube-system/kube-dns'],
  'system:kube-scheduler': ['User:system:kube-scheduler'],
  'system:volume-scheduler': ['User:system:kube-scheduler'],
  'system:node': [],
  'system:service-account-issuer-discovery': ['Group:system:serviceaccounts'],
}

const namespaceRoles: readonly (readonly [namespace: string, name: string, rules: readonly string[]])[] = [
  [
    'kube-system',
    'extension-apiserver-authentication-reader',
    ['read core configmaps extension-apiserver-authentication'],
  ],
  ['kube-system', 'system:controller:bootstrap-signer', ['read core secrets']],
  ['kube-system', 'system:controller:cloud-provider', ['create,get,list,watch core configmaps']],
  ['kube-system', 'system:controller:token-cleaner', ['delete,get,list,watch core secrets', 'events']],
  [
    'kube-system',
    'system::leader-locking-kube-controller-manager',
    ['watch core configmaps', 'get,update core configmaps kube-controller-manager'],
  ],
  [
    'kube-system',
    'system::leader-locking-kube-scheduler',
    ['watch core configmaps', 'get,update core configmaps kube-scheduler'],
  ],
  [
    'kube-public',
    'system:controller:bootstrap-signer',
    ['read core configmaps', 'update core configmaps cluster-info', 'events'],
  ],
]

const namespaceBindings: readonly (readonly [
  namespace: string,
  name: string,
  role: string,
  subjects: readonly string[],
])[] = [
  [
    'kube-system',
    'system::extension-apiserver-authentication-reader',
    'extension-apiserver-authentication-reader',
    ['User:system:kube-controller-manager', 'User:system:kube-scheduler'],
  ],
  [
    'kube-system',
    'system::leader-locking-kube-controller-manager',
    'system::leader-locking-kube-controller-manager',
    ['User:system:kube-controller-manager', 'SA:kube-system/kube-controller-manager'],
  ],
  [
    'kube-system',
    'system::leader-locking-kube-scheduler',
    'system::leader-locking-kube-scheduler',
    ['User:system:kube-scheduler', 'SA:kube-system/kube-scheduler'],
  ],
  ...['bootstrap-signer', 'cloud-provider', 'token-cleaner'].map(
    name =>
      ['kube-system', `system:controller:${name}`, `system:controller:${name}`, [`SA:kube-system/${name}`]] as const,
  ),
  [
    'kube-public',
    'system:controller:bootstrap-signer',
    'system:controller:bootstrap-signer',
    ['SA:kube-system/bootstrap-signer'],
  ],
]

/** All of it, made anew: it is looked at once a start. */
export function bootstrapPolicy(): readonly BootstrapObject[] {
  const objects: BootstrapObject[] = []
  for (const [name, aggregated] of [
    ['admin', undefined],
    ['edit', 'admin'],
    ['view', 'edit'],
  ] as const) {
    const selector = { matchLabels: { [`${aggregateTo}${name}`]: 'true' } }
    const aggregationRule = { clusterRoleSelectors: [selector] }
    objects.push({ ...clusterRole(name, aggregated, []), aggregationRule } as NewObject<ClusterRole>)
  }
  for (const [name, spec] of Object.entries(clusterRoles)) {
    const { gives, rules } = 'rules' in spec ? spec : { gives: undefined, rules: spec }
    objects.push(clusterRole(name, gives, rules))
  }
  for (const [name, rules] of Object.entries(controllerRoles)) {
    objects.push(clusterRole(`system:controller:${name}`, undefined, rules))
  }
  for (const [name, subjects] of Object.entries(clusterBindings)) objects.push(clusterBinding(name, subjects))
  for (const name of Object.keys(controllerRoles)) {
    objects.push(clusterBinding(`system:controller:${name}`, [`SA:kube-system/${name}`]))
  }
  for (const [namespace, name, rules] of namespaceRoles) {
    objects.push({ apiVersion, kind: 'Role', metadata: metaOf(name, undefined, namespace), rules: rules.map(rule) })
  }
  for (const [namespace, name, role, subjects] of namespaceBindings) {
    objects.push({
      apiVersion,
      kind: 'RoleBinding',
      metadata: metaOf(name, undefined, namespace),
      roleRef: { apiGroup, kind: 'Role', name: role },
      subjects: subjects.map(subject),
    })
  }
  return objects
}

/** What every kubelet may, where the node authorizer does not look closer. */
export function nodeRules(): readonly PolicyRule[] {
  return nodes.map(rule)
}

const apiGroup = 'rbac.authorization.k8s.io'
const apiVersion = `${apiGroup}/v1`

function clusterRole(name: string, aggregated: string | undefined, rules: readonly string[]): NewObject<ClusterRole> {
  return { apiVersion, kind: 'ClusterRole', metadata: metaOf(name, aggregated), rules: rules.map(rule) }
}

function clusterBinding(name: string, subjects: readonly string[]): NewObject<ClusterRoleBinding> {
  const roleRef = { apiGroup, kind: 'ClusterRole', name }
  return {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: metaOf(name),
    roleRef,
    ...(subjects.length > 0 ? { subjects: subjects.map(subject) } : {}),
  }
}

function metaOf(name: string, aggregated?: string, namespace?: string) {
  return {
    name,
    ...(namespace ? { namespace } : {}),
    labels: {
      'kubernetes.io/bootstrapping': 'rbac-defaults',
      ...(aggregated ? { [`${aggregateTo}${aggregated}`]: 'true' } : {}),
    },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  }
}

function rule(text: string): PolicyRule {
  const [verbs, groups, resources, names] = (text === 'events' ? events : text).split(' ')
  const listed = (shorthands[verbs!] ?? verbs!).split(',')
  if (groups === 'url') return { nonResourceURLs: resources!.split(','), verbs: listed }
  return {
    apiGroups: groups!.split(',').map(group => (group === 'core' ? '' : group)),
    resources: resources!.split(','),
    ...(names ? { resourceNames: names.split(',') } : {}),
    verbs: listed,
  }
}

function subject(text: string) {
  const kind = text.slice(0, text.indexOf(':'))
  const name = text.slice(kind.length + 1)
  if (kind !== 'SA') return { apiGroup, kind, name }
  const [namespace, account] = name.split('/') as [string, string]
  return { kind: 'ServiceAccount', name: account, namespace }
}
