// kubectl as a program of a container, against the API server it finds in its pod. Words: k8s.io/kubectl/pkg/cmd.

import { describe, expect, test } from 'vitest'
import { jsonPathText } from '../../../kubelet-sim/images/programs/kubectl/json-path.ts'
import { CronJobs, Deployments } from '../../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../../support/cluster.ts'
import { logOf } from '../../support/pod-logs.ts'

const account = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: keeper}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: keeper}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: keeper, namespace: default}]
`
const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: nginx, image: nginx}]}
`

async function opened(delays = 0): Promise<TestCluster> {
  const cluster = await testCluster({ nodes: 1, delays, certificates: true })
  await cluster.apply(account, web)
  await cluster.advance('5s')
  return cluster
}

/** What a script prints, errors and exit codes as well. */
async function session(
  cluster: TestCluster,
  script: string,
  serviceAccountName = 'keeper',
  time = '2m',
): Promise<string> {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'session' },
    spec: {
      serviceAccountName,
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'alpine/k8s:1.34.0', command: ['sh', '-c', `exec 2>&1\n${script}`] }],
    },
  })
  await cluster.advance(time)
  return logOf(cluster, 'session')
}

test('a CronJob restarts a Deployment with kubectl', async () => {
  await using cluster = await opened()
  await cluster.client.of(CronJobs).create({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'restart', namespace: 'default' },
    spec: {
      schedule: '*/5 * * * *',
      jobTemplate: {
        spec: {
          template: {
            spec: {
              serviceAccountName: 'keeper',
              restartPolicy: 'Never',
              containers: [
                {
                  name: 'kubectl',
                  image: 'registry.k8s.io/kubectl:v1.34.0',
                  args: ['rollout', 'restart', 'deployment/web'],
                },
              ],
            },
          },
        },
      },
    },
  })
  const before = cluster.pods({ app: 'web' }).map(({ metadata }) => metadata.name)
  await cluster.advance('6m')
  const { spec } = cluster.get(Deployments, 'web')
  expect(spec.template.metadata?.annotations?.['kubectl.kubernetes.io/restartedAt']).toBe('2024-01-01T00:05:00Z')
  const after = cluster.pods({ app: 'web' }).map(({ metadata }) => metadata.name)
  expect(after.filter(name => before.includes(name))).toEqual([])
})

test('scale, rollout status, wait and delete in kubectl’s words', async () => {
  await using cluster = await opened(0.1)
  const text = await session(
    cluster,
    `kubectl scale deployment web --replicas=3
     kubectl rollout status deployment/web
     kubectl get deploy web --no-headers | sed -e 's/  */ /g' -e 's/ [0-9]*s$//'
     kubectl wait --for=condition=Available deploy/web
     kubectl wait --for=jsonpath='{.status.readyReplicas}'=9 deploy/web --timeout=3s; echo $?
     kubectl delete deploy web; kubectl delete deploy web; echo $?
     kubectl get deploy`,
  )
  expect(text).toBe(
    `${[
      'deployment.apps/web scaled',
      'Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...',
      'deployment "web" successfully rolled out',
      'web 3/3 3 3',
      'deployment.apps/web condition met',
      'error: timed out waiting for the condition on deployments/web',
      '1',
      'deployment.apps "web" deleted from default namespace',
      'Error from server (NotFound): deployments.apps "web" not found',
      '1',
      'No resources found in default namespace.',
    ].join('\n')}\n`,
  )
})

test('apply creates, takes away what is no longer there, and says when nothing has changed', async () => {
  await using cluster = await opened()
  const manifest = (image: string, env: string) => `kubectl apply -f - <<END
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: main, image: ${image}, env: [${env}]}]}
END
kubectl get deploy app -o jsonpath='{.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[*].name}{"\\n"}'`
  const text = await session(
    cluster,
    [
      manifest('nginx', '{name: A, value: a}, {name: B, value: b}'),
      manifest('nginx:1.27', '{name: B, value: b}'),
      manifest('nginx:1.27', '{name: B, value: b}'),
    ].join('\n'),
  )
  expect(text.split('\n')).toEqual([
    'deployment.apps/app created',
    'nginx A B',
    'deployment.apps/app configured',
    'nginx:1.27 B',
    'deployment.apps/app unchanged',
    'nginx:1.27 B',
    '',
  ])
})

test('who may not is told so; what it has not is refused by name', async () => {
  await using cluster = await opened()
  const text = await session(
    cluster,
    `kubectl get pods; echo $?
     kubectl auth can-i delete pods; echo $?
     kubectl describe pod x; kubectl frobnicate; kubectl get pods --frob; kubectl get frobs`,
    'default',
  )
  expect(text.trimEnd().split('\n')).toEqual([
    'Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"',
    '1',
    'no',
    '1',
    'error: kubesim\'s kubectl in a container has no "describe" yet',
    'error: unknown command "frobnicate" for "kubectl"',
    'error: unknown flag: --frob',
    "See 'kubectl get --help' for usage.",
    'error: the server doesn\'t have a resource type "frobs"',
  ])
})

test('without a service account’s token there is no cluster to be found', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'session' },
    spec: {
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'bitnami/kubectl', args: ['get', 'pods'] }],
    },
  })
  await cluster.advance('5s')
  expect(await logOf(cluster, 'session')).toBe(
    'The connection to the server localhost:8080 was refused - did you specify the right host or port?\n',
  )
})

describe('JSONPath as client-go has it', () => {
  const pods = {
    items: [
      { metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'x' } }, status: { phase: 'Running', n: 1 } },
      { metadata: { name: 'b', labels: {} }, status: { phase: 'Failed', n: 2 } },
    ],
  }
  test.each([
    ['{.items[0].metadata.name}', 'a'],
    ['{.items[-1].metadata.name}', 'b'],
    ['{.items[*].metadata.name}', 'a b'],
    ['{items[*].status.n}', '1 2'],
    ['{.items[?(@.status.phase=="Failed")].metadata.name}', 'b'],
    ['{.items[?(@.status.n>1)].status.phase}!', 'Failed!'],
    ['{range .items[*]}{.metadata.name}={.status.phase}{"\\n"}{end}', 'a=Running\nb=Failed\n'],
    ['{range .nothing[*]}{.x}{end}end', 'end'],
    ['{.items[0].metadata.labels.app\\.kubernetes\\.io/name}', 'x'],
    ["{.items[0].metadata.labels['app.kubernetes.io/name']}", 'x'],
    ['{..phase}', 'Running Failed'],
    ['{.items[0].missing}', ''],
    ['{.items[0].status}', '{"phase":"Running","n":1}'],
    ['{$.items[0:1].metadata.name}', 'a'],
  ])('%s', (template, text) => {
    expect(jsonPathText(template, pods)).toBe(text)
  })
})
