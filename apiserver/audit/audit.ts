// The audit log of a server: who asked for what, and what became of it. Made by src/serve.ts where there is a policy; http/ opens
// a trail for every request that the policy wants to know of. Without one nothing here is even called.
// Upstream: k8s.io/apiserver/pkg/endpoints/filters/{audit,authn_audit}.go, pkg/audit/metrics.go.

import type { Millis } from '../../src/env/clock.ts'
import type { Asked } from '../auth/authorization.ts'
import type { User } from '../registry/registry.ts'
import type { AuditPolicy, Level } from './policy.ts'
import { type AuditSink, type RequestHead, Trail } from './trail.ts'

export interface AuditOptions {
  readonly policy: AuditPolicy
  readonly sink: AuditSink
  readonly now: () => Millis
}

export class Audit {
  readonly #options: AuditOptions
  /** Requests, by how much the policy wants to know of them. */
  readonly perLevel = new Map<Level, number>()
  events = 0

  constructor(options: AuditOptions) {
    this.#options = options
  }

  /** A request that has come in from somebody known; undefined when nothing is to be written of it. */
  begin(head: RequestHead, user: User, asked: Asked): Trail | undefined {
    const trail = this.#trail(head, user, asked)
    trail?.received()
    return trail
  }

  /** One whose credentials do not hold: of that only the answer is told. */
  unauthenticated(head: RequestHead, asked: Asked): Trail | undefined {
    return this.#trail(head, undefined, asked)
  }

  /** Events that could not be written. */
  get lost(): number {
    return this.#options.sink.lost
  }

  close(): void {
    this.#options.sink.close()
  }

  #trail(head: RequestHead, user: User | undefined, asked: Asked): Trail | undefined {
    const { policy, sink, now } = this.#options
    const scope = policy.scopeOf(user, asked)
    this.perLevel.set(scope.level, (this.perLevel.get(scope.level) ?? 0) + 1)
    if (scope.level === 'None') return undefined
    const write = (line: string): void => {
      this.events++
      sink.write(line)
    }
    return new Trail({ scope, head, user, asked, now, write })
  }
}
