// Admission: what happens to an object between its defaults and the store, in upstream's order. A plugin may complete a
// draft (admit) and then refuse it (check); it reads the present of the writer's own turn and writes nothing. One plugin a
// file; index.ts has the list.

import { ApiError, forbidden } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { WriteOptions } from '../../src/client/client.ts'
import type { Kind, Subresource } from '../../src/kinds/kind.ts'
import type { Annotate, User } from '../registry/registry.ts'
import type { AlsoPut, Present } from '../storage/storage.ts'

export interface AdmissionRequest {
  readonly kind: Kind<any>
  /** CONNECT: to a pod's programs or ports; the object are its options, and there is no other. */
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly namespace: string | undefined
  /** Of an object that is to get a generated name: what the name will begin with. */
  readonly name: string
  readonly subresource: Subresource | undefined
  readonly user: User
  readonly dryRun: boolean
  /** What the request was sent with, as far as it is the same for every verb. */
  readonly options: WriteOptions
  readonly old: Frozen<KubeObject> | undefined
  /** The state of the writer's own turn: what it sees cannot change before the write is done. */
  readonly present: Present
  /** Goes to the user as a `Warning:` header. */
  warn(text: string): void
  /** Goes into the audit log; absent when nothing is written of this request. */
  readonly annotate?: Annotate | undefined
}

export interface Admission {
  readonly name: string
  /** Whether it ever has anything to say about objects of this kind; of others it is not asked at all. Default: always. */
  concerns?(kind: Kind<any>): boolean
  /** What it needs before it is asked about those it concerns; writes wait for it. */
  load?(): Promise<void>
  /** Completes the draft. Throws ApiError to refuse. */
  admit?(draft: KubeObject, request: AdmissionRequest): void
  /** Whether it is asked about connections as well. */
  readonly connects?: boolean
  /** Refuses by throwing ApiError. For DELETE, `next` is the object to be deleted. */
  check?(next: Frozen<KubeObject>, request: AdmissionRequest): void
  /**
   * Asked last, when nobody else can refuse any more: refuses by throwing ApiError, or says what is to be written in the same
   * turn as the object (quota that it uses).
   */
  charge?(next: Frozen<KubeObject>, request: AdmissionRequest): readonly AlsoPut[] | undefined
}

/** Who is asked over the network, between turns and never in one: what was seen before must be looked at again after it. */
export interface RemoteAdmission {
  /** For one request; undefined when nobody is configured, which is all that it costs then. */
  begin(): RemoteRound | undefined
}

/** What has been asked for one request. Each answer is there once: asked again, there is nothing more to do. */
export interface RemoteRound {
  /** The object that the request is about has changed since: everything is asked anew. */
  restart(): void
  /**
   * What is to be asked about a draft that the built-in plugins have completed, or undefined. The promise is of the draft as
   * it is to be, undefined when nobody changed it; it rejects with ApiError to refuse. The draft itself is left alone.
   */
  mutate(draft: Frozen<KubeObject>, request: AdmissionRequest): (() => Promise<KubeObject | undefined>) | undefined
  /** The same of what is about to be written, or of what is to be deleted. */
  validate(next: Frozen<KubeObject> | undefined, request: AdmissionRequest): (() => Promise<void>) | undefined
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
