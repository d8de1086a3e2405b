// Service accounts: every namespace that lives has one called `default`. Upstream:
// pkg/controller/serviceaccount/serviceaccounts_controller.go.

import type { Namespace, ServiceAccount } from '../generated/types.ts'
import { isAlreadyExists } from '../src/api/errors.ts'
import type { NewObject } from '../src/api/meta.ts'
import { Namespaces } from '../src/kinds/namespace.ts'
import { ServiceAccounts } from '../src/kinds/serviceaccount.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { isNamespaceEnding } from './shared/replicas.ts'

const name = 'default'

export function serviceAccountController(): ControllerSpec<Namespace> {
  return defineController<Namespace>({
    name: 'serviceaccount-controller',
    for: Namespaces,
    wakes: [
      {
        kind: ServiceAccounts,
        keys: (now, before) => (now === undefined ? [{ name: before!.metadata.namespace! }] : []),
      },
    ],
    concerns: ({ status }) => status.phase === 'Active',
    async reconcile({ metadata }, { client, lister }) {
      const ref = { name, namespace: metadata.name }
      if (lister(ServiceAccounts).get(ref) !== undefined) return
      const account: NewObject<ServiceAccount> = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: ref }
      try {
        await client.of(ServiceAccounts).create(account)
      } catch (error) {
        if (!isAlreadyExists(error) && !isNamespaceEnding(error)) throw error
      }
    },
  })
}
