// Whole clusters in virtual time: every component together, nothing slept for.

import { describe, expect, test } from 'vitest'
import { isReady } from '../controllers/shared/pods.ts'
import { simulatedNode } from '../kubelet-sim/nodes.ts'
import { Deployments, EndpointSlices, EndpointsKind, Nodes, Pods, ReplicaSets } from '../src/kinds/index.ts'
import { testCluster } from './support/cluster.ts'
import { deployment, pod, service } from './support/objects.ts'

describe('a cluster', () => {
  test('a deployment comes to three ready pods, spread over three nodes, behind a service that answers', async () => {
    await using cluster = await testCluster({ nodes: 3 })
    await cluster.apply(deployment('web', { replicas: 3 }), service('web', 'web'))
    await cluster.advance('30s')
    expect(cluster.pods({ app: 'web' }).filter(isReady)).toHaveLength(3)
    expect(new Set(cluster.pods({ app: 'web' }).map(({ spec }) => spec.nodeName)).size).toBe(3)
    expect(cluster.get(Deployments, 'web').status).toMatchObject({ readyReplicas: 3, availableReplicas: 3 })
    const answers = await Promise.all(Array.from({ length: 30 }, () => cluster.ask('web')))
    expect(
      cluster.pods({ app: 'web' }).every(({ metadata }) => answers.some(answer => answer.includes(metadata.name))),
    ).toBe(true)
  })

  test('a deployment replaces a pod whose node died', async () => {
    await using cluster = await testCluster({ nodes: 2, seed: 7 })
    await cluster.apply(deployment('web', { replicas: 2 }))
    await cluster.advance('10s')
    cluster.cluster.nodes.silence('node-1')
    await cluster.advance('10m')
    const alive = cluster.pods({ app: 'web' }).filter(isReady)
    expect(alive.map(({ spec }) => spec.nodeName)).toEqual(['node-2', 'node-2'])
    expect(cluster.get(Nodes, 'node-1').spec.taints?.map(({ key }) => key)).toContain('node.kubernetes.io/unreachable')
  })

  test('a node that is added takes the pending pod, and is never said to have too many pods', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    const container = { name: 'main', image: 'nginx', ports: [{ containerPort: 80, hostPort: 8080 }] }
    await cluster.apply(pod('first', { containers: [container] }), pod('second', { containers: [container] }))
    await cluster.advance('10s')
    expect(cluster.get(Pods, 'second').spec.nodeName).toBeUndefined()
    await cluster.apply(simulatedNode('node-2'))
    await cluster.advance('2m')
    const refusals = cluster.events('second').filter(text => text.startsWith('FailedScheduling'))
    expect(refusals.filter(text => text.includes('Too many pods'))).toEqual([])
    expect(cluster.get(Pods, 'second')).toMatchObject({ spec: { nodeName: 'node-2' }, status: { phase: 'Running' } })
    expect(cluster.get(Nodes, 'node-2').spec.taints).toBeUndefined()
  })

  test('a rolling update never has fewer ready pods than allowed, nor more than surge allows', async () => {
    await using cluster = await testCluster()
    await cluster.apply(deployment('web', { replicas: 4, image: 'nginx:1' }))
    await cluster.advance('1m')
    let fewest = 99
    let most = 0
    const look = () => {
      const pods = cluster.pods({ app: 'web' }).filter(({ metadata }) => !metadata.deletionTimestamp)
      fewest = Math.min(fewest, pods.filter(isReady).length)
      most = Math.max(most, pods.length)
    }
    await cluster.apply(deployment('web', { replicas: 4, image: 'nginx:2' }))
    for (let tick = 0; tick < 600; tick++) {
      await cluster.advance('100ms')
      look()
    }
    expect(cluster.get(Deployments, 'web').status).toMatchObject({ updatedReplicas: 4, readyReplicas: 4, replicas: 4 })
    expect(fewest).toBeGreaterThanOrEqual(3)
    expect(most).toBeLessThanOrEqual(5)
    expect(cluster.list(ReplicaSets).map(({ spec }) => spec.replicas)).toEqual(expect.arrayContaining([0, 4]))
  })

  test("pods on their nodes' network stand behind a service, at their nodes' addresses, and answer", async () => {
    await using cluster = await testCluster({ nodes: 2 })
    await cluster.apply(deployment('agent', { replicas: 2, pod: { hostNetwork: true } }), service('agent', 'agent'))
    await cluster.advance('30s')
    const nodes = cluster.list(Nodes).map(({ status }) => status.addresses?.[0]?.address)
    expect(nodes.every(address => address?.startsWith('127.'))).toBe(true)
    const [slice] = cluster.list(EndpointSlices, { 'kubernetes.io/service-name': 'agent' })
    expect(slice?.endpoints?.flatMap(({ addresses }) => addresses).sort()).toEqual(nodes.sort())
    const [endpoints] = cluster.list(EndpointsKind).filter(({ metadata }) => metadata.name === 'agent')
    expect(endpoints?.subsets?.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)).sort()).toEqual(nodes)
    expect(await cluster.ask('agent')).toContain('agent-')
  })

  test('without a scheduler pods stay Pending until it comes', async () => {
    await using cluster = await testCluster({ without: ['scheduler'] })
    await cluster.apply(pod('waiting'))
    await cluster.advance('5m')
    expect(cluster.pods()[0]?.status.phase).toBe('Pending')
    await cluster.cluster.startComponent('scheduler')
    await cluster.advance('30s')
    expect(cluster.pods()[0]?.status.phase).toBe('Running')
  })

  test('deleting a namespace takes everything in it away', async () => {
    await using cluster = await testCluster()
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' }, spec: {} } as never)
    const web = deployment('web', { replicas: 2 })
    await cluster.apply({ ...web, metadata: { ...web.metadata, namespace: 'team' } })
    await cluster.advance('30s')
    expect(cluster.pods().length).toBe(2)
    const { Namespaces } = await import('../src/kinds/index.ts')
    await cluster.client.of(Namespaces).delete({ name: 'team' })
    await cluster.advance('2m')
    expect(cluster.pods()).toEqual([])
    expect(() => cluster.get(Namespaces, 'team')).toThrow('namespaces "team" not found')
  })

  test('a service without ready pods has no ready endpoints', async () => {
    await using cluster = await testCluster()
    await cluster.apply(service('web', 'web'), pod('web', { nodeName: 'nowhere' }))
    await cluster.advance('30s')
    const endpoints = cluster
      .list(EndpointSlices, { 'kubernetes.io/service-name': 'web' })
      .flatMap(slice => slice.endpoints ?? [])
    expect(endpoints.filter(({ conditions }) => conditions?.ready)).toEqual([])
  })
})
