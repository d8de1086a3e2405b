// Priority and fairness at the door: a request gets its seat, waits for it, or is sent away with 429. Called by app.ts before
// anything is done. Upstream: k8s.io/apiserver/pkg/server/filters/priority-and-fairness.go.

import type { ServerResponse } from 'node:http'
import type { Flow, FlowControl } from '../flowcontrol/flow-control.ts'
import type { User } from '../registry/registry.ts'
import type { Family, Labels } from './metric-families.ts'
import { type Headers, sendBytes } from './reply.ts'
import { isLongRunning, type RequestAttributes } from './request-attributes.ts'

/** Too much is going on at the level of a request. */
export class Overload extends Error {}

const schemaHeader = 'X-Kubernetes-Pf-Flowschema-Uid'
const levelHeader = 'X-Kubernetes-Pf-Prioritylevel-Uid'

/** The flow whose level must be told when the request is over; undefined: nobody counts it. Throws Overload. */
export function admitted(
  flows: FlowControl | undefined,
  asked: RequestAttributes,
  user: User,
  response: ServerResponse,
  headers: Headers,
): Flow | undefined | Promise<Flow> {
  if (flows === undefined || (asked.verb !== 'watch' && isLongRunning(asked))) return undefined
  const flow = flows.flowOf(asked, user)
  if (flow === undefined) return undefined
  headers[schemaHeader] = flow.schema.metadata.uid ?? ''
  headers[levelHeader] = flow.level.uid
  const outcome = flows.enter(flow, asked, user, leave => response.once('close', leave))
  if (outcome === true) return flow
  return Promise.resolve(outcome).then(told => {
    if (told === true) return flow
    throw new Overload(told)
  })
}

/** Not a Status: clients know it by its code, and come again after a second. */
export function sendOverload(response: ServerResponse, headers: Headers): void {
  const said = { ...headers, 'Retry-After': '1', 'X-Content-Type-Options': 'nosniff' }
  const text = Buffer.from('Too many requests, please try again later.\n')
  if (!response.destroyed) sendBytes(response, 429, 'text/plain; charset=utf-8', text, said)
}

/** As k8s.io/apiserver/pkg/util/flowcontrol/metrics names them. */
export function flowFamilies({ levels }: FlowControl): Family[] {
  const family = (name: string, help: string, type: Family['type'], values: readonly [Labels, number][]): Family => ({
    name: `apiserver_flowcontrol_${name}`,
    help,
    type,
    values: values.map(([labels, value]) => ({ labels, value })),
  })
  const ofLevels = (value: (level: (typeof levels)[number]) => number): [Labels, number][] =>
    levels.map(level => [{ priority_level: level.name }, value(level)])
  return [
    family(
      'dispatched_requests_total',
      'Number of requests executed by API Priority and Fairness subsystem',
      'counter',
      levels.flatMap(level =>
        [...level.dispatched].map(([flow_schema, count]): [Labels, number] => [
          { priority_level: level.name, flow_schema },
          count,
        ]),
      ),
    ),
    family(
      'rejected_requests_total',
      'Number of requests rejected by API Priority and Fairness subsystem',
      'counter',
      levels.flatMap(level =>
        [...level.rejected].map(([key, count]): [Labels, number] => {
          const [flow_schema = '', reason = ''] = key.split('\0')
          return [{ priority_level: level.name, flow_schema, reason }, count]
        }),
      ),
    ),
    family(
      'current_inqueue_requests',
      'Number of requests currently pending in queues of the API Priority and Fairness subsystem',
      'gauge',
      ofLevels(level => level.waiting),
    ),
    family(
      'current_executing_requests',
      'Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem',
      'gauge',
      ofLevels(level => level.executing),
    ),
    family(
      'current_executing_seats',
      'Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem',
      'gauge',
      ofLevels(level => level.executing),
    ),
    family(
      'nominal_limit_seats',
      'Nominal number of execution seats configured for each priority level',
      'gauge',
      ofLevels(level => level.nominal),
    ),
  ]
}
