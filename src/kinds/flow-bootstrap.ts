// The FlowSchemas and levels that every cluster has, mandatory and suggested: facts of k8s.io/apiserver/pkg/apis/flowcontrol/
// bootstrap/default.go. Made at the start by apiserver/server.ts; what is mandatory may not be changed.

import type {
  FlowcontrolV1Subject,
  FlowSchema,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
} from '../../generated/types.ts'
import type { NewObject } from '../api/meta.ts'

const apiVersion = 'flowcontrol.apiserver.k8s.io/v1'
const metadata = (name: string) => ({
  name,
  annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' },
})

function limited(
  name: string,
  nominalConcurrencyShares: number,
  lendablePercent: number,
  queues?: { queues: number; handSize: number },
): NewObject<PriorityLevelConfiguration> {
  const limitResponse = queues ? { type: 'Queue', queuing: { ...queues, queueLengthLimit: 50 } } : { type: 'Reject' }
  const spec = { type: 'Limited', limited: { nominalConcurrencyShares, limitResponse, lendablePercent } }
  return { apiVersion, kind: 'PriorityLevelConfiguration', metadata: metadata(name), spec }
}

export const mandatoryLevels: readonly NewObject<PriorityLevelConfiguration>[] = [
  {
    apiVersion,
    kind: 'PriorityLevelConfiguration',
    metadata: metadata('exempt'),
    spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  },
  limited('catch-all', 5, 0),
]

export const suggestedLevels: readonly NewObject<PriorityLevelConfiguration>[] = [
  limited('system', 30, 33, { queues: 64, handSize: 6 }),
  limited('node-high', 40, 25, { queues: 64, handSize: 6 }),
  limited('leader-election', 10, 0, { queues: 16, handSize: 4 }),
  limited('workload-high', 40, 50, { queues: 128, handSize: 6 }),
  limited('workload-low', 100, 90, { queues: 128, handSize: 6 }),
  limited('global-default', 20, 50, { queues: 128, handSize: 6 }),
]

const groups = (...names: string[]): FlowcontrolV1Subject[] => names.map(name => ({ kind: 'Group', group: { name } }))
const users = (...names: string[]): FlowcontrolV1Subject[] => names.map(name => ({ kind: 'User', user: { name } }))
const kubeSystemAccounts: FlowcontrolV1Subject = {
  kind: 'ServiceAccount',
  serviceAccount: { name: '*', namespace: 'kube-system' },
}
const everybody = groups('system:unauthenticated', 'system:authenticated')

const all = ['*']
const everything: Pick<PolicyRulesWithSubjects, 'resourceRules' | 'nonResourceRules'> = {
  resourceRules: [{ verbs: all, apiGroups: all, resources: all, clusterScope: true, namespaces: all }],
  nonResourceRules: [{ verbs: all, nonResourceURLs: all }],
}

function schema(
  name: string,
  level: string,
  matchingPrecedence: number,
  distinguisher: 'ByUser' | 'ByNamespace' | undefined,
  rule: PolicyRulesWithSubjects,
): NewObject<FlowSchema> {
  return {
    apiVersion,
    kind: 'FlowSchema',
    metadata: metadata(name),
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence,
      ...(distinguisher ? { distinguisherMethod: { type: distinguisher } } : {}),
      rules: [rule],
    },
  }
}

export const mandatorySchemas: readonly NewObject<FlowSchema>[] = [
  schema('exempt', 'exempt', 1, undefined, { subjects: groups('system:masters'), ...everything }),
  schema('catch-all', 'catch-all', 10_000, 'ByUser', { subjects: everybody, ...everything }),
]

const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: all }

export const suggestedSchemas: readonly NewObject<FlowSchema>[] = [
  schema('system-nodes', 'system', 500, 'ByUser', { subjects: groups('system:nodes'), ...everything }),
  schema('system-node-high', 'node-high', 400, 'ByUser', {
    subjects: groups('system:nodes'),
    resourceRules: [
      { verbs: all, apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: all },
      { verbs: all, ...leases },
    ],
  }),
  schema('probes', 'exempt', 2, undefined, {
    subjects: everybody,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  schema('system-leader-election', 'leader-election', 100, 'ByUser', {
    subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), kubeSystemAccounts],
    resourceRules: [{ verbs: ['get', 'create', 'update'], ...leases }],
  }),
  schema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', {
    subjects: users('system:kube-controller-manager'),
    ...everything,
  }),
  schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', {
    subjects: users('system:kube-scheduler'),
    ...everything,
  }),
  schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', {
    subjects: [kubeSystemAccounts],
    ...everything,
  }),
  schema('service-accounts', 'workload-low', 9000, 'ByUser', {
    subjects: groups('system:serviceaccounts'),
    ...everything,
  }),
  schema('global-default', 'global-default', 9900, 'ByUser', { subjects: everybody, ...everything }),
]
