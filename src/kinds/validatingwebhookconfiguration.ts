// ValidatingWebhookConfigurations: which servers of the user's own are asked whether something may be written, and when.

import type { ValidatingWebhookConfiguration } from '../../generated/types.ts'
import { staticSuffixWarnings } from './admission-match-rules.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'
import { defaultWebhook, webhooksRules } from './webhook-rules.ts'

/** Kind `ValidatingWebhookConfiguration` of `admissionregistration.k8s.io/v1`: `validatingwebhookconfigurations`, without a namespace. */
export const ValidatingWebhookConfigurations = defineKind<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  singular: 'validatingwebhookconfiguration',
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
    }
  },
  validate(next) {
    const faults = new Faults()
    webhooksRules(next.webhooks, faults)
    return faults.list
  },
  warnings: next => staticSuffixWarnings(next.metadata.name),
})
