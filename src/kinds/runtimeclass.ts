// RuntimeClasses: by which runtime a node shall run a pod's containers, what that costs, and on which nodes it is there. The
// plugin RuntimeClass (apiserver/admission/runtime-class.ts) writes the latter two into pods.

import type { RuntimeClass } from '../../generated/types.ts'
import { dns1123LabelFaults, labelFaults } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, FieldPath } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { canonicalResources, resourceRules } from './resources.ts'
import { tolerationRules } from './scheduling-rules.ts'

/** Kind `RuntimeClass` of `node.k8s.io/v1`: `runtimeclasses`, without a namespace. */
export const RuntimeClasses = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  plural: 'runtimeclasses',
  singular: 'runtimeclass',
  namespaced: false,
  createOnUpdate: true,
  hasGeneration: false,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: 'Handler', type: 'string', description: 'What the nodes call it.', value: ({ handler }) => handler ?? '' },
    ageColumn,
  ],
  defaults(draft) {
    if (draft.overhead?.podFixed) canonicalResources(draft.overhead.podFixed)
  },
  validate({ handler, overhead, scheduling }, old) {
    const faults = new Faults()
    faults.invalids(dns1123LabelFaults(handler ?? ''), handler ?? '', path)
    if (overhead) {
      // The rules of a container's limits, and their path.
      const limits = overhead.podFixed ?? {}
      resourceRules({ limits }, { of: 'container', claims: none }, new FieldPath('overhead'), faults)
    }
    if (scheduling) {
      const at = new FieldPath('scheduling')
      if (scheduling.nodeSelector) faults.addAll(labelFaults(scheduling.nodeSelector, `${at.child('nodeSelector')}`))
      tolerationRules(scheduling.tolerations ?? [], at.child('tolerations'), faults)
    }
    if (old) unchanged(handler, old.handler, path, faults)
    return faults.list
  },
})

const path = new FieldPath('handler')
const none: ReadonlySet<string> = new Set()
