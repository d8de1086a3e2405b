// What kubectl shows of claims and volumes alike (pkg/apis/core/helper/helpers.go, pkg/apis/core/v1/helper), and the older way
// to name a class.

import type { Frozen, ObjectMeta } from '../api/meta.ts'

export const oldClassAnnotation = 'volume.beta.kubernetes.io/storage-class'

interface Stored {
  readonly metadata: Frozen<ObjectMeta>
  readonly spec: { readonly storageClassName?: string }
  readonly status: { readonly phase?: string }
}

const shortModes = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
] as const

/** `RWO,ROX`, each once and always in this order. */
export function accessModesText(modes: readonly string[] | undefined): string {
  return shortModes
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',')
}

export function storageClassText({ metadata, spec }: Stored): string {
  return metadata.annotations?.[oldClassAnnotation] ?? spec.storageClassName ?? ''
}

export function phaseText({ metadata, status }: Stored): string {
  return metadata.deletionTimestamp === undefined ? (status.phase ?? '') : 'Terminating'
}

export function oldClassWarnings({ metadata }: Stored): string[] {
  if (metadata.annotations?.[oldClassAnnotation] === undefined) return []
  return [
    `metadata.annotations[${oldClassAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`,
  ]
}
