// One cluster of the test server: in memory, its time in its users' hands, and what answers requests to it. Made by
// clusters.ts, also before anybody has asked for it.

import { type Authenticate, type Credentials, createAuthenticator } from '../../apiserver/auth/authentication.ts'
import type { Answering } from '../../apiserver/http/answering.ts'
import { type Certificates, certificateSigner } from '../../apiserver/http/certificates.ts'
import { type SecureListener, secureListener } from '../../apiserver/http/listener.ts'
import type { User } from '../../apiserver/registry/registry.ts'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import { readSchedulerConfiguration, type SchedulerConfiguration } from '../../scheduler/configuration.ts'
import { plugins } from '../../scheduler/plugins/index.ts'
import { profilesOf } from '../../scheduler/profile.ts'
import { ApiError } from '../api/errors.ts'
import { ClockControl } from '../clock-control.ts'
import { createCluster } from '../cluster.ts'
import type { Clock } from '../env/clock.ts'
import { SeededRandom, systemSeed } from '../env/random.ts'
import { realEnv } from '../env/real-env.ts'
import { virtualEnv } from '../env/virtual-env.ts'
import { fillJournal, readSnapshot, snapshotLines } from '../snapshot-file.ts'
import { answeringOf } from '../testing/answering.ts'
import type { Wish } from './wish.ts'

export interface Running {
  /** Of its administrator. */
  readonly token: string
  readonly answering: Answering
  /** The cluster with its history, as one text. */
  snapshot(): string
  close(): Promise<void>
}

export interface Surroundings {
  readonly wall: Clock
  /** One authority for all clusters of a server. */
  readonly certificates: Certificates
  /** Where the API server is reached. */
  readonly endpoint: { readonly address: string; readonly port: number }
  readonly platform: string
}

const admin: User = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }

/** `snapshot`: what it is to go on from. Throws ApiError BadRequest for a scheduler's configuration that cannot be. */
export async function startRunning(wish: Wish, around: Surroundings, snapshot?: string): Promise<Running> {
  const scheduler = wish.scheduler && schedulerOf(wish.scheduler)
  const { seed, nodes, without, delays } = wish
  const { wall, certificates, endpoint, platform } = around
  const isVirtual = wish.clock === 'virtual'
  const moved = isVirtual ? virtualEnv({ seed }) : undefined
  const real = isVirtual ? undefined : realEnv({ seed, logLevel: 'error' })
  const env = moved ?? real!
  const journal = new MemoryJournal()
  const from = snapshot === undefined ? undefined : readSnapshot(snapshot)
  if (from !== undefined) await fillJournal(journal, from)
  const cluster = await createCluster({
    env,
    journal,
    nodes,
    without,
    delays,
    scheduler,
    endpoint,
    platform,
    certificateAuthority: certificates.ca.cert,
    certificateSigner: certificateSigner(certificates.ca, { ...env, wall }),
    withRoles: true,
  })
  const reached = Math.max(cluster.storage.lastAt ?? 0, from?.heading.at ?? 0)
  if (moved && reached > moved.clock.now()) await moved.clock.advance(reached - moved.clock.now())
  real?.clock.notBefore(reached)
  const clockControl = new ClockControl(env, cluster.storage, without)
  await cluster.start()
  await moved?.activity.idle()
  const token = new SeededRandom(systemSeed()).uid()
  const authenticate = authenticatorOf(
    createAuthenticator({ tokens: new Map([[token, admin]]), serviceAccounts: cluster.server.tokens }),
  )
  const answering = answeringOf({ cluster, clockControl, certificates, authenticate, wall })
  const { answer, upgraded } = answering
  // For programs in its pods, to whom its API is where a cluster's API is.
  let inside: SecureListener | undefined
  cluster.nodes.network.apiServer = (stream, from) => {
    inside ??= secureListener({ env: cluster.env, certificates, answer, upgraded })
    inside.take(stream, from)
  }
  return {
    token,
    answering,
    snapshot: () => [...snapshotLines(cluster.storage, cluster.storage.revision, env.clock.now())].join(''),
    async close() {
      await answering.end()
      await inside?.close()
      await cluster.close()
      real?.clock.close()
      real?.wall.close()
    },
  }
}

/** Who comes over plain HTTP is on this machine and speaks to a test's cluster: as with `kubectl proxy`, he is the administrator, unless he brings a token. */
function authenticatorOf(authenticate: Authenticate): Authenticate {
  return credentials => {
    if ('getPeerCertificate' in credentials.socket) return authenticate(credentials)
    if (credentials.headers.authorization === undefined) return admin
    const socket = { authorized: false, getPeerCertificate: () => ({}) } as unknown as Credentials['socket']
    return authenticate({ ...credentials, socket })
  }
}

function schedulerOf(value: object): SchedulerConfiguration {
  try {
    const configuration = readSchedulerConfiguration(value)
    profilesOf(configuration, plugins)
    return configuration
  } catch (error) {
    throw new ApiError('BadRequest', `"scheduler": ${(error as Error).message}`)
  }
}
