// Fake nodes on an API server: registration, heartbeats, silence, and pods that live and die there.

import { expect, test } from 'vitest'
import { imageObject } from '../../kubelet-sim/images/declared.ts'
import { createNodes } from '../../kubelet-sim/index.ts'
import { silentAnnotation, simulatedNode } from '../../kubelet-sim/nodes.ts'
import { findCondition } from '../../src/api/conditions.ts'
import { Events, Images, Leases, Nodes, Pods } from '../../src/kinds/index.ts'
import { createManager } from '../../src/runtime/manager.ts'
import { virtualRoom } from './room.ts'

const lease = { name: 'node-1', namespace: 'kube-node-lease' }

test('nodes register whole and ready, with addresses, a pod CIDR and a lease', async () => {
  await using room = await virtualRoom({ count: 2, zones: ['a', 'b'] })
  const { items } = await room.client.of(Nodes).list()
  expect(
    items.map(({ metadata, spec, status }) => [
      metadata.name,
      metadata.labels?.['topology.kubernetes.io/zone'],
      spec.podCIDR,
      status.addresses?.[0]?.address,
    ]),
  ).toEqual([
    ['node-1', 'a', '10.244.1.0/24', '127.25.43.11'],
    ['node-2', 'b', '10.244.2.0/24', '127.25.43.12'],
  ])
  expect(items[0]?.status).toMatchObject({
    capacity: { cpu: '8', memory: '16Gi', pods: '110' },
    nodeInfo: { kubeletVersion: 'v1.36.0', osImage: 'kubesim fake node' },
    conditions: [
      { type: 'MemoryPressure', status: 'False' },
      { type: 'DiskPressure', status: 'False' },
      { type: 'PIDPressure', status: 'False' },
      { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
    ],
  })
  const { metadata, spec } = await room.client.of(Leases).get(lease)
  expect(metadata.ownerReferences?.[0]).toMatchObject({ kind: 'Node', name: 'node-1' })
  expect(spec).toMatchObject({
    holderIdentity: 'node-1',
    leaseDurationSeconds: 40,
    renewTime: '2024-01-01T00:00:00.000000Z',
  })
})

test('leases are renewed every 10 s, the status is reported every 5 min', async () => {
  await using room = await virtualRoom()
  await room.env.clock.advance(65_000)
  expect((await room.client.of(Leases).get(lease)).spec.renewTime).toBe('2024-01-01T00:01:00.000000Z')
  const ready = async () =>
    findCondition((await room.client.of(Nodes).get({ name: 'node-1' })).status.conditions, 'Ready')
  expect(await ready()).toMatchObject({ lastHeartbeatTime: '2024-01-01T00:00:00Z' })
  await room.env.clock.advance(300_000)
  expect(await ready()).toMatchObject({
    lastHeartbeatTime: '2024-01-01T00:05:00Z',
    lastTransitionTime: '2024-01-01T00:00:00Z',
  })
})

test('a silenced node says nothing and does nothing; when it is back it goes on', async () => {
  await using room = await virtualRoom({ count: 1 })
  room.nodes.silence('node-1')
  await room.run('web', 'node-1')
  await room.env.clock.advance(60_000)
  expect((await room.client.of(Leases).get(lease)).spec.renewTime).toBe('2024-01-01T00:00:00.000000Z')
  expect((await room.pod('web')).status.startTime).toBeUndefined()
  room.nodes.revive('node-1')
  await room.env.clock.advance(12_000)
  expect((await room.pod('web')).status.phase).toBe('Running')
  expect((await room.client.of(Leases).get(lease)).spec.renewTime! > '2024-01-01T00:01').toBe(true)
})

test('silence by annotation, as `kubesim node stop` does it', async () => {
  await using room = await virtualRoom({ count: 1 })
  const silent = (value: string | null) =>
    room.client
      .of(Nodes)
      .patch({ name: 'node-1' }, { type: 'merge', body: { metadata: { annotations: { [silentAnnotation]: value } } } })
  await silent('true')
  await room.run('web', 'node-1')
  await room.env.clock.advance(30_000)
  expect((await room.pod('web')).status.startTime).toBeUndefined()
  await silent(null)
  await room.env.clock.advance(5_000)
  expect((await room.pod('web')).status.phase).toBe('Running')
})

test('a Node that says it is simulated becomes one', async () => {
  await using room = await virtualRoom({ count: 1 })
  await room.client.of(Nodes).create(simulatedNode('extra'))
  await room.env.clock.advance(1)
  const { spec, status } = await room.client.of(Nodes).get({ name: 'extra' })
  expect([spec.podCIDR, status.addresses?.[0]?.address, findCondition(status.conditions, 'Ready')?.status]).toEqual([
    '10.244.2.0/24',
    '127.25.43.12',
    'True',
  ])
  await room.run('web', 'extra')
  await room.env.clock.advance(5_000)
  expect((await room.pod('web')).status).toMatchObject({ phase: 'Running', podIP: '10.244.2.2' })
})

test('a pod runs: its events name the container and the node, and its image is the node’s', async () => {
  await using room = await virtualRoom()
  await room.run('web', 'node-2')
  await room.env.clock.advance(15_000)
  expect((await room.events('web')).sort()).toEqual([
    'Created: Container created',
    'Pulled: Successfully pulled image "nginx:1.27" in 789ms (789ms including waiting). Image size: 72319182 bytes.',
    'Pulling: Pulling image "nginx:1.27"',
    'Started: Container started',
  ])
  const { items: events } = await room.client.of(Events).list({ fieldSelector: 'reason=Started' })
  expect(events[0]).toMatchObject({
    involvedObject: { kind: 'Pod', name: 'web', fieldPath: 'spec.containers{web}' },
    source: { component: 'kubelet', host: 'node-2' },
  })
  const node = await room.client.of(Nodes).get({ name: 'node-2' })
  expect(node.status.images).toEqual([
    {
      names: [expect.stringMatching(/^docker.io\/library\/nginx@sha256:/), 'docker.io/library/nginx:1.27'],
      sizeBytes: 72_319_182,
    },
  ])
})

test('ten thousand idle seconds of a hundred pods cost only the nodes’ heartbeats', async () => {
  await using room = await virtualRoom({ count: 2, pullDelay: 0, startDelay: 0 })
  for (let index = 0; index < 100; index++) await room.run(`web-${index}`, `node-${1 + (index % 2)}`)
  await room.env.clock.advance(60_000)
  const before = (await room.client.of(Pods).list()).items.map(({ metadata }) => metadata.resourceVersion)
  // One for the heartbeats, and what the API server has of its own.
  expect(room.env.clock.waiting).toBeLessThanOrEqual(4)
  await room.env.clock.advance(10_000_000)
  expect((await room.client.of(Pods).list()).items.map(({ metadata }) => metadata.resourceVersion)).toEqual(before)
})

test('deleting: the grace, the kill, and then the API forgets it; its address is free again', async () => {
  await using room = await virtualRoom({ count: 1 })
  await room.run('app', 'node-1', { containers: [{ name: 'app', image: 'busybox:1.36', command: ['sleep', '3600'] }] })
  await room.env.clock.advance(5_000)
  await room.client.of(Pods).delete({ name: 'app', namespace: 'default' })
  await room.env.clock.advance(29_000)
  expect((await room.pod('app')).metadata.deletionTimestamp).toBeDefined()
  await room.env.clock.advance(2_000)
  await expect(room.pod('app')).rejects.toMatchObject({ reason: 'NotFound' })
  expect(await room.events('app')).toContain('Killing: Stopping container app')
})

test('a pod with finalizers stays, ended, until they are gone', async () => {
  await using room = await virtualRoom({ count: 1 })
  await room.run('web', 'node-1', {}, { finalizers: ['example.com/wait'] })
  await room.env.clock.advance(5_000)
  await room.client.of(Pods).delete({ name: 'web', namespace: 'default' })
  await room.env.clock.advance(60_000)
  expect((await room.pod('web')).status).toMatchObject({
    phase: 'Succeeded',
    containerStatuses: [{ state: { terminated: { exitCode: 0 } } }],
  })
  await room.client
    .of(Pods)
    .patch({ name: 'web', namespace: 'default' }, { type: 'merge', body: { metadata: { finalizers: null } } })
  await room.env.clock.advance(1_000)
  await expect(room.pod('web')).rejects.toMatchObject({ reason: 'NotFound' })
})

test('an image built later lets a waiting pod start, also under imagePullPolicy Never', async () => {
  await using room = await virtualRoom({ count: 1 })
  await room.run('app', 'node-1', { containers: [{ name: 'app', image: 'flask-app', imagePullPolicy: 'Never' }] })
  await room.env.clock.advance(60_000)
  expect((await room.pod('app')).status.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ErrImageNeverPull')
  await room.client.of(Images).create(imageObject({ name: 'flask-app', ports: [5000], routes: { '/': 'Hello' } }))
  await room.env.clock.advance(2_000)
  expect((await room.pod('app')).status.phase).toBe('Running')
})

test('a status changed by another at the same time is no loss', async () => {
  await using room = await virtualRoom({ count: 1 })
  await room.run('web', 'node-1')
  for (let step = 0; step < 20; step++) {
    await room.client
      .of(Pods)
      .patch(
        { name: 'web', namespace: 'default' },
        { type: 'merge', body: { metadata: { labels: { step: String(step) } } } },
      )
    await room.env.clock.advance(100)
  }
  expect((await room.pod('web')).status.phase).toBe('Running')
})

test('a kubelet that comes back at another port has all its nodes say so at once', async () => {
  await using room = await virtualRoom({ count: 2 })
  const ports = async () =>
    (await room.client.of(Nodes).list()).items.map(({ status }) => status.daemonEndpoints?.kubeletEndpoint?.Port)
  expect(await ports()).toEqual([10250, 10250])
  await room.manager.close()
  const moved = createNodes(room.env, room.client, { count: 2, kubeletPort: 40123 })
  const next = createManager(room.env, room.client, moved.kubeletControllers)
  await moved.start()
  await next.start()
  await room.env.activity.idle()
  expect(await ports()).toEqual([40123, 40123])
  await next.close()
})
