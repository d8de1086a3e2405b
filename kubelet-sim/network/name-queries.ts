// A question to a name server: by UDP to its port 53, along the simulated network, where policies and dead nodes count as
// for any other packet. The servers are asked in turn, twice, five seconds each, as libc does.

import type { Millis } from '../../src/env/clock.ts'
import type { DnsAnswer } from '../machine/sockets.ts'
import type { Step } from '../machine/wait.ts'
import { clusterAnswer, nodeAnswer } from './names.ts'
import type { Network } from './network.ts'
import { nodeDnsAddress } from './resolver.ts'
import { deliver, type Hop, type Origin, translate } from './routes.ts'
import type { Trace } from './traces.ts'
import { pass } from './waiting.ts'

const patience: Millis = 5000
const rounds = 2

/** undefined: nobody answered. */
export function* askNameServer(
  network: Network,
  origin: Origin,
  servers: readonly string[],
  name: string,
  type: string,
): Step<DnsAnswer | undefined> {
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) {
      const answer = yield* askOne(network, origin, server, name, type)
      if (answer === 'refused') continue
      if (answer !== undefined) return answer
      yield* pass(network.env.clock, patience)
    }
  }
  return undefined
}

function* askOne(
  network: Network,
  origin: Origin,
  server: string,
  name: string,
  type: string,
): Step<DnsAnswer | 'refused' | undefined> {
  if (server === nodeDnsAddress) return { server, ...nodeAnswer(network, name, type) }
  const { traces, links, env } = network
  const hops: Hop[] = []
  const note = (end: string): Trace => {
    const question = { name, type }
    const trace: Trace = {
      at: env.clock.now(),
      from: origin.name,
      to: `${server}:53`,
      protocol: 'UDP',
      hops,
      end,
      question,
    }
    traces.add(trace)
    return trace
  }
  const to = translate(network, origin, { host: server, port: 53 }, 'UDP', hops)
  if (typeof to === 'string') {
    note(to)
    return to === 'refused' ? 'refused' : undefined
  }
  const { kind } = deliver(network, origin, to, 'UDP', hops)
  const trace = note(kind === 'dns' ? `the name server: ${name} ${type}` : kind)
  if (kind === 'dns') {
    const way = links.between(origin, undefined)
    const delay = way.arrives() && way.arrives() ? way.delay() : undefined
    if (delay === undefined) return undefined
    yield* pass(env.clock, 2 * delay)
    trace.answer = clusterAnswer(network, name, type)
    return { server, ...trace.answer }
  }
  return kind === 'outside' || kind === 'there' ? 'refused' : undefined
}
