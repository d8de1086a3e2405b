// A store that is full: as etcd after its NOSPACE alarm it reads and removes, and whatever would be put is refused
// (etcd's server/etcdserver/apply/apply.go, applierV3Capped). Nodes cannot renew their leases either. What is said of faults
// gets through, or nobody could see or end one.

import { prefixOf } from '../../apiserver/storage/keys.ts'
import type { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Renewals } from '../../kubelet-sim/renewals.ts'
import { ApiError } from '../api/errors.ts'
import type { Cancel } from '../env/clock.ts'
import { FaultsKind } from '../kinds/fault.ts'
import type { Effect, Struck } from './effect.ts'

const ofFaults = prefixOf(FaultsKind)

export function fullStore(storage: RevisionStore, renewals: Renewals, struck: Struck): Effect {
  let stopFollowing: Cancel | undefined
  return {
    carryOut(active) {
      const fault = active.find(({ spec }) => spec.store !== undefined)?.fault
      if (fault === undefined && stopFollowing === undefined) return
      storage.refusePuts(
        fault === undefined
          ? undefined
          : key => {
              if (key.startsWith(ofFaults)) return undefined
              struck(fault, `write of ${key.slice('/registry/'.length)}`)
              return ApiError.plain('etcdserver: mvcc: database space exceeded')
            },
      )
      if (fault !== undefined) stopFollowing ??= renewals.follow()
      else {
        stopFollowing?.()
        stopFollowing = undefined
      }
    },
  }
}
