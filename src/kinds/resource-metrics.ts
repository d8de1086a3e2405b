// PodMetrics and NodeMetrics of metrics.k8s.io/v1beta1, as metrics-server serves them: asked anew each time and never stored.
// The answers are given in apiserver/registry/resource-metrics.ts.

import type { Frozen, KubeObject } from '../api/meta.ts'
import { addQuantities } from '../api/quantity.ts'
import { nameColumn } from './columns.ts'
import { type Column, defineKind } from './kind.ts'

export interface ContainerMetrics {
  name: string
  usage: { cpu: string; memory: string }
}

export interface PodMetrics extends KubeObject {
  timestamp: string
  window: string
  containers: ContainerMetrics[]
}

export interface NodeMetrics extends KubeObject {
  timestamp: string
  window: string
  usage: { cpu: string; memory: string }
}

const common = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  singular: '',
  hasGeneration: false,
  withoutVerbs: ['create', 'delete', 'deletecollection', 'patch', 'update', 'watch'],
} as const

const windowColumn: Column<any> = {
  name: 'Window',
  type: 'string',
  description: 'Over how long it was measured.',
  value: ({ window }) => window,
}

const usageColumn = (name: string, usage: (object: Frozen<any>) => string): Column<any> => ({
  name,
  type: 'string',
  description: `The ${name} that is used.`,
  value: usage,
})

const sumOf =
  (resource: 'cpu' | 'memory') =>
  ({ containers }: Frozen<PodMetrics>): string =>
    containers.map(({ usage }) => usage[resource]).reduce(addQuantities, '0')

export const PodMetricsKind = defineKind<PodMetrics>({
  ...common,
  kind: 'PodMetrics',
  plural: 'pods',
  namespaced: true,
  columns: [nameColumn, usageColumn('cpu', sumOf('cpu')), usageColumn('memory', sumOf('memory')), windowColumn],
})

export const NodeMetricsKind = defineKind<NodeMetrics>({
  ...common,
  kind: 'NodeMetrics',
  plural: 'nodes',
  namespaced: false,
  columns: [
    nameColumn,
    usageColumn('cpu', ({ usage }: Frozen<NodeMetrics>) => usage.cpu),
    usageColumn('memory', ({ usage }: Frozen<NodeMetrics>) => usage.memory),
    windowColumn,
  ],
})
