// POST …/scheduling: what the scheduler would say, asked over HTTP; nothing is written by asking.

import { expect, test } from 'vitest'
import { Pods } from '../../src/kinds/index.ts'
import { testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { openOwnDoor } from './own-door.ts'

const asking = (cpu: string, more: object = {}) =>
  pod('web', { containers: [{ name: 'main', image: 'nginx', resources: { requests: { cpu } } }], ...more })

const verdict = (json: any, node: string) => json.nodes.find(({ name }: { name: string }) => name === node)

test('a pod that waits: which rules refuse which node, and in which words; asking writes nothing', async () => {
  await using cluster = await testCluster({ nodes: 3 })
  await cluster.apply(asking('1000', { nodeSelector: { disk: 'ssd' } }))
  await using door = await openOwnDoor(cluster)
  await cluster.env.activity.idle()
  const { revision } = cluster.cluster.storage
  const { code, json } = await door.post('scheduling', { pod: { name: 'web' } })
  expect([code, json.kind, json.scheduler, json.best]).toEqual([200, 'SchedulingAnswer', 'default-scheduler', []])
  expect(json.nodes.map(({ name, fits }: any) => [name, fits])).toEqual([
    ['node-1', false],
    ['node-2', false],
    ['node-3', false],
  ])
  expect(verdict(json, 'node-1').refusals).toEqual([
    { plugin: 'NodeAffinity', reasons: ["node(s) didn't match Pod's node affinity/selector"], isFinal: true },
    { plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'], isFinal: true },
  ])
  expect(json.message).toBe(cluster.get(Pods, 'web').status.conditions?.[0]?.message)
  expect(cluster.cluster.storage.revision).toBe(revision)
})

test('a smaller request and a label would do: the node that wins, and what every rule gives it', async () => {
  await using cluster = await testCluster({ nodes: 3 })
  await cluster.apply(asking('1000', { nodeSelector: { disk: 'ssd' } }))
  await using door = await openOwnDoor(cluster)
  const { json } = await door.post('scheduling', {
    pod: { name: 'web' },
    changes: { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '500m' } } }] } },
    nodes: [
      { name: 'node-2', labels: { disk: 'ssd' } },
      { name: 'node-3', labels: { disk: 'ssd' }, taints: [{ key: 'slow', effect: 'PreferNoSchedule' }] },
    ],
  })
  expect(json.best).toEqual(['node-2'])
  const [two, three] = [verdict(json, 'node-2'), verdict(json, 'node-3')]
  const taint = (node: any) => node.scores.find(({ plugin }: any) => plugin === 'TaintToleration')
  expect([taint(two), taint(three)]).toEqual([
    { plugin: 'TaintToleration', raw: 0, normalised: 100, weighted: 300 },
    { plugin: 'TaintToleration', raw: 1, normalised: 0, weighted: 0 },
  ])
  for (const { scores, total } of [two, three]) {
    expect(scores.reduce((sum: number, { weighted }: any) => sum + weighted, 0)).toBe(total)
  }
  expect(verdict(json, 'node-1').refusals.map(({ plugin }: any) => plugin)).toEqual(['NodeAffinity'])
})

test('it says what the scheduler then does', async () => {
  await using cluster = await testCluster({ nodes: 4 })
  await cluster.apply(
    pod('one', { nodeName: 'node-1' }),
    pod('two', { nodeName: 'node-2' }),
    pod('three', { nodeName: 'node-4' }),
  )
  await using door = await openOwnDoor(cluster)
  const { json } = await door.post('scheduling', { manifest: pod('next') })
  expect(json.best).toEqual(['node-3'])
  await cluster.apply(pod('next'))
  expect(cluster.get(Pods, 'next').spec.nodeName).toBe('node-3')
  const again = await door.post('scheduling', { pod: { name: 'next' } })
  expect([again.json.pod.node, again.json.best]).toEqual(['node-3', ['node-3']])
  const gone = await door.post('scheduling', { pod: { name: 'next' }, nodes: [{ name: 'node-3', gone: true }] })
  expect(gone.json.best).toEqual(['node-1', 'node-2', 'node-4'])
})

test('of a pod that runs, what it would ask for counts, not what its node has given it', async () => {
  await using cluster = await testCluster({ nodes: 2, delays: 0 })
  const containers = [{ name: 'main', image: 'nginx', resources: { requests: { cpu: '6' } } }]
  await cluster.apply(asking('6'), pod('other', { nodeName: 'node-1', containers }))
  await cluster.settle()
  expect(cluster.get(Pods, 'web').status.containerStatuses?.[0]?.resources?.requests).toEqual({ cpu: '6' })
  await using door = await openOwnDoor(cluster)
  const smaller = { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '500m' } } }] } }
  const { json } = await door.post('scheduling', { pod: { name: 'web' }, changes: smaller })
  expect(json.nodes.map(({ fits }: any) => fits)).toEqual([true, true])
})

test('a cordon, a smaller node, and a node more', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await using door = await openOwnDoor(cluster)
  const { json } = await door.post('scheduling', {
    manifest: asking('2'),
    nodes: [
      { name: 'node-1', unschedulable: true },
      { name: 'node-2', allocatable: { cpu: '1' } },
      { name: 'extra', like: 'node-1' },
    ],
  })
  expect(json.best).toEqual(['extra'])
  expect(verdict(json, 'node-1').refusals.map(({ plugin, reasons }: any) => [plugin, ...reasons])).toEqual([
    ['NodeUnschedulable', 'node(s) were unschedulable'],
    ['TaintToleration', 'node(s) had untolerated taint(s)'],
  ])
  expect(verdict(json, 'node-2').refusals).toEqual([
    { plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'], isFinal: true },
  ])
})

test('every way to make room is told, and the one that does the least harm', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  const big = (name: string, nodeName: string, priorityClassName?: string) => {
    const containers = [{ name: 'main', image: 'nginx', resources: { requests: { cpu: '7' } } }]
    return pod(name, { containers, nodeName, ...(priorityClassName ? { priorityClassName } : {}) })
  }
  await cluster.apply(
    { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'low' }, value: 10 } as never,
    { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 } as never,
  )
  await cluster.apply(big('a', 'node-1', 'low'), big('b', 'node-2'))
  await using door = await openOwnDoor(cluster)
  const question = { manifest: asking('4', { priorityClassName: 'high' }) }
  const { json } = await door.post('scheduling', question)
  expect(json.best).toEqual([])
  expect(json.preemption).toEqual({
    node: 'node-2',
    ways: expect.arrayContaining([
      { node: 'node-1', victims: ['default/a'], brokenBudgets: 0 },
      { node: 'node-2', victims: ['default/b'], brokenBudgets: 0 },
    ]),
  })
})

test('as of an earlier revision', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(asking('6'))
  await using door = await openOwnDoor(cluster)
  const then = cluster.cluster.storage.revision
  await cluster.client.of(Pods).delete({ name: 'web', namespace: 'default' }, { gracePeriodSeconds: 0 })
  const question = { manifest: { ...asking('6'), metadata: { name: 'next', namespace: 'default' } } }
  expect((await door.post('scheduling', question)).json.best).toEqual(['node-1'])
  const past = await door.post('scheduling', { ...question, at: String(then) })
  expect([past.json.revision, past.json.best]).toEqual([then, []])
  expect((await door.post('scheduling', { pod: { name: 'web' }, at: String(then) })).json.pod.node).toBe('node-1')
})

test('gates are told of; a rule against the pod itself stands for all nodes', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await using door = await openOwnDoor(cluster)
  const gated = await door.post('scheduling', {
    manifest: pod('web', { schedulingGates: [{ name: 'example.com/wait' }] }),
  })
  expect(gated.json.gates).toEqual(['example.com/wait'])
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'none' } }]
  const { json } = await door.post('scheduling', { manifest: pod('web', { volumes }) })
  expect(json.refusal).toMatchObject({ reasons: ['persistentvolumeclaim "none" not found'] })
  expect(json.nodes.every(({ fits, refusals }: any) => !fits && refusals.length === 0)).toBe(true)
})

test.each([
  [{}, 400, 'which pod?'],
  [{ pod: { name: 'x' }, manifest: {} }, 400, 'which pod?'],
  [{ pod: { name: 'nobody' } }, 404, 'pods "nobody" not found'],
  [{ manifest: { kind: 'Service' } }, 400, '"manifest" is a Pod, not a Service'],
  [
    { manifest: pod('x'), nodes: [{ name: 'node-1', allocatable: { cpu: 'much' } }] },
    400,
    '"nodes" is a list of changes',
  ],
  [{ manifest: pod('x'), nodes: [{ name: 'node-7' }] }, 404, 'nodes "node-7" not found'],
  [{ manifest: pod('x', { schedulerName: 'mine' }) }, 400, 'no scheduler here is named "mine"'],
  [{ manifest: pod('x', { containers: [] }) }, 422, 'spec.containers: Required value'],
  [{ manifest: pod('x'), changes: { spec: { containers: 3 } } }, 400, 'cannot unmarshal number'],
  [{ manifest: pod('x'), at: 'once' }, 400, '"once" is no point in time'],
])('%j is refused', async (body, code, words) => {
  await using cluster = await testCluster({ nodes: 1 })
  await using door = await openOwnDoor(cluster)
  const answer = await door.post('scheduling', body)
  expect([answer.code, answer.json.message]).toEqual([code, expect.stringContaining(words)])
})
