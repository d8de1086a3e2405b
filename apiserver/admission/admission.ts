// Admission: what happens to an object between its defaults and the store, in upstream's order. A plugin may complete a
// draft (admit) and then refuse it (check); it reads the present of the writer's own turn and writes nothing.

import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Kind, Subresource } from '../../src/kinds/kind.ts'
import type { User } from '../registry/registry.ts'
import type { Present } from '../storage/storage.ts'

export interface AdmissionRequest {
  readonly kind: Kind<any>
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE'
  readonly namespace: string | undefined
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
