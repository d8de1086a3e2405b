// NetworkPolicies: who may talk to whom, judged at both ends.

import type { Network } from './network.ts'
import type { Destination, Hop, Origin, Protocol, Target } from './routes.ts'

export class Policies {
  readonly network: Network

  constructor(network: Network) {
    this.network = network
  }

  allows(_origin: Origin, _target: Target, _source: string, _protocol: Protocol, _hops: Hop[] | undefined): boolean {
    return true
  }

  allowsToDns(_origin: Origin, _to: Destination, _protocol: Protocol, _hops: Hop[] | undefined): boolean {
    return true
  }
}
