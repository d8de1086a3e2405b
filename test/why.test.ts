// kubesim why and why-not: the chain from what somebody asked for, and what is waited for, in virtual time.

import { expect, test } from 'vitest'
import { keyOf } from '../apiserver/storage/keys.ts'
import {
  ConfigMaps,
  Deployments,
  Jobs,
  Namespaces,
  Nodes,
  PersistentVolumeClaims,
  Pods,
  ReplicaSets,
  Services,
} from '../src/kinds/index.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { type Why, whyOf } from '../src/why/chain.ts'
import { whyNot } from '../src/why/why-not.ts'
import { type TestCluster, testCluster } from './support/cluster.ts'
import { deployment, pod, service } from './support/objects.ts'

const inDefault = (name: string) => ({ name, namespace: 'default' })
const chainOf = ({ chain }: Pick<Why, 'chain'>) =>
  chain.map(({ type, object, cause }) => `${cause?.by} ${type} ${object.kind}`)

test('the chain leads from the request over each controller to the pod, and to the scaling that made a later one', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  const { storage } = cluster.cluster
  await cluster.apply(deployment('web', { replicas: 1 }))
  await cluster.advance('30s')
  const [first] = cluster.pods()
  const why = whyOf(storage, keyOf(Pods, first!.metadata))!
  expect(chainOf(why)).toEqual([
    'kubesim ADDED Deployment',
    'deployment-controller ADDED ReplicaSet',
    'replicaset-controller ADDED Pod',
  ])
  expect(why.since.map(each => ('reason' in each ? each.reason : `${each.cause?.by}`))).toEqual([
    'kube-scheduler',
    'kubelet',
    'Scheduled',
    'Pulling',
    'Pulled',
    'kubelet',
    'Created',
    'Started',
  ])

  await cluster.client.of(Deployments).patch(inDefault('web'), { type: 'merge', body: { spec: { replicas: 2 } } })
  await cluster.advance('30s')
  const later = cluster.pods().find(({ metadata }) => metadata.uid !== first!.metadata.uid)!
  const chain = whyOf(storage, keyOf(Pods, later.metadata))!.chain
  expect(chain.map(({ type, object }) => `${type} ${object.kind}`)).toEqual([
    'MODIFIED Deployment',
    'MODIFIED ReplicaSet',
    'ADDED Pod',
  ])
  expect(chain[0]!.changes).toEqual([{ path: 'spec.replicas', before: 1, after: 2 }])

  await cluster.client.of(Deployments).delete(inDefault('web'), { propagationPolicy: 'Foreground' })
  await cluster.advance('2m')
  const gone = whyOf(storage, keyOf(Pods, first!.metadata))!
  expect([gone.isThere, chainOf(gone).length]).toEqual([false, 3])
  const written = gone.since.filter(each => 'revision' in each)
  expect(written.at(-1)).toMatchObject({ type: 'DELETED', cause: { by: 'kubelet' } })
  expect(whyOf(storage, keyOf(Pods, inDefault('never')))).toBeUndefined()
})

test('what is forgotten ends the chain, and that is said', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const { storage } = cluster.cluster
  await cluster.apply(deployment('web'))
  const set = cluster.list(ReplicaSets)[0]!
  await storage.compact(Number(set.metadata.resourceVersion))
  const why = whyOf(storage, keyOf(Pods, cluster.pods()[0]!.metadata))!
  expect(why.chain.length).toBeLessThan(3)
  expect(why.forgottenBefore).toBe(storage.compacted)
})

const ask = (cluster: TestCluster, kind: Kind<any>, name: string, isPaused = false) =>
  whyNot(cluster.cluster, kind, kind.namespaced ? inDefault(name) : { name }, isPaused).findings
const first = (cluster: TestCluster, kind: Kind<any>, name: string) => {
  const [{ what, about, waitsFor, remedy }] = ask(cluster, kind, name) as [ReturnType<typeof ask>[number]]
  return [`${about}: ${what}`, waitsFor, remedy]
}
const holds = (...words: (string | RegExp)[]) =>
  words.map(word => (typeof word === 'string' ? expect.stringContaining(word) : expect.stringMatching(word)))

test('of a pod that is not scheduled: gates, room, taints, a claim, a scheduler that is not there', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const wants = (cpu: string) => ({ containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu } } }] })
  await cluster.apply(
    pod('gated', { schedulingGates: [{ name: 'example.com/wait' }] }),
    pod('big', wants('900')),
    pod('picky', { nodeSelector: { disk: 'ssd' } }),
    pod('other', { schedulerName: 'mine' }),
    pod('stored', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'none' } }] }),
  )
  expect(first(cluster, Pods, 'gated')).toEqual(holds('not scheduled', 'example.com/wait', 'spec.schedulingGates'))
  expect(first(cluster, Pods, 'big')).toEqual(holds('pod/big', 'Insufficient cpu', 'ask for less'))
  expect(first(cluster, Pods, 'picky')).toEqual(holds('pod/picky', 'node affinity/selector', 'label a node'))
  expect(first(cluster, Pods, 'other')).toEqual(holds('pod/other', 'the scheduler "mine"', '--scheduler-config'))
  expect(first(cluster, Pods, 'stored')).toEqual(holds('pod/stored', 'persistentvolumeclaim/none', 'create it'))
  await cluster.cluster.stopComponent('scheduler')
  expect(first(cluster, Pods, 'big')).toEqual(
    holds('pod/big', 'the scheduler, which does not run', '--without scheduler'),
  )
  expect(ask(cluster, Pods, 'big', true)[0]).toMatchObject({ waitsFor: 'its clock, which is paused' })
})

test('of a pod that does not run or is not ready: its image, its secret, its probe, its gate, its node', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const probed = {
    name: 'c',
    image: 'nginx',
    readinessProbe: { httpGet: { path: '/', port: 81 }, periodSeconds: 1 },
  }
  await cluster.apply(
    pod('pulling', { containers: [{ name: 'c', image: 'example.com/does-not-exist' }] }),
    pod('secretive', { containers: [{ name: 'c', image: 'nginx', envFrom: [{ secretRef: { name: 's' } }] }] }),
    pod('probed', { containers: [probed] as never }),
    pod('gated', { readinessGates: [{ conditionType: 'example.com/Green' }] }),
    pod('fine'),
  )
  await cluster.advance('1m')
  expect(ask(cluster, Pods, 'fine')).toEqual([])
  expect(first(cluster, Pods, 'pulling')).toEqual(
    holds('pod/pulling, container c: not running', /^(ImagePullBackOff|ErrImagePull)/, 'name an image'),
  )
  expect(first(cluster, Pods, 'secretive')).toEqual(
    holds(
      'container c: not running',
      'CreateContainerConfigError: secret "s" not found',
      'create the ConfigMap or Secret',
    ),
  )
  expect(first(cluster, Pods, 'probed')).toEqual(
    holds('container c: not ready', 'its readiness probe', 'kubectl describe'),
  )
  expect(first(cluster, Pods, 'gated')).toEqual(
    holds('pod/gated: not ready', 'example.com/Green', 'sets the condition'),
  )
  cluster.cluster.nodes.silence('node-1')
  await cluster.advance('2m')
  expect(first(cluster, Pods, 'fine')).toEqual(holds('pod/fine: not ready', 'node/node-1, which says nothing', 'speak'))
  expect(first(cluster, Nodes, 'node-1')).toEqual(
    holds('node/node-1: not ready', 'stopped posting', 'kubesim node start'),
  )
})

test('of a workload that is not as it should be what its pods wait for; of a job and a paused rollout their own reasons', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const job = (spec: object) => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'j', namespace: 'default' },
    spec: { template: { spec: { containers: [{ name: 'c', image: 'busybox' }], restartPolicy: 'Never' } }, ...spec },
  })
  await cluster.apply(
    deployment('bad', { image: 'example.com/does-not-exist', replicas: 2 }),
    deployment('held', { paused: true }),
    deployment('fine'),
    job({ suspend: true }) as never,
  )
  await cluster.advance('1m')
  expect(ask(cluster, Deployments, 'fine')).toEqual([])
  expect(ask(cluster, Deployments, 'bad').map(({ what }) => what)).toEqual(['not running', 'not running'])
  expect(first(cluster, Deployments, 'held')).toEqual(holds('not rolled out', 'it is paused', 'kubectl rollout resume'))
  expect(first(cluster, Jobs, 'j')).toEqual(holds('job/j: not complete', 'spec.suspend is true', '"suspend":false'))
})

test('of a Service without endpoints: a slip in the selector, pods that are not ready, a port that nobody names', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const gated = pod('slow', { readinessGates: [{ conditionType: 'x/y' }] })
  await cluster.apply(
    deployment('web'),
    service('web', 'web'),
    service('typo', 'wbe'),
    gated,
    service('slow', 'slow'),
    service('named', 'web', { ports: [{ port: 80, targetPort: 'http' as never }] }),
    service('bare', 'web', { selector: null as never }),
  )
  await cluster.advance('1m')
  expect(ask(cluster, Services, 'web')).toEqual([])
  expect(first(cluster, Services, 'typo')).toEqual(holds('no endpoints', 'a pod with app=wbe', 'app=web'))
  expect(ask(cluster, Services, 'slow').map(({ waitsFor }) => waitsFor)).toEqual(
    holds('one of its 1 pods to be ready', 'readiness gate x/y'),
  )
  expect(first(cluster, Services, 'named')).toEqual(holds('no endpoints', 'a port named "http"', 'targetPort'))
  expect(first(cluster, Services, 'bare')).toEqual(holds('no endpoints', 'no selector', 'EndpointSlice'))
})

test('of what was deleted and is still there: which finalizer, and who takes it away', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const { client } = cluster
  const map = (namespace: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kept', namespace, finalizers: ['example.com/x'] },
  })
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } },
  }
  await cluster.apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } } as never,
    map('default') as never,
    map('shop') as never,
    claim as never,
  )
  await cluster.apply(pod('user', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] }))
  expect(first(cluster, PersistentVolumeClaims, 'data')).toEqual(holds('not bound', 'of no class', 'create one'))
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'disk' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
  } as never)
  await cluster.advance('1m')
  await client.of(ConfigMaps).delete(inDefault('kept'))
  await client.of(PersistentVolumeClaims).delete(inDefault('data'))
  await client.of(Namespaces).delete({ name: 'shop' })
  await cluster.advance('1m')
  expect(first(cluster, ConfigMaps, 'kept')).toEqual(
    holds('configmap/kept: not deleted', 'example.com/x', 'kubectl patch'),
  )
  expect(first(cluster, PersistentVolumeClaims, 'data')).toEqual(
    holds('not deleted', 'pod/user uses it', 'delete the pods'),
  )
  expect(first(cluster, Namespaces, 'shop')).toEqual(
    holds('namespace/shop', 'configmap/kept in it', 'why-not configmap/kept'),
  )
})

test('of a pod whose budget allows no disruption that an eviction would be refused', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(deployment('web'), {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'all', namespace: 'default' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  } as never)
  await cluster.advance('1m')
  expect(first(cluster, Pods, cluster.pods()[0]!.metadata.name)).toEqual(
    holds('not evicted', 'poddisruptionbudget/all: 1 of its pods are healthy, 1 must be, 0 may go', 'ready'),
  )
})
