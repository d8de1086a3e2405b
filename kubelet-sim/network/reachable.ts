// Where a Service really answers: what `kubesim service NAME --url` prints. The addresses a Service shows are the ones that
// listen; only where a port could not be had, the proxy notes the replacement in an annotation.

import type { IngressClass, Service } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'

/** A JSON object: `address:port` as it should be → as it is. */
export const reachableAnnotation = 'kubesim.dev/reachable'

/** Load balancer addresses where there are any, else the first node's address on the node ports. */
export function reachableUrls(service: Frozen<Service>, nodeAddress: string): string[] {
  const moved = movedPorts(service)
  const ports = (service.spec.ports ?? []).filter(({ protocol }) => protocol === undefined || protocol === 'TCP')
  const ip = service.status.loadBalancer?.ingress?.[0]?.ip
  if (ip !== undefined) return ports.map(({ port }) => urlOf(`${ip}:${port}`, moved))
  return ports.flatMap(({ nodePort }) => (nodePort ? [urlOf(`${nodeAddress}:${nodePort}`, moved)] : []))
}

export function movedPorts(object: Frozen<Service | IngressClass>): Readonly<Record<string, string>> {
  try {
    return JSON.parse(object.metadata.annotations?.[reachableAnnotation] ?? '{}') as Record<string, string>
  } catch {
    return {}
  }
}

function urlOf(wanted: string, moved: Readonly<Record<string, string>>): string {
  const actual = moved[wanted] ?? wanted
  return `http://${actual.replace(/:80$/, '')}`
}
