// How it is written down that the token of a Secret is used, or was not for long: labels of the Secret, and the ConfigMap that
// says since when anybody looks. Shared by the API server, which notes it, and the controller that clears away.
// Upstream: pkg/serviceaccount/legacy.go, pkg/controlplane/controller/legacytokentracking/controller.go.

import { rfc3339 } from '../api/time.ts'
import type { Millis } from '../env/clock.ts'

export const lastUsedLabel = 'kubernetes.io/legacy-token-last-used'
export const invalidSinceLabel = 'kubernetes.io/legacy-token-invalid-since'

export const trackingConfigMap = {
  name: 'kube-apiserver-legacy-service-account-token-tracking',
  namespace: 'kube-system',
} as const
/** Whose value is a day. */
export const trackingKey = 'since'

/** `2024-02-29`, of UTC. */
export const dayOf = (at: Millis): string => rfc3339(at).slice(0, 10)

/** Its first moment; undefined for what is no day. */
export function startOfDay(day: string | undefined): Millis | undefined {
  if (day === undefined || !/^\d{4}-\d\d-\d\d$/.test(day)) return undefined
  const start = Date.parse(`${day}T00:00:00Z`)
  // The 30th of February is not taken for a day of March.
  return Number.isNaN(start) || dayOf(start) !== day ? undefined : start
}

export const isDay = (day: string | undefined): boolean => startOfDay(day) !== undefined
