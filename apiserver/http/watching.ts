// A watch from the registry to whoever reads it, over a plain response or a WebSocket: begun, bounded in time, ended with
// the server. Called by verbs.ts and upgrade.ts.

import type { Cancel } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import type { ResourceRegistry } from '../registry/registry.ts'
import type { Form } from './negotiation.ts'
import { includeOf } from './presentation.ts'
import { type Query, type Target, watchOptions } from './request.ts'
import { type EventBytes, type Outlet, type ProtobufWriting, watchReader } from './watch-stream.ts'

export interface WatchCall {
  readonly env: Env
  readonly resource: ResourceRegistry
  readonly target: Target
  readonly query: Query
  readonly form: Form
  /** There when the form asks for it. */
  readonly protobuf: ProtobufWriting | undefined
  /** Aborted when the server ends. */
  readonly ending: AbortSignal
  readonly eventBytes: EventBytes
  readonly counted: { events: number }
}

/** Begins nothing before `start`, so that a refusal can still be told as one; `start` gives what ends the watch. */
export function openWatch(call: WatchCall, outlet: Outlet): { start(): Cancel } {
  const { env, resource, target, query, form, ending } = call
  const include = includeOf(query)
  const { timeoutSeconds, ...request } = watchOptions(query, target.namespace, target.name)
  // Without a wish, upstream ends a watch after half an hour to an hour (--min-request-timeout).
  const timeout = (timeoutSeconds ?? 1800 * (1 + env.random.fraction())) * 1000
  const held: Buffer[] = []
  let isOpen = false
  let isEnded = false
  const reader = watchReader(
    {
      write: bytes => void (isOpen ? outlet.write(bytes) : held.push(bytes)),
      end: () => {
        isEnded = true
        if (isOpen) outlet.end()
      },
      backlog: () => outlet.backlog(),
    },
    call.eventBytes,
    { kind: resource.kind, form, include, clock: env.clock, protobuf: call.protobuf, counted: call.counted },
  )
  const stop = resource.watch({ ...request, timeout }, reader)
  return {
    start: () => {
      isOpen = true
      if (held.length > 0) outlet.write(Buffer.concat(held))
      if (isEnded) outlet.end()
      const finish = () => {
        cancelTimer()
        ending.removeEventListener('abort', finish)
        stop()
        if (!isEnded) outlet.end()
        isEnded = true
      }
      const cancelTimer = env.wall.after(timeout, finish)
      ending.addEventListener('abort', finish, { once: true })
      return finish
    },
  }
}
