// Resources of running pods that are changed: `kubectl patch pod web --subresource resize`.

import { expect, test } from 'vitest'
import type { Container } from '../../generated/types.ts'
import { findCondition } from '../../src/api/conditions.ts'
import { Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const amounts = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } })
const sized = (name: string, cpu: string, more: Partial<Container> = {}) =>
  pod(name, { containers: [{ name: 'main', image: 'nginx', resources: amounts(cpu, '100Mi'), ...more }] })
const find = (cluster: TestCluster, name: string) => cluster.pods().find(({ metadata }) => metadata.name === name)!
const own = (cluster: TestCluster, name: string) => find(cluster, name).status.containerStatuses?.[0]
const condition = (cluster: TestCluster, name: string, type: string) =>
  findCondition(find(cluster, name).status.conditions, type)

async function resize(cluster: TestCluster, name: string, resources: object): Promise<void> {
  const body = { spec: { containers: [{ name: 'main', resources }] } }
  await cluster.client.of(Pods).patch({ name, namespace: 'default' }, { type: 'strategic', body }, 'resize')
}

test('CPU is given in place, and its status says so', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(sized('web', '100m'))
  await cluster.until(() => find(cluster, 'web').status.phase === 'Running')
  expect(own(cluster, 'web')).toMatchObject({
    allocatedResources: { cpu: '100m', memory: '100Mi' },
    resources: amounts('100m', '100Mi'),
  })
  await resize(cluster, 'web', amounts('200m', '100Mi'))
  await cluster.advance('100ms')
  expect(condition(cluster, 'web', 'PodResizeInProgress')).toMatchObject({ status: 'True', observedGeneration: 2 })
  expect(own(cluster, 'web')?.allocatedResources).toEqual({ cpu: '200m', memory: '100Mi' })
  await cluster.advance('2s')
  expect(condition(cluster, 'web', 'PodResizeInProgress')).toBeUndefined()
  expect(own(cluster, 'web')).toMatchObject({ resources: amounts('200m', '100Mi'), restartCount: 0 })
})

test('with RestartContainer the container starts anew', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const resizePolicy = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }]
  await cluster.apply(sized('web', '100m', { resizePolicy }))
  await cluster.until(() => find(cluster, 'web').status.phase === 'Running')
  await resize(cluster, 'web', amounts('100m', '200Mi'))
  await cluster.advance('10s')
  expect(cluster.events('web')).toContain('Killing: Container main resize requires restart')
  expect(own(cluster, 'web')).toMatchObject({ resources: amounts('100m', '200Mi'), restartCount: 1, ready: true })
  expect(condition(cluster, 'web', 'PodResizeInProgress')).toBeUndefined()
})

test('what the node never has is infeasible; what others have is deferred until they go', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(sized('web', '1'), sized('other', '6'))
  await cluster.until(() => cluster.pods().every(({ status }) => status.phase === 'Running'))
  await resize(cluster, 'web', amounts('20', '100Mi'))
  await cluster.advance('5s')
  expect(condition(cluster, 'web', 'PodResizePending')).toMatchObject({
    status: 'True',
    reason: 'Infeasible',
    message: "Node didn't have enough capacity: cpu, requested: 20000, capacity: 8000",
  })
  await resize(cluster, 'web', amounts('4', '100Mi'))
  await cluster.advance('5s')
  expect(condition(cluster, 'web', 'PodResizePending')).toMatchObject({
    reason: 'Deferred',
    message: "Node didn't have enough resource: cpu, requested: 4000, used: 6000, capacity: 8000",
  })
  expect(own(cluster, 'web')?.resources).toEqual(amounts('1', '100Mi'))
  await cluster.client.of(Pods).delete({ name: 'other', namespace: 'default' })
  await cluster.advance('2m')
  expect(condition(cluster, 'web', 'PodResizePending')).toBeUndefined()
  expect(own(cluster, 'web')?.resources).toEqual(amounts('4', '100Mi'))
})
