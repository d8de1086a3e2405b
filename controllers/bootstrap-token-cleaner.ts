// Bootstrap tokens go when they have expired. Upstream: pkg/controller/bootstrap/tokencleaner.go.

import type { Secret } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { Secrets } from '../src/kinds/secret.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

export function bootstrapTokenCleaner(): ControllerSpec<Secret> {
  return defineController<Secret>({
    name: 'token-cleaner-controller',
    for: Secrets,
    concerns: ({ metadata, type }) => type === 'bootstrap.kubernetes.io/token' && metadata.namespace === 'kube-system',
    async reconcile(secret, { client, clock }) {
      const due = expiryOf(secret)
      const now = clock.now()
      if (due === undefined) return
      if (due > now) return { again: due - now }
      const { uid } = secret.metadata
      try {
        await client.of(Secrets).delete(secret.metadata, { preconditions: { uid } })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  })
}

/** A time that cannot be read is past. */
function expiryOf({ data }: Frozen<Secret>): Millis | undefined {
  const text = data?.expiration
  if (!text) return undefined
  const expiry = Date.parse(atob(text))
  return Number.isNaN(expiry) ? 0 : expiry
}
