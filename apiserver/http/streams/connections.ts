// Connections to what runs in a pod: exec, attach and port-forward, over whichever protocol the client speaks. Loaded and
// called by upgrade.ts for a client who may. Upstream: pkg/registry/core/pod/rest/subresources.go.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Pod } from '../../../generated/types.ts'
import type { ApiError } from '../../../src/api/errors.ts'
import type { Frozen } from '../../../src/api/meta.ts'
import type { NodeClient } from '../../../src/client/node-client.ts'
import type { Clock } from '../../../src/env/clock.ts'
import type { Query } from '../request.ts'
import { commandOverChannels } from './command-channels.ts'
import { type Connecting, commandRequest, requireHost } from './connecting.ts'
import { isWebSocket } from './handshake.ts'

export interface Asked {
  readonly subresource: Connecting
  readonly pod: Frozen<Pod>
  readonly query: Query
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly clock: Clock
  readonly nodes: NodeClient
  /** Aborted when the server ends. */
  readonly ending: AbortSignal
  /** Something threw that should not: it is written down, and the connection is given up. */
  readonly failed: (error: unknown) => void
}

/** Resolves when the connection is open, or with the refusal that was told; rejects with an ApiError that is to be told. */
export async function connect(asked: Asked): Promise<ApiError | undefined> {
  const { subresource, pod, request, query } = asked
  if (subresource === 'portforward') {
    requireHost(pod)
    const { forwardPorts } = await import('./port-forward.ts')
    return forwardPorts(asked)
  }
  const wanted = commandRequest(pod, query)
  if (isWebSocket(request)) return commandOverChannels(asked, wanted)
  const { commandOverSpdy } = await import('./command-spdy.ts')
  return commandOverSpdy(asked, wanted)
}
