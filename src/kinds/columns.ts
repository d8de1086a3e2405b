// The columns and cell texts that several kinds share, as kubectl knows them
// (pkg/printers/internalversion/printers.go). Cells are computed from the frozen object and the cluster's time.

import type { Scale } from '../../generated/types.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import type { Frozen, KubeObject } from '../api/meta.ts'
import { humanDuration, parseTime } from '../api/time.ts'
import type { Millis } from '../env/clock.ts'
import type { Column } from './kind.ts'

export const nameColumn: Column<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Unique among the objects of its kind in its namespace.',
  value: object => object.metadata.name,
}

export const ageColumn: Column<KubeObject> = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  value: (object, now) => ageText(object.metadata.creationTimestamp, now),
}

/** Of kinds that upstream prints no better (apiserver pkg/registry/rest/table.go). */
export const createdColumn: Column<KubeObject> = {
  name: 'Created At',
  type: 'date',
  description: 'When the object was created.',
  value: object => object.metadata.creationTimestamp ?? '<unknown>',
}

/** Of autoscaling/v1 Scale, which is never stored: what `kubectl get --subresource=scale` shows (printScale). */
export const scaleColumns: readonly Column<Scale>[] = [
  nameColumn,
  { name: 'Desired', type: 'integer', description: 'Replicas wanted.', value: ({ spec }) => spec.replicas ?? 0 },
  { name: 'Available', type: 'integer', description: 'Replicas that exist.', value: ({ status }) => status.replicas },
  ageColumn,
]

interface ContainerLike {
  readonly name: string
  readonly image?: string
}

/** The wide columns of whatever carries a pod template. */
export function containerColumns<T extends KubeObject>(
  containers: (object: Frozen<T>) => readonly ContainerLike[] | undefined,
): Column<T>[] {
  return [
    {
      name: 'Containers',
      type: 'string',
      priority: 1,
      description: 'Names of the containers of the template.',
      value: object => (containers(object) ?? []).map(each => each.name).join(','),
    },
    {
      name: 'Images',
      type: 'string',
      priority: 1,
      description: 'Images of the containers of the template.',
      value: object => (containers(object) ?? []).map(each => each.image ?? '').join(','),
    },
  ]
}

/** `5m`, or `<unknown>` where there is no time. */
export function ageText(timestamp: string | null | undefined, now: Millis): string {
  return timestamp ? humanDuration(now - parseTime(timestamp)) : '<unknown>'
}

/** `a=1,b=2` by key, or `<none>`. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  if (!labels) return '<none>'
  const text = Object.keys(labels)
    .sort()
    .map(key => `${key}=${labels[key]}`)
    .join(',')
  return text || '<none>'
}

/** A metav1 label selector in its one-line form; what cannot be parsed or selects by nothing is `<none>`. */
export function selectorText(selector: Parameters<typeof selectorFromLabelSelector>[0] | undefined): string {
  return (selector && selectorFromLabelSelector(selector).toString()) || '<none>'
}

/** At most three of many: `a,b,c + 2 more...`. */
export function firstThree(texts: readonly string[], whenEmpty: string): string {
  if (texts.length === 0) return whenEmpty
  return texts.length > 3 ? `${texts.slice(0, 3).join(',')} + ${texts.length - 3} more...` : texts.join(',')
}

interface LoadBalancerPoint {
  readonly ip?: string
  readonly hostname?: string
}

/** The distinct addresses of a load balancer, sorted. The server's tables are never cut short: they are always wide. */
export function addressesText(points: readonly LoadBalancerPoint[] | undefined): string {
  const texts = new Set<string>()
  for (const { ip, hostname } of points ?? []) if (ip || hostname) texts.add(ip || hostname || '')
  return [...texts].sort().join(',')
}
