// kubesim/testing beside its cluster: matchers that say why, and one test under many orders of events.

import { describe, expect, test } from 'vitest'
import {
  ConfigMaps,
  Deployments,
  defineController,
  type ExplorationError,
  explore,
  kubesimMatchers,
  Pods,
  ReplicaSets,
  testCluster,
} from '../../src/testing/index.ts'

expect.extend(kubesimMatchers)

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [{ name: web, image: nginx }]
`

describe('matchers', () => {
  test('of conditions, availability and owners', async () => {
    await using cluster = await testCluster({ nodes: 2 })
    await cluster.apply(web)
    expect(cluster.get(Deployments, 'web')).not.toBeAvailable()
    await cluster.settle()
    expect(cluster.get(Deployments, 'web')).toBeAvailable()
    expect(cluster.pods()[0]).toBeAvailable()
    expect(cluster.get(Deployments, 'web')).toHaveCondition('Progressing', 'True', 'NewReplicaSetAvailable')
    expect(cluster.get(Deployments, 'web')).not.toHaveCondition('Available', 'False')
    expect(cluster.get(Deployments, 'web')).toOwn(cluster.list(ReplicaSets)[0])
    expect(cluster.get(Deployments, 'web')).not.toOwn(cluster.pods()[0])
  })

  test('what fails tells what is waited for and what happened', async () => {
    await using cluster = await testCluster({ nodes: 0 })
    await cluster.apply(web)
    await cluster.advance('5s')
    const pod = cluster.pods()[0]!
    let said = ''
    try {
      expect(pod).toBeAvailable()
    } catch (error) {
      said = (error as Error).message
    }
    expect(said).toContain(`expected Pod ${pod.metadata.name} to be available, but it is Pending, not Ready`)
    expect(said).toMatch(/waits for a node that fits: no nodes available to schedule pods/)
    expect(said).toMatch(/what happened to it:\n[\s\S]*replicaset-controller/)
  })

  test('what is no object is refused', () => {
    expect(() => expect('web').toBeAvailable()).toThrow('this matcher takes a Kubernetes object, not "web"')
  })
})

describe('one test under many orders of events', () => {
  const counted = () => {
    // Counts in an annotation, and forgets that somebody else may have written: a conflict is a count that is lost.
    const careless = defineController({
      name: 'careless',
      for: ConfigMaps,
      concerns: map => map.metadata.name === 'counter' && map.data?.count === undefined,
      async reconcile(map, { client }) {
        await client
          .of(ConfigMaps)
          .patch(map.metadata, { type: 'merge', body: { data: { count: '1' } } })
          .catch(() => client.of(ConfigMaps).delete(map.metadata))
      },
    })
    return { nodes: 0, controllers: [careless] }
  }
  const test1 = async (cluster: Awaited<ReturnType<typeof testCluster>>): Promise<void> => {
    await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'counter' } })
    await cluster.advance('1m')
    expect(cluster.get(ConfigMaps, 'counter').data).toEqual({ count: '1' })
  }

  test('what only a conflict brings about is found, with the seed and no more than it takes', async () => {
    const error = (await explore({ seeds: 200, ...counted() }, test1).catch(cause => cause)) as ExplorationError
    expect(error.name).toBe('ExplorationError')
    // Also what came before, and had nothing to do with it, is left out.
    expect(error.disturbances).toEqual(['careless patch configmaps: met a conflict'])
    // The same seed alone fails in the same way.
    const again = await explore({ seeds: 1, firstSeed: error.seed, ...counted() }, test1).catch(cause => cause)
    expect(again.disturbances).toEqual(error.disturbances)
    expect(again.message).toBe(error.message)
  })

  test('a Deployment comes to be available whatever befalls the controllers', async () => {
    await explore({ seeds: 10, nodes: 2, late: 20, conflicts: 15 }, async cluster => {
      await cluster.apply(web)
      await cluster.until(() => cluster.get(Deployments, 'web').status?.availableReplicas === 2, '5m')
      expect(cluster.list(Pods)).toHaveLength(2)
    })
  })
})
