// What answers requests to a cluster whose time is in a test's hand, whatever listener they come by. Used by listening.ts, for
// one cluster with a listener of its own, and by src/test-server, for many behind one.

import type { Authenticate } from '../../apiserver/auth/authentication.ts'
import { type Answering, createAnswering } from '../../apiserver/http/answering.ts'
import type { Certificates } from '../../apiserver/http/certificates.ts'
import type { ClockControl } from '../clock-control.ts'
import type { Cluster } from '../cluster.ts'
import type { Clock } from '../env/clock.ts'
import type { Outside } from '../outside.ts'
import { ownPaths } from '../own-paths.ts'

export interface AnsweringParts {
  readonly cluster: Cluster
  readonly clockControl: ClockControl
  readonly certificates: Certificates
  readonly authenticate: Authenticate
  /** Requests take real time, and TLS asks the wall. */
  readonly wall: Clock
}

export function answeringOf({ cluster, clockControl, certificates, authenticate, wall }: AnsweringParts): Answering {
  const { server } = cluster
  const answering = createAnswering({
    env: { ...cluster.env, wall },
    registry: server.registry,
    flows: server.flows,
    aggregation: server.aggregation,
    nodes: cluster.nodes.nodeClient,
    authenticate,
    authorizer: server.authorizer,
    tokens: server.tokens,
    certificates,
    faults: cluster.faults,
    past: revision => server.past.at(revision),
    own: request => ownPaths({ cluster, clockControl, outside }, request),
    metrics: () => cluster.metrics(),
  })
  const outside = outsideOf(answering, wall)
  return answering
}

export function outsideOf(answering: Answering, wall: Clock): Outside {
  return {
    wall,
    get watching() {
      return answering.watching
    },
    get asked() {
      return answering.asked
    },
  }
}
