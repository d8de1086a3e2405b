// resource.k8s.io/v1beta1 and v1, there and back: in v1beta1 a request is what it asks for, and a device is basic; in v1 the
// one has `exactly`, the other is itself (pkg/apis/resource/v1beta1/conversion.go). Pure; whatever is not made anew is shared.

import type {
  Device,
  DeviceRequest,
  ResourceClaimSpec,
  ResourceClaimTemplate,
  ResourceSlice,
  ResourceV1ResourceClaim,
  V1beta1Device,
  V1beta1DeviceRequest,
  V1beta1ResourceClaim,
  V1beta1ResourceClaimSpec,
  V1beta1ResourceClaimTemplate,
  V1beta1ResourceSlice,
} from '../../generated/types.ts'
import type { Frozen, KubeObject } from '../api/meta.ts'
import type { KindSpec } from './kind.ts'

const older = 'resource.k8s.io/v1beta1'
const newer = 'resource.k8s.io/v1'

type Older<T> = T | Frozen<T>

export function claimFromV1beta1(claim: Older<V1beta1ResourceClaim>): ResourceV1ResourceClaim {
  return { ...claim, apiVersion: newer, ...specFrom(claim) } as ResourceV1ResourceClaim
}
export function claimToV1beta1(claim: Older<ResourceV1ResourceClaim>): V1beta1ResourceClaim {
  return { ...claim, apiVersion: older, ...specTo(claim) } as V1beta1ResourceClaim
}

export function templateFromV1beta1(template: Older<V1beta1ResourceClaimTemplate>): ResourceClaimTemplate {
  const { spec } = template
  return {
    ...template,
    apiVersion: newer,
    ...(spec ? { spec: { ...spec, ...specFrom(spec) } } : {}),
  } as ResourceClaimTemplate
}
export function templateToV1beta1(template: Older<ResourceClaimTemplate>): V1beta1ResourceClaimTemplate {
  const { spec } = template
  return {
    ...template,
    apiVersion: older,
    ...(spec ? { spec: { ...spec, ...specTo(spec) } } : {}),
  } as V1beta1ResourceClaimTemplate
}

export function sliceFromV1beta1(slice: Older<V1beta1ResourceSlice>): ResourceSlice {
  return { ...slice, apiVersion: newer, ...devicesOf(slice, deviceFrom) } as unknown as ResourceSlice
}
export function sliceToV1beta1(slice: Older<ResourceSlice>): V1beta1ResourceSlice {
  return { ...slice, apiVersion: older, ...devicesOf(slice, deviceTo) } as unknown as V1beta1ResourceSlice
}

interface HasSpec<Spec> {
  readonly spec?: Older<Spec>
}

function specFrom({ spec }: HasSpec<V1beta1ResourceClaimSpec>): object {
  if (!spec?.devices?.requests) return {}
  return { spec: { ...spec, devices: { ...spec.devices, requests: spec.devices.requests.map(requestFrom) } } }
}
function specTo({ spec }: HasSpec<ResourceClaimSpec>): object {
  if (!spec?.devices?.requests) return {}
  return { spec: { ...spec, devices: { ...spec.devices, requests: spec.devices.requests.map(requestTo) } } }
}

function requestFrom({ name, firstAvailable, ...exactly }: Older<V1beta1DeviceRequest>): Older<DeviceRequest> {
  return {
    name,
    ...(Object.keys(exactly).length > 0 ? { exactly } : {}),
    ...(firstAvailable ? { firstAvailable } : {}),
  } as Older<DeviceRequest>
}
function requestTo({ name, firstAvailable, exactly }: Older<DeviceRequest>): Older<V1beta1DeviceRequest> {
  return { name, ...exactly, ...(firstAvailable ? { firstAvailable } : {}) } as Older<V1beta1DeviceRequest>
}

function devicesOf<From, To>(
  { spec }: { readonly spec?: { readonly devices?: readonly From[] } },
  convert: (device: From) => To,
): object {
  return spec?.devices ? { spec: { ...spec, devices: spec.devices.map(convert) } } : {}
}

function deviceFrom({ name, basic }: Older<V1beta1Device>): Older<Device> {
  return { name, ...basic } as Older<Device>
}
function deviceTo({ name, ...basic }: Older<Device>): Older<V1beta1Device> {
  return { name, basic } as Older<V1beta1Device>
}

/** A request without choices is for so many (pkg/apis/resource/v1beta1/defaults.go). */
export function defaultV1beta1Requests(spec: V1beta1ResourceClaimSpec | undefined): void {
  for (const request of spec?.devices?.requests ?? []) {
    if (request.firstAvailable?.length) continue
    request.allocationMode ||= 'ExactCount'
    if (request.allocationMode === 'ExactCount') request.count ||= 1
  }
}

/** A kind in an older version: defaulted, prepared, judged and shown as it is in the newer. */
export function olderVersion<Newer extends KubeObject, Old extends KubeObject>(
  spec: KindSpec<Newer>,
  version: string,
  up: (object: Older<Old>) => Newer,
  down: (object: Older<Newer>) => Old,
  first?: (draft: Old) => void,
): KindSpec<Old> {
  const through = (draft: Old, change: (newer: Newer) => void): void => {
    const changed = up(draft)
    change(changed)
    for (const key of Object.keys(draft)) delete (draft as unknown as Record<string, unknown>)[key]
    Object.assign(draft, down(changed))
  }
  const frozen = (object: Frozen<Old>): Frozen<Newer> => up(object) as Frozen<Newer>
  return {
    ...(spec as unknown as KindSpec<Old>),
    version,
    columns: spec.columns.map(column => ({ ...column, value: (object, now) => column.value(frozen(object), now) })),
    ...(spec.fields
      ? {
          fields: Object.fromEntries(
            Object.entries(spec.fields).map(([name, field]) => [name, (object: Frozen<Old>) => field(frozen(object))]),
          ),
        }
      : {}),
    defaults(draft) {
      first?.(draft)
      through(draft, changed => spec.defaults?.(changed))
    },
    ...(spec.prepare
      ? {
          prepare: (draft, old, context) =>
            through(draft, changed => spec.prepare?.(changed, old && frozen(old), context)),
        }
      : {}),
    validate: (next, old, context) => spec.validate?.(frozen(next), old && frozen(old), context) ?? [],
  }
}
