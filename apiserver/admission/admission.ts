// Admission: what happens to an object between its defaults and the store, in upstream's order. A plugin may complete a
// draft (admit) and then refuse it (check); it reads the present of the writer's own turn and writes nothing. One plugin a
// file; index.ts has the list.

import { ApiError, forbidden } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Kind, Subresource } from '../../src/kinds/kind.ts'
import type { User } from '../registry/registry.ts'
import type { Present } from '../storage/storage.ts'

export interface AdmissionRequest {
  readonly kind: Kind<any>
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly namespace: string | undefined
  /** Of an object that is to get a generated name: what the name will begin with. */
  readonly name: string
  readonly subresource: Subresource | undefined
  readonly user: User
  readonly dryRun: boolean
  readonly old: Frozen<KubeObject> | undefined
  /** The state of the writer's own turn: what it sees cannot change before the write is done. */
  readonly present: Present
}

export interface Admission {
  readonly name: string
  /** Completes the draft. Throws ApiError to refuse. */
  admit?(draft: KubeObject, request: AdmissionRequest): void
  /** Refuses by throwing ApiError. For DELETE, `next` is the object to be deleted. */
  check?(next: Frozen<KubeObject>, request: AdmissionRequest): void
}

/** Refused only because something is not there yet that is about to come: a request that may wait can try again then. */
export class NotYet extends ApiError {
  /** The key of what is missing. */
  readonly key: string

  constructor(request: AdmissionRequest, why: string, key: string) {
    const { message, details } = forbidden(request.kind, request.name, why)
    super('Forbidden', message, details)
    this.key = key
  }
}
