// agnhost's subcommands that ask the API server of their pod, or are asked by it: run in pods of a whole cluster.

import { expect, test } from 'vitest'
import { Pods } from '../../../src/kinds/index.ts'
import { testCluster } from '../../support/cluster.ts'
import { logOf } from '../../support/pod-logs.ts'

const agnhost = (name: string, args: readonly string[], more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    restartPolicy: 'Never',
    containers: [{ name: 'main', image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', args, ...more }],
  },
})

const tokenAt = (audience: string) => ({
  volumes: [
    {
      name: 'oidc',
      projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 7200, audience } }] },
    },
  ],
})

test('a token is judged by what the API server publishes as its issuer', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0, certificates: true })
  const args = ['test-service-account-issuer-discovery', '--token-path=/oidc/token', '--audience=oidc-discovery-test']
  const mounted = { volumeMounts: [{ name: 'oidc', mountPath: '/oidc' }] }
  const right = agnhost('right', args, mounted)
  const wrong = agnhost('wrong', args, mounted)
  Object.assign(right.spec, tokenAt('oidc-discovery-test'))
  Object.assign(wrong.spec, tokenAt('others'))
  await cluster.apply(right, wrong)
  await cluster.advance('10s')
  const lines = (await logOf(cluster, 'right')).split('\n').map(line => line.slice(20))
  expect(lines.filter(line => line.startsWith('OK'))).toEqual([
    'OK: Got token',
    'OK: got issuer https://kubernetes.default.svc.cluster.local',
    'OK: Constructed OIDC provider for issuer https://kubernetes.default.svc.cluster.local',
    'OK: Validated signature on JWT',
    'OK: Got valid claims from token!',
  ])
  const phase = (name: string) => cluster.get(Pods, name).status.phase
  expect([phase('right'), phase('wrong')]).toEqual(['Succeeded', 'Failed'])
  expect(await logOf(cluster, 'wrong')).toContain('oidc: expected audience "oidc-discovery-test" got ["others"]')
})

test('inclusterclient shows that its token is another after an hour', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0, certificates: true })
  await cluster.apply(agnhost('client', ['inclusterclient', '--poll-interval=600']))
  await cluster.advance('65m')
  const text = await logOf(cluster, 'client')
  expect(text).not.toContain('status=failed')
  const digests = [...text.matchAll(/authz_header=(\S+)/g)].map(([, digest]) => digest)
  expect(digests.length).toBe(6)
  expect(new Set(digests).size).toBe(2)
})

test('audit-proxy prints each event that it is sent', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply(agnhost('proxy', ['audit-proxy']))
  await cluster.advance('2s')
  const send = async (body: object) => {
    const [pod] = cluster.pods()
    const request = { method: 'POST', path: '/', headers: {}, body: Buffer.from(JSON.stringify(body)) }
    return (await cluster.cluster.nodes.nodeClient.proxyPod(pod!, '8080', request)).status
  }
  const list = { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [{ auditID: 'a' }, { auditID: 'b' }] }
  expect([await send(list), await send({ kind: 'PodList' })]).toEqual([200, 500])
  await cluster.advance('1s')
  const lines = (await logOf(cluster, 'proxy')).split('\n').slice(0, 2)
  expect(lines.map(line => JSON.parse(line))).toEqual([
    { kind: 'Event', apiVersion: 'audit.k8s.io/v1', auditID: 'a' },
    { kind: 'Event', apiVersion: 'audit.k8s.io/v1', auditID: 'b' },
  ])
})
