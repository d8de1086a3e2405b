// What each node's proxy answers on a Service's healthCheckNodePort: whether that node has endpoints of its own, so that a
// load balancer sends nobody there in vain. Words and codes: pkg/proxy/healthcheck/service_health.go.

import type { Service } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { SimulatedResponse } from '../../src/client/node-client.ts'
import type { Network } from './network.ts'

export function answerHealth(network: Network, service: Frozen<Service>, node: string): SimulatedResponse {
  const { name, namespace } = service.metadata
  const count = network.table.localEndpoints(service, node)
  const text = [
    '{',
    '\t"service": {',
    `\t\t"namespace": ${JSON.stringify(namespace)},`,
    `\t\t"name": ${JSON.stringify(name)}`,
    '\t},',
    `\t"localEndpoints": ${count},`,
    '\t"serviceProxyHealthy": true',
    '}',
  ].join('\n')
  const body = Buffer.from(text)
  const headers = {
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
    'x-load-balancing-endpoint-weight': String(count),
    'content-length': String(body.length),
  }
  return { status: count > 0 ? 200 : 503, headers, body }
}
