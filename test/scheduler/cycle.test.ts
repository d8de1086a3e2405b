// A cycle as a whole: who is chosen, what is said when nobody is (FitError in pkg/scheduler/framework/types.go), and that
// nothing it does ever puts more on a node than fits.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide, nodesToFind } from '../../scheduler/cycle.ts'
import { plugins } from '../../scheduler/plugins/index.ts'
import { cycle, node, pod, world } from './world.ts'

describe('the message when no node will have a pod', () => {
  const cordoned = { spec: { unschedulable: true } }
  test('counts the reasons, each node by its first, and says what preemption could do', () => {
    const snapshot = world(
      [node('a'), node('b', cordoned), node('c', cordoned)],
      [['a', pod('x', { requests: { cpu: '3' } })]],
    )
    expect(cycle(pod('p', { requests: { cpu: '2' } }), snapshot).message).toBe(
      '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
    )
  })

  test('a pod that no empty node could hold is beyond the help of preemption', () => {
    expect(cycle(pod('p', { requests: { cpu: '64' } }), world([node('a')])).message).toBe(
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    )
  })

  test('one node can lack several things; counts are sorted as texts', () => {
    const nodes = Array.from({ length: 12 }, (_, index) =>
      node(`n${index}`, index < 2 ? { allocatable: { memory: '1Gi' } } : cordoned),
    )
    expect(cycle(pod('p', { requests: { cpu: '8', memory: '2Gi' } }), world(nodes)).message).toMatch(
      /^0\/12 nodes are available: 10 node\(s\) were unschedulable, 2 Insufficient cpu, 2 Insufficient memory\. /,
    )
  })

  test('no nodes at all', () => {
    expect(cycle(pod('p'), world([])).message).toBe('no nodes available to schedule pods')
  })

  test('a pod that never preempts', () => {
    const wanted = pod('p', { spec: { nodeSelector: { no: 'where' }, preemptionPolicy: 'Never' } })
    expect(cycle(wanted, world([node('a')])).message).toBe(
      "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.",
    )
  })

  test('nodes that could not be meant are counted by the rule that knew', () => {
    const field = { key: 'metadata.name', operator: 'In', values: ['a'] }
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [field] }] },
      },
    }
    const decision = cycle(pod('p', { spec: { affinity } }), world([node('a', cordoned), node('b'), node('c')]))
    expect(decision.message).toMatch(
      /^0\/3 nodes are available: 1 node\(s\) were unschedulable, 2 node\(s\) didn't satisfy plugin\(s\) \[NodeAffinity\]\. .* 3 Preemption is not helpful/,
    )
    expect([...decision.refusedBy].sort()).toEqual(['NodeAffinity', 'NodeUnschedulable'])
  })
})

test('the decision says of every node who refused it or how it scored', () => {
  const snapshot = world(
    [node('a'), node('b', { spec: { unschedulable: true } }), node('c')],
    [['a', pod('x', { requests: { cpu: '2' } })]],
  )
  const decision = cycle(pod('p', { requests: { cpu: '1', memory: '2Gi' } }), snapshot)
  expect(decision.node).toBe('c')
  expect(decision.refused).toEqual([
    { node: 'b', plugin: 'NodeUnschedulable', reasons: ['node(s) were unschedulable'], isFinal: true },
  ])
  expect(decision.feasible).toEqual(['a', 'c'])
  // TaintToleration 3·100 both; fit: a (25+72)/2 = 48, c 75; balance: a 75 → 75 of 50 … by the change: a 50+(50+75-75)/2.
  const byPlugin = Object.fromEntries(decision.scores.map(({ plugin, values }) => [plugin, values]))
  expect(byPlugin.TaintToleration).toEqual([100, 100])
  expect(byPlugin.NodeResourcesFit).toEqual([48, 75])
  expect(decision.totals).toEqual(
    [0, 1].map(at => decision.scores.reduce((sum, { weight, values }) => sum + weight * values[at]!, 0)),
  )
})

test('a single node that fits is taken without being scored', () => {
  const decision = cycle(pod('p'), world([node('a'), node('b', { spec: { unschedulable: true } })]))
  expect(decision).toMatchObject({ node: 'a', scores: [], feasible: ['a'] })
})

test('among equals each has the same chance', () => {
  const snapshot = world([node('a'), node('b'), node('c')])
  // The die is drawn once for the second and once for the third node of the same score.
  const chosen = (...draws: number[]) => decide(pod('p'), snapshot, plugins, { fraction: () => draws.shift()! }).node
  expect(chosen(0.6, 0.4)).toBe('a')
  expect(chosen(0.4, 0.4)).toBe('b')
  expect(chosen(0.6, 0.3)).toBe('c')
})

test.each([
  [3, 3],
  [99, 99],
  [100, 100],
  [200, 100],
  [1000, 420],
  [5000, 500],
  [10_000, 500],
])('of %d nodes %d are enough (schedule_one.go: numFeasibleNodesToFind)', (count, enough) => {
  expect(nodesToFind(count)).toBe(enough)
})

test('a search that stops early goes on from there the next time', () => {
  const snapshot = world(Array.from({ length: 300 }, (_, index) => node(`n${index}`)))
  const first = decide(pod('p'), snapshot, plugins, { fraction: () => 0, start: 0 })
  expect([first.feasible.length, first.feasible[0], first.next]).toEqual([144, 'n0', 144])
  const second = decide(pod('p'), snapshot, plugins, { fraction: () => 0, start: first.next })
  expect(second.feasible[0]).toBe('n144')
  expect(decide(pod('p'), snapshot, plugins, { fraction: () => 0, start: second.next }).feasible[0]).toBe('n288')
})

test('nodes are tried zone by zone in turn', () => {
  const inZone = (name: string, zone: string) => node(name, { labels: { 'topology.kubernetes.io/zone': zone } })
  const snapshot = world([
    inZone('a1', 'a'),
    inZone('a2', 'a'),
    inZone('a3', 'a'),
    inZone('b1', 'b'),
    inZone('b2', 'b'),
  ])
  expect(snapshot.nodes.map(({ name }) => name)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3'])
})

describe('for any cluster and any pods', () => {
  const aPod = fc.record({
    cpu: fc.integer({ min: 0, max: 3000 }),
    memory: fc.integer({ min: 0, max: 4096 }),
    port: fc.option(fc.integer({ min: 8080, max: 8082 }), { freq: 4 }),
    app: fc.constantFrom('web', 'api'),
    isSpread: fc.boolean(),
    leaves: fc.boolean(),
  })
  const aNode = fc.record({
    cpu: fc.integer({ min: 1, max: 4 }),
    pods: fc.integer({ min: 1, max: 5 }),
    zone: fc.constantFrom('a', 'b'),
  })

  test('no node is given more than it has, no port twice, no zone runs ahead, and a refusal is the truth', () => {
    fc.assert(
      fc.property(
        fc.array(aNode, { minLength: 1, maxLength: 5 }),
        fc.array(aPod, { maxLength: 25 }),
        (shapes, wishes) => {
          const zones = shapes.map(({ zone }) => zone)
          const snapshot = world(
            shapes.map(({ cpu, pods, zone }, index) =>
              node(`n${index}`, {
                labels: { zone },
                allocatable: { cpu: String(cpu), memory: '8Gi', pods: String(pods) },
              }),
            ),
          )
          const placed: { name: string; at: number; wish: (typeof wishes)[number]; object: ReturnType<typeof pod> }[] =
            []
          wishes.forEach((wish, index) => {
            const ports = wish.port === null ? {} : { ports: [{ containerPort: 1, hostPort: wish.port }] }
            const resources = { requests: { cpu: `${wish.cpu}m`, memory: `${wish.memory}Mi` } }
            const spread = [
              {
                maxSkew: 1,
                topologyKey: 'zone',
                whenUnsatisfiable: 'DoNotSchedule',
                labelSelector: { matchLabels: { app: wish.app } },
              },
            ]
            const object = pod(`p${index}`, {
              labels: { app: wish.app },
              spec: {
                containers: [{ name: 'main', image: 'x', resources, ...ports }],
                ...(wish.isSpread && { topologySpreadConstraints: spread }),
              },
            })
            const before = (at: number) => placed.filter(each => each.at === at)
            const inZone = (zone: string) =>
              placed.filter(each => zones[each.at] === zone && each.wish.app === wish.app).length
            const least = Math.min(...[...new Set(zones)].map(inZone))
            const fits = (at: number): boolean => {
              const there = before(at)
              const sum = (of: 'cpu' | 'memory') => there.reduce((total, each) => total + each.wish[of], wish[of])
              return (
                there.length < shapes[at]!.pods &&
                sum('cpu') <= shapes[at]!.cpu * 1000 &&
                sum('memory') <= 8192 &&
                (wish.port === null || there.every(each => each.wish.port !== wish.port)) &&
                (!wish.isSpread || inZone(zones[at]!) + 1 - least <= 1)
              )
            }
            const decision = cycle(object, snapshot)
            const fitting = shapes.map((_, at) => at).filter(fits)
            expect([...decision.feasible].sort()).toEqual(fitting.map(at => `n${at}`))
            expect(decision.node === undefined).toBe(fitting.length === 0)
            if (decision.node !== undefined) {
              const at = Number(decision.node.slice(1))
              snapshot.putPod(object, decision.node)
              placed.push({ name: object.metadata.name, at, wish, object })
            }
            if (wish.leaves && placed.length > 0) snapshot.removePod(placed.shift()!.object)
          })
          for (const view of snapshot.nodes) {
            const there = placed.filter(each => `n${each.at}` === view.name)
            expect(view.podCount).toBe(there.length)
            expect(view.requested.milliCpu).toBe(there.reduce((total, { wish }) => total + wish.cpu, 0))
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})
