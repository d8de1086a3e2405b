// The workloads of the Kubernetes documentation, each brought to the state its page speaks of. They lie beside this
// repository where it is developed; elsewhere the test is skipped. That the real kubectl applies them is shown in
// test/e2e/docs-manifests.test.ts.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { isReady } from '../../controllers/shared/pods.ts'
import type { NewObject } from '../../src/api/meta.ts'
import {
  builtinKinds,
  DaemonSets,
  HorizontalPodAutoscalers,
  Jobs,
  Nodes,
  PersistentVolumeClaims,
  PodDisruptionBudgets,
} from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'

const folder = fileURLToPath(new URL('../../../shared/manifests/docs/', import.meta.url))
const isThere = existsSync(folder)

function manifests(file: string): NewObject<any>[] {
  const documents = parseAllDocuments(readFileSync(`${folder}${file}`, 'utf8')).map(each => each.toJS())
  return documents.filter(Boolean).flatMap(each => each.items ?? [each])
}

const readyPods = (it: TestCluster): number => it.pods().filter(isReady).length
const waits = (it: TestCluster): string[] => [
  ...new Set(
    it
      .pods()
      .flatMap(({ status }) => (status.containerStatuses ?? []).map(({ state }) => state?.waiting?.reason ?? ''))
      .filter(Boolean),
  ),
]
const ended = (it: TestCluster): string[] =>
  it.list(Jobs).flatMap(({ status }) => (status.conditions ?? []).map(({ type, reason }) => `${type} ${reason}`))

const running = (count: number) => async (it: TestCluster) => {
  await it.until(() => readyPods(it) === count)
  await it.advance('2m')
  expect(readyPods(it)).toBe(count)
  const kinds = builtinKinds.filter(({ kind }) =>
    /^(Deployment|ReplicaSet|StatefulSet|ReplicationController)$/.test(kind),
  )
  for (const object of kinds.flatMap(kind => it.list(kind)) as unknown as {
    spec: { replicas: number }
    status: { readyReplicas?: number }
  }[]) {
    expect(object.status.readyReplicas ?? 0).toBe(object.spec.replicas)
  }
}
const onEveryNode = async (it: TestCluster) => {
  await it.until(() => readyPods(it) === 3)
  const [set] = it.list(DaemonSets)
  expect(set!.status).toMatchObject({ desiredNumberScheduled: 3, numberAvailable: 3, numberMisscheduled: 0 })
}
const endsWith =
  (...conditions: string[]) =>
  async (it: TestCluster) => {
    await it.until(() => ended(it).length > 1, '1h')
    expect(ended(it)).toEqual(conditions)
  }
/** What its page brings with it in another manifest or by hand is not here: it says what it waits for. */
const waitsFor =
  (...reasons: string[]) =>
  async (it: TestCluster) => {
    await it.advance('5m')
    expect(readyPods(it)).toBe(0)
    expect(waits(it)).toEqual(reasons)
  }

const states: Record<string, (it: TestCluster) => Promise<void>> = {
  'application/basic-daemonset.yaml': onEveryNode,
  'application/deployment-patch.yaml': running(2),
  'application/deployment-retainkeys.yaml': running(1),
  'application/deployment-scale.yaml': running(4),
  'application/deployment.yaml': running(2),
  'application/guestbook/frontend-deployment.yaml': running(3),
  'application/guestbook/redis-leader-deployment.yaml': running(1),
  'application/mongodb/mongo-deployment.yaml': running(1),
  'application/mysql/mysql-statefulset.yaml': async it => {
    const [config, services] = [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'mysql' },
        data: { 'primary.cnf': '', 'replica.cnf': '' },
      },
      manifests('application/mysql/mysql-services.yaml'),
    ]
    await it.apply(config, ...services)
    await running(3)(it)
    expect(it.pods().map(({ metadata }) => metadata.name)).toEqual(['mysql-0', 'mysql-1', 'mysql-2'])
    expect(it.list(PersistentVolumeClaims).map(({ status }) => status.phase)).toEqual(['Bound', 'Bound', 'Bound'])
  },
  'application/cassandra/cassandra-statefulset.yaml': async it => {
    await running(3)(it)
    expect(it.list(PersistentVolumeClaims).map(({ metadata }) => metadata.name)).toEqual([
      'cassandra-data-cassandra-0',
      'cassandra-data-cassandra-1',
      'cassandra-data-cassandra-2',
    ])
  },
  'application/nginx-with-request.yaml': running(2),
  'application/nginx/nginx-deployment.yaml': running(3),
  'application/php-apache.yaml': running(1),
  'application/ssa/nginx-deployment.yaml': running(3),
  'application/update_deployment.yaml': running(1),
  'application/web/web.yaml': async it => {
    await running(2)(it)
    expect(it.list(PersistentVolumeClaims).map(({ metadata }) => metadata.name)).toEqual(['www-web-0', 'www-web-1'])
  },
  'application/job/rabbitmq/rabbitmq-statefulset.yaml': running(1),
  'application/wordpress/mysql-deployment.yaml': waitsFor('CreateContainerConfigError'),
  'application/wordpress/wordpress-deployment.yaml': waitsFor('CreateContainerConfigError'),
  'application/hpa/php-apache.yaml': async it => {
    await it.apply(...manifests('application/php-apache.yaml'))
    await it.advance('1m')
    // As on any cluster with a metrics server: it does next to nothing, and one replica is the least.
    expect(it.list(HorizontalPodAutoscalers)[0]!.status).toMatchObject({
      currentReplicas: 1,
      conditions: [
        { type: 'AbleToScale', status: 'True' },
        { type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound' },
        { type: 'ScalingLimited' },
      ],
    })
  },
  'controllers/daemonset-label-selector.yaml': async it => {
    await it.advance('10s')
    expect(it.pods()).toEqual([])
    await it.client
      .of(Nodes)
      .patch({ name: 'node-2' }, { type: 'merge', body: { metadata: { labels: { ssd: 'true' } } } })
    await it.until(() => readyPods(it) === 1)
    expect(it.pods()[0]!.spec.nodeName).toBe('node-2')
  },
  'controllers/fluentd-daemonset-update.yaml': onEveryNode,
  'controllers/frontend.yaml': running(3),
  'controllers/replicaset.yaml': running(3),
  'controllers/replication.yaml': running(3),
  'controllers/replication-nginx-1.16.1.yaml': running(5),
  'controllers/job-pod-failure-policy-failjob.yaml': endsWith(
    'FailureTarget PodFailurePolicy',
    'Failed PodFailurePolicy',
  ),
  'controllers/job-pod-failure-policy-example.yaml': endsWith(
    'FailureTarget PodFailurePolicy',
    'Failed PodFailurePolicy',
  ),
  'controllers/job-pod-failure-policy-ignore.yaml': endsWith(
    'SuccessCriteriaMet CompletionsReached',
    'Complete CompletionsReached',
  ),
  'controllers/job-pod-failure-policy-config-issue.yaml': waitsFor('ImagePullBackOff'),
  'debug/event-exporter.yaml': running(1),
  'debug/node-problem-detector.yaml': onEveryNode,
  'deployments/deployment-with-configmap-and-sidecar-container.yaml': async it => {
    await it.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'color' }, data: { color: 'blue' } })
    await running(3)(it)
  },
  'policy/zookeeper-pod-disruption-budget-maxunavailable.yaml': async it => {
    expect(it.list(PodDisruptionBudgets)[0]!.status).toMatchObject({
      expectedPods: 0,
      disruptionsAllowed: 0,
      observedGeneration: 1,
    })
  },
  'service/access/backend-deployment.yaml': running(3),
  // Its nginx ends when there is no Service to hand requests on to, and is begun anew.
  'service/access/frontend-deployment.yaml': async it => {
    await it.apply(...manifests('service/access/backend-service.yaml'))
    await running(1)(it)
  },
  'service/networking/curlpod.yaml': waitsFor('ContainerCreating'),
  'service/networking/run-my-nginx.yaml': running(2),
  'service/pod-with-graceful-termination.yaml': running(1),
}

test.skipIf(!isThere).for(Object.entries(states))('%s', async ([file, reached]) => {
  await using it = await testCluster()
  await it.apply(...manifests(file))
  await reached(it)
})
