// The API server as programs in pods reach it: by the Service `kubernetes`, in TLS that is really held against the cluster's
// authority, as the pod's service account, from the pod's address.

import { expect, test } from 'vitest'
import { ConfigMaps } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { logOf } from '../support/pod-logs.ts'

const account = '/var/run/secrets/kubernetes.io/serviceaccount'
const bearer = `-H "Authorization: Bearer $(cat ${account}/token)"`
const trusting = `--cacert ${account}/ca.crt`

function pod(name: string, script: string) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'curlimages/curl', command: ['sh', '-c', script] }],
    },
  }
}

/** What the script prints in a pod of its own. */
async function printed(cluster: TestCluster, script: string, time = '5s'): Promise<string> {
  await cluster.apply(pod('asks', script))
  await cluster.advance(time)
  return logOf(cluster, 'asks')
}

const viewer = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'viewer' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
  subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }],
}

test('curl with the account’s token and authority reads what the account may', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0, certificates: true })
  await cluster.apply(viewer)
  const url = 'https://kubernetes.default/api/v1/namespaces/default/pods'
  const text = await printed(cluster, `curl -sS ${trusting} ${bearer} ${url}`)
  const list = JSON.parse(text)
  expect([list.kind, list.items.map((each: any) => each.metadata.name)]).toEqual(['PodList', ['asks']])
})

test('without a token it is anonymous, in upstream’s words', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0, certificates: true })
  const url = 'https://kubernetes.default.svc/api/v1/namespaces/default/pods'
  expect(JSON.parse(await printed(cluster, `curl -s ${trusting} ${url}`))).toMatchObject({
    code: 403,
    message:
      'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "default"',
  })
})

test('who does not know the authority does not believe it; wget believes anybody', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0, certificates: true })
  const text = await printed(
    cluster,
    `curl -sS https://kubernetes.default.svc/version 2>&1; echo "curl $?"
     curl -sS ${trusting} --resolve api.example.com:443:10.96.0.1 https://api.example.com/version 2>&1 | head -n 1
     wget -q -O - https://10.96.0.1/version 2>&1 | grep -e note -e gitVersion`,
  )
  expect(text).toContain('curl: (60) SSL certificate problem: self-signed certificate in certificate chain\n')
  expect(text).toContain('\ncurl 60\n')
  expect(text).toContain(
    "curl: (60) SSL: no alternative certificate subject name matches target hostname 'api.example.com'\n",
  )
  expect(text).toContain('wget: note: TLS certificate validation not implemented\n')
  expect(text).toMatch(/"gitVersion": ?"v1\.36/)
})

test('a watch comes line by line, as things happen', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0, certificates: true })
  await cluster.apply(viewer)
  const url = 'https://kubernetes.default/api/v1/namespaces/default/configmaps?watch=1\\&timeoutSeconds=60'
  await cluster.apply(
    pod(
      'asks',
      `curl -sN ${trusting} ${bearer} ${url} | while read -r line; do
         echo "$(date +%M:%S) $(echo "$line" | sed -e 's/.*"name":"\\([^"]*\\)".*/\\1/')"
       done`,
    ),
  )
  await cluster.advance('10s')
  await cluster.client
    .of(ConfigMaps)
    .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late', namespace: 'default' } })
  await cluster.advance('10s')
  const lines = (await logOf(cluster, 'asks')).trim().split('\n')
  expect(lines.map(line => line.split(' ')[1])).toEqual(['kube-root-ca.crt', 'late'])
  const [first, second] = lines.map(line => Number(line.slice(3, 5)))
  expect(second! - first!).toBe(10)
})

test('a node cut off from the control plane keeps its pods from the API server, until the link is whole', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  const { faults } = cluster.cluster.nodes.network
  await cluster.apply(
    pod(
      'asks',
      'sleep 5; curl -sk -m 10 -o /dev/null https://10.96.0.1/version; echo "$?"; sleep 20; curl -sk -o /dev/null https://kubernetes.default/version; echo "$?"',
    ),
  )
  await cluster.advance('1s')
  const whole = faults.set({ between: [{ node: 'node-1' }, { controlPlane: true }], cut: true })
  await cluster.advance('20s')
  whole()
  await cluster.advance('30s')
  expect(await logOf(cluster, 'asks')).toBe('28\n0\n')
})

test('two runs with a seed are the same, though TLS is spoken in them', async () => {
  const run = async () => {
    await using cluster = await testCluster({ nodes: 2, delays: 0, seed: 3 })
    await cluster.apply(
      pod('one', 'for i in 1 2 3; do curl -sk https://kubernetes.default/version | wc -l; sleep 1; done'),
      pod('two', 'for i in 1 2 3; do curl -sk https://kubernetes.default/healthz; sleep 1; done'),
    )
    await cluster.advance('20s')
    return [await logOf(cluster, 'one'), await logOf(cluster, 'two'), cluster.history.lines().join('\n')]
  }
  const first = await run()
  expect(first[1]).toBe('okokok')
  expect(await run()).toEqual(first)
})
