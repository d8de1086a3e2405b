import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fence,
  isSameTemplate,
  newReplicas,
  proportionalSizes,
  type Share,
  scaledValue,
  templateHash,
} from '../../controllers/shared/rollout.ts'
import type { Deployment } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'

function deployment(
  replicas: number,
  maxSurge: number | string,
  maxUnavailable: number | string,
  statusReplicas = 0,
): Frozen<Deployment> {
  return {
    spec: { replicas, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } },
    status: { replicas: statusReplicas },
  } as unknown as Frozen<Deployment>
}

test.each([
  ['25%', 10, 'up', 3],
  ['25%', 10, 'down', 2],
  ['100%', 7, 'down', 7],
  [4, 10, 'up', 4],
  ['0%', 10, 'up', 0],
] as const)('%s of %i, rounded %s, is %i', (value, total, rounding, expected) => {
  expect(scaledValue(value, total, rounding)).toBe(expected)
})

// pkg/controller/deployment/util/deployment_util.go, ResolveFenceposts.
test.each([
  [10, '25%', '25%', { surge: 3, unavailable: 2 }],
  [1, '25%', '25%', { surge: 1, unavailable: 0 }],
  [3, 0, '25%', { surge: 0, unavailable: 1 }],
  [2, 0, 5, { surge: 0, unavailable: 2 }],
  [0, 0, 0, { surge: 0, unavailable: 0 }],
])('of %i replicas with surge %s and unavailable %s', (replicas, surge, unavailable, expected) => {
  expect(fence(deployment(replicas, surge, unavailable))).toEqual(expected)
})

describe('the new ReplicaSet', () => {
  const counts = fc.record({
    replicas: fc.integer({ min: 0, max: 50 }),
    old: fc.integer({ min: 0, max: 80 }),
    own: fc.integer({ min: 0, max: 50 }),
    surge: fc.oneof(
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 0, max: 100 }).map(percent => `${percent}%`),
    ),
  })

  test('never grows beyond what is wanted, nor beyond the surge, and never shrinks', () => {
    fc.assert(
      fc.property(counts, ({ replicas, old, own, surge }) => {
        const start = Math.min(own, replicas)
        const next = newReplicas(deployment(replicas, surge, 1), old + start, start)
        expect(next).toBeGreaterThanOrEqual(start)
        expect(next).toBeLessThanOrEqual(replicas)
        const most = replicas + scaledValue(surge, replicas, 'up')
        if (next > start) expect(old + next).toBeLessThanOrEqual(most)
        else if (start < replicas) expect(old + start).toBeGreaterThanOrEqual(most)
      }),
    )
  })
})

describe('scaling in the middle of a rollout', () => {
  const share = (name: string, replicas: number, maximum: number): Share => ({
    name,
    replicas,
    maximum,
    createdAt: name,
  })

  // The example of https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#proportional-scaling
  test('ten with three more in two sets, scaled to fifteen, are shared eight to five as eleven to seven', () => {
    const sizes = proportionalSizes(deployment(15, 3, 2), [share('1-old', 8, 13), share('2-new', 5, 13)])
    expect(Object.fromEntries(sizes)).toEqual({ '1-old': 11, '2-new': 7 })
  })

  test('all is handed out, nobody gets less than nothing, and growing takes from nobody', () => {
    const shares = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 5 })
    const target = fc.record({ replicas: fc.integer({ min: 0, max: 100 }), surge: fc.integer({ min: 0, max: 10 }) })
    fc.assert(
      fc.property(shares, target, (replicas, { replicas: wanted, surge }) => {
        const present = replicas.reduce((sum, own) => sum + own, 0)
        const list = replicas.map((own, at) => share(`rs-${at}`, own, present))
        const sizes = proportionalSizes(deployment(wanted, surge, 1, present), list)
        const allowed = wanted === 0 ? 0 : wanted + surge
        const total = [...sizes.values()].reduce((sum, size) => sum + size, 0)
        for (const size of sizes.values()) expect(size).toBeGreaterThanOrEqual(0)
        expect(total).toBe(allowed)
        if (allowed >= present)
          for (const { name, replicas: own } of list) expect(sizes.get(name)).toBeGreaterThanOrEqual(own)
      }),
    )
  })
})

describe('the hash of a template', () => {
  const template = {
    metadata: { labels: { app: 'web', tier: 'front' } },
    spec: { containers: [{ name: 'main', image: 'a' }] },
  }

  test('is a short name, the same whatever the order of members, another after a collision', () => {
    const turned = {
      spec: { containers: [{ image: 'a', name: 'main' }] },
      metadata: { labels: { tier: 'front', app: 'web' } },
    }
    expect(templateHash(template)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/)
    expect(templateHash(turned)).toBe(templateHash(template))
    expect(templateHash(template, 1)).not.toBe(templateHash(template))
    expect(templateHash({ ...template, spec: { containers: [{ name: 'main', image: 'b' }] } })).not.toBe(
      templateHash(template),
    )
  })

  test('does not count when two templates are compared', () => {
    const labelled = { ...template, metadata: { labels: { ...template.metadata.labels, 'pod-template-hash': 'x' } } }
    expect(isSameTemplate(template, labelled)).toBe(true)
    expect(
      isSameTemplate(
        { spec: template.spec },
        { metadata: { labels: { 'pod-template-hash': 'x' } }, spec: template.spec },
      ),
    ).toBe(true)
    expect(isSameTemplate(template, { ...labelled, spec: { containers: [] } })).toBe(false)
  })
})
