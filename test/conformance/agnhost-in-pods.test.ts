// Upstream's conformance items about programs that run in pods, how they are asked and how they end, by their names
// (test/e2e/common/node/{lifecycle_hook,container_probe}.go, test/e2e/node/pre_stop.go).

import { expect, test } from 'vitest'
import type { Container } from '../../generated/types.ts'
import { Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { logOf, podOf, restarts, restartsAfter, runs } from './in-pods.ts'

const agnhost = 'registry.k8s.io/e2e-test-images/agnhost:2.53'
const ref = (name: string) => ({ name, namespace: 'default' })

// ---- probes

const probed = (args: string[], livenessProbe: object, more: object = {}) =>
  pod('probed', { containers: [{ name: 'main', image: agnhost, args, livenessProbe, ...more } as Container] })
const delayed = { initialDelaySeconds: 15, failureThreshold: 1 }

test('[sig-node] Probing container should be restarted with a /healthz http liveness probe [NodeConformance]', async () => {
  const httpGet = { path: '/healthz', port: 8080 }
  expect(await restartsAfter(probed(['liveness'], { httpGet, ...delayed }), '60s')).toBeGreaterThanOrEqual(1)
})

test('[sig-node] Probing container should *not* be restarted with a tcp:8080 liveness probe [NodeConformance]', async () => {
  const tcpSocket = { port: 8080 }
  expect(await restartsAfter(probed(['netexec'], { tcpSocket, ...delayed }), '4m')).toBe(0)
})

test('[sig-node] Probing container should *not* be restarted with a /healthz http liveness probe [NodeConformance]', async () => {
  const httpGet = { path: '/', port: 80 }
  expect(await restartsAfter(probed(['test-webserver'], { httpGet, ...delayed, timeoutSeconds: 5 }), '4m')).toBe(0)
})

test('[sig-node] Probing container should have monotonically increasing restart count [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const httpGet = { path: '/healthz', port: 8080 }
  await cluster.apply(probed(['liveness'], { httpGet, initialDelaySeconds: 5, failureThreshold: 1 }))
  await runs(cluster, 'probed')
  const seen: number[] = []
  for (let minute = 0; minute < 12; minute++) {
    await cluster.advance('1m')
    seen.push(restarts(cluster, 'probed'))
  }
  expect(seen.at(-1)).toBeGreaterThanOrEqual(5)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
})

// ---- hooks

/** The pod whose page the hooks ask for, as upstream's handler. */
async function withHandler(cluster: TestCluster): Promise<string> {
  await cluster.apply(pod('handler', { containers: [{ name: 'main', image: agnhost, args: ['netexec'] }] }))
  await runs(cluster, 'handler')
  return podOf(cluster, 'handler').status.podIP!
}

const hooked = (which: 'postStart' | 'preStop', handler: object) =>
  pod('hooked', {
    containers: [{ name: 'main', image: agnhost, args: ['pause'], lifecycle: { [which]: handler } } as Container],
    terminationGracePeriodSeconds: 15,
  })
const curl = (host: string, word: string) => ({
  exec: { command: ['sh', '-c', `curl http://${host}:8080/echo?msg=${word}`] },
})
const page = (host: string, word: string) => ({ httpGet: { host, port: 8080, path: `/echo?msg=${word}` } })

for (const [name, which, handlerOf, item] of [
  [
    'poststart exec',
    'postStart',
    curl,
    '[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart exec hook properly [NodeConformance]',
  ],
  [
    'poststart http',
    'postStart',
    page,
    '[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart http hook properly [NodeConformance]',
  ],
  [
    'prestop exec',
    'preStop',
    curl,
    '[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute prestop exec hook properly [NodeConformance]',
  ],
  [
    'prestop http',
    'preStop',
    page,
    '[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute prestop http hook properly [NodeConformance]',
  ],
] as const) {
  test(item, async () => {
    await using cluster = await testCluster({ nodes: 2 })
    const host = await withHandler(cluster)
    await cluster.apply(hooked(which, handlerOf(host, which.toLowerCase())))
    await runs(cluster, 'hooked')
    await cluster.client.of(Pods).delete(ref('hooked'))
    await cluster.until(() => cluster.pods().length === 1, '1m')
    expect(await logOf(cluster, 'handler'), name).toContain(`GET /echo?msg=${which.toLowerCase()}`)
  })
}

test('[sig-node] PreStop should call prestop when killing a pod', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  const host = await withHandler(cluster)
  const command = ['wget', '-O-', '--post-data={"Source": "prestop"}', `http://${host}:8080/echo?msg=prestop`]
  const main = {
    name: 'tester',
    image: 'busybox:1.36',
    command: ['sleep', '600'],
    lifecycle: { preStop: { exec: { command } } },
  }
  await cluster.apply(pod('tester', { containers: [main] }))
  await runs(cluster, 'tester')
  await cluster.client.of(Pods).delete(ref('tester'))
  await cluster.until(() => cluster.pods().length === 1, '1m')
  expect(await logOf(cluster, 'handler')).toContain('/echo?msg=prestop')
})

const health = (probe: object, args: string[] = []) => probed(['grpc-health-checking', ...args], probe)

test('[sig-node] Probing container should *not* be restarted with a GRPC liveness probe [NodeConformance]', async () => {
  expect(await restartsAfter(health({ grpc: { port: 5000 }, ...delayed }), '4m')).toBe(0)
})

test('[sig-node] Probing container should be restarted with a GRPC liveness probe [NodeConformance]', async () => {
  // As upstream's: nobody listens there.
  expect(await restartsAfter(health({ grpc: { port: 2333 }, ...delayed }), '60s')).toBeGreaterThanOrEqual(1)
})
