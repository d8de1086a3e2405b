// gRPC probes really ask grpc.health.v1.Health/Check, over HTTP/2 in the simulated network. Words: pkg/probe/grpc/grpc.go.

import { describe, expect, test } from 'vitest'
import { type TestCluster, testCluster } from '../support/cluster.ts'

async function probed(args: readonly string[], grpc: object, image = 'registry.k8s.io/e2e-test-images/agnhost:2.53') {
  const cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'served' },
    spec: {
      containers: [
        {
          name: 'main',
          image,
          args,
          ports: [{ containerPort: 5000 }, { containerPort: 8080 }],
          readinessProbe: { grpc, periodSeconds: 5, failureThreshold: 1 },
        },
      ],
    },
  })
  await cluster.advance('12s')
  return cluster
}

const isReady = (cluster: TestCluster): boolean | undefined =>
  cluster.pods().find(({ metadata }) => metadata.name === 'served')?.status.containerStatuses?.[0]?.ready

const lastFault = (cluster: TestCluster): string | undefined =>
  cluster
    .events('served')
    .filter(line => line.startsWith('Unhealthy'))
    .at(-1)

const health = ['grpc-health-checking']

describe('a gRPC probe', () => {
  test('is well while the service says SERVING, and not once it has been told not to', async () => {
    await using cluster = await probed(health, { port: 5000 })
    expect(isReady(cluster)).toBe(true)
    const { nodeClient } = cluster.cluster.nodes
    const tell = async (path: string) => {
      const [pod] = cluster.pods()
      const request = { method: 'GET', path, headers: {}, body: new Uint8Array() }
      return (await nodeClient.proxyPod(pod!, '8080', request)).status
    }
    expect(await tell('/make-not-serving')).toBe(200)
    await cluster.advance('11s')
    expect(isReady(cluster)).toBe(false)
    expect(lastFault(cluster)).toBe(
      'Unhealthy: Readiness probe failed: service unhealthy (responded with "NOT_SERVING")',
    )
    expect(await tell('/make-serving')).toBe(200)
    await cluster.advance('11s')
    expect(isReady(cluster)).toBe(true)
  })

  test('asks for the service that it names', async () => {
    await using known = await probed([...health, '--service=guard'], { port: 5000, service: 'guard' })
    expect(isReady(known)).toBe(true)
    await using unknown = await probed(health, { port: 5000, service: 'other' })
    expect(lastFault(unknown)).toBe(
      'Unhealthy: Readiness probe failed: error: health rpc probe failed: rpc error: code = NotFound desc = unknown service',
    )
  })

  test('is not well where nobody listens, or where something else is spoken', async () => {
    const failed = (port: number) =>
      `Unhealthy: Readiness probe failed: timeout: failed to connect service "10.244.1.2:${port}" within 1s: context deadline exceeded`
    await using closed = await probed(health, { port: 5001 })
    expect(lastFault(closed)).toBe(failed(5001))
    await using plain = await probed(['netexec'], { port: 8080 })
    expect(isReady(plain)).toBe(false)
    expect(lastFault(plain)).toBe(failed(8080))
  })

  test('is not well from a time on', async () => {
    await using cluster = await probed([...health, '--delay-unhealthy-sec=20'], { port: 5000 })
    expect(isReady(cluster)).toBe(true)
    await cluster.advance('20s')
    expect(isReady(cluster)).toBe(false)
  })
})
