// What is asked for in ResourceClaims and their templates: defaults (pkg/apis/resource/v1/defaults.go) and rules
// (pkg/apis/resource/validation/validation.go).

import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import {
  classNameRule,
  deviceTolerationRules,
  each,
  eachOnce,
  fullyQualifiedDeviceName,
  opaqueRules,
  selectorsRules,
} from './device-field-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { canonicalResources } from './resources.ts'

export function defaultDeviceClaim(spec: ResourceClaimSpec): void {
  spec.devices ??= {}
  for (const { exactly, firstAvailable } of spec.devices.requests ?? []) {
    if (exactly) defaultRequest(exactly)
    for (const part of firstAvailable ?? []) defaultRequest(part)
  }
}

function defaultRequest(request: ExactDeviceRequest | DeviceSubRequest): void {
  request.allocationMode ||= 'ExactCount'
  if (request.allocationMode === 'ExactCount') request.count ||= 1
  for (const toleration of request.tolerations ?? []) toleration.operator ||= 'Equal'
  if (request.capacity?.requests) canonicalResources(request.capacity.requests)
}

/** Names of requests; of those that offer a choice, with the names of the choices. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>

export function requestNames(devices: Frozen<DeviceClaim> | undefined): RequestNames {
  const names = new Map<string, ReadonlySet<string>>()
  for (const { name, firstAvailable } of devices?.requests ?? []) {
    names.set(name, new Set(firstAvailable?.map(part => part.name)))
  }
  return names
}

export function claimSpecDevicesRules(
  { devices }: Frozen<ResourceClaimSpec>,
  isStored: boolean,
  path: FieldPath,
  faults: Faults,
): void {
  const at = path.child('devices')
  const names = requestNames(devices)
  const request = (one: Frozen<DeviceRequest>, place: FieldPath) => requestRules(one, place, faults)
  eachOnce(devices?.requests, 32, at.child('requests'), faults, request, ({ name }) => name)
  each(devices?.constraints, 32, at.child('constraints'), faults, (constraint, place) =>
    constraintRules(constraint, names, place, faults),
  )
  each(devices?.config, 32, at.child('config'), faults, ({ requests, opaque }, place) => {
    requestRefsRules(requests, names, place.child('requests'), faults)
    opaqueRules(opaque, isStored, place, faults)
  })
}

function requestRules({ name, exactly, firstAvailable }: Frozen<DeviceRequest>, at: FieldPath, faults: Faults): void {
  faults.invalids(dns1123LabelFaults(name ?? ''), name ?? '', at, 'name')
  const hasChoice = Boolean(firstAvailable?.length)
  const one = 'exactly one of `exactly` or `firstAvailable` is required'
  if (exactly && hasChoice) faults.invalid(at, null, `${one}, but multiple fields are set`)
  else if (exactly) exactRules(exactly, at.child('exactly'), faults)
  else if (!hasChoice) faults.required(at, one)
  else {
    const part = (request: Frozen<DeviceSubRequest>, place: FieldPath) => {
      faults.invalids(dns1123LabelFaults(request.name ?? ''), request.name ?? '', place, 'name')
      exactRules(request, place, faults)
    }
    eachOnce(firstAvailable, 8, at.child('firstAvailable'), faults, part, request => request.name)
  }
}

function exactRules(
  request: Frozen<ExactDeviceRequest> | Frozen<DeviceSubRequest>,
  at: FieldPath,
  faults: Faults,
): void {
  classNameRule(request.deviceClassName, at.child('deviceClassName'), faults)
  selectorsRules(request.selectors, at.child('selectors'), faults)
  const { allocationMode: mode = '', count = 0 } = request
  if (mode === 'All') {
    const why = "must not be specified when allocationMode is 'All'"
    if (count !== 0) faults.invalid(at.child('count'), count, why)
  } else if (mode === 'ExactCount') {
    if (count <= 0) faults.invalid(at.child('count'), count, 'must be greater than zero')
  } else faults.notSupported(at.child('allocationMode'), mode, ['All', 'ExactCount'])
  for (const [index, toleration] of (request.tolerations ?? []).entries()) {
    deviceTolerationRules(toleration, at.child('tolerations').index(index), faults)
  }
}

function constraintRules(
  { requests, matchAttribute, distinctAttribute }: Frozen<DeviceConstraint>,
  names: RequestNames,
  at: FieldPath,
  faults: Faults,
): void {
  requestRefsRules(requests, names, at.child('requests'), faults)
  if (matchAttribute !== undefined) fullyQualifiedDeviceName(matchAttribute, at.child('matchAttribute'), faults)
  else if (distinctAttribute !== undefined) {
    fullyQualifiedDeviceName(distinctAttribute, at.child('distinctAttribute'), faults)
  } else {
    const why = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    faults.required(at, why)
  }
}

export function requestRefsRules(
  refs: readonly string[] | undefined,
  names: RequestNames,
  path: FieldPath,
  faults: Faults,
): void {
  eachOnce(
    refs,
    32,
    path,
    faults,
    (ref, at) => requestRefRule(ref, names, at, faults),
    ref => ref,
  )
}

/** `gpu`, or `gpu/large` for one of its choices. */
export function requestRefRule(ref: string, names: RequestNames, at: FieldPath, faults: Faults): void {
  const why = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
  const parts = ref.split('/')
  if (parts.length > 2) {
    faults.invalid(at, ref, why)
    return
  }
  for (const part of parts) faults.invalids(dns1123LabelFaults(part), part, at)
  const choices = names.get(parts[0]!)
  if (!choices || (parts.length === 2 && !choices.has(parts[1]!))) faults.invalid(at, ref, why)
}
