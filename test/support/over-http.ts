// The controllers' tests once more, with sockets between controllers and API server: `KUBESIM_TESTS_OVER=http`, which
// vitest.config.ts sets for a second run of test/controllers. Time stays virtual; it waits for every answer, and once all has
// been quiet for some macrotasks what one end of a watch's connection wrote the other has read.

import { createAuthenticator } from '../../apiserver/auth/authentication.ts'
import { createAuthorizer } from '../../apiserver/auth/authorization.ts'
import { createHttpServer } from '../../apiserver/http/app.ts'
import { type Certificates, loadOrCreateCertificates } from '../../apiserver/http/certificates.ts'
import type { ApiServer } from '../../apiserver/server.ts'
import type { Storage } from '../../apiserver/storage/storage.ts'
import type { Client, ResourceClient } from '../../src/client/client.ts'
import { createHttpClient } from '../../src/client/http-client.ts'
import type { Env } from '../../src/env/env.ts'
import { realEnv } from '../../src/env/real-env.ts'

export const isOverHttp = process.env.KUBESIM_TESTS_OVER === 'http'

/** For virtualEnv. */
export const quiet = isOverHttp ? 25 : 1

/** How many random worlds a property is tried on: over sockets, where each takes longer, a few of them. */
export const runs = (count: number): number => (isOverHttp ? Math.ceil(count / 8) : count)

export interface HttpDoor {
  readonly client: Client
  close(): Promise<void>
}

let made: Certificates | undefined

/** As the admin; each component says who it is in its User-Agent. */
export async function openHttpDoor(env: Env, server: ApiServer, storage: Storage): Promise<HttpDoor> {
  made ??= loadOrCreateCertificates(undefined, realEnv({ logLevel: 'silent' }))
  const { ca, admin } = made
  const door = createHttpServer({
    env,
    registry: server.registry,
    authenticate: createAuthenticator({ serviceAccounts: server.tokens }),
    authorizer: createAuthorizer(storage),
    tokens: server.tokens,
    certificates: made,
  })
  const { port } = await door.listen(0, '127.0.0.1')
  const access = { server: `https://127.0.0.1:${port}`, ca: ca.cert, cert: admin.cert, key: admin.key }
  const connection = createHttpClient(access)
  return {
    client: tracked(connection.client, env),
    async close() {
      connection.close()
      await door.close()
    },
  }
}

/** Whose requests count as work. */
function tracked(client: Client, env: Env): Client {
  return {
    as: component => tracked(client.as(component), env),
    of(kind) {
      const resource = client.of(kind) as unknown as Record<string, (...words: unknown[]) => Promise<unknown>>
      const counted = Object.keys(resource).map(name => [
        name,
        name === 'watch'
          ? resource[name]
          : (...words: unknown[]) => env.activity.track(() => resource[name]!(...words)),
      ])
      return Object.fromEntries(counted) as unknown as ResourceClient<any>
    },
  }
}
