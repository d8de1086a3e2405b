// A test's cluster behind an HTTPS door: on loopback, so that a client in any language can be tested against it, and for
// programs in its own pods. Called by cluster.ts. Time is still the test's own; over sockets a run is faithful, and no longer repeatable.

import { createAuthenticator } from '../../apiserver/auth/authentication.ts'
import type { HttpServer } from '../../apiserver/http/app.ts'
import { type Certificates, loadOrCreateCertificates } from '../../apiserver/http/certificates.ts'
import { secureListener } from '../../apiserver/http/listener.ts'
import { type Access, kubeconfigText } from '../client/kubeconfig.ts'
import type { ClockControl } from '../clock-control.ts'
import type { Cluster } from '../cluster.ts'
import { RealClock } from '../env/clock.ts'
import type { Env } from '../env/env.ts'
import { type Outside, turnOf } from '../outside.ts'
import { answeringOf, outsideOf } from './answering.ts'
import { millis } from './duration.ts'

/** A cluster's door on loopback; closes with the cluster, or before. */
export interface Listening extends AsyncDisposable {
  readonly url: string
  readonly access: Access
  /** The text of a kubeconfig of the administrator's. */
  readonly kubeconfig: string
  /** Ends watches, answers what was asked, and hangs up. */
  close(): Promise<void>
}

/** Where the door is, and how time waits for who comes through it. */
export interface ListenOptions {
  /** Default: a free one. */
  readonly port?: number
  /**
   * How long, on the wall, whoever watches over the door is given to answer each change before time goes on: `'50ms'`. `'0s'` is
   * enough for a client in this process: time waits until it asks for nothing more. Default: 20 ms.
   */
  readonly patience?: string
}

/** Requests take real time, and TLS asks the wall. */
export interface WallDoor {
  readonly door: HttpServer
  /** Those who speak to it. */
  readonly outside: Outside
  readonly certificates: Certificates
  close(): Promise<void>
}

export async function wallDoor(
  cluster: Cluster,
  clockControl: ClockControl,
  certificates = newCertificates(cluster.env),
): Promise<WallDoor> {
  const wall = new RealClock()
  await cluster.server.bootstrapRoles()
  const authenticate = createAuthenticator({ serviceAccounts: cluster.server.tokens })
  const answering = answeringOf({ cluster, clockControl, certificates, authenticate, wall })
  const { answer, upgraded } = answering
  const { listen, take, close: hangUp } = secureListener({ env: cluster.env, certificates, answer, upgraded })
  const close = async (): Promise<void> => {
    await answering.end()
    await hangUp()
    wall.close()
  }
  const door = { listen, take, close }
  return { door, outside: outsideOf(answering, wall), certificates, close }
}

/** By the wall's time, kept nowhere. */
export function newCertificates(env: Env): Certificates {
  const wall = new RealClock()
  try {
    return loadOrCreateCertificates(undefined, { ...env, wall })
  } finally {
    wall.close()
  }
}

export async function listen(
  cluster: Cluster,
  clockControl: ClockControl,
  { port = 0, patience }: ListenOptions = {},
  known?: Certificates,
): Promise<Listening & { turn(): Promise<void> }> {
  const wait = patience === undefined ? undefined : millis(patience)
  const { door, outside, certificates, close } = await wallDoor(cluster, clockControl, known)
  const place = await door.listen(port, '127.0.0.1')
  const url = `https://127.0.0.1:${place.port}`
  const { ca, admin } = certificates
  const access: Access = { server: url, ca: ca.cert, cert: admin.cert, key: admin.key }
  const turn = (): Promise<void> => turnOf(outside, wait)
  return { url, access, kubeconfig: kubeconfigText('kubesim', access), turn, close, [Symbol.asyncDispose]: close }
}
