import { expect, test } from 'vitest'
import { nodeLifecycleController } from '../../controllers/node-lifecycle.ts'
import { podGarbageCollector } from '../../controllers/pod-garbage-collector.ts'
import { taintEvictionController } from '../../controllers/taint-eviction.ts'
import type { Node, Taint } from '../../generated/types.ts'
import { findCondition } from '../../src/api/conditions.ts'
import { rfc3339, rfc3339Micro } from '../../src/api/time.ts'
import { Leases, Nodes, Pods } from '../../src/kinds/index.ts'
import { defineController } from '../../src/runtime/controller.ts'
import { type ControlPlane, controlPlane } from '../support/control-plane.ts'
import { pod } from '../support/objects.ts'

/** Nodes whose leases are renewed every ten seconds, but for those that are silent. */
function heartbeats(silent: Set<string>) {
  return defineController<Node>({
    name: 'heartbeats',
    for: Nodes,
    reads: [Leases],
    async reconcile({ metadata: { name } }, { client, clock, lister }) {
      if (!silent.has(name)) {
        const ref = { namespace: 'kube-node-lease', name }
        const spec = { holderIdentity: name, renewTime: rfc3339Micro(clock.now()) }
        if (lister(Leases).get(ref)) await client.of(Leases).patch(ref, { type: 'merge', body: { spec } })
        else
          await client.of(Leases).create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: ref, spec })
      }
      return { again: 10_000 }
    },
  })
}

async function world(count: number) {
  const silent = new Set<string>()
  const plane = await controlPlane([
    nodeLifecycleController(),
    taintEvictionController(),
    podGarbageCollector({ keptPods: 3 }),
    heartbeats(silent),
  ])
  for (let at = 1; at <= count; at++) {
    await plane.create(Nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: `node-${at}` } })
    await speak(plane, `node-${at}`)
  }
  await plane.settle()
  return { plane, silent }
}

async function speak(plane: ControlPlane, name: string, status = 'True'): Promise<void> {
  const now = rfc3339(plane.env.clock.now())
  const conditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map(type => ({
    type,
    status: type === 'Ready' ? status : 'False',
    reason: 'KubeletSays',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  }))
  await plane.patch(Nodes, name, { status: { conditions } }, 'status')
}

async function run(plane: ControlPlane, name: string, node: string, seconds?: number): Promise<void> {
  const tolerations = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map(key => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    ...(seconds === undefined ? {} : { tolerationSeconds: seconds }),
  }))
  await plane.create(Pods, pod(name, { nodeName: node, tolerations }))
  const since = rfc3339(plane.env.clock.now())
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: since }]
  await plane.patch(Pods, name, { status: { phase: 'Running', conditions } }, 'status')
}

const taints = (plane: ControlPlane, name: string): string[] =>
  (plane.get(Nodes, name).spec.taints ?? []).map(({ key, effect }: Taint) => `${key}:${effect}`).sort()
const readiness = (plane: ControlPlane, name: string) => {
  const { status, reason, message } = findCondition(plane.get(Nodes, name).status.conditions, 'Ready')!
  return `${status} ${reason} ${message ?? ''}`.trim()
}

test('a node that renews its lease stays ready, without a word about its status', async () => {
  const { plane } = await world(2)
  await plane.seconds(600)
  expect(readiness(plane, 'node-1')).toBe('True KubeletSays')
  expect(taints(plane, 'node-1')).toEqual([])
  expect(plane.events('node-1')).toEqual(['RegisteredNode: Node node-1 event: Registered Node node-1 in Controller'])
  await plane[Symbol.asyncDispose]()
})

test('one that is silent for fifty seconds is of unknown state, tainted, and its pods are not ready', async () => {
  const { plane, silent } = await world(2)
  await run(plane, 'here', 'node-1', 300)
  await plane.seconds(30)
  silent.add('node-1')
  await plane.seconds(45)
  expect(readiness(plane, 'node-1')).toBe('True KubeletSays')
  await plane.seconds(15)
  expect(readiness(plane, 'node-1')).toBe('Unknown NodeStatusUnknown Kubelet stopped posting node status.')
  expect(taints(plane, 'node-1')).toEqual([
    'node.kubernetes.io/unreachable:NoExecute',
    'node.kubernetes.io/unreachable:NoSchedule',
  ])
  expect(findCondition(plane.get(Pods, 'here').status.conditions, 'Ready')!.status).toBe('False')
  expect(plane.events('here')).toContain('NodeNotReady: Node is not ready')
  expect(plane.events('node-1')).toContain('NodeNotReady: Node node-1 status is now: NodeNotReady')
  expect(readiness(plane, 'node-2')).toBe('True KubeletSays')
  await plane[Symbol.asyncDispose]()
})

test('its pods go when they have stood it for as long as they tolerate; those that tolerate it for ever stay', async () => {
  const { plane, silent } = await world(2)
  await run(plane, 'patient', 'node-1', 300)
  await run(plane, 'steadfast', 'node-1')
  silent.add('node-1')
  await plane.seconds(60)
  expect(plane.get(Pods, 'patient').metadata.deletionTimestamp).toBeUndefined()
  await plane.seconds(280)
  expect(plane.get(Pods, 'patient').metadata.deletionTimestamp).toBeUndefined()
  await plane.seconds(20)
  expect(plane.get(Pods, 'patient').metadata.deletionTimestamp).toBeDefined()
  expect(findCondition(plane.get(Pods, 'patient').status.conditions, 'DisruptionTarget')).toMatchObject({
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
  })
  expect(plane.events('patient')).toContain('TaintManagerEviction: Marking for deletion Pod default/patient')
  expect(plane.get(Pods, 'steadfast').metadata.deletionTimestamp).toBeUndefined()
  await plane[Symbol.asyncDispose]()
})

test('a node that comes back in time keeps its pods and loses its taints', async () => {
  const { plane, silent } = await world(2)
  await run(plane, 'patient', 'node-1', 300)
  silent.add('node-1')
  await plane.seconds(200)
  expect(taints(plane, 'node-1')).toHaveLength(2)
  silent.delete('node-1')
  await speak(plane, 'node-1')
  await plane.seconds(600)
  expect(taints(plane, 'node-1')).toEqual([])
  expect(plane.get(Pods, 'patient').metadata.deletionTimestamp).toBeUndefined()
  expect(plane.events('patient')).toContain('TaintManagerEviction: Cancelling deletion of Pod default/patient')
  await plane[Symbol.asyncDispose]()
})

test('a pod that does not stand a taint somebody sets goes at once', async () => {
  const { plane } = await world(2)
  await run(plane, 'p', 'node-1')
  await plane.patch(Nodes, 'node-1', { spec: { taints: [{ key: 'maintenance', effect: 'NoExecute' }] } })
  await plane.settle()
  expect(plane.get(Pods, 'p').metadata.deletionTimestamp).toBeDefined()
  expect(taints(plane, 'node-1')).toEqual(['maintenance:NoExecute'])
  await plane[Symbol.asyncDispose]()
})

test('a node that says it is not ready, is under pressure or cordoned has the taints that say so', async () => {
  const { plane } = await world(2)
  await speak(plane, 'node-1', 'False')
  await plane.patch(Nodes, 'node-2', { spec: { unschedulable: true } })
  await plane.settle()
  expect(taints(plane, 'node-1')).toEqual([
    'node.kubernetes.io/not-ready:NoExecute',
    'node.kubernetes.io/not-ready:NoSchedule',
  ])
  expect(taints(plane, 'node-2')).toEqual(['node.kubernetes.io/unschedulable:NoSchedule'])
  await plane.patch(Nodes, 'node-2', { spec: { unschedulable: false } })
  await speak(plane, 'node-1')
  await plane.settle()
  expect([...taints(plane, 'node-1'), ...taints(plane, 'node-2')]).toEqual([])
  await plane[Symbol.asyncDispose]()
})

// node_lifecycle_controller.go, "master disruption mode": it is more likely that we do not hear than that all are dead.
test('when every node is silent, no pod is evicted', async () => {
  const { plane, silent } = await world(3)
  for (let at = 1; at <= 3; at++) {
    await run(plane, `pod-${at}`, `node-${at}`, 10)
    silent.add(`node-${at}`)
  }
  await plane.seconds(1_000)
  for (let at = 1; at <= 3; at++) {
    expect(readiness(plane, `node-${at}`)).toContain('Unknown')
    expect(taints(plane, `node-${at}`)).toEqual(['node.kubernetes.io/unreachable:NoSchedule'])
  }
  await plane[Symbol.asyncDispose]()
})

test('two nodes that fall silent together are evicted ten seconds apart', async () => {
  const { plane, silent } = await world(4)
  silent.add('node-1')
  silent.add('node-2')
  await plane.seconds(120)
  const times = ['node-1', 'node-2'].map(name =>
    Date.parse(plane.get(Nodes, name).spec.taints!.find(({ effect }) => effect === 'NoExecute')!.timeAdded!),
  )
  expect(Math.abs(times[0]! - times[1]!)).toBe(10_000)
  await plane[Symbol.asyncDispose]()
})

test('pods on a node that is gone are failed and removed after a while, unless it comes back', async () => {
  const { plane } = await world(2)
  await run(plane, 'lost', 'node-1')
  await run(plane, 'saved', 'node-2')
  await plane.client.of(Nodes).delete({ name: 'node-1' })
  await plane.client.of(Nodes).delete({ name: 'node-2' })
  await plane.seconds(30)
  expect(plane.find(Pods, 'lost')).toBeDefined()
  await plane.create(Nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-2' } })
  await plane.seconds(30)
  expect(plane.find(Pods, 'lost')).toBeUndefined()
  expect(plane.find(Pods, 'saved')).toBeDefined()
  await plane[Symbol.asyncDispose]()
})

test('of ended pods only so many are kept, the youngest', async () => {
  const { plane } = await world(1)
  for (let at = 0; at < 6; at++) {
    await run(plane, `job-${at}`, 'node-1')
    await plane.seconds(1)
  }
  for (let at = 0; at < 6; at++) await plane.patch(Pods, `job-${at}`, { status: { phase: 'Succeeded' } }, 'status')
  await plane.settle()
  expect(plane.list(Pods).map(({ metadata }) => metadata.name)).toEqual(['job-3', 'job-4', 'job-5'])
  await plane[Symbol.asyncDispose]()
})

test('a pod that is being deleted and has no node goes, whatever holds it back', async () => {
  const { plane } = await world(1)
  const finalizers = ['example.com/hold']
  const held = pod('held')
  await plane.create(Pods, { ...held, metadata: { ...held.metadata, finalizers } })
  await plane.client.of(Pods).delete({ name: 'held', namespace: 'default' })
  await plane.settle()
  expect(plane.get(Pods, 'held').status.phase).toBe('Failed')
  await plane.patch(Pods, 'held', { metadata: { finalizers: null } })
  await plane.settle()
  expect(plane.list(Pods)).toEqual([])
  await plane[Symbol.asyncDispose]()
})
