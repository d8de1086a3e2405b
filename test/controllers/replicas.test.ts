import { expect, test } from 'vitest'
import { podsToDelete, slowStart } from '../../controllers/shared/replicas.ts'
import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'

const now = Date.parse('2024-01-01T12:00:00Z')

interface Looks {
  node?: string
  phase?: string
  ready?: string | false
  cost?: string
  restarts?: number
  created?: string
}

function pod(name: string, looks: Looks = {}): Frozen<Pod> {
  const { node = 'node-1', phase = 'Running', ready = '2024-01-01T11:00:00Z', cost, restarts = 0 } = looks
  const { created = '2024-01-01T10:00:00Z' } = looks
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: created,
      ...(cost ? { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } } : {}),
    },
    spec: { nodeName: node, containers: [] },
    status: {
      phase,
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: ready || '2024-01-01T11:00:00Z' },
      ],
      containerStatuses: [{ name: 'main', restartCount: restarts }],
    },
  } as unknown as Frozen<Pod>
}

const order = (pods: Frozen<Pod>[], neighbours: Record<string, number> = {}): string[] => {
  const ranks = new Map(Object.entries(neighbours))
  return pods.map(
    (_, at) => podsToDelete([...pods, pod('spare', { cost: '2147483647' })], at + 1, ranks, now).at(-1)!.metadata.name,
  )
}

// pkg/controller/controller_utils.go, ActivePodsWithRanks.Less: each pair differs in one thing, the first goes first.
test.each<[string, Looks, Looks, Record<string, number>?]>([
  ['without a node', { node: '' }, {}],
  ['pending', { phase: 'Pending', ready: false }, { ready: false }],
  ['of unknown phase', { phase: 'Unknown', ready: false }, { ready: false }],
  ['not ready', { ready: false }, {}],
  ['that costs less', { cost: '-5' }, { cost: '10' }],
  ['with more neighbours', { node: 'crowded' }, { node: 'empty' }, { crowded: 3, empty: 1 }],
  ['ready for a shorter time', { ready: '2024-01-01T11:59:00Z' }, { ready: '2024-01-01T10:30:00Z' }],
  ['that restarted more often', { restarts: 4 }, { restarts: 1 }],
  ['that is younger', { created: '2024-01-01T11:58:00Z' }, { created: '2024-01-01T08:00:00Z' }],
])('a pod %s goes first', (_, first, second, neighbours) => {
  expect(order([pod('z-first', first), pod('a-second', second)], neighbours)).toEqual(['z-first', 'a-second'])
  expect(order([pod('a-second', second), pod('z-first', first)], neighbours)).toEqual(['z-first', 'a-second'])
})

test('what goes wrong early outweighs what goes wrong late', () => {
  const ranked = [
    pod('unassigned', { node: '', ready: '2024-01-01T01:00:00Z' }),
    pod('pending', { phase: 'Pending', ready: false }),
    pod('unready', { ready: false, restarts: 0 }),
    pod('restarting', { restarts: 9 }),
    pod('steady', { restarts: 0 }),
  ]
  expect(order([...ranked].reverse())).toEqual(['unassigned', 'pending', 'unready', 'restarting', 'steady'])
})

test('creations begin one at a time, and grow as long as they succeed', async () => {
  const batches: number[] = []
  let open = 0
  await slowStart(20, async () => {
    if (open++ === 0)
      queueMicrotask(() => {
        batches.push(open)
        open = 0
      })
    await new Promise(resolve => setImmediate(resolve))
  })
  expect(batches).toEqual([1, 2, 4, 8, 5])
})

test('a server that refuses all is asked once, not for every pod', async () => {
  let asked = 0
  const outcome = await slowStart(500, async () => {
    asked++
    throw new Error('quota')
  })
  expect(asked).toBe(1)
  expect(outcome).toEqual({ done: 0, error: new Error('quota') })
})
