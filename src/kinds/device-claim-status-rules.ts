// What is allocated to ResourceClaims, and what drivers report of it (pkg/apis/resource/validation/validation.go,
// pkg/registry/resource/resourceclaim/strategy.go).

import type {
  AllocatedDeviceStatus,
  AllocationResult,
  NetworkDeviceData,
  ResourceClaimStatus,
  ResourceV1ResourceClaim,
} from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { conditionsRules } from './condition-rules.ts'
import { type RequestNames, requestNames, requestRefRule, requestRefsRules } from './device-claim-rules.ts'
import {
  bindingRules,
  deviceNameRule,
  driverNameRule,
  each,
  eachOnce,
  opaqueRules,
  poolNameRule,
  rawObjectRule,
} from './device-field-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { optionalOneOf, unchanged } from './field-rules.ts'
import { interfaceAddressRule } from './ip-address.ts'
import { nodeSelectorRules } from './scheduling-rules.ts'
import { statusPath } from './workload-rules.ts'

type Claim = Frozen<ResourceV1ResourceClaim>

interface DeviceId {
  readonly driver: string
  readonly pool: string
  readonly device: string
  readonly shareID?: string
}

const idOf = ({ driver, pool, device, shareID }: DeviceId): string =>
  `${driver}/${pool}/${device}${shareID ? `/${shareID}` : ''}`

/** What drivers reported of devices goes with them. */
export function dropReportsOfFreed(status: ResourceClaimStatus, old: Frozen<ResourceClaimStatus>): void {
  if (!status.devices) return
  const held = new Set(status.allocation?.devices?.results?.map(idOf))
  const freed = new Set((old.allocation?.devices?.results ?? []).map(idOf).filter(id => !held.has(id)))
  const left = status.devices.filter(device => !freed.has(idOf(device)))
  if (left.length > 0) status.devices = left
  else delete status.devices
}

export function claimStatusRules(next: Claim, old: Claim, faults: Faults): void {
  const { status } = next
  const path = statusPath.child('reservedFor')
  const consumer = (ref: { resource?: string; name?: string; uid?: string }, at: FieldPath) => {
    for (const field of ['resource', 'name', 'uid'] as const) if (!ref[field]) faults.required(at.child(field))
  }
  eachOnce(status.reservedFor, 256, path, faults, consumer, ({ uid }) => uid)
  const allocated = new Set(status.allocation?.devices?.results?.map(idOf))
  const report = (device: Frozen<AllocatedDeviceStatus>, at: FieldPath) => reportRules(device, allocated, at, faults)
  eachOnce(status.devices, Number.POSITIVE_INFINITY, statusPath.child('devices'), faults, report, idOf)
  if (status.reservedFor?.length) {
    if (!status.allocation) faults.forbidden(path, 'may not be specified when `allocated` is not set')
    else if (next.metadata.deletionTimestamp !== undefined) {
      const added = status.reservedFor.some(ref => !old.status.reservedFor?.some(known => jsonEqual(known, ref)))
      const why = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'
      if (added) faults.forbidden(path, why)
    }
  }
  if (!status.allocation) return
  if (old.status.allocation) unchanged(status.allocation, old.status.allocation, statusPath.child('allocation'), faults)
  else allocationRules(status.allocation, requestNames(next.spec.devices), statusPath.child('allocation'), faults)
}

const shareId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function shareIdRule(id: string | undefined, path: FieldPath, faults: Faults): void {
  if (id === undefined || shareId.test(id)) return
  faults.invalid(path.child('shareID'), id, 'must be a lowercase UUID in 8-4-4-4-12 format')
}

function allocationRules(
  allocation: Frozen<AllocationResult>,
  names: RequestNames,
  path: FieldPath,
  faults: Faults,
): void {
  const at = path.child('devices')
  each(allocation.devices?.results, 32, at.child('results'), faults, (result, place) => {
    requestRefRule(result.request ?? '', names, place.child('request'), faults)
    driverNameRule(result.driver, place.child('driver'), faults)
    poolNameRule(result.pool, place.child('pool'), faults)
    deviceNameRule(result.device, place.child('device'), faults)
    bindingRules(result, place, faults)
    shareIdRule(result.shareID, place, faults)
  })
  each(allocation.devices?.config, 64, at.child('config'), faults, (config, place) => {
    if (!config.source) faults.required(place.child('source'))
    else optionalOneOf(config.source, ['FromClaim', 'FromClass'], place, 'source', faults)
    requestRefsRules(config.requests, names, place.child('requests'), faults)
    opaqueRules(config.opaque, false, place, faults)
  })
  if (allocation.nodeSelector) nodeSelectorRules(allocation.nodeSelector, path.child('nodeSelector'), faults)
}

function reportRules(
  device: Frozen<AllocatedDeviceStatus>,
  allocated: ReadonlySet<string>,
  at: FieldPath,
  faults: Faults,
): void {
  driverNameRule(device.driver, at.child('driver'), faults)
  poolNameRule(device.pool, at.child('pool'), faults)
  deviceNameRule(device.device, at.child('device'), faults)
  shareIdRule(device.shareID, at, faults)
  if (!allocated.has(idOf(device))) faults.invalid(at, idOf(device), 'must be an allocated device in the claim')
  const { conditions = [], data, networkData } = device
  if (conditions.length > 8) faults.tooMany(at.child('conditions'), conditions.length, 8)
  conditionsRules(conditions, at.child('conditions'), faults)
  if (data !== undefined) rawObjectRule(data, false, at.child('data'), faults)
  if (networkData) networkRules(networkData, at.child('networkData'), faults)
}

function networkRules(data: Frozen<NetworkDeviceData>, at: FieldPath, faults: Faults): void {
  if ((data.interfaceName?.length ?? 0) > 256) faults.tooLong(at.child('interfaceName'), 256)
  if ((data.hardwareAddress?.length ?? 0) > 128) faults.tooLong(at.child('hardwareAddress'), 128)
  const address = (text: string, place: FieldPath) => interfaceAddressRule(text, place, faults)
  eachOnce(data.ips, 16, at.child('ips'), faults, address, text => text)
}
