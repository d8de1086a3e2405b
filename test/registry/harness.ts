// An API server in memory with virtual time, for tests of the registry and admission: the namespaces of a new cluster, and a
// service account in `default` so that pods can be created without controllers.

import { builtinAdmission } from '../../apiserver/admission/index.ts'
import { createAuthorizer } from '../../apiserver/auth/authorization.ts'
import type { Outgoing } from '../../apiserver/outgoing/outgoing.ts'
import {
  type RequestInfo,
  type ResourceRegistry,
  storageTerms,
  type WatchSignal,
} from '../../apiserver/registry/registry.ts'
import { type ApiServer, createApiServer } from '../../apiserver/server.ts'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Storage } from '../../apiserver/storage/storage.ts'
import { ApiError } from '../../src/api/errors.ts'
import type { Ref } from '../../src/api/meta.ts'
import type { Client } from '../../src/client/client.ts'
import { type VirtualEnv, virtualEnv } from '../../src/env/virtual-env.ts'
import { builtinKinds, ConfigMaps, ServiceAccounts } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { trackingConfigMap } from '../../src/kinds/legacy-tokens.ts'

export interface TestServer {
  readonly env: VirtualEnv
  readonly storage: Storage
  readonly server: ApiServer
  readonly client: Client
  readonly info: RequestInfo & { readonly warnings: string[] }
  of(kind: Kind<any>): ResourceRegistry
}

export async function testServer(kinds: readonly Kind<any>[] = builtinKinds, outgoing?: Outgoing): Promise<TestServer> {
  const env = virtualEnv()
  const storage = await RevisionStore.open(env, new MemoryJournal(), { terms: storageTerms(kinds) })
  const authorizer = createAuthorizer(storage)
  const admission = builtinAdmission(env, { authorizer })
  const server = createApiServer(env, storage, kinds, admission, {
    outgoing,
    authorizer,
    timeOf: revision => storage.timeOf(revision),
  })
  await server.bootstrap({ address: '192.168.49.2', port: 6443 })
  await server.client.of(ServiceAccounts).create({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  })
  const warnings: string[] = []
  const info = {
    user: { name: 'tester', groups: ['system:masters'] },
    warnings,
    warn: (text: string) => {
      warnings.push(text)
    },
  }
  return { env, storage, server, client: server.client, info, of: kind => server.registry.of(kind) }
}

/** For tests of collections that count ConfigMaps: without the one that the server itself keeps (auth/legacy-token-tracking.ts). */
export async function emptyOfMaps(server: TestServer): Promise<TestServer> {
  const { name, namespace } = trackingConfigMap
  await server.client.of(ConfigMaps).delete({ name, namespace })
  return server
}

/** The ApiError with which a promise rejects, or a call throws. */
export async function refusal(work: Promise<unknown> | (() => unknown)): Promise<ApiError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
  throw new Error('expected a refusal, and there was none')
}

/** What a watch was told, as `TYPE name@revision`, with how it ended. */
export class Told {
  readonly signals: WatchSignal[] = []
  readonly batches: number[] = []
  ended: Error | 'ended' | undefined
  lying = 0

  deliver(signals: readonly WatchSignal[]): void {
    this.signals.push(...signals)
    this.batches.push(signals.length)
  }

  backlog(): number {
    return this.lying
  }

  // A field, so that the reader can be handed over as it is.
  readonly reader = {
    deliver: (signals: readonly WatchSignal[]) => this.deliver(signals),
    ended: (error?: Error) => {
      this.ended = error ?? 'ended'
    },
    backlog: () => this.backlog(),
  }

  lines(): string[] {
    return this.signals.map(signal =>
      signal.type === 'BOOKMARK'
        ? `BOOKMARK@${signal.resourceVersion}${signal.initialEventsEnd ? ' end' : ''}`
        : `${signal.type} ${signal.reading.object.metadata.name}`,
    )
  }

  take(): string[] {
    const lines = this.lines()
    this.signals.length = 0
    return lines
  }
}

export const inDefault = (name: string): Ref => ({ name, namespace: 'default' })
