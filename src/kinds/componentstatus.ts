// ComponentStatuses: whether the scheduler, the controllers and the store work, asked anew each time and never stored. The
// answers are given in apiserver/registry/component-statuses.ts.

import type { ComponentStatus } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'

const healthOf = ({ conditions }: Frozen<ComponentStatus>) => conditions?.find(({ type }) => type === 'Healthy')

/** Kind `ComponentStatus` of `v1`: `componentstatuses`, without a namespace. */
export const ComponentStatuses = defineKind<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  singular: 'componentstatus',
  shortNames: ['cs'],
  namespaced: false,
  hasGeneration: false,
  deprecation: 'v1 ComponentStatus is deprecated in v1.19+',
  withoutVerbs: ['create', 'delete', 'deletecollection', 'patch', 'update', 'watch'],
  columns: [
    nameColumn,
    {
      name: 'Status',
      type: 'string',
      description: 'Whether it works.',
      value: object => {
        const health = healthOf(object)
        return health === undefined ? 'Unknown' : health.status === 'True' ? 'Healthy' : 'Unhealthy'
      },
    },
    {
      name: 'Message',
      type: 'string',
      description: 'What it says of itself.',
      value: object => healthOf(object)?.message ?? '',
    },
    {
      name: 'Error',
      type: 'string',
      description: 'Why it could not be asked.',
      value: object => healthOf(object)?.error ?? '',
    },
  ],
})
