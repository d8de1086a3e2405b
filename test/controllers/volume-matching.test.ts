// FindMatchingVolume in k8s.io/component-helpers/storage/volume/pv_helpers.go: what holds for every choice, and of a world
// of claims and volumes that come in any order.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bestMatch, isFor, mismatch } from '../../controllers/shared/volume-matching.ts'
import { volumeBinder } from '../../controllers/volume-binder.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { wholeValue } from '../../src/api/quantity.ts'
import { PersistentVolumeClaims, PersistentVolumes } from '../../src/kinds/index.ts'
import { controlPlane } from '../support/control-plane.ts'
import { claim, volume } from '../support/storage.ts'

const modes = fc.subarray(['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany'], { minLength: 1 })
const size = fc.constantFrom('500Mi', '512Mi', '1Gi', '1024Mi', '1500M', '2Gi')
const storageClassName = fc.constantFrom('', 'fast')
const volumeMode = fc.constantFrom('Filesystem', 'Block')
const asked = fc.record({ size, accessModes: modes, storageClassName, volumeMode })
const offered = fc.record({
  size,
  accessModes: modes,
  storageClassName,
  volumeMode,
  keptFor: fc.constantFrom(undefined, undefined, undefined, 'claim-0', 'claim-1'),
})

type Offered = typeof offered extends fc.Arbitrary<infer T> ? T : never

const volumeOf = ({ size, keptFor, ...spec }: Offered, at: number) =>
  volume(`volume-${at}`, size, {
    ...spec,
    ...(keptFor ? { claimRef: { namespace: 'default', name: keptFor } } : {}),
  })

test('the best match fits, and nothing smaller with as few modes does', () => {
  fc.assert(
    fc.property(asked, fc.array(offered, { maxLength: 8 }), ({ size, ...spec }, others) => {
      const wanted = claim('claim-0', size, spec) as unknown as PersistentVolumeClaim
      const volumes = others.map((each, at) => ({
        ...volumeOf(each, at),
        status: { phase: 'Available' },
      })) as unknown as PersistentVolume[]
      const best = bestMatch(wanted, volumes, false)
      const isOurs = (each: Frozen<PersistentVolume>): boolean => isFor(each, wanted)
      const fitting = volumes.filter(each => !each.spec.claimRef && mismatch(each, wanted) === undefined)
      if (best === undefined) {
        expect(fitting).toEqual([])
        return
      }
      if (isOurs(best)) expect(wholeValue(best.spec.capacity!.storage!)).toBeGreaterThanOrEqual(wholeValue(size))
      else {
        expect(fitting).toContain(best)
        const rank = (each: Frozen<PersistentVolume>): number => each.spec.accessModes!.length
        expect(rank(best)).toBe(Math.min(...fitting.map(rank)))
        const key = [...best.spec.accessModes!].sort().join()
        const alike = fitting.filter(each => [...each.spec.accessModes!].sort().join() === key)
        const bytes = (each: Frozen<PersistentVolume>): number => wholeValue(each.spec.capacity!.storage!)
        expect(bytes(best)).toBe(Math.min(...alike.map(bytes)))
      }
      // Of a class that waits, only what was kept for it.
      const waiting = bestMatch(wanted, volumes, true)
      if (waiting !== undefined) expect(isOurs(waiting)).toBe(true)
    }),
  )
})

test('in whatever order they come, no volume has two claims and no claim waits that could be bound', async () => {
  const step = fc.oneof(
    asked.map(each => ({ claim: each })),
    offered.map(each => ({ volume: each })),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
      await using plane = await controlPlane([volumeBinder()])
      let claims = 0
      for (const [at, each] of steps.entries()) {
        if ('volume' in each) await plane.create(PersistentVolumes, volumeOf(each.volume, at))
        else {
          const { size, ...spec } = each.claim
          await plane.create(PersistentVolumeClaims, claim(`claim-${claims++}`, size, spec))
        }
        if (at % 3 === 0) await plane.settle()
      }
      await plane.settle()
      await plane.seconds(16)
      const present = plane.list(PersistentVolumeClaims)
      const volumes = plane.list(PersistentVolumes)
      const bound = present.filter(({ status }) => status.phase === 'Bound')
      expect(new Set(bound.map(({ spec }) => spec.volumeName)).size).toBe(bound.length)
      for (const each of bound) {
        const its = volumes.find(({ metadata }) => metadata.name === each.spec.volumeName)!
        expect([its.status.phase, its.spec.claimRef!.uid]).toEqual(['Bound', each.metadata.uid])
      }
      const free = volumes.filter(({ status }) => status.phase === 'Available')
      expect(free.length + bound.length).toBe(volumes.length)
      for (const each of present) {
        if (each.status.phase === 'Pending') expect(bestMatch(each, free, false)).toBeUndefined()
      }
    }),
    { numRuns: 25 },
  )
})
