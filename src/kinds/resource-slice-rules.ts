// What drivers offer in ResourceSlices (pkg/apis/resource/validation/validation.go): a pool, its devices with attributes,
// capacities and taints, and the counters that devices share.

import type { Counter, Device, ResourceSliceSpec } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults, dns1123SubdomainFaults } from '../api/names.ts'
import { deviceAttributeRules, deviceCapacityRules } from './device-capacity-rules.ts'
import {
  bindingRules,
  deviceNameRule,
  deviceTaintRules,
  driverNameRule,
  each,
  eachOnce,
  poolNameRule,
  qualifiedDeviceName,
  shownKey,
} from './device-field-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { nodeSelectorRules } from './scheduling-rules.ts'
import { specPath } from './workload-rules.ts'

type Spec = Frozen<ResourceSliceSpec>

export function resourceSliceRules(spec: Spec, old: Spec | undefined, faults: Faults): void {
  driverNameRule(spec.driver, specPath.child('driver'), faults)
  const { pool } = spec
  const at = specPath.child('pool')
  poolNameRule(pool.name, at.child('name'), faults)
  const { resourceSliceCount: count = 0, generation = 0 } = pool
  if (count <= 0) faults.invalid(at.child('resourceSliceCount'), count, 'must be greater than zero')
  if (generation < 0) faults.invalid(at.child('generation'), generation, 'must be greater than or equal to zero')
  if (old) {
    unchanged(pool.name, old.pool.name, at.child('name'), faults)
    unchanged(spec.driver, old.driver, specPath.child('driver'), faults)
    unchanged(spec.nodeName ?? null, old.nodeName ?? null, specPath.child('nodeName'), faults)
  }
  placeRules(spec, faults)
  if (spec.sharedCounters && spec.devices) {
    faults.invalid(specPath, '', 'only one of `sharedCounters` or `devices` is allowed')
  }
  const isLess = spec.devices?.some(({ taints, consumesCounters }) => taints?.length || consumesCounters?.length)
  const device = (one: Frozen<Device>, place: FieldPath) => {
    const before = old?.devices?.find(({ name }) => name === one.name)
    deviceRules(one, before, spec.perDeviceNodeSelection ?? false, place, faults)
  }
  eachOnce(spec.devices, isLess ? 64 : 128, specPath.child('devices'), faults, device, ({ name }) => name)
  const set = ({ name, counters }: { name?: string; counters?: Counters }, place: FieldPath) =>
    countersRules('name', name, counters, place, faults)
  eachOnce(spec.sharedCounters, 8, specPath.child('sharedCounters'), faults, set, ({ name }) => name)
}

/** Of a slice: exactly one place for all its devices, or one for each. */
function placeRules(spec: Spec, faults: Faults): void {
  const told = nodesTold(spec, specPath, 'must be either unset or set to a non-empty string', faults)
  const terms = spec.nodeSelector?.nodeSelectorTerms
  if (spec.nodeSelector && terms?.length !== 1) {
    const why = 'must have exactly one node selector term'
    faults.invalid(specPath.child('nodeSelector', 'nodeSelectorTerms'), terms ?? null, why)
  }
  allNodesTold(spec, told, specPath, faults)
  const { perDeviceNodeSelection: isEach } = spec
  if (isEach) told.push('`perDeviceNodeSelection`')
  else if (isEach === false) {
    faults.invalid(specPath.child('perDeviceNodeSelection'), false, 'must be either unset or set to true')
  }
  const one = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
  if (told.length === 0) faults.required(specPath, one)
  if (told.length > 1) faults.invalid(specPath, `{${told.join(', ')}}`, `${one}, but multiple fields are set`)
}

interface Placed {
  readonly nodeName?: string
  readonly nodeSelector?: Spec['nodeSelector']
  readonly allNodes?: boolean
}

function nodesTold({ nodeName, nodeSelector }: Placed, path: FieldPath, whenEmpty: string, faults: Faults): string[] {
  const told: string[] = []
  if (nodeName) {
    told.push('`nodeName`')
    faults.invalids(dns1123SubdomainFaults(nodeName), nodeName, path, 'nodeName')
  } else if (nodeName === '') faults.invalid(path.child('nodeName'), nodeName, whenEmpty)
  if (nodeSelector) {
    told.push('`nodeSelector`')
    nodeSelectorRules(nodeSelector, path.child('nodeSelector'), faults)
  }
  return told
}

function allNodesTold({ allNodes }: Placed, told: string[], path: FieldPath, faults: Faults): void {
  if (allNodes) told.push('`allNodes`')
  else if (allNodes === false) faults.invalid(path.child('allNodes'), false, 'must be either unset or set to true')
}

/** Of a domain, a slash and an identifier. */
const keyLimit = 63 + 1 + 32

function deviceRules(
  device: Frozen<Device>,
  old: Frozen<Device> | undefined,
  isPlacedItself: boolean,
  at: FieldPath,
  faults: Faults,
): void {
  deviceNameRule(device.name, at.child('name'), faults)
  const { attributes = {}, capacity = {} } = device
  const count = Object.keys(attributes).length + Object.keys(capacity).length
  if (count > 32) faults.invalid(at, count, 'the total number of attributes and capacities must not exceed 32')
  for (const [name, attribute] of Object.entries(attributes)) {
    const place = at.child('attributes').key(shownKey(name, keyLimit))
    qualifiedDeviceName(name, place, faults)
    deviceAttributeRules(attribute, place, faults)
  }
  for (const [name, amount] of Object.entries(capacity)) {
    const place = at.child('capacity').key(shownKey(name, keyLimit))
    qualifiedDeviceName(name, place, faults)
    deviceCapacityRules(amount, device.allowMultipleAllocations ?? false, place, faults)
  }
  if (!old || !jsonEqual(old.taints, device.taints)) {
    each(device.taints, 16, at.child('taints'), faults, (taint, place) =>
      deviceTaintRules(taint, undefined, place, faults),
    )
  }
  const consumption = (one: { counterSet?: string; counters?: Counters }, place: FieldPath) =>
    countersRules('counterSet', one.counterSet, one.counters, place, faults)
  const path = at.child('consumesCounters')
  eachOnce(device.consumesCounters, 2, path, faults, consumption, ({ counterSet }) => counterSet)
  devicePlaceRules(device, isPlacedItself, at, faults)
  bindingRules(device, at, faults)
}

function devicePlaceRules(device: Frozen<Device>, isPlacedItself: boolean, at: FieldPath, faults: Faults): void {
  if (!isPlacedItself) {
    const { nodeName, nodeSelector, allNodes } = device
    if (nodeName === undefined && nodeSelector === undefined && allNodes === undefined) return
    const why =
      '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec'
    faults.invalid(at, null, why)
    return
  }
  const told = nodesTold(device, at, 'must not be empty', faults)
  allNodesTold(device, told, at, faults)
  const one =
    'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec'
  if (told.length === 0) faults.required(at, one)
  if (told.length > 1) faults.invalid(at, `{${told.join(', ')}}`, one)
}

type Counters = Readonly<Record<string, Frozen<Counter>>>

function countersRules(
  field: 'name' | 'counterSet',
  name: string | undefined,
  counters: Counters = {},
  at: FieldPath,
  faults: Faults,
): void {
  if (!name) faults.required(at.child(field))
  else faults.invalids(dns1123LabelFaults(name), name, at, field)
  const names = Object.keys(counters)
  const path = at.child('counters')
  if (names.length === 0) faults.required(path)
  else if (names.length > 32) faults.tooMany(path, names.length, 32)
  else for (const each of names) faults.invalids(dns1123LabelFaults(each), each, path.key(shownKey(each, 63)))
}
