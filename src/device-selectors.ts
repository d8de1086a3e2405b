// Selectors of devices, in CEL: `device.attributes["gpu.example.com"].model == "a100"`, with Kubernetes' quantities and
// versions (k8s.io/dynamic-resource-allocation/cel). Handed to the scheduler by the roof; compiled once an expression, loaded
// for the first pod that has claims: most clusters have none.

import type { Cel, CelProgram } from '../apiserver/cel/cel.ts'
import { semverOf } from '../apiserver/cel/library/semver.ts'
import type { Device, DeviceAttribute } from '../generated/types.ts'
import type { DeviceSelectors } from '../scheduler/device-allocation.ts'
import type { Frozen } from './api/meta.ts'
import { parseQuantity } from './api/quantity.ts'

const declarations = { variables: { device: 'dyn' as const }, results: ['bool' as const], mayBind: true }
const budget = 1_000_000

export function createDeviceSelectors(): DeviceSelectors {
  let cel: Cel | undefined
  let loading: Promise<void> | undefined
  const programs = new Map<string, CelProgram>()
  const views = new WeakMap<object, object>()
  return {
    load() {
      if (cel !== undefined) return undefined
      loading ??= import('../apiserver/cel/compiler.ts').then(({ createCel }) => {
        cel = createCel()
      })
      return loading
    },
    matches(expression, driver, device) {
      if (cel === undefined) throw new Error('a selector of devices is read before what it needs is loaded')
      let program = programs.get(expression)
      if (program === undefined) {
        program = cel.compile(expression, declarations)
        programs.set(expression, program)
      }
      let view = views.get(device)
      if (view === undefined) {
        view = viewOf(driver, device)
        views.set(device, view)
      }
      return program.evaluate({ device: view }, { left: budget }) === true
    },
  }
}

/** Names by their domain: one without is the driver's. */
function viewOf(driver: string, { attributes = {}, capacity = {}, allowMultipleAllocations }: Frozen<Device>): object {
  return {
    driver,
    allowMultipleAllocations: allowMultipleAllocations ?? false,
    attributes: byDomain(driver, attributes, readableValue),
    capacity: byDomain(driver, capacity, ({ value }) => parseQuantity(value)),
  }
}

function byDomain<T>(driver: string, members: Readonly<Record<string, T>>, value: (of: T) => unknown): object {
  const domains: Record<string, Record<string, unknown>> = { [driver]: {} }
  for (const [name, member] of Object.entries(members)) {
    const slash = name.indexOf('/')
    const domain = slash < 0 ? driver : name.slice(0, slash)
    domains[domain] ??= {}
    domains[domain][name.slice(slash + 1)] = value(member)
  }
  return domains
}

function readableValue({ bool, int, string, version, bools, ints, strings }: Frozen<DeviceAttribute>): unknown {
  return version === undefined ? (bool ?? int ?? string ?? bools ?? ints ?? strings) : semverOf(version, false)
}
