// Preemption: who has to go, from where, and when nobody (pkg/scheduler/framework/preemption/preemption.go and
// plugins/defaultpreemption/default_preemption.go, 1.36); then the same in a whole cluster.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isReady } from '../../controllers/shared/pods.ts'
import type { Pod, PodDisruptionBudget } from '../../generated/types.ts'
import { decide } from '../../scheduler/cycle.ts'
import { plugins } from '../../scheduler/plugins/index.ts'
import type { LiveSnapshot } from '../../scheduler/snapshot.ts'
import { freeze } from '../../src/api/freeze.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { PriorityClasses } from '../../src/kinds/priorityclass.ts'
import { testCluster } from '../support/cluster.ts'
import { pod as podObject } from '../support/objects.ts'
import { cycle, listerOf, node, type PodWish, pod, world } from './world.ts'

const withPriority = (name: string, priority: number, cpu: string, more: PodWish = {}): Frozen<Pod> =>
  pod(name, { requests: { cpu }, ...more, spec: { priority, ...more.spec } })
const urgent = (cpu: string, more: PodWish = {}): Frozen<Pod> => withPriority('urgent', 1000, cpu, more)
const victims = (wanted: Frozen<Pod>, snapshot: LiveSnapshot): unknown => {
  const { nomination } = cycle(wanted, snapshot)
  return nomination && [nomination.node, ...nomination.victims.map(({ metadata }) => metadata.name)]
}
const budget = (
  name: string,
  app: string,
  disruptionsAllowed: number,
  more: object = {},
): Frozen<PodDisruptionBudget> =>
  freeze({
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: 'default' },
    spec: { selector: { matchLabels: { app } } },
    status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, ...more },
  }) as unknown as Frozen<PodDisruptionBudget>
const under = (...budgets: Frozen<PodDisruptionBudget>[]) => ({ lister: () => listerOf(budgets) as never })

describe('who has to go', () => {
  test('as few as make room, the least important first; the message then ends with the reasons', () => {
    const snapshot = world(
      [node('a')],
      [
        ['a', withPriority('low', 1, '2')],
        ['a', withPriority('lower', 0, '1')],
        ['a', withPriority('lowest', -5, '1')],
      ],
    )
    const decision = cycle(urgent('2'), snapshot)
    expect(decision.node).toBeUndefined()
    expect(victims(urgent('2'), snapshot)).toEqual(['a', 'lower', 'lowest'])
    expect(decision.message).toBe('0/1 nodes are available: 1 Insufficient cpu.')
    // Only thought: everybody is still there.
    expect(snapshot.node('a')!.podCount).toBe(3)
    expect(snapshot.node('a')!.requested.milliCpu).toBe(4000)
  })

  test('the one that began last, of two alike', () => {
    const at = (startTime: string): PodWish => ({ status: { startTime } })
    const snapshot = world(
      [node('a')],
      [
        ['a', withPriority('old', 0, '2', at('2026-01-01T00:00:00Z'))],
        ['a', withPriority('new', 0, '2', at('2026-01-02T00:00:00Z'))],
      ],
    )
    expect(victims(urgent('2'), snapshot)).toEqual(['a', 'new'])
  })

  test('nobody of the same or a higher priority, nor where it would not help', () => {
    const snapshot = world(
      [node('a'), node('b'), node('c', { spec: { unschedulable: true } })],
      [
        ['a', withPriority('equal', 1000, '4')],
        ['b', withPriority('higher', 2000, '3')],
        ['b', withPriority('small', 0, '500m')],
        ['c', withPriority('there', 0, '4')],
      ],
    )
    const decision = cycle(urgent('2'), snapshot)
    expect(decision.nomination).toEqual({ node: '', victims: [] })
    expect(decision.message).toBe(
      '0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 1 Insufficient cpu, 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
    )
  })

  test('nobody for a pod that never preempts', () => {
    const snapshot = world([node('a')], [['a', withPriority('low', 0, '4')]])
    const polite = urgent('2', { spec: { preemptionPolicy: 'Never' } })
    expect(cycle(polite, snapshot).message).toMatch(/ preemption: not eligible due to preemptionPolicy=Never\.$/)
    expect(cycle(polite, snapshot).nomination).toBeUndefined()
  })

  test('the pod with a host port, or whose anti-affinity is in the way, or that makes a zone too full', () => {
    const port = { containers: [{ name: 'main', image: 'x', ports: [{ containerPort: 80, hostPort: 80 }] }] }
    const holder = pod('holder', { spec: { priority: 0, ...port } })
    const other = withPriority('other', 0, '1')
    expect(
      victims(
        pod('p', { spec: { priority: 5, ...port } }),
        world(
          [node('a')],
          [
            ['a', other],
            ['a', holder],
          ],
        ),
      ),
    ).toEqual(['a', 'holder'])

    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } }
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
    const hermit = pod('hermit', { spec: { priority: 0, affinity } })
    const web = pod('p', { labels: { app: 'web' }, spec: { priority: 5 } })
    expect(
      victims(
        web,
        world(
          [node('a')],
          [
            ['a', other],
            ['a', hermit],
          ],
        ),
      ),
    ).toEqual(['a', 'hermit'])

    const topologySpreadConstraints = [
      {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { app: 'web' } },
      },
    ]
    const nodes = [
      node('a', { labels: { zone: 'a' } }),
      node('b', { labels: { zone: 'b' }, allocatable: { pods: '0' } }),
    ]
    const member = pod('member', { labels: { app: 'web' }, spec: { priority: 0 } })
    const joining = pod('p', { labels: { app: 'web' }, spec: { priority: 5, topologySpreadConstraints } })
    expect(
      victims(
        joining,
        world(nodes, [
          ['a', other],
          ['a', member],
        ]),
      ),
    ).toEqual(['a', 'member'])
  })
})

describe('from where', () => {
  const lows: [string, Frozen<Pod>][] = [
    ['a', withPriority('a1', 5, '4')],
    ['b', withPriority('b1', 3, '4')],
  ]
  test('where the most important victim is the least important', () => {
    expect(victims(urgent('4'), world([node('a'), node('b')], lows))).toEqual(['b', 'b1'])
  })
  test('where the sum of priorities is least', () => {
    const snapshot = world(
      [node('a'), node('b')],
      [
        ['a', withPriority('a1', 3, '2')],
        ['a', withPriority('a2', 3, '2')],
        ['b', withPriority('b1', 3, '2')],
        ['b', withPriority('b2', 1, '2')],
      ],
    )
    expect(victims(urgent('4'), snapshot)).toEqual(['b', 'b1', 'b2'])
  })
  test('where fewer have to go, also when their priorities are negative', () => {
    const snapshot = world(
      [node('a'), node('b')],
      [
        ['a', withPriority('a1', -3, '2')],
        ['a', withPriority('a2', -3, '2')],
        ['b', withPriority('b1', -3, '4')],
      ],
    )
    expect(victims(urgent('4'), snapshot)).toEqual(['b', 'b1'])
  })
  test('where the victims have run for the shortest time', () => {
    const since = (startTime: string): PodWish => ({ status: { startTime } })
    const snapshot = world(
      [node('a'), node('b')],
      [
        ['a', withPriority('a1', 0, '4', since('2026-01-01T00:00:00Z'))],
        ['b', withPriority('b1', 0, '4', since('2026-03-01T00:00:00Z'))],
      ],
    )
    expect(victims(urgent('4'), snapshot)).toEqual(['b', 'b1'])
  })
  test('where no budget is broken, whatever else', () => {
    const snapshot = world(
      [node('a'), node('b')],
      [
        ['a', withPriority('a1', 0, '4', { labels: { app: 'db' } })],
        ['b', withPriority('b1', 900, '4')],
      ],
      under(budget('db', 'db', 0)),
    )
    expect(victims(urgent('4'), snapshot)).toEqual(['b', 'b1'])
  })
  test('on one node, whom no budget protects; a pod that the server has counted already breaks none', () => {
    const placed: [string, Frozen<Pod>][] = [
      ['a', withPriority('guarded', 0, '2', { labels: { app: 'db' } })],
      ['a', withPriority('free', 10, '2')],
    ]
    expect(victims(urgent('2'), world([node('a')], placed, under(budget('db', 'db', 0))))).toEqual(['a', 'free'])
    const counted = budget('db', 'db', 0, { disruptedPods: { guarded: '2026-01-01T00:00:00Z' } })
    expect(victims(urgent('2'), world([node('a')], placed, under(counted)))).toEqual(['a', 'guarded'])
    expect(victims(urgent('2'), world([node('a')], placed, under(budget('db', 'db', 1))))).toEqual(['a', 'guarded'])
    expect(victims(urgent('2'), world([node('a')], placed, under(budget('all', 'web', 0))))).toEqual(['a', 'guarded'])
  })
})

describe('a pod that was promised a node', () => {
  test('is asked for there first, and gets it', () => {
    const snapshot = world([node('a'), node('b')])
    snapshot.nominate(urgent('2'), 'b')
    expect(cycle(urgent('2'), snapshot)).toMatchObject({ node: 'b', feasible: ['b'] })
  })
  test('holds its room against others of its priority or below, not above', () => {
    const snapshot = world([node('a')])
    snapshot.nominate(urgent('3'), 'a')
    expect(cycle(withPriority('p', 1000, '2'), snapshot).node).toBeUndefined()
    expect(cycle(withPriority('p', 0, '2'), snapshot).node).toBeUndefined()
    expect(cycle(withPriority('p', 0, '1'), snapshot).node).toBe('a')
    expect(cycle(withPriority('p', 2000, '2'), snapshot).node).toBe('a')
    expect(snapshot.node('a')!.podCount).toBe(0)
  })
  test('is not company for those that want it before it is there', () => {
    const snapshot = world([node('a')])
    snapshot.nominate(urgent('1', { labels: { app: 'db' } }), 'a')
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } }
    const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
    expect(cycle(pod('p', { spec: { affinity } }), snapshot).node).toBeUndefined()
  })
  test('waits for those that are going', () => {
    const going = withPriority('going', 0, '4', {
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' },
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] },
    })
    const snapshot = world(
      [node('a'), node('b')],
      [
        ['a', going],
        ['b', withPriority('other', 0, '4')],
      ],
    )
    snapshot.nominate(urgent('4'), 'a')
    const decision = cycle(urgent('4'), snapshot)
    expect(decision.message).toBe(
      '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to a terminating pod on the nominated node.',
    )
    expect(decision.nomination).toBeUndefined()
  })
})

test('for any cluster, the pod fits where its victims were, none could stay, and no budget is broken without need', () => {
  const aPod = fc.record({
    at: fc.integer({ min: 0, max: 3 }),
    priority: fc.integer({ min: -2, max: 12 }),
    cpu: fc.integer({ min: 1, max: 4 }),
    app: fc.constantFrom('db', 'web', 'free'),
  })
  const allowances = fc.record({ db: fc.integer({ min: 0, max: 2 }), web: fc.integer({ min: 0, max: 2 }) })
  fc.assert(
    fc.property(
      fc.array(aPod, { maxLength: 16 }),
      allowances,
      fc.integer({ min: 1, max: 5 }),
      (wishes, allowed, cpu) => {
        const placed = wishes.map(({ at, priority, cpu: own, app }, index): [string, Frozen<Pod>] => [
          `n${at}`,
          withPriority(`p${index}`, priority, String(own), { labels: { app } }),
        ])
        const budgets = (['db', 'web'] as const).map(app => budget(app, app, allowed[app]))
        const names = ['n0', 'n1', 'n2', 'n3']
        const snapshot = world(
          names.map(name => node(name, { allocatable: { cpu: '4' } })),
          placed,
          under(...budgets),
        )
        const wanted = withPriority('wanted', 6, String(cpu))
        const { nomination, node: home } = cycle(wanted, snapshot)
        const onNode = (name: string) => placed.filter(([at]) => at === name).map(([, each]) => each)
        const cpuOf = (pods: readonly Frozen<Pod>[]) =>
          pods.reduce((sum, each) => sum + Number(each.spec.containers[0]!.resources!.requests!.cpu), 0)
        const lesser = (name: string) => onNode(name).filter(({ spec }) => spec.priority! < 6)
        const breaks = (gone: readonly Frozen<Pod>[]) =>
          (['db', 'web'] as const).some(
            app => gone.filter(({ metadata }) => metadata.labels!.app === app).length > allowed[app],
          )
        if (home !== undefined) return
        const possible = names.filter(name => cpuOf(onNode(name)) - cpuOf(lesser(name)) + cpu <= 4)
        if (possible.length === 0) {
          expect(nomination).toEqual({ node: '', victims: [] })
          return
        }
        const { node: at, victims: gone } = nomination!
        expect(possible).toContain(at)
        const rest = onNode(at).filter(each => !gone.includes(each))
        expect(cpuOf(rest) + cpu).toBeLessThanOrEqual(4)
        for (const each of gone) expect(cpuOf([...rest, each]) + cpu).toBeGreaterThan(4)
        if (!breaks(gone)) return
        // No single node has a set that is enough and breaks nothing.
        for (const name of possible) {
          const some = lesser(name)
          for (let set = 0; set < 2 ** some.length; set++) {
            const chosen = some.filter((_, index) => set & (2 ** index))
            const left = onNode(name).filter(each => !chosen.includes(each))
            if (cpuOf(left) + cpu <= 4 && !breaks(chosen)) {
              // The greedy order may still miss it, as upstream's does, when one guarded pod stands for several free ones.
              expect(chosen.length).toBeGreaterThan(1)
            }
          }
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('the same die, the same victims', () => {
  const snapshot = () =>
    world(
      Array.from({ length: 150 }, (_, index) => node(`n${index}`)),
      Array.from({ length: 150 }, (_, index) => [`n${index}`, withPriority(`p${index}`, index % 7, '4')] as const),
    )
  const at = (fraction: number) =>
    decide(urgent('2'), snapshot(), plugins, { fraction: () => fraction }).nomination?.node
  expect(at(0.5)).toBe(at(0.5))
  // The first hundred from the place the die shows have ones of priority 0, of which the first is taken.
  expect([at(0), at(0.5)]).toEqual(['n0', 'n77'])
})

describe('in a cluster', () => {
  const asking = (cpu: string, priorityClassName: string) => ({
    priorityClassName,
    terminationGracePeriodSeconds: 5,
    containers: [{ name: 'main', image: 'nginx', resources: { requests: { cpu } } }],
  })
  const priorityClass = (name: string, value: number) => ({
    apiVersion: PriorityClasses.apiVersion,
    kind: 'PriorityClass' as const,
    metadata: { name },
    value,
  })

  test('a more important pod takes the place of a lesser one, which is told', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    await cluster.apply(priorityClass('high', 1000), priorityClass('low', 1))
    const all = cluster.list(Nodes)[0]!.status.allocatable!.cpu!
    await cluster.apply(podObject('lesser', asking(all, 'low')))
    await cluster.advance('20s')
    expect(
      cluster
        .pods()
        .filter(isReady)
        .map(({ metadata }) => metadata.name),
    ).toEqual(['lesser'])
    await cluster.apply(podObject('urgent', asking(all, 'high')))
    const node = cluster.pods().find(({ metadata }) => metadata.name === 'lesser')!.spec.nodeName
    const waiting = cluster.pods().find(({ metadata }) => metadata.name === 'urgent')!
    expect(waiting.status.nominatedNodeName).toBe(node)
    expect(waiting.status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'PodScheduled',
        reason: 'Unschedulable',
        message: '0/1 nodes are available: 1 Insufficient cpu.',
      }),
    )
    const going = cluster.pods().find(({ metadata }) => metadata.name === 'lesser')!
    expect(going.metadata.deletionTimestamp).toBeDefined()
    expect(going.status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: 'default-scheduler: preempting to accommodate a higher priority pod',
      }),
    )
    await cluster.until(() => cluster.pods().some(each => each.metadata.name === 'urgent' && isReady(each)), '1m')
    expect(cluster.pods().map(({ metadata }) => metadata.name)).toEqual(['urgent'])
    expect(cluster.pods()[0]!.status.nominatedNodeName).toBeUndefined()
    expect(cluster.events('lesser')).toContain(`Preempted: Preempted by pod ${waiting.metadata.uid} on node ${node}`)
  })
})
