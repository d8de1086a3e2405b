// MutatingWebhookConfigurations: which servers of the user's own are asked to change what is written, and when.

import type { MutatingWebhookConfiguration } from '../../generated/types.ts'
import { staticSuffixWarnings } from './admission-match-rules.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'
import { defaultWebhook, webhooksRules } from './webhook-rules.ts'

/** Kind `MutatingWebhookConfiguration` of `admissionregistration.k8s.io/v1`: `mutatingwebhookconfigurations`, without a namespace. */
export const MutatingWebhookConfigurations = defineKind<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  singular: 'mutatingwebhookconfiguration',
  categories: ['api-extensions'],
  namespaced: false,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    {
      name: 'Webhooks',
      type: 'integer',
      description: 'How many webhooks it registers.',
      value: ({ webhooks }) => webhooks?.length ?? 0,
    },
    ageColumn,
  ],
  defaults(draft) {
    for (const hook of draft.webhooks ?? []) {
      defaultWebhook(hook)
      hook.reinvocationPolicy ??= 'Never'
    }
  },
  validate(next) {
    const faults = new Faults()
    webhooksRules(next.webhooks, faults)
    return faults.list
  },
  warnings: next => staticSuffixWarnings(next.metadata.name),
})
