// The same seed gives the same placements and the same victims, whatever the pods ask for; and no node is ever given more than
// it has, also while some are evicted for others.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { milliValue } from '../../src/api/quantity.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { PriorityClasses } from '../../src/kinds/priorityclass.ts'
import { testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const aPod = fc.record({
  cpu: fc.integer({ min: 1, max: 20 }),
  isUrgent: fc.boolean(),
  wish: fc.constantFrom('none', 'apart', 'together', 'spread'),
})

interface Wish {
  readonly cpu: number
  readonly isUrgent: boolean
  readonly wish: string
}

function podOf({ cpu, isUrgent, wish }: Wish, index: number, twentieth: number) {
  const labelSelector = { matchLabels: { app: 'web' } }
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector }
  const required = { requiredDuringSchedulingIgnoredDuringExecution: [term] }
  const affinity =
    wish === 'apart' ? { podAntiAffinity: required } : wish === 'together' ? { podAffinity: required } : undefined
  const constraint = { maxSkew: 1, topologyKey: term.topologyKey, whenUnsatisfiable: 'DoNotSchedule', labelSelector }
  const resources = { requests: { cpu: `${cpu * twentieth}m` } }
  return pod(
    `p${index}`,
    {
      priorityClassName: isUrgent ? 'high' : 'low',
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: 'nginx', resources }],
      ...(affinity && { affinity }),
      ...(wish === 'spread' && { topologySpreadConstraints: [constraint] }),
    },
    { app: 'web' },
  )
}

async function run(wishes: readonly Wish[], seed: number): Promise<Record<string, string>> {
  await using cluster = await testCluster({ nodes: 3, seed })
  for (const [name, value] of [
    ['low', 1],
    ['high', 1000],
  ] as const) {
    await cluster.apply({
      apiVersion: PriorityClasses.apiVersion,
      kind: 'PriorityClass',
      metadata: { name },
      value,
    } as never)
  }
  const milli = Number(cluster.list(Nodes)[0]!.status.allocatable!.cpu) * 1000
  const twentieth = Math.floor(milli / 20)
  for (const [index, wish] of wishes.entries()) {
    await cluster.apply(podOf(wish, index, twentieth))
    await cluster.advance('2s')
    const used = new Map<string, number>()
    for (const { spec } of cluster.pods()) {
      if (!spec.nodeName) continue
      const own = milliValue(spec.containers[0]!.resources!.requests!.cpu!)
      used.set(spec.nodeName, (used.get(spec.nodeName) ?? 0) + own)
    }
    for (const sum of used.values()) expect(sum).toBeLessThanOrEqual(milli)
  }
  await cluster.advance('1m')
  return Object.fromEntries(cluster.pods().map(({ metadata, spec }) => [metadata.name, spec.nodeName ?? '']))
}

test('for any pods', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(aPod, { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 1000 }),
      async (wishes, seed) => {
        expect(await run(wishes, seed)).toEqual(await run(wishes, seed))
      },
    ),
    { numRuns: 6 },
  )
}, 60_000)
