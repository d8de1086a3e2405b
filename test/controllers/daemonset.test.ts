// DaemonSets on simulated nodes: which nodes, rolling updates, failures. Rules: pkg/controller/daemon/*_test.go and the page
// concepts/workloads/controllers/daemonset.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { daemonSetController } from '../../controllers/daemonset.ts'
import { type NodeOfDaemons, rollingStep, standingOn } from '../../controllers/shared/daemon-pods.ts'
import type { DaemonSet, DaemonSetSpec, Node, Pod, PodSpec } from '../../generated/types.ts'
import { ApiError } from '../../src/api/errors.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { controllerOf } from '../../src/api/owners.ts'
import { ControllerRevisions, DaemonSets, Nodes, Pods } from '../../src/kinds/index.ts'
import { createManager } from '../../src/runtime/manager.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { type ControlPlane, controlPlane, podStarter } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'

type Wanted = Partial<DaemonSetSpec> & { image?: string; pod?: Partial<PodSpec> }

function daemonSet({ image = 'nginx', pod = {}, ...spec }: Wanted = {}): NewObject<DaemonSet> {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent', namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: 'agent' } },
      template: { metadata: { labels: { app: 'agent' } }, spec: { containers: [{ name: 'main', image }], ...pod } },
      ...spec,
    },
  }
}

const now = (cluster: TestCluster): Frozen<DaemonSet> => cluster.get(DaemonSets, 'agent')
const nodesOf = (cluster: TestCluster): string[] =>
  cluster
    .pods()
    .map(({ spec }) => spec.nodeName ?? '')
    .sort()
const images = (cluster: TestCluster): string[] => cluster.pods().map(({ spec }) => spec.containers[0]!.image!)
const patch = (cluster: TestCluster, spec: object) =>
  cluster.client.of(DaemonSets).patch({ name: 'agent', namespace: 'default' }, { type: 'merge', body: { spec } })
const patchNode = (cluster: TestCluster, name: string, body: object) =>
  cluster.client.of(Nodes).patch({ name }, { type: 'merge', body })
const setImage = (cluster: TestCluster, image: string) =>
  patch(cluster, { template: { spec: { containers: [{ name: 'main', image }] } } })
const isRolledOut =
  (cluster: TestCluster, count = 3) =>
  () => {
    const { status, metadata } = now(cluster)
    return (
      status.observedGeneration === metadata.generation &&
      status.updatedNumberScheduled === count &&
      status.numberAvailable === count &&
      cluster.pods().length === count
    )
  }

describe('a pod on every node', () => {
  test('is meant for it by name, tolerates its troubles, and is counted', async () => {
    await using cluster = await testCluster()
    await cluster.apply(daemonSet())
    await cluster.until(isRolledOut(cluster))
    expect(nodesOf(cluster)).toEqual(['node-1', 'node-2', 'node-3'])
    const [revision] = cluster.list(ControllerRevisions)
    const hash = revision!.metadata.labels!['controller-revision-hash']!
    expect(revision).toMatchObject({ revision: 1, metadata: { name: `agent-${hash}` } })
    for (const { spec, metadata } of cluster.pods()) {
      const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [spec.nodeName] }] }]
      expect(spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms).toEqual(
        terms,
      )
      expect(spec.tolerations?.map(({ key, operator, effect }) => `${key} ${operator} ${effect}`)).toEqual([
        'node.kubernetes.io/not-ready Exists NoExecute',
        'node.kubernetes.io/unreachable Exists NoExecute',
        'node.kubernetes.io/disk-pressure Exists NoSchedule',
        'node.kubernetes.io/memory-pressure Exists NoSchedule',
        'node.kubernetes.io/pid-pressure Exists NoSchedule',
        'node.kubernetes.io/unschedulable Exists NoSchedule',
      ])
      expect(metadata.labels).toEqual({
        app: 'agent',
        'controller-revision-hash': hash,
        'pod-template-generation': '1',
      })
      expect(metadata.generateName).toBe('agent-')
    }
    expect(now(cluster).status).toEqual({
      currentNumberScheduled: 3,
      desiredNumberScheduled: 3,
      numberMisscheduled: 0,
      numberReady: 3,
      numberAvailable: 3,
      updatedNumberScheduled: 3,
      observedGeneration: 1,
    })
    const made = cluster.pods().map(({ metadata }) => `SuccessfulCreate: Created pod: ${metadata.name}`)
    expect(cluster.events('agent').sort()).toEqual(made.sort())
  })

  test('follows the labels of nodes', async () => {
    await using cluster = await testCluster()
    await cluster.apply(daemonSet({ pod: { nodeSelector: { disk: 'ssd' } } }))
    await cluster.advance('5s')
    expect(cluster.pods()).toEqual([])
    expect(now(cluster).status).toMatchObject({ desiredNumberScheduled: 0, observedGeneration: 1 })
    await patchNode(cluster, 'node-2', { metadata: { labels: { disk: 'ssd' } } })
    await cluster.until(isRolledOut(cluster, 1))
    expect(nodesOf(cluster)).toEqual(['node-2'])
    await patchNode(cluster, 'node-2', { metadata: { labels: { disk: null } } })
    await cluster.until(() => cluster.pods().length === 0)
  })

  test('leaves a node whose NoExecute taint it does not stand, stays where it only may not begin', async () => {
    await using cluster = await testCluster()
    await cluster.apply(daemonSet())
    await cluster.until(isRolledOut(cluster))
    const taint = (effect: string) => ({ spec: { taints: [{ key: 'mine', value: 'yes', effect }] } })
    await patchNode(cluster, 'node-1', taint('NoSchedule'))
    await cluster.advance('10s')
    expect(nodesOf(cluster)).toEqual(['node-1', 'node-2', 'node-3'])
    expect(now(cluster).status).toMatchObject({ desiredNumberScheduled: 2, numberMisscheduled: 1 })
    await patchNode(cluster, 'node-1', taint('NoExecute'))
    await cluster.until(() => nodesOf(cluster).join() === 'node-2,node-3')
    await cluster.advance('10s')
    expect(now(cluster).status).toMatchObject({ desiredNumberScheduled: 2, numberMisscheduled: 0 })
  })

  test('stays on a cordoned node, and comes to it', async () => {
    await using cluster = await testCluster()
    await patchNode(cluster, 'node-3', { spec: { unschedulable: true } })
    await cluster.apply(daemonSet())
    await cluster.until(isRolledOut(cluster))
  })

  test('comes to a new node, and one that is gone is not counted', async () => {
    await using cluster = await testCluster({ nodes: 2 })
    await cluster.apply(daemonSet())
    await cluster.until(isRolledOut(cluster, 2))
    await cluster.client.of(Nodes).delete({ name: 'node-2' })
    await cluster.advance('2m')
    expect(now(cluster).status.desiredNumberScheduled).toBe(cluster.list(Nodes).length)
    expect(cluster.pods().map(({ spec }) => spec.nodeName)).toEqual(
      cluster.list(Nodes).map(({ metadata }) => metadata.name),
    )
  })

  test('that fails is replaced, the second time only after a while, and says so', async () => {
    await using plane = await controlPlane([daemonSetController(), podStarter()])
    await addNode(plane, 'only')
    await plane.create(DaemonSets, daemonSet())
    await plane.seconds(5)
    const fail = async () => {
      const { name } = plane.list(Pods)[0]!.metadata
      await plane.patch(Pods, name, { status: { phase: 'Failed' } }, 'status')
      return name
    }
    const first = await fail()
    await plane.settle()
    expect(plane.find(Pods, first)).toBeUndefined()
    expect(plane.events('agent')).toContain(
      `FailedDaemonPod: Found failed daemon pod default/${first} on node only, will try to kill it`,
    )
    await plane.seconds(5)
    const second = await fail()
    await plane.settle()
    expect(plane.find(Pods, second)).toBeUndefined()
    const third = await fail()
    await plane.seconds(1)
    expect(plane.find(Pods, third)).toBeDefined()
    await plane.seconds(3)
    expect(plane.find(Pods, third)).toBeUndefined()
    expect(plane.list(Pods)).toHaveLength(1)
  })
})

describe('updates', () => {
  test('go node by node, one unavailable at a time', async () => {
    await using cluster = await testCluster()
    await cluster.apply(daemonSet())
    await cluster.until(isRolledOut(cluster))
    await setImage(cluster, 'nginx:2')
    let least = 3
    await cluster.until(() => {
      least = Math.min(least, now(cluster).status.numberAvailable ?? 0)
      return isRolledOut(cluster)() && images(cluster).every(image => image === 'nginx:2')
    })
    expect(least).toBe(2)
    expect(
      cluster
        .list(ControllerRevisions)
        .map(({ revision }) => revision)
        .sort(),
    ).toEqual([1, 2])
    await setImage(cluster, 'nginx')
    await cluster.until(() => isRolledOut(cluster)() && images(cluster).every(image => image === 'nginx'))
    expect(
      cluster
        .list(ControllerRevisions)
        .map(({ revision }) => revision)
        .sort(),
    ).toEqual([2, 3])
  })

  test('with surge the new pod comes before the old one goes', async () => {
    await using cluster = await testCluster()
    const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
    await cluster.apply(daemonSet({ updateStrategy }))
    await cluster.until(isRolledOut(cluster))
    await setImage(cluster, 'nginx:2')
    let [least, most] = [3, 0]
    await cluster.until(() => {
      least = Math.min(least, now(cluster).status.numberAvailable ?? 0)
      const active = cluster.pods().filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      most = Math.max(most, active.length)
      return isRolledOut(cluster)() && images(cluster).every(image => image === 'nginx:2')
    })
    expect([least, most]).toEqual([3, 4])
  })

  test('OnDelete waits for somebody to delete the pods', async () => {
    await using cluster = await testCluster()
    await cluster.apply(daemonSet({ updateStrategy: { type: 'OnDelete' } }))
    await cluster.until(isRolledOut(cluster))
    await setImage(cluster, 'nginx:2')
    await cluster.advance('2m')
    expect(now(cluster).status.updatedNumberScheduled).toBeUndefined()
    await cluster.client.of(Pods).delete(cluster.pods()[0]!.metadata)
    await cluster.advance('1m')
    expect(images(cluster).sort()).toEqual(['nginx', 'nginx', 'nginx:2'])
    expect(now(cluster).status.updatedNumberScheduled).toBe(1)
  })

  test('a broken template takes one node, and a good one repairs it', async () => {
    await using cluster = await testCluster()
    await cluster.apply(daemonSet())
    await cluster.until(isRolledOut(cluster))
    await setImage(cluster, 'does-not-exist.invalid/none')
    await cluster.advance('5m')
    expect(now(cluster).status).toMatchObject({ numberAvailable: 2, numberUnavailable: 1, updatedNumberScheduled: 1 })
    await setImage(cluster, 'nginx')
    await cluster.until(isRolledOut(cluster))
  })

  test('history is kept to its limit', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    await cluster.apply(daemonSet({ revisionHistoryLimit: 1 }))
    for (let version = 2; version < 6; version++) {
      await setImage(cluster, `nginx:${version}`)
      await cluster.until(() => isRolledOut(cluster, 1)() && images(cluster)[0] === `nginx:${version}`)
    }
    await cluster.advance('10s')
    expect(
      cluster
        .list(ControllerRevisions)
        .map(({ revision }) => revision)
        .sort(),
    ).toEqual([4, 5])
  })
})

test('orphaned pods and history are adopted, and nothing is made anew', async () => {
  await using cluster = await testCluster()
  await cluster.apply(daemonSet())
  await cluster.until(isRolledOut(cluster))
  const uids = cluster.pods().map(({ metadata }) => metadata.uid)
  await cluster.client.of(DaemonSets).delete({ name: 'agent', namespace: 'default' }, { propagationPolicy: 'Orphan' })
  await cluster.advance('10s')
  await cluster.apply(daemonSet())
  await cluster.until(isRolledOut(cluster))
  expect(cluster.pods().map(({ metadata }) => metadata.uid)).toEqual(uids)
  expect(cluster.pods().map(pod => controllerOf(pod)?.uid)).toEqual(Array(3).fill(now(cluster).metadata.uid))
  expect(cluster.list(ControllerRevisions)).toHaveLength(1)
})

/** A node comes with a taint until it is ready. */
async function addNode(plane: ControlPlane, name: string): Promise<void> {
  await plane.create(Nodes, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: {},
  } as unknown as NewObject<Node>)
  await plane.patch(Nodes, name, { spec: { taints: null } })
}

test('killed in mid-work, with watches late and lost, there is never more than one pod a node', async () => {
  const faults = new Faults()
  await using plane = await controlPlane([podStarter()])
  for (let number = 0; number < 12; number++) await addNode(plane, `n-${number}`)
  await plane.create(DaemonSets, daemonSet())
  const crowded = watchCrowding(plane)
  for (let life = 0; life < 6; life++) {
    const manager = createManager(plane.env, faults.wrap(plane.client), [daemonSetController()])
    await manager.start()
    if (life % 2) faults.hold(Pods)
    for (let turn = 0; turn < 3 * life; turn++) await new Promise(resolve => setImmediate(resolve))
    faults.breakWatches(life % 3 ? new ApiError('Expired', 'gone') : undefined)
    faults.letGo(Pods)
    await manager.close()
  }
  const last = createManager(plane.env, plane.client, [daemonSetController()])
  await last.start()
  await plane.seconds(30)
  expect(plane.list(Pods)).toHaveLength(12)
  expect(plane.get(DaemonSets, 'agent').status.numberAvailable).toBe(12)
  expect(crowded()).toBe(1)
  await last.close()
})

function watchCrowding(plane: ControlPlane): () => number {
  let most = 0
  plane.storage.subscribe('/registry/core/pods/', plane.storage.revision, () => {
    const counts = new Map<string, number>()
    for (const { spec } of plane.list(Pods)) {
      const key = JSON.stringify(spec.affinity)
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    most = Math.max(most, ...counts.values())
  })
  return () => most
}

// pkg/controller/daemon/daemon_controller_test.go, TestNodeShouldRunDaemonPod.
test.each<[string, Partial<PodSpec>, object, { runs: boolean; stays: boolean }]>([
  ['plain', {}, {}, { runs: true, stays: true }],
  ['of another name', { nodeName: 'other' }, {}, { runs: false, stays: false }],
  ['without the label', { nodeSelector: { a: 'b' } }, {}, { runs: false, stays: false }],
  [
    'not ready',
    {},
    { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }] },
    { runs: true, stays: true },
  ],
  [
    'without network',
    {},
    { taints: [{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }] },
    { runs: false, stays: true },
  ],
  [
    'without network, of a pod that needs none',
    { hostNetwork: true },
    { taints: [{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }] },
    { runs: true, stays: true },
  ],
  ['that would rather not', {}, { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] }, { runs: true, stays: true }],
  [
    'that throws out',
    {},
    {
      taints: [
        { key: 'x', effect: 'NoSchedule' },
        { key: 'y', effect: 'NoExecute' },
      ],
    },
    { runs: false, stays: false },
  ],
])('a node %s', (_, pod, spec, expected) => {
  const ds = daemonSet({ pod }) as unknown as Frozen<DaemonSet>
  expect(standingOn(ds)({ metadata: { name: 'n' }, spec } as unknown as Frozen<Node>)).toEqual(expected)
})

describe('a step of a rolling update', () => {
  const look = fc.record({
    old: fc.constantFrom('none', 'sick', 'well'),
    fresh: fc.constantFrom('none', 'sick', 'well'),
    runs: fc.constant(true),
  })
  const pod = (name: string, hash: string, state: string): Frozen<Pod>[] =>
    state === 'none'
      ? []
      : [
          {
            metadata: { name, labels: { 'controller-revision-hash': hash } },
            spec: {},
            status: { conditions: [{ type: 'Ready', status: state === 'well' ? 'True' : 'False' }] },
          } as unknown as Frozen<Pod>,
        ]
  const nodes = fc.array(look, { minLength: 1, maxLength: 12 }).map(looks =>
    looks.map(
      ({ old, fresh, runs }, at): NodeOfDaemons => ({
        name: `n-${at}`,
        runs,
        pods: [...pod(`old-${at}`, 'before', old), ...pod(`new-${at}`, 'after', fresh)],
      }),
    ),
  )
  const isWell = ({ status }: Frozen<Pod>): boolean => status.conditions![0]!.status === 'True'

  test('never makes more unavailable than allowed, beyond what is already', () => {
    fc.assert(
      fc.property(nodes, fc.integer({ min: 1, max: 5 }), (list, maxUnavailable) => {
        const ds = daemonSet({
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge: 0 } },
        })
        const { toDelete, toCreate } = rollingStep(ds as unknown as Frozen<DaemonSet>, list, 'after', 0)
        expect(toCreate).toEqual([])
        for (const { metadata } of toDelete) expect(metadata.name).toMatch(/^old-/)
        const available = list.filter(({ pods }) => pods.some(isWell)).length
        const gone = toDelete.filter(isWell).length
        if (gone > 0)
          expect(list.length - (available - gone)).toBeLessThanOrEqual(
            maxUnavailable + list.filter(({ pods }) => pods.length === 2).length,
          )
      }),
    )
  })

  test('with surge never takes an available pod before there is another, and never surges beyond what is allowed', () => {
    fc.assert(
      fc.property(nodes, fc.integer({ min: 1, max: 5 }), (list, maxSurge) => {
        const ds = daemonSet({
          updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge } },
        })
        const { toDelete, toCreate } = rollingStep(ds as unknown as Frozen<DaemonSet>, list, 'after', 0)
        for (const { metadata } of toDelete) {
          const at = list.find(({ pods }) => pods.some(each => each.metadata.name === metadata.name))!
          expect(at.pods.some(each => each.metadata.name.startsWith('new-') && isWell(each))).toBe(true)
        }
        const besideWell = toCreate.filter(name => list.find(each => each.name === name)!.pods.some(isWell))
        const surging = list.filter(({ pods }) => pods.length === 2 && !isWell(pods[1]!)).length
        expect(besideWell.length).toBeLessThanOrEqual(Math.max(0, maxSurge - surging))
      }),
    )
  })
})
