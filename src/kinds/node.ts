// Nodes: where pods run. Created and kept by kubelets; the spec is theirs and the scheduler's, the status the kubelet's.

import type { Node } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'
import { nodeRules } from './node-rules.ts'
import { canonicalResources } from './resources.ts'

const rolePrefix = 'node-role.kubernetes.io/'

/** Kind `Node` of `v1`: `nodes`, without a namespace. */
export const Nodes = defineKind<Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  subresources: ['status', 'proxy'],
  hasGeneration: false,
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'Readiness, and whether it is cordoned.', value: statusText },
    { name: 'Roles', type: 'string', description: 'Roles, by its labels.', value: rolesText },
    ageColumn,
    {
      name: 'Version',
      type: 'string',
      description: 'Version of its kubelet.',
      value: node => node.status.nodeInfo?.kubeletVersion ?? '',
    },
    {
      name: 'Internal-IP',
      type: 'string',
      priority: 1,
      description: 'Address within the cluster.',
      value: node => addressText(node, 'InternalIP'),
    },
    {
      name: 'External-IP',
      type: 'string',
      priority: 1,
      description: 'Address from outside the cluster.',
      value: node => addressText(node, 'ExternalIP'),
    },
    {
      name: 'OS-Image',
      type: 'string',
      priority: 1,
      description: 'Operating system, as it calls itself.',
      value: node => node.status.nodeInfo?.osImage || '<unknown>',
    },
    {
      name: 'Kernel-Version',
      type: 'string',
      priority: 1,
      description: 'Version of its kernel.',
      value: node => node.status.nodeInfo?.kernelVersion || '<unknown>',
    },
    {
      name: 'Container-Runtime',
      type: 'string',
      priority: 1,
      description: 'Container runtime and its version.',
      value: node => node.status.nodeInfo?.containerRuntimeVersion || '<unknown>',
    },
  ],
  fields: { 'spec.unschedulable': node => String(node.spec.unschedulable ?? false) },
  defaults(draft) {
    draft.spec ??= {}
    draft.status ??= {}
    if (draft.status.capacity) canonicalResources(draft.status.capacity)
    if (draft.status.allocatable) canonicalResources(draft.status.allocatable)
    if (draft.status.capacity && !draft.status.allocatable) draft.status.allocatable = { ...draft.status.capacity }
  },
  validate(next, old) {
    const faults = new Faults()
    nodeRules(next, old, faults)
    return faults.list
  },
})

function statusText(node: Frozen<Node>): string {
  const ready = node.status.conditions?.findLast(condition => condition.type === 'Ready')
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return node.spec.unschedulable ? `${text},SchedulingDisabled` : text
}

function rolesText(node: Frozen<Node>): string {
  const roles = new Set<string>()
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) roles.add(key.slice(rolePrefix.length))
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value)
  }
  return [...roles].sort().join(',') || '<none>'
}

function addressText(node: Frozen<Node>, type: string): string {
  return node.status.addresses?.find(address => address.type === type)?.address ?? '<none>'
}
