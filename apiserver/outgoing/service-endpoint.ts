// Which address answers for a Service that somebody named as a webhook or an API server of his own: an endpoint on loopback,
// put there by the user, or else a simulated pod's, which is reached within the simulation alone.
// Upstream: k8s.io/apiserver/pkg/util/proxy/proxy.go (ResolveEndpoint).

import type { EndpointSlice, Service } from '../../generated/types.ts'
import { ApiError, notFound } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { EndpointSlices } from '../../src/kinds/endpointslice.ts'
import { Services } from '../../src/kinds/service.ts'
import { keyOf, prefixOf } from '../storage/keys.ts'
import type { Present } from '../storage/storage.ts'

export interface ServiceAt {
  readonly namespace: string
  readonly name: string
  readonly port: number
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Throws ApiError NotFound or ServiceUnavailable, in upstream's words. */
export function resolveService(present: Pick<Present, 'get' | 'withTerm'>, at: ServiceAt): Endpoint {
  const service = present.get(keyOf(Services, at))?.object as Frozen<Service> | undefined
  if (service === undefined) throw notFound(Services, at.name)
  const port = service.spec.ports?.find(each => each.port === at.port)
  if (port === undefined) throw unavailable(`no service port ${at.port} found for service ${JSON.stringify(at.name)}`)
  let simulated: Endpoint | undefined
  const label = `label:kubernetes.io/service-name=${at.name}`
  for (const { object } of present.withTerm(`${prefixOf(EndpointSlices)}${at.namespace}/`, label)) {
    const slice = object as Frozen<EndpointSlice>
    const number = slice.ports?.find(({ name }) => (name ?? '') === (port.name ?? ''))?.port
    if (number === undefined) continue
    for (const { addresses, conditions } of slice.endpoints ?? []) {
      if (conditions?.ready === false) continue
      const host = addresses.find(address => !isSimulatedAddress(address))
      if (host !== undefined) return { host, port: number }
      if (addresses[0] !== undefined) simulated ??= { host: addresses[0], port: number }
    }
  }
  if (simulated === undefined) throw unavailable(`no endpoints available for service ${JSON.stringify(at.name)}`)
  return simulated
}

/** Of pods (10.244/16) and Services (10.96/12): inside kubesim they lead to the simulation, outside to nobody. */
export function isSimulatedAddress(address: string): boolean {
  if (/^fd00:10:(?:244|96):/.test(address)) return true
  const [first, second] = address.split('.')
  if (first !== '10' || second === undefined || !/^\d+(\.\d+){3}$/.test(address)) return false
  const number = Number(second)
  return number === 244 || (number >= 96 && number < 112)
}

const unavailable = (why: string): ApiError => new ApiError('ServiceUnavailable', why)
