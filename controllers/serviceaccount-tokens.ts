// Secrets of type service-account-token get what they are for: a token of their account, and what is needed to use it. Those
// whose account is gone go too. Upstream: pkg/controller/serviceaccount/tokens_controller.go.

import type { Secret, ServiceAccount } from '../generated/types.ts'
import { isConflict, isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import { Secrets } from '../src/kinds/secret.ts'
import { ServiceAccounts } from '../src/kinds/serviceaccount.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

/** Signs the token of a Secret. */
export type LegacyTokenIssuer = (account: Frozen<ServiceAccount>, secret: Frozen<Secret>) => Promise<string>

const accountName = 'kubernetes.io/service-account.name'
const accountUid = 'kubernetes.io/service-account.uid'

/** `certificateAuthority`: the cluster's CA as PEM, which goes with the token. */
export function serviceAccountTokensController(
  issue: LegacyTokenIssuer,
  certificateAuthority: string,
): ControllerSpec<Secret> {
  return defineController<Secret>({
    name: 'serviceaccount-token-controller',
    for: Secrets,
    wakes: [
      {
        kind: ServiceAccounts,
        keys(now, before, { lister }) {
          const { name, namespace } = (now ?? before)!.metadata
          return lister(Secrets)
            .by('namespace', namespace ?? '')
            .filter(secret => isTokenOf(secret, name))
            .map(({ metadata }) => metadata)
        },
      },
    ],
    concerns: ({ type }) => type === 'kubernetes.io/service-account-token',
    /** Its account names it no longer. */
    async gone({ name, namespace = '' }, { client, lister }) {
      for (const account of lister(ServiceAccounts).by('namespace', namespace)) {
        if (!account.secrets?.some(each => each.name === name)) continue
        const secrets = account.secrets.filter(each => each.name !== name)
        try {
          await client.of(ServiceAccounts).update({ ...account, secrets })
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
      }
    },
    async reconcile(secret, { client, lister }) {
      const { metadata, data } = secret
      if (metadata.deletionTimestamp !== undefined) return
      const name = metadata.annotations?.[accountName] ?? ''
      const uid = metadata.annotations?.[accountUid]
      const account = await liveAccount()
      try {
        if (account === undefined || (uid && uid !== account.metadata.uid)) {
          await client.of(Secrets).delete(metadata, { preconditions: { uid: metadata.uid } })
          return
        }
        const wanted = {
          'ca.crt': base64(certificateAuthority),
          namespace: base64(metadata.namespace ?? ''),
          token: data?.token || base64(await issue(account, secret)),
        }
        const isWhole = Object.entries(wanted).every(([key, value]) => data?.[key] === value)
        if (isWhole && uid === account.metadata.uid) return
        const annotations = { ...metadata.annotations, [accountUid]: account.metadata.uid ?? '' }
        await client.of(Secrets).update({
          ...secret,
          metadata: { ...metadata, annotations },
          data: { ...data, ...wanted },
        } as unknown as Secret)
      } catch (error) {
        // What has changed meanwhile is on its way here.
        if (!isNotFound(error) && !isConflict(error)) throw error
      }

      /** An account that the cache does not know may be there all the same: nothing is deleted on a rumour. */
      async function liveAccount(): Promise<Frozen<ServiceAccount> | undefined> {
        const ref = { name, namespace: metadata.namespace ?? '' }
        const known = lister(ServiceAccounts).get(ref)
        if (known !== undefined && (!uid || known.metadata.uid === uid)) return known
        try {
          return await client.of(ServiceAccounts).get(ref)
        } catch (error) {
          if (isNotFound(error)) return undefined
          throw error
        }
      }
    },
  })
}

function isTokenOf({ type, metadata }: Frozen<Secret>, name: string | undefined): boolean {
  return type === 'kubernetes.io/service-account-token' && metadata.annotations?.[accountName] === name
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
