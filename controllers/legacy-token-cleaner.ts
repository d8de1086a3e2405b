// Tokens that were made for accounts in older times, and that nobody has used for a year, are refused from then on; after
// another year their Secrets go. Only Secrets that their account names were made so. One that may go has a turn when its time has come,
// not each day; only pods that mount it are looked for daily. Upstream: pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go.

import type { Secret, ServiceAccount } from '../generated/types.ts'
import { isConflict, isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import { parseTime } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { ConfigMaps } from '../src/kinds/configmap.ts'
import {
  dayOf,
  invalidSinceLabel,
  lastUsedLabel,
  startOfDay,
  trackingConfigMap,
  trackingKey,
} from '../src/kinds/legacy-tokens.ts'
import { Pods } from '../src/kinds/pod.ts'
import { secretNames } from '../src/kinds/pod-references.ts'
import { Secrets } from '../src/kinds/secret.ts'
import { ServiceAccounts } from '../src/kinds/serviceaccount.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

const aDay: Millis = 24 * 3600 * 1000

/** `cleanUpPeriod`: as --legacy-service-account-token-clean-up-period. */
export function legacyTokenCleaner(cleanUpPeriod: Millis = 365 * aDay): ControllerSpec<Secret> {
  return defineController<Secret>({
    name: 'legacy-serviceaccount-token-cleaner-controller',
    for: Secrets,
    reads: [Pods],
    wakes: [
      {
        kind: ServiceAccounts,
        keys: (now, before, { lister }) =>
          lister(Secrets)
            .by('namespace', (now ?? before)!.metadata.namespace ?? '')
            .filter(secret => isToken(secret) && accountOf(secret) === (now ?? before)!.metadata.name)
            .map(({ metadata }) => metadata),
      },
      {
        kind: ConfigMaps,
        keys(now, before, { lister }) {
          const { name, namespace } = (now ?? before)!.metadata
          if (name !== trackingConfigMap.name || namespace !== trackingConfigMap.namespace) return []
          return lister(Secrets)
            .list()
            .filter(isToken)
            .map(({ metadata }) => metadata)
        },
      },
    ],
    concerns: isToken,

    async reconcile(secret, { client, clock, lister, log }) {
      const {
        name,
        namespace = '',
        uid,
        labels,
        creationTimestamp,
        deletionTimestamp,
        resourceVersion,
      } = secret.metadata
      if (deletionTimestamp !== undefined) return
      const tracked = startOfDay(lister(ConfigMaps).get(trackingConfigMap)?.data?.[trackingKey])
      if (
        tracked === undefined ||
        !isGenerated(secret, lister(ServiceAccounts).get({ name: accountOf(secret), namespace }))
      ) {
        return
      }
      const now = clock.now()
      const lastUsed = labels?.[lastUsedLabel]
      const used = lastUsed === undefined ? 0 : startOfDay(lastUsed)
      if (used === undefined) {
        log.error({ secret: `${namespace}/${name}`, lastUsed }, 'Parsing lastUsed time')
        return
      }
      // A day counts whole.
      const idleSince = Math.max(tracked + aDay, parseTime(creationTimestamp!) + 1, used + aDay)
      if (now < idleSince + cleanUpPeriod) return { again: idleSince + cleanUpPeriod - now }
      const isMounted = lister(Pods)
        .by('namespace', namespace)
        .some(({ spec }) => secretNames(spec).includes(name!))
      if (isMounted) return { again: aDay }

      const invalidSince = labels?.[invalidSinceLabel]
      const invalid = startOfDay(invalidSince)
      const told = { secret: `${namespace}/${name}`, invalidSince: invalidSince ?? dayOf(now) }
      if (invalid === undefined) {
        log.info({ ...told, invalidSince: dayOf(now) }, 'Mark the auto-generated service account token as invalid')
        const body = { metadata: { uid, labels: { [invalidSinceLabel]: dayOf(now) } } }
        await unlessGone(client.of(Secrets).patch({ name: name!, namespace }, { type: 'merge', body }))
        return
      }
      if (now < invalid + aDay + cleanUpPeriod) return { again: invalid + aDay + cleanUpPeriod - now }
      log.info({ ...told, creationTime: creationTimestamp, lastUsed }, 'Delete auto-generated service account token')
      await unlessGone(
        client.of(Secrets).delete({ name: name!, namespace }, { preconditions: { uid, resourceVersion } }),
      )
    },
  })
}

const isToken = ({ type }: Frozen<Secret>): boolean => type === 'kubernetes.io/service-account-token'

const accountOf = ({ metadata }: Frozen<Secret>): string =>
  metadata.annotations?.['kubernetes.io/service-account.name'] ?? ''

/** Of what no account names nobody can tell who made it. */
function isGenerated({ metadata }: Frozen<Secret>, account: Frozen<ServiceAccount> | undefined): boolean {
  const uid = metadata.annotations?.['kubernetes.io/service-account.uid']
  if (account === undefined || (uid && uid !== account.metadata.uid)) return false
  return account.secrets?.some(({ name }) => name === metadata.name) ?? false
}

/** What has changed meanwhile is on its way here. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}
