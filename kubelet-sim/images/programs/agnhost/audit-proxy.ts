// agnhost audit-proxy: takes audit events on port 8080 and prints each as a line (test/images/agnhost/audit-proxy/main.go).

import type { SimulatedRequest, SimulatedResponse } from '../../../../src/client/node-client.ts'
import type { Process } from '../../../machine/process.ts'
import type { Step } from '../../../machine/wait.ts'
import { endingOn } from '../ending.ts'
import { flagsOf, log, reply } from '../go.ts'

export function* auditProxy(process: Process, words: readonly string[]): Step<number> {
  yield* flagsOf(process, words, {})
  process.sockets.serve(8080, request => taken(process, request))
  return yield* endingOn(process, { TERM: 143, INT: 130 }).wait()
}

function* taken(process: Process, { body }: SimulatedRequest): Step<SimulatedResponse> {
  let list: { readonly kind?: string; readonly apiVersion?: string; readonly items?: readonly object[] } = {}
  try {
    list = JSON.parse(Buffer.from(body).toString())
  } catch {
    // What is no JSON is no list of events either.
  }
  if (list.kind !== 'EventList' || list.apiVersion !== 'audit.k8s.io/v1') {
    yield* log(process, `failed decoding buf: ${Buffer.from(body).toString()}, apiVersion: audit.k8s.io/v1`)
    return reply('', 500)
  }
  for (const item of list.items ?? []) {
    yield* process.print(`${JSON.stringify({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', ...item })}\n`)
  }
  return reply('')
}
