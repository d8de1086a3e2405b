// Whether the server of an APIService can be reached, and if not, why: its Service, the Service's port and endpoints, and what
// it says when it is asked. Called by aggregation.ts. Words: kube-aggregator/pkg/controllers/status/remote.

import type { APIService, EndpointSlice, Service } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { EndpointSlices } from '../../src/kinds/endpointslice.ts'
import { Services } from '../../src/kinds/service.ts'
import { keyOf, prefixOf } from '../storage/keys.ts'
import type { Storage } from '../storage/storage.ts'

export interface Verdict {
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message })

/** `ask` rejects with the reason when the server does not answer as it must. */
export async function verdictOf(
  storage: Pick<Storage, 'get' | 'withTerm'>,
  { spec }: Frozen<APIService>,
  ask: () => Promise<void>,
): Promise<Verdict> {
  const missing = missingPart(storage, spec.service!)
  if (missing !== undefined) return missing
  try {
    await ask()
  } catch (error) {
    return no('FailedDiscoveryCheck', (error as Error).message)
  }
  return { status: 'True', reason: 'Passed', message: 'all checks passed' }
}

function missingPart(
  storage: Pick<Storage, 'get' | 'withTerm'>,
  { namespace = '', name = '', port = 443 }: NonNullable<Frozen<APIService>['spec']['service']>,
): Verdict | undefined {
  const about = `service/${name} in ${JSON.stringify(namespace)}`
  const service = storage.get(keyOf(Services, { namespace, name }))?.object as unknown as Frozen<Service> | undefined
  if (service === undefined) return no('ServiceNotFound', `${about} is not present`)
  if (service.spec.type !== 'ClusterIP') return undefined
  const found = service.spec.ports?.find(each => each.port === port)
  if (found === undefined) return no('ServicePortError', `${about} is not listening on port ${port}`)
  const label = `label:kubernetes.io/service-name=${name}`
  const slices = storage
    .withTerm(`${prefixOf(EndpointSlices)}${namespace}/`, label)
    .map(({ object }) => object as unknown as Frozen<EndpointSlice>)
  if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for ${about}`)
  const portName = found.name ?? ''
  if (slices.some(slice => isServing(slice, portName))) return undefined
  const why = `endpointslices for ${about} have no addresses with port name ${JSON.stringify(portName)}`
  return no('MissingEndpoints', why)
}

function isServing({ endpoints, ports }: Frozen<EndpointSlice>, portName: string): boolean {
  if (!endpoints?.some(({ conditions }) => conditions?.ready !== false)) return false
  return ports?.some(({ name, port }) => (name ?? '') === portName && port !== undefined) ?? false
}
