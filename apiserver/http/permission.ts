// As whom a request goes on, and whether he may. Called by answering.ts.

import type { IncomingMessage } from 'node:http'
import { ApiError } from '../../src/api/errors.ts'
import type { Trail } from '../audit/trail.ts'
import { type Authorizer, isMaster, refused } from '../auth/authorization.ts'
import { impersonated, isImpersonating } from '../auth/impersonation.ts'
import type { User } from '../registry/registry.ts'
import { type RequestAttributes, selectedBy } from './request-attributes.ts'
import { isConnecting } from './streams/connecting.ts'

/** What system:public-info-viewer gives to everybody, and is so even before there are roles: while the server starts. */
export const openToAll: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/'])

export class Permission {
  readonly #authorizer: Authorizer

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer
  }

  /** As whom the request goes on. Throws ApiError Forbidden when he may not speak for the other. */
  meant(authenticated: User, request: IncomingMessage): User {
    if (!isImpersonating(request.headers)) return authenticated
    return impersonated(authenticated, request.rawHeaders, this.#authorizer)
  }

  /** Throws ApiError Forbidden. */
  require(user: User, url: string, attributes: RequestAttributes, trail?: Trail): void {
    const isOpen = !attributes.isResource && openToAll.has(attributes.path)
    if (trail === undefined && (isOpen || isMaster(user))) return
    const { allowed, reason } = this.#authorizer.decide(user, attributes, selectedBy(url))
    const may = allowed || isOpen
    trail?.annotate('authorization.k8s.io/decision', may ? 'allow' : 'forbid')
    trail?.annotate('authorization.k8s.io/reason', (allowed === may && reason) || '')
    if (!may) throw refused(user, attributes, reason)
    if (attributes.verb === 'get' && isConnecting(attributes.subresource)) this.#requireCreate(user, attributes)
  }

  /** To connect is to act, whatever the method (pkg/registry/core/pod/rest, ensureAuthorizedForVerb). */
  #requireCreate(user: User, attributes: RequestAttributes): void {
    const { allowed, reason = '' } = this.#authorizer.decide(user, { ...attributes, verb: 'create' })
    if (allowed) return
    const { name, resource } = attributes
    throw new ApiError('Forbidden', `${resource} ${JSON.stringify(name)} is forbidden: ${reason}`, {
      name,
      kind: resource,
    })
  }
}
